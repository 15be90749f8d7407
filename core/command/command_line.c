/* getopt_long does the splitting; the table of options is one for all commands, and each command
 * says which of them it takes (command_line_allow). So an option means the same everywhere, and a
 * command that does not know it refuses it by name. */
#include "command/command_line.h"

#include <getopt.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { OPTION_HELP = 'h', OPTION_VERSION = 'V', OPTION_PLUGIN_PATH = 255, OPTION_VALUE = 256 };

/* Values from OPTION_VALUE on are indices into value; those below are options of the program
 * itself. */
static const struct option known[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"plugin-path", required_argument, NULL, OPTION_PLUGIN_PATH},
    {"weights", required_argument, NULL, OPTION_VALUE + ARGUMENT_WEIGHTS},
    {"batch", required_argument, NULL, OPTION_VALUE + ARGUMENT_BATCH},
    {"dtype", required_argument, NULL, OPTION_VALUE + ARGUMENT_DTYPE},
    {"out", required_argument, NULL, OPTION_VALUE + ARGUMENT_OUT},
    {"steps", required_argument, NULL, OPTION_VALUE + ARGUMENT_STEPS},
    {"in", required_argument, NULL, OPTION_VALUE + ARGUMENT_IN},
    {"split", required_argument, NULL, OPTION_VALUE + ARGUMENT_SPLIT},
    {"what", required_argument, NULL, OPTION_VALUE + ARGUMENT_WHAT},
    {"compare", required_argument, NULL, OPTION_VALUE + ARGUMENT_COMPARE},
    {"operator", required_argument, NULL, OPTION_VALUE + ARGUMENT_OPERATOR},
    {"seconds", required_argument, NULL, OPTION_VALUE + ARGUMENT_SECONDS},
    {"samples", required_argument, NULL, OPTION_VALUE + ARGUMENT_SAMPLES},
    {"resume", no_argument, NULL, OPTION_VALUE + ARGUMENT_RESUME},
    {"from-start", no_argument, NULL, OPTION_VALUE + ARGUMENT_FROM_START},
    {"accept-changes", no_argument, NULL, OPTION_VALUE + ARGUMENT_ACCEPT_CHANGES},
    {"transformed", no_argument, NULL, OPTION_VALUE + ARGUMENT_TRANSFORMED},
    {"json", no_argument, NULL, OPTION_VALUE + ARGUMENT_JSON},
    {"exists", no_argument, NULL, OPTION_VALUE + ARGUMENT_EXISTS},
    {"reference", no_argument, NULL, OPTION_VALUE + ARGUMENT_REFERENCE},
    {"trust", no_argument, NULL, OPTION_VALUE + ARGUMENT_TRUST},
    {"data", no_argument, NULL, OPTION_VALUE + ARGUMENT_DATA},
    {"load", no_argument, NULL, OPTION_VALUE + ARGUMENT_LOAD},
    {"slope", no_argument, NULL, OPTION_VALUE + ARGUMENT_SLOPE},
    {"csv", no_argument, NULL, OPTION_VALUE + ARGUMENT_CSV},
    {"jobs", required_argument, NULL, OPTION_VALUE + ARGUMENT_JOBS},
    {"random", required_argument, NULL, OPTION_VALUE + ARGUMENT_RANDOM},
    {"grid", no_argument, NULL, OPTION_VALUE + ARGUMENT_GRID},
    {"methods", required_argument, NULL, OPTION_VALUE + ARGUMENT_METHODS},
    {"integrators", required_argument, NULL, OPTION_VALUE + ARGUMENT_INTEGRATORS},
    {"tolerances", required_argument, NULL, OPTION_VALUE + ARGUMENT_TOLERANCES},
    {"directions", required_argument, NULL, OPTION_VALUE + ARGUMENT_DIRECTIONS},
    {"gradients", no_argument, NULL, OPTION_VALUE + ARGUMENT_GRADIENTS},
    {"from", required_argument, NULL, OPTION_VALUE + ARGUMENT_FROM},
    {"to", required_argument, NULL, OPTION_VALUE + ARGUMENT_TO},
    {"batches", required_argument, NULL, OPTION_VALUE + ARGUMENT_BATCHES},
    {"work-precision", no_argument, NULL, OPTION_VALUE + ARGUMENT_WORK_PRECISION},
    {"report-every", required_argument, NULL, OPTION_VALUE + ARGUMENT_REPORT_EVERY},
    {"serve", optional_argument, NULL, OPTION_VALUE + ARGUMENT_SERVE},
    {"plot", no_argument, NULL, OPTION_VALUE + ARGUMENT_PLOT},
    {"refresh", required_argument, NULL, OPTION_VALUE + ARGUMENT_REFRESH},
    {"n", required_argument, NULL, OPTION_VALUE + ARGUMENT_N},
    {"range", required_argument, NULL, OPTION_VALUE + ARGUMENT_RANGE},
    {NULL, 0, NULL, 0},
};

