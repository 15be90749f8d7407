/* `odeon solve`: trajectories. The one command that an INI without [data] and [train] is enough
 * for, since a right-hand side with a start is a whole problem. */
#include "command/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/output_file.h"
#include "command/setup.h"
#include "command/setup_spare.h"
#include "run/solve.h"
#include "run/solve_units.h"
#include "run/summary.h"
#include "session/placement.h"

/* The first of them; --out NAME.safetensors has all. */
static void print_events(FILE *words, const solution *x)
{
    enum { MOST = 20 };
    for (int64_t i = 0; i < x->n_events && i < MOST; i++) {
        fprintf(words, "event: sample %" PRId64 ", t = %.12g\n", x->events[i].sample,
                x->events[i].t);
    }
    if (x->n_events > MOST) {
        fprintf(words,
                "event: %" PRId64 " more (--out NAME.safetensors has all of them as event.sample "
                "and event.t)\n",
                x->n_events - MOST);
    }
}

/* To --out, or, without it, to standard output, which then has nothing else. */
static odeon_status give(const command_line *a, const setup *s, const solution *x)
{
    const char *file = a->value[ARGUMENT_OUT] != NULL ? a->value[ARGUMENT_OUT] : "-";
    ODEON_TRY(solve_write(file, s->config->dtype, x));
    FILE *words = output_file_is_stdout(file) ? a->err : a->out;
    char spread[COUNTERS_TEXT_BYTES];
    print_events(words, x);
    fprintf(words,
            "%s: evaluations %" PRId64 ", steps %" PRId64 " accepted %" PRId64 " rejected%s\n",
            x->sum.path, x->sum.evals_forward, x->sum.accepted, x->sum.rejected,
            counters_spread_text(&x->sum, spread, sizeof spread));
    summary_figures(words, s->session);
    return ODEON_OK;
}

/* in or source, or neither: then one sample of zeros. */
static odeon_status solve(const command_line *a, setup *s, const predict_input *in,
                          const data_source *source)
{
    solution x;
    odeon_status status = solve_run(s->session, in, source, s->config->test_batch, &x);
    if (status == ODEON_OK) {
        status = solve_in_units(s->config, source, &x);
    }
    if (status == ODEON_OK) {
        status = give(a, s, &x);
    }
    solution_fini(&x);
    return status;
}

/* The model as far as its first ODE block; what would follow is not built, and its weights are not
 * asked for. */
static odeon_status solve_file(const command_line *a, setup *s)
{
    predict_input in;
    ODEON_TRY(setup_flow(s));
    setup_warn(s, (notes_use){.data = false});
    odeon_status status = predict_input_read(
        a->value[ARGUMENT_IN], a->value[ARGUMENT_TRANSFORMED] != NULL, s->config, s->session, &in);
    if (status == ODEON_OK) {
        status = solve(a, s, &in, NULL);
    }
    predict_input_fini(&in);
    return status;
}

/* In the order in which samples are stored, or that of data.order: what is written has to be found
 * again by its number. */
static odeon_status solve_split(const command_line *a, setup *s)
{
    bool train = strcmp(a->value[ARGUMENT_SPLIT], "train") == 0;
    data_source *source;
    s->config->shuffle = false;
    ODEON_TRY(data_open(s->config, train ? ODEON_SPLIT_TRAIN : ODEON_SPLIT_TEST, &source));
    odeon_status status = setup_flow(s);
    if (status == ODEON_OK) {
        setup_warn(s, (notes_use){.data = true, .samples = data_length(source)});
        status = session_place(s->session, source);
    }
    if (status == ODEON_OK) {
        status = solve(a, s, NULL, source);
    }
    data_close(source);
    return status;
}

/* For models whose start does not depend on samples: `initial`, or a layer before the block, sets
 * it. */
static odeon_status solve_alone(const command_line *a, setup *s)
{
    ODEON_TRY(setup_flow(s));
    setup_warn(s, (notes_use){.data = false});
    return solve(a, s, NULL, NULL);
}

/* Which samples, given what the INI has. */
static odeon_status check_options(const command_line *a, const setup *s)
{
    const char *in = a->value[ARGUMENT_IN], *split = a->value[ARGUMENT_SPLIT];
    if (split != NULL && strcmp(split, "train") != 0 && strcmp(split, "test") != 0) {
        return diag_fail(ODEON_ERR_CONFIG, "--split %s: must be train or test", split);
    }
    if (in != NULL && split != NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "solve: one of --in FILE and --split NAME, not both");
    }
    if (a->value[ARGUMENT_TRANSFORMED] != NULL && in == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--transformed: belongs to --in FILE");
    }
    if (s->config->dataset == NULL && split != NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--split %s: the INI has no [data]", split);
    }
    if (s->config->dataset != NULL && in == NULL && split == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "solve: the model starts from samples of [data]: --in FILE or --split "
                         "NAME must be given (odeon help solve)");
    }
    return ODEON_OK;
}

/* Checked first, then written to: no solve is made for an output that cannot be. */
static odeon_status solve_setup(const command_line *a, setup *s)
{
    ODEON_TRY(check_options(a, s));
    ODEON_TRY(a->value[ARGUMENT_OUT] != NULL ? setup_spare(s, a, ARGUMENT_OUT, "--out") : ODEON_OK);
    if (a->value[ARGUMENT_IN] != NULL) {
        return solve_file(a, s);
    }
    return a->value[ARGUMENT_SPLIT] != NULL ? solve_split(a, s) : solve_alone(a, s);
}

static odeon_status run_solve(const command_line *a)
{
    setup s;
    odeon_status status = setup_open_model(a, &s);
    if (status == ODEON_OK) {
        status = solve_setup(a, &s);
    }
    setup_close(&s);
    return status;
}

const command command_solve = {
    .name = "solve",
    .operands = "INI|RUN [path.key=value ...]",
    .summary = "solve an ODE, or a network's, and write its states",
    .help =
        "Runs the model up to and including its first ODE block and writes what comes out of\n"
        "that as lines sample,t,y0,y1,...: with `times` one for each of them, with `span` one\n"
        "at the end. Nothing is learnt: an INI without [data] and [train] will do, its model\n"
        "given one sample of zeros (let `initial`, or a layer before the block, set the start).\n"
        "A run's folder in place of the INI is its configuration with its weights. States of a\n"
        "series that was standardized are given in the units of the data. Times of events (a\n"
        "section event of the block) are printed.\n\n"
        "  --out FILE          where to write: NAME.npy gets the states, [samples, times,\n"
        "                      numbers]; NAME.safetensors these as y, and t [samples, times], and\n"
        "                      of events event.sample and event.t;\n"
        "                      all others lines. Standard output if not given, or if it is -\n"
        "  --in FILE           samples to start from, as of predict (odeon help predict)\n"
        "  --transformed       they have been through the layers of [data.*]\n"
        "  --split NAME        or those of the train or the test split\n"
        "  --weights FILE      the same as train.weights=FILE; else initial weights\n",
    .options = 1u << ARGUMENT_OUT | 1u << ARGUMENT_IN | 1u << ARGUMENT_SPLIT |
               1u << ARGUMENT_WEIGHTS | 1u << ARGUMENT_TRANSFORMED,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_solve,
};
