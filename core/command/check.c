/* `odeon check`: everything that can be known of an INI without training. The model is built of
 * shapes alone and shown; then its normal form is written to a file, loaded and built again, and
 * must show the same. That proves for this INI what every run relies on: effective.ini repeats it.
 */
#include "command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "command/check_data.h"
#include "command/check_gradients.h"
#include "command/later_keys.h"
#include "command/setup.h"
#include "command/stages.h"
#include "run/note.h"
#include "run/notes.h"
#include "run/summary.h"
#include "run/train_length.h"
#include "run/train_phase.h"
#include "session/curves.h"
#include "session/session.h"

/* What check shows of the model, as text; the caller frees it. */
static odeon_status describe(const setup *s, char **out)
{
    size_t bytes;
    *out = NULL;
    FILE *text = open_memstream(out, &bytes);
    odeon_status status = text != NULL ? summary_print(text, s->session, s->config->dtype)
                                       : diag_fail(ODEON_ERR_NOMEM, "check: no memory");
    if (text != NULL && fclose(text) != 0 && status == ODEON_OK) {
        status = diag_fail(ODEON_ERR_NOMEM, "check: no memory");
    }
    return status;
}

/* Loads file, which holds the normal form of c, and builds the model that it means. */
static odeon_status rebuild(setup *again, const char *file, const config *c, const char *shown)
{
    char *text = NULL;
    ODEON_TRY(config_load(again->registry, file, 0, NULL, &again->config));
    if (strcmp(again->config->effective, c->effective) != 0) {
        return diag_fail(ODEON_ERR_INTERNAL, "it reads as another configuration");
    }
    again->config->auto_device = c->auto_device; /* the normal form names what auto stood for */
    ODEON_TRY(data_describe(again->config, &again->fields));
    ODEON_TRY(setup_shapes(again));
    odeon_status status = describe(again, &text);
    if (status == ODEON_OK && strcmp(text, shown) != 0) {
        status = diag_fail(ODEON_ERR_INTERNAL, "it makes another model");
    }
    free(text);
    return status;
}

/* Whatever fails here is a fault of this program or of a plugin, not of the INI: that was built. */
static odeon_status reload(const setup *s, const char *file, const char *shown)
{
    setup again = {.registry = s->registry};
    diag_hush(true);
    odeon_status status = rebuild(&again, file, s->config, shown);
    diag_hush(false);
    again.registry = NULL; /* the other's */
    setup_close(&again);
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM && status != ODEON_ERR_DEVICE) {
        diag_reason reason = diag_take();
        status = diag_fail(ODEON_ERR_INTERNAL, "the normal form does not repeat the run: %s",
                           reason.text);
    }
    return status;
}

/* Proves that the normal form, which train leaves as effective.ini, makes the same model. */
static odeon_status check_normal_form(const setup *s, const char *shown)
{
    const char *text = s->config->effective;
    char *file;
    ODEON_TRY(temporary_file(text, strlen(text), &file));
    odeon_status status = reload(s, file, shown);
    (void)unlink(file);
    mem_free(file);
    return status;
}

/* Files and folders that a component of that name is to read, as far as its options tell. */
static size_t note_missing_of(FILE *out, const char *path, const odeon_config *x)
{
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        const odeon_option *o = x->component->options[i];
        const option_value *v = &x->values[i];
        const char *file = o->type == ODEON_OPTION_PATH && v->set ? v->text : v->argument;
        if (file != NULL && access(file, F_OK) != 0) {
            note(out, "%s.%s: %s: %s", path, o->name, file, strerror(errno));
            n++;
        }
    }
    return n;
}

/* Only notes: a file may be made, or a disk mounted, before the run begins. */
static size_t note_missing(FILE *out, const config *c)
{
    size_t n = c->dataset != NULL ? note_missing_of(out, "data", c->dataset) : 0;
    const struct {
        const char *key, *file;
    } own[] = {{"data.order", c->order}, {"train.weights", c->weights}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (own[i].file != NULL && access(own[i].file, F_OK) != 0) {
            note(out, "%s: %s: %s", own[i].key, own[i].file, strerror(errno));
            n++;
        }
    }
    return n;
}