/* Why getopt refused a word. */
static odeon_status refuse(const command_line *a, int answer)
{
    const char *word = a->words[optind - 1];
    if (answer == ':') {
        return diag_fail(ODEON_ERR_CONFIG, "option '%s' needs a value (odeon --help)", word);
    }
    if (optopt > ' ' && optopt < OPTION_PLUGIN_PATH && word[1] != '-') {
        return diag_fail(ODEON_ERR_CONFIG, "unknown option '-%c' (odeon --help)", optopt);
    }
    return diag_fail(ODEON_ERR_CONFIG, "unknown option '%s' (odeon --help)", word);
}

/* getopt takes an optional value behind '=' alone; a number that stands behind the option can be
 * nothing else. */
static void take_number_behind(const command_line *a)
{
    const char *next = optind < a->argc ? a->words[optind] : NULL;
    if (next != NULL && next[0] >= '0' && next[0] <= '9' && strchr(next, '=') == NULL) {
        optarg = a->words[optind++];
    }
}

/* One answer of getopt. */
static odeon_status take(command_line *a, int answer)
{
    if (answer == OPTION_HELP) {
        a->help = true;
    } else if (answer == OPTION_VERSION) {
        a->version = true;
    } else if (answer == OPTION_PLUGIN_PATH) {
        a->plugin_paths[a->n_plugin_paths++] = optarg;
    } else if (answer >= OPTION_VALUE && answer < OPTION_VALUE + ARGUMENT_COUNT) {
        if (answer == OPTION_VALUE + ARGUMENT_SERVE && optarg == NULL) {
            take_number_behind(a);
        }
        a->value[answer - OPTION_VALUE] = optarg != NULL ? optarg : "";
        if (answer == OPTION_VALUE + ARGUMENT_COMPARE) {
            a->compares[a->n_compares++] = optarg;
        }
    } else {
        return refuse(a, answer);
    }
    return ODEON_OK;
}

/* getopt moves operands behind the options, so it works on a copy; argv stays as it was typed, for
 * the manifest and for messages that repeat it. */
odeon_status command_line_parse(int argc, char **argv, command_line *out)
{
    *out = (command_line){.argc = argc, .argv = argv};
    size_t n = (size_t)argc;
    out->words = mem_zalloc(n + 1, sizeof *out->words); /* getopt sorts it: options first */
    out->plugin_paths = mem_zalloc(n + 1, sizeof *out->plugin_paths);
    out->compares = mem_zalloc(n + 1, sizeof *out->compares);
    if (out->words == NULL || out->plugin_paths == NULL || out->compares == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "command line: no memory for %d words", argc);
    }
    memcpy(out->words, argv, n * sizeof *argv);
    optind = 0; /* start over, whatever was parsed before in this process */
    opterr = 0;
    for (;;) {
        int answer = getopt_long(argc, out->words, ":hV", known, NULL);
        if (answer == -1) {
            break;
        }
        ODEON_TRY(take(out, answer));
    }
    if (optind < argc) {
        out->command = out->words[optind];
        out->n_operands = (size_t)(argc - optind - 1);
        out->operands = (const char *const *)out->words + optind + 1;
    }
    return ODEON_OK;
}

/* Takes what a parse that failed has left. */
void command_line_fini(command_line *a)
{
    mem_free(a->words);
    mem_free(a->plugin_paths);
    mem_free(a->compares);
    *a = (command_line){.argc = 0};
}

/* The first that is not allowed, in the order of the table. */
odeon_status command_line_allow(const command_line *a, uint64_t allowed)
{
    for (const struct option *o = known; o->name != NULL; o++) {
        int index = o->val - OPTION_VALUE;
        if (index >= 0 && a->value[index] != NULL && (allowed & UINT64_C(1) << index) == 0) {
            return diag_fail(ODEON_ERR_CONFIG, "'%s' takes no option --%s (odeon help %s)",
                             a->command, o->name, a->command);
        }
    }
    return ODEON_OK;
}
