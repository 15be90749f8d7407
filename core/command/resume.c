/* A run that goes on. Three questions come before anything of it is changed: is there a checkpoint
 * that is sound (resume_open), is this still the run that wrote it, by its configuration, its data
 * and its length (resume_restore, first half), and is its folder as the run left it
 * (run_dir_continue). Only then are rows behind the checkpoint cut off.
 *
 * Bits are the same as of a run that was never interrupted only if nothing of this differs;
 * --accept-changes goes on with other bits, and says so. */
#include "command/resume.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "base/text.h"
#include "config/phases.h"
#include "odeon/host.h"
#include "run/config_changes.h"
#include "run/manifest_compare.h"
#include "run/train_length.h"
#include "run/train_phase.h"
#include "session/describe.h"
#include "session/snapshot.h"
#include "session/weights.h"

/* ---- opening ---- */

/* The first override of a key that may not change; NULL: there is none. */
static const char *bound_override(const command_line *a)
{
    for (size_t i = 1; i < a->n_operands; i++) {
        if (!config_may_change(a->operands[i], strcspn(a->operands[i], "="))) {
            return a->operands[i];
        }
    }
    return NULL;
}

/* Where no checkpoint says how the run began. */
static odeon_status check_overrides(const command_line *a)
{
    const char *bound = bound_override(a);
    if (bound == NULL || a->value[ARGUMENT_ACCEPT_CHANGES] != NULL) {
        return ODEON_OK;
    }
    text_buffer free_keys = {0};
    config_may_change_print(&free_keys);
    odeon_status status = diag_fail(ODEON_ERR_CONFIG,
                                    "override %s: a run goes on as it began: with --resume only %s "
                                    "may change, others with --accept-changes",
                                    bound, free_keys.failed ? "some keys" : free_keys.data);
    text_fini(&free_keys);
    return status;
}

/* Says why the run cannot go on, and what there is to do. */
static odeon_status refuse(const command_line *a, const run_dir *dir, odeon_status status,
                           const char *reason)
{
    char *again = resume_command(a, run_dir_path(dir));
    status = again != NULL
                 ? diag_fail(status,
                             "%s: cannot go on: %s; nothing of the run was touched; if this cannot "
                             "be mended, begin it again, what there is will be kept in a folder of "
                             "its own: %s --from-start",
                             run_dir_path(dir), reason, again)
                 : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", run_dir_path(dir));
    mem_free(again);
    return status;
}

/* Results without any checkpoint are of a run that has lost them, unless the run is marked as one
 * that never had any: to begin over them would destroy what they are. */
static odeon_status find_checkpoint(const command_line *a, resume *r)
{
    odeon_status status = checkpoint_open_newest(run_dir_path(r->dir), &r->from);
    if (status == ODEON_ERR_DATA || status == ODEON_ERR_IO) {
        diag_reason reason = diag_take();
        return refuse(a, r->dir, status, reason.text);
    }
    ODEON_TRY(status);
    return r->from != NULL || run_dir_is_marked(r->dir) || !run_dir_has_results(r->dir)
               ? ODEON_OK
               : refuse(a, r->dir, ODEON_ERR_DATA,
                        "it has results, and its checkpoints are not there any more");
}

odeon_status resume_open(const command_line *a, setup *s, resume *out)
{
    *s = (setup){.registry = NULL};
    *out = (resume){.dir = NULL};
    ODEON_TRY(run_dir_open(a->operands[0], &out->dir));
    ODEON_TRY(a->value[ARGUMENT_FROM_START] == NULL ? find_checkpoint(a, out) : ODEON_OK);
    ODEON_TRY(out->from == NULL ? check_overrides(a) : ODEON_OK);
    char *ini = run_dir_file(out->dir, "effective.ini");
    if (ini == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", a->operands[0]);
    }
    odeon_status status = setup_open_ini(a, ini, s);
    if (status == ODEON_OK && out->from != NULL) {
        status = setup_set_stage(a, ini, config_stage_after(s->config, out->from->at.step), s);
    }
    mem_free(ini);
    if (status == ODEON_OK && out->from != NULL && s->config->workers == 0) {
        s->config->workers = out->from->at.workers; /* sums have the bits of their number */
    }
    return status;
}

