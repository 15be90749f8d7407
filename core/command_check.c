#include "command.h"

#include <errno.h>
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

static odeon_status check(setup *s)
{
    ODEON_TRY(setup_session(s));
    ODEON_TRY(s->config->dataset != NULL ? train_check_batches(s->session, s->config, 0)
                                         : ODEON_OK);
    ODEON_TRY(summary_print(s->out, s->session, s->config->dtype));
    ODEON_TRY(check_normal_form(s->registry, s->config));
    fprintf(s->out, "normal form: reads back as itself\n");
    size_t notes = notes_give(s->out, s->config, s->session,
                              (notes_use){.data = true, .trains = s->config->dataset != NULL});
    fprintf(s->out, "%s: ok%s\n", s->config->ini, notes > 0 ? ", but see the notes above" : "");
    return ODEON_OK;
}

static odeon_status run_check(const command_line *a)
{
    setup s;
    odeon_status status = setup_open_unknown(a, &s);
    if (status == ODEON_OK) {
        status = check(&s);
    }
    setup_close(&s);
    return status;
}

const command command_check = {
    .name = "check",
    .operands = "INI [path.key=value ...]",
    .summary = "check an INI and show its model, without data",
    .help = "Builds the model as train would, opens no data, writes no results. Names keys that\n"
            "are set and change nothing, and proves that the normal form repeats the run.\n"
            "Runs no code that the INI brings along: plugin files that its [plugins] load names\n"
            "are refused, unless\n"
            "  --trust             is given. Other commands load them.\n",
    .options = 1u << ARGUMENT_TRUST,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_check,
};