/* What was shown of the model is what the normal form has to show again. */
static odeon_status check_model(const command_line *a, setup *s, const char *shown)
{
    const config *c = s->config;
    bool has_data = c->dataset != NULL, open = a->value[ARGUMENT_DATA] != NULL;
    int64_t samples = 0;
    fputs(shown, s->out);
    ODEON_TRY(session_curves_open(s->session));
    ODEON_TRY(open ? check_data(s->out, c, &samples) : ODEON_OK);
    ODEON_TRY(has_data ? train_check_batches(s->session, c, samples) : ODEON_OK);
    ODEON_TRY(train_phase_check(s->session, c, samples));
    ODEON_TRY(stages_check_unknown(a, s));
    ODEON_TRY(later_keys_check_sample(a, s));
    size_t notes = notes_give(s->out, c, s->session,
                              (notes_use){.data = true, .samples = samples, .trains = has_data}) +
                   note_missing(s->out, c);
    session_destroy(s->session); /* no two at a time: they may be large */
    s->session = NULL;
    ODEON_TRY(check_normal_form(s, shown));
    fprintf(s->out, "normal form: makes the same model\n");
    fprintf(s->out, "%s: ok%s\n", c->ini, notes > 0 ? ", but see the notes above" : "");
    return ODEON_OK;
}

/* Shapes are enough: no memory for numbers is asked for, whatever the size of the model. */
static odeon_status check(const command_line *a, setup *s)
{
    char *shown = NULL;
    ODEON_TRY(setup_shapes(s));
    odeon_status status = describe(s, &shown);
    if (status == ODEON_OK) {
        status = check_model(a, s, shown);
    }
    free(shown);
    return status;
}

/* These belong to --gradients. */
static odeon_status check_options(const command_line *a)
{
    bool other = a->value[ARGUMENT_BATCH] != NULL || a->value[ARGUMENT_CSV] != NULL ||
                 a->value[ARGUMENT_JSON] != NULL;
    return other ? diag_fail(ODEON_ERR_CONFIG, "--batch, --csv and --json belong to --gradients")
                 : ODEON_OK;
}

/* An INI to be checked may come from anybody: plugin files that it names are not run unless --trust
 * says so, and a run's weights are not loaded. */
static odeon_status run_check(const command_line *a)
{
    setup s;
    if (a->value[ARGUMENT_GRADIENTS] != NULL) {
        return check_gradients(a);
    }
    ODEON_TRY(check_options(a));
    odeon_status status = setup_open_unknown(a, &s);
    if (status == ODEON_OK) {
        status = check(a, &s);
    }
    setup_close(&s);
    return status;
}

const command command_check = {
    .name = "check",
    .operands = "INI|RUN [--data] [path.key=value ...]",
    .summary = "check an INI and show its model, without data",
    .help =
        "Builds the model as train would, opens no data, writes no results; likewise the models\n"
        "of later phases ([train.NAME] set) and that of `odeon sample` ([sample.NAME]). Names\n"
        "keys that are set and change nothing, files that are not there, and other things that\n"
        "may not be meant, and proves that the normal form repeats the run.\n\n"
        "  --data              open the splits, too, say how many samples they have, and read the\n"
        "                      first ones: what their columns hold, times, missing numbers\n"
        "  --trust             run the plugin files that [plugins] load of the INI names;\n"
        "                      without it they are refused\n"
        "  --gradients         in place of all this, hold the gradient of every tensor against\n"
        "                      central differences of the loss, in float64 and with the steps\n"
        "                      of all ODE blocks held, the last cut at the end of the solve:\n"
        "                      along the gradient and two random directions, of which the worst\n"
        "                      is shown. Parameters are moved by about 1e-3 first, off the\n"
        "                      kinks of ReLU and its like. Up to 8 samples to train on, or\n"
        "                      --batch FILE; --csv, --json. Exit code 6 if one differs by more\n"
        "                      than 1e-4\n",
    .options = UINT64_C(1) << ARGUMENT_DATA | UINT64_C(1) << ARGUMENT_TRUST |
               UINT64_C(1) << ARGUMENT_GRADIENTS | UINT64_C(1) << ARGUMENT_BATCH |
               UINT64_C(1) << ARGUMENT_CSV | UINT64_C(1) << ARGUMENT_JSON,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_check,
};