/* The folder's lock goes with it. */
odeon_status resume_close(resume *r)
{
    checkpoint_close(r->from);
    odeon_status status = run_dir_close(r->dir);
    *r = (resume){.dir = NULL};
    return status;
}

/* ---- is it the same run? ---- */

/* Refuses what is another than it was, or, if that is accepted, says so. */
static odeon_status judge(const command_line *a, resume *r, odeon_status status, const char *what,
                          const char *undo)
{
    if (a->value[ARGUMENT_ACCEPT_CHANGES] == NULL) {
        return diag_fail(status,
                         "%s: a run goes on as it began: %s; %s, or accept it with "
                         "--accept-changes",
                         run_dir_path(r->dir), what, undo);
    }
    diag_log(ODEON_LOG_WARNING, "%s: does not go on as it began: %s", run_dir_path(r->dir), what);
    r->changed = true;
    return ODEON_OK;
}

/* Two normal forms, that of the checkpoint and this one: what differs is named key by key. An
 * override that gives a key the value which it has is none that changes it. */
static odeon_status check_config(const command_line *a, const setup *s, resume *r)
{
    text_buffer changes = {0};
    config_changes(r->from->at.config, s->config->effective, &changes);
    odeon_status status = ODEON_OK;
    if (changes.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "%s: no memory", run_dir_path(r->dir));
    } else if (changes.length > 0) {
        status = judge(a, r, ODEON_ERR_CONFIG, changes.data,
                       bound_override(a) != NULL ? "leave out what changes it"
                                                 : "put it back in the folder's effective.ini");
    }
    text_fini(&changes);
    return status;
}

/* Samples in use, told apart by their number and their fingerprints. What differs first is the
 * message. */
static odeon_status check_data(const command_line *a, const manifest_facts *facts, resume *r)
{
    const checkpoint *at = &r->from->at;
    char what[256] = "the samples of the test are others";
    if (train_stage_begins(facts->config, at->step)) { /* perhaps written with the keys of before */
        r->changed = true;
        return ODEON_OK;
    }
    if (at->samples != facts->epoch_samples) {
        (void)snprintf(what, sizeof what,
                       "there are %" PRId64 " training samples, there were %" PRId64,
                       facts->epoch_samples, at->samples);
    } else if (at->train_data != facts->train_data) {
        (void)snprintf(what, sizeof what, "the training samples have other values");
    } else if (at->test_data == facts->test_data) {
        return ODEON_OK;
    }
    return judge(a, r, ODEON_ERR_DATA, what, "put back the data that it was trained with");
}

/* ---- restoring ---- */

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
    int64_t last = last_row_step(text, bytes);
    int64_t total = train_steps(s->config, samples, r->from != NULL ? &r->from->at : NULL);
    mem_free(text);
    reached = last > reached ? last : reached;
    return total >= reached
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s has come to step %" PRId64
                           " already: run.epochs and run.iterations end it at %" PRId64,
                           run_dir_path(r->dir), reached, total);
}

/* Is a file of the run's folder there? If not, whatever is asked for is written. */
static odeon_status write_missing(const resume *r, const setup *s, const char *name, bool write,
                                  bool *missing)
{
    char *path = run_dir_file(r->dir, name);
    if (path == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its path", name);
    }
    *missing = access(path, F_OK) != 0;
    odeon_status status = *missing && write ? session_save(s->session, path) : ODEON_OK;
    if (*missing && write && status == ODEON_OK) {
        diag_log(ODEON_LOG_WARNING, "%s: was missing: written again from the checkpoint", path);
    }
    mem_free(path);
    return status;
}

/* Weights that are gone: those of the checkpoint's step are in it, the best of an earlier step are
 * lost. */
static odeon_status replace_weights(const setup *s, resume *r)
{
    checkpoint *at = &r->from->at;
    bool missing = false;
    ODEON_TRY(write_missing(r, s, "weights.safetensors", at->tested != 0, &missing));
    ODEON_TRY(at->best_step > 0 ? write_missing(r, s, "weights-best.safetensors",
                                                at->best_step == at->step, &missing)
                                : ODEON_OK);
    if (at->best_step > 0 && at->best_step != at->step && missing) {
        diag_log(ODEON_LOG_WARNING,
                 "%s/weights-best.safetensors: is missing, and no checkpoint has the weights of "
                 "step %" PRId64 ": the best of what is to come will take their place",
                 run_dir_path(r->dir), at->best_step);
        at->best = -(double)INFINITY;
        at->best_step = at->best_epoch = 0;
    }
    return ODEON_OK;
}

