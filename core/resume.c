#include "resume.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "manifest_compare.h"
#include "mem.h"
#include "odeon/host.h"
#include "read_file.h"
#include "text.h"
#include "train.h"

/* ---- opening ---- */

/* Only what says how long a run is and what is written of it. */
static odeon_status check_overrides(const command_line *a)
{
    static const char *const allowed[] = {"run.epochs=", "run.iterations=", "run.log_every=",
                                          "run.checkpoint_every=", "run.on_failure="};
    for (size_t i = 1; i < a->n_operands; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof allowed / sizeof *allowed; k++) {
            found |= strncmp(a->operands[i], allowed[k], strlen(allowed[k])) == 0;
        }
        if (!found) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "override %s: a run goes on as it began: with --resume only "
                             "run.epochs, run.iterations, run.log_every, run.checkpoint_every and "
                             "run.on_failure may change",
                             a->operands[i]);
        }
    }
    return ODEON_OK;
}

odeon_status resume_open(const command_line *a, setup *s, resume *out)
{
    *s = (setup){.registry = NULL};
    *out = (resume){.dir = NULL};
    ODEON_TRY(check_overrides(a));
    ODEON_TRY(run_dir_open(a->operands[0], &out->dir));
    ODEON_TRY(checkpoint_open_newest(run_dir_path(out->dir), &out->from));
    char *ini = run_dir_file(out->dir, "effective.ini");
    if (ini == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", a->operands[0]);
    }
    odeon_status status = setup_open_ini(a, ini, s);
    mem_free(ini);
    if (status == ODEON_OK && out->from != NULL && s->config->workers == 0) {
        s->config->workers = out->from->at.workers; /* sums have the bits of their number */
    }
    return status;
}

odeon_status resume_close(resume *r)
{
    checkpoint_close(r->from);
    odeon_status status = run_dir_close(r->dir);
    *r = (resume){.dir = NULL};
    return status;
}

/* ---- restoring ---- */

static odeon_status check_one(const resume *r, const char *what, int64_t then, int64_t now)
{
    return then == now ? ODEON_OK
                       : diag_fail(ODEON_ERR_CONFIG,
                                   "%s: made with %s %" PRId64 ", now it is %" PRId64
                                   ": the run cannot go on with the same bits",
                                   r->from->path, what, then, now);
}

static odeon_status check_same(const resume *r, const setup *s, int64_t samples)
{
    const checkpoint *at = &r->from->at;
    ODEON_TRY(check_one(r, "run.seed", at->seed, (int64_t)s->config->seed));
    ODEON_TRY(check_one(r, "run.dtype number", at->dtype, s->config->dtype));
    ODEON_TRY(check_one(r, "run.workers", at->workers, session_workers(s->session)));
    return check_one(r, "samples in an epoch:", at->samples, samples);
}

/* The step of the last whole row of the metrics; 0: there is none. */
static int64_t last_row_step(const char *text, size_t bytes)
{
    int newlines = 0;
    while (bytes > 0 && newlines < 2) {
        newlines += text[--bytes] == '\n';
    }
    return newlines == 2 ? strtoll(text + bytes + 1, NULL, 10) : 0; /* the first line has names */
}

/* weights-best may be of a later step than the checkpoint: the run must come there again. */
static odeon_status check_end(const resume *r, const setup *s, int64_t samples)
{
    char *path = run_dir_file(r->dir, "metrics.csv"), *text = NULL;
    size_t bytes = 0;
    int64_t reached = r->from != NULL ? r->from->at.step : 0;
    if (path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", run_dir_path(r->dir));
    }
    odeon_status status = access(path, F_OK) == 0 ? read_file(path, &text, &bytes) : ODEON_OK;
    mem_free(path);
    ODEON_TRY(status);
    int64_t last = last_row_step(text, bytes), total = train_steps(s->config, samples);
    mem_free(text);
    reached = last > reached ? last : reached;
    return total >= reached
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s has come to step %" PRId64
                           " already: run.epochs and run.iterations end it at %" PRId64,
                           run_dir_path(r->dir), reached, total);
}

odeon_status resume_restore(const resume *r, const setup *s, int64_t samples)
{
    metrics_mark mark = {0};
    ODEON_TRY(check_end(r, s, samples));
    if (r->from != NULL) {
        ODEON_TRY(check_same(r, s, samples));
        ODEON_TRY(session_restore(s->session, r->from->tensors, r->from->path));
        mark = r->from->at.metrics;
    }
    return run_dir_continue(r->dir, s->config, &mark);
}

/* Two manifests, then and now. */
static void warn_of_differences(const char *path, const char *then, const char *now)
{
    static const int parts[] = {MANIFEST_PLUGINS, MANIFEST_MACHINE, MANIFEST_DATA};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        text_buffer what = {0};
        manifest_difference(parts[i], then, now, &what);
        if (what.length > 0) {
            diag_log(ODEON_LOG_WARNING, "%s: the run began otherwise, its bits may differ: %s",
                     path, what.data);
        }
        text_fini(&what);
    }
}

void resume_warn(const resume *r, const manifest_facts *now)
{
    text_buffer fresh = {0};
    char *path = run_dir_file(r->dir, "manifest.json"), *then = NULL;
    size_t bytes;
    manifest_print(&fresh, now);
    if (path != NULL && !fresh.failed && access(path, F_OK) == 0 &&
        read_file(path, &then, &bytes) == ODEON_OK) {
        warn_of_differences(path, then, fresh.data);
    }
    diag_clear(); /* whatever failed here is no failure of the run */
    mem_free(then);
    mem_free(path);
    text_fini(&fresh);
}

/* ---- the command ---- */

static void add_quoted(text_buffer *t, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_/.,:=+@%-";
    text_add(t, " ");
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        text_add(t, word);
        return;
    }
    text_add(t, "'");
    for (const char *p = word; *p != '\0'; p++) {
        text_add_bytes(t, p, 1);
        text_add(t, *p == '\'' ? "\\''" : "");
    }
    text_add(t, "'");
}

char *resume_command(const command_line *a, const char *folder)
{
    text_buffer t = {0};
    add_quoted(&t, a->argv[0]);
    text_add(&t, " train");
    add_quoted(&t, folder);
    text_add(&t, " --resume");
    for (size_t i = 0; i < a->n_plugin_paths; i++) {
        text_add(&t, " --plugin-path");
        add_quoted(&t, a->plugin_paths[i]);
    }
    char *command = t.failed ? NULL : mem_strdup(t.data + 1);
    text_fini(&t);
    return command;
}
