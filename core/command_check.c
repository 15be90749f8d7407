#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "mem.h"
#include "notes.h"
#include "setup.h"
#include "summary.h"
#include "train.h"

/* Loads text as an INI of its own and compares the normal form that it gets. */
static odeon_status reload(registry *r, const char *file, const char *text)
{
    config *again = NULL;
    ODEON_TRY(config_load(r, file, 0, NULL, &again));
    bool same = strcmp(again->effective, text) == 0;
    config_destroy(again);
    return same ? ODEON_OK
                : diag_fail(ODEON_ERR_INTERNAL,
                            "the normal form reads back as another configuration");
}

static odeon_status write_all(int fd, const char *file, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR) {
            return diag_fail(ODEON_ERR_IO, "%s: %s", file, strerror(errno));
        }
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return ODEON_OK;
}

/* Proves that the normal form, which train leaves as effective.ini, reruns to itself. */
static odeon_status check_normal_form(registry *r, const config *c)
{
    const char *folder = getenv("TMPDIR");
    char *file = mem_printf("%s/odeon-XXXXXX", folder != NULL && *folder != '\0' ? folder : "/tmp");
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "check: no memory");
    }
    odeon_status status;
    int fd = mkstemp(file);
    if (fd < 0) {
        status = diag_fail(ODEON_ERR_IO, "check: a temporary file %s: %s", file, strerror(errno));
    } else {
        status = write_all(fd, file, c->effective);
        (void)close(fd);
        if (status == ODEON_OK) {
            status = reload(r, file, c->effective);
        }
        (void)unlink(file);
    }
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

static odeon_status count_samples(const config *c, int32_t split, int64_t *n)
{
    data_source *source;
    ODEON_TRY(data_open(c, split, &source));
    *n = data_length(source);
    data_close(source);
    return ODEON_OK;
}

/* Opens both splits; *samples is how many there are to train on. */
static odeon_status check_data(FILE *out, const config *c, int64_t *samples)
{
    int64_t test;
    if (c->dataset == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--data: the INI has no [data]");
    }
    ODEON_TRY(count_samples(c, ODEON_SPLIT_TRAIN, samples));
    ODEON_TRY(count_samples(c, ODEON_SPLIT_TEST, &test));
    fprintf(out, "data: %" PRId64 " samples to train on, %" PRId64 " to test on\n", *samples, test);
    return ODEON_OK;
}

static odeon_status check(const command_line *a, setup *s)
{
    const config *c = s->config;
    bool has_data = c->dataset != NULL, open = a->value[ARGUMENT_DATA] != NULL;
    int64_t samples = 0;
    ODEON_TRY(setup_session(s));
    ODEON_TRY(summary_print(s->out, s->session, c->dtype));
    ODEON_TRY(open ? check_data(s->out, c, &samples) : ODEON_OK);
    ODEON_TRY(has_data ? train_check_batches(s->session, c, samples) : ODEON_OK);
    ODEON_TRY(check_normal_form(s->registry, c));
    fprintf(s->out, "normal form: reads back as itself\n");
    size_t notes = notes_give(s->out, c, s->session,
                              (notes_use){.data = true, .samples = samples, .trains = has_data}) +
                   note_missing(s->out, c);
    fprintf(s->out, "%s: ok%s\n", c->ini, notes > 0 ? ", but see the notes above" : "");
    return ODEON_OK;
}

static odeon_status run_check(const command_line *a)
{
    setup s;
    odeon_status status = setup_open_unknown(a, &s);
    if (status == ODEON_OK) {
        status = check(a, &s);
    }
    setup_close(&s);
    return status;
}

const command command_check = {
    .name = "check",
    .operands = "INI [--data] [path.key=value ...]",
    .summary = "check an INI and show its model, without data",
    .help = "Builds the model as train would, opens no data, writes no results. Names keys that\n"
            "are set and change nothing, files that are not there, and other things that may not\n"
            "be meant, and proves that the normal form repeats the run.\n\n"
            "  --data              open both splits, too, and say how many samples they have\n"
            "  --trust             run the plugin files that [plugins] load of the INI names;\n"
            "                      without it they are refused\n",
    .options = 1u << ARGUMENT_DATA | 1u << ARGUMENT_TRUST,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_check,
};