/* Nothing of the old run is deleted. */
static odeon_status set_aside(const command_line *a, const resume *r)
{
    char *kept = NULL;
    ODEON_TRY(run_dir_set_aside(r->dir, &kept));
    if (kept != NULL) {
        fprintf(a->out, "what the run had come to is kept in %s\n", kept);
    }
    mem_free(kept);
    return ODEON_OK;
}

/* A run without a checkpoint that is not begun anew on purpose must not be shorter than its rows:
 * they may be all that is left of it. */
static odeon_status begin_again(const command_line *a, const resume *r, const setup *s,
                                int64_t samples)
{
    ODEON_TRY(a->value[ARGUMENT_FROM_START] != NULL ? set_aside(a, r) : check_end(r, s, samples));
    return run_dir_mark(r->dir);
}

/* Goes on in the folder: metrics end where the checkpoint does. */
static odeon_status continue_files(const resume *r, const setup *s, const metrics_mark *mark)
{
    static const double no_values[ODEON_MAX_METRICS];
    ode_counters *blocks;
    size_t n = session_blocks(s->session, &blocks);
    const figure_value *reported;
    size_t n_reported = session_figures(s->session, &reported);
    metrics_row columns = {.metrics = no_values,
                           .n_metrics = session_metric_count(s->session),
                           .metric_names = session_metric_names(s->session),
                           .n_blocks = n,
                           .blocks = blocks,
                           .audited = s->config->audit_every > 0,
                           .n_curves = session_curves(s->session) != NULL ? s->config->n_curves : 0,
                           .curves = session_curves(s->session),
                           .n_figures = n_reported,
                           .figures = reported};
    return run_dir_continue(r->dir, s->config, s->observers, mark, &columns);
}

/* In the order of how much a step changes: first what only looks, then the session, then the
 * folder. */
odeon_status resume_restore(const command_line *a, const setup *s, const manifest_facts *facts,
                            resume *r)
{
    if (r->from == NULL) {
        metrics_mark nothing = {0};
        ODEON_TRY(begin_again(a, r, s, facts->epoch_samples));
        return continue_files(r, s, &nothing);
    }
    ODEON_TRY(check_config(a, s, r));
    ODEON_TRY(check_data(a, facts, r));
    ODEON_TRY(check_end(r, s, facts->epoch_samples));
    ODEON_TRY(train_phase_restore(s->session, s->config, &r->from->at));
    ODEON_TRY(session_restore(s->session, r->from->tensors, r->from->path));
    ODEON_TRY(continue_files(r, s, &r->from->at.metrics));
    return replace_weights(s, r);
}

/* Another build or another processor may round differently. That is no reason to refuse. */
static void warn_of_differences(const char *path, const json_value *then, const json_value *now)
{
    static const manifest_part parts[] = {MANIFEST_PLUGINS, MANIFEST_MACHINE};
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

/* The run's manifest, as far as it can be read, beside the one that the run would get today. */
void resume_warn(const resume *r, const manifest_facts *now)
{
    text_buffer fresh = {0};
    json mine = {0}, todays = {0};
    char *path = run_dir_file(r->dir, "manifest.json"), *then = NULL;
    size_t bytes;
    manifest_print(&fresh, now);
    if (path != NULL && !fresh.failed && access(path, F_OK) == 0 &&
        read_file(path, &then, &bytes) == ODEON_OK &&
        json_parse(path, then, bytes, &mine) == ODEON_OK &&
        json_parse("", fresh.data, fresh.length, &todays) == ODEON_OK) {
        warn_of_differences(path, mine.values, todays.values);
    }
    diag_clear(); /* whatever failed here is no failure of the run */
    json_fini(&mine);
    json_fini(&todays);
    mem_free(then);
    mem_free(path);
    text_fini(&fresh);
}

/* ---- the command ---- */

/* As a POSIX shell reads it back: within single quotes everything stands for itself but the quote.
 */
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

/* As it was called: the same program by the same name, and the plugin paths without which the INI
 * would not load. */
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
