#include "run/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/read_file.h"
#include "config/config_load.h"
#include "format/run_folder.h"
#include "run/config_changes.h"

static const char seed_key[] = "run.seed";

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "sweep: no memory");
}

static bool is_seed(const axis *x)
{
    return strcmp(x->key, seed_key) == 0;
}

/* ---- names ---- */

enum { NAME_BYTES = 120 };

/* The last part of a key says enough, unless another key ends likewise. */
static const char *short_key(const axes *x, size_t i)
{
    const char *dot = strrchr(x->list[i].key, '.'), *last = dot != NULL ? dot + 1 : x->list[i].key;
    for (size_t k = 0; k < x->n; k++) {
        const char *other = strrchr(x->list[k].key, '.');
        other = other != NULL ? other + 1 : x->list[k].key;
        if (k != i && x->list[k].n > 1 && strcmp(other, last) == 0) {
            return x->list[i].key;
        }
    }
    return last;
}

/* What may stand in a file's name everywhere. */
static bool is_plain(char c)
{
    return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-=,", c) !=
           NULL;
}

/* A name that lost something on the way gets a checksum, so that different values never share a
 * folder. */
static char *make_plain(const text_buffer *exact)
{
    char sum[CHECKSUM_TEXT_BYTES];
    size_t n = exact->length < NAME_BYTES ? exact->length : NAME_BYTES;
    bool same = n == exact->length;
    char *plain = mem_printf("%.*s", (int)n, exact->data);
    for (char *p = plain; p != NULL && *p != '\0'; p++) {
        if (!is_plain(*p)) {
            *p = '_';
            same = false;
        }
    }
    if (plain == NULL || same) {
        return plain;
    }
    checksum_print(checksum_add(CHECKSUM_START, exact->data, exact->length), sum);
    char *out = mem_printf("%s~%.8s", plain, sum);
    mem_free(plain);
    return out;
}

/* Of the keys with several values; "run" where there is none. */
static char *make_name(const axes *x, size_t combination, bool with_seed)
{
    text_buffer t = {0};
    for (size_t i = 0; i < x->n; i++) {
        if (x->list[i].n > 1 && (with_seed || !is_seed(&x->list[i]))) {
            text_printf(&t, "%s%s=%s", t.length > 0 ? "," : "", short_key(x, i),
                        axes_value(x, combination, i));
        }
    }
    if (t.length == 0) {
        text_add(&t, "run");
    }
    char *name = t.failed ? NULL : make_plain(&t);
    text_fini(&t);
    return name;
}

/* ---- the plan ---- */

static odeon_status make_run(const sweep *s, size_t combination, sweep_run *run)
{
    const axes *x = &s->axes;
    run->combination = combination;
    run->name = make_name(x, combination, true);
    run->path = run->name != NULL ? mem_printf("%s/%s", s->folder, run->name) : NULL;
    run->overrides = mem_zalloc(x->n + 1, sizeof *run->overrides);
    if (run->path == NULL || run->overrides == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < x->n; i++) {
        run->overrides[i] = mem_printf("%s=%s", x->list[i].key, axes_value(x, combination, i));
        if (run->overrides[i] == NULL) {
            return no_memory();
        }
    }
    run->overrides[x->n] = mem_printf("run.out=%s", run->path);
    return run->overrides[x->n] != NULL ? ODEON_OK : no_memory();
}

/* The combination without its seed: how far the two grids differ is what the seeds take. */
static bool same_group(const axes *x, size_t a, size_t b)
{
    for (size_t i = 0; i < x->n; i++) {
        if (!is_seed(&x->list[i]) && axes_value(x, a, i) != axes_value(x, b, i)) {
            return false;
        }
    }
    return true;
}

/* Which combinations are drawn, of all: chosen[i]. Each brings those that differ in the seed. */
static void choose(const axes *x, size_t all, size_t draw, const size_t *order, bool *chosen)
{
    for (size_t k = 0; k < all && draw > 0; k++) {
        if (chosen[order[k]]) {
            continue;
        }
        draw--;
        for (size_t i = 0; i < all; i++) {
            chosen[i] = chosen[i] || same_group(x, order[k], i);
        }
    }
}

static odeon_status make_runs(sweep *s, size_t all, const bool *chosen)
{
    s->runs = mem_zalloc(all, sizeof *s->runs);
    if (s->runs == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < all; i++) {
        if (chosen == NULL || chosen[i]) {
            ODEON_TRY(make_run(s, i, &s->runs[s->n++]));
        }
    }
    return ODEON_OK;
}

static odeon_status draw_runs(sweep *s, size_t all, size_t draw)
{
    size_t *order = mem_zalloc(all, sizeof *order);
    bool *chosen = mem_zalloc(all, sizeof *chosen);
    odeon_status status = order != NULL && chosen != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK) {
        axes_shuffle(all, order);
        choose(&s->axes, all, draw, order, chosen);
        status = make_runs(s, all, chosen);
    }
    mem_free(order);
    mem_free(chosen);
    return status;
}

/* The folder is the sweep's to give, and a run that is found again by its values needs no name. */
static odeon_status check_keys(const axes *x)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->list[i].key, "run.out") == 0) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "run.out: each run of a sweep has a folder of its own; --out FOLDER "
                             "is where they stand");
        }
    }
    return ODEON_OK;
}

static char *default_folder(const char *ini)
{
    char *stem = path_stem(ini), *folder = stem != NULL ? mem_printf("sweeps/%s", stem) : NULL;
    mem_free(stem);
    return folder;
}

odeon_status sweep_plan(const char *ini, size_t n, const char *const *arguments, size_t draw,
                        const char *folder, sweep *out)
{
    size_t all;
    *out = (sweep){.ini = ini};
    ODEON_TRY(axes_parse(n, arguments, &out->axes));
    ODEON_TRY(check_keys(&out->axes));
    ODEON_TRY(axes_size(&out->axes, &all));
    out->folder = folder != NULL ? mem_strdup(folder) : default_folder(ini);
    if (out->folder == NULL) {
        return no_memory();
    }
    return draw > 0 ? draw_runs(out, all, draw) : make_runs(out, all, NULL);
}

static void run_fini(sweep_run *run, size_t n_overrides)
{
    for (size_t i = 0; run->overrides != NULL && i < n_overrides; i++) {
        mem_free(run->overrides[i]);
    }
    mem_free(run->overrides);
    mem_free(run->name);
    mem_free(run->path);
    mem_free(run->reason);
    if (run->has_record) {
        run_status_fini(&run->record);
    }
}

void sweep_fini(sweep *s)
{
    for (size_t i = 0; i < s->n; i++) {
        run_fini(&s->runs[i], s->axes.n + 1);
    }
    mem_free(s->runs);
    mem_free(s->folder);
    axes_fini(&s->axes);
    *s = (sweep){.ini = NULL};
}

/* ---- what is there ---- */

odeon_status sweep_read(sweep_run *run)
{
    if (run->has_record) {
        run_status_fini(&run->record);
        run->has_record = false;
    }
    if (!run_folder_is_run(run->path)) {
        return ODEON_OK;
    }
    run->has_record = true;
    return run_status_read(run->path, &run->record);
}

static odeon_status refuse(sweep_run *run, odeon_status status, char *reason)
{
    run->refused = true;
    run->status = status;
    run->reason = reason;
    return reason != NULL ? ODEON_OK : no_memory();
}

/* A run of another configuration, be it only a longer one, is not what was asked of this sweep. */
static odeon_status compare(sweep_run *run, const char *effective)
{
    char *path = mem_printf("%s/" RUN_FOLDER_INI, run->path), *text = NULL;
    size_t bytes;
    odeon_status status = path != NULL ? read_file(path, &text, &bytes) : no_memory();
    if (status == ODEON_OK && strcmp(text, effective) != 0) {
        text_buffer what = {0};
        config_changes(text, effective, &what);
        status = refuse(run, ODEON_ERR_CONFIG,
                        what.failed ? NULL
                                    : mem_printf("its folder holds a run of another configuration "
                                                 "(%s): choose another --out",
                                                 what.length > 0 ? what.data : "its length"));
        text_fini(&what);
    }
    mem_free(text);
    mem_free(path);
    return status;
}

static odeon_status look_at_folder(sweep_run *run, const char *effective)
{
    if (!run_folder_is_run(run->path)) {
        return ODEON_OK;
    }
    ODEON_TRY(compare(run, effective));
    return run->refused ? ODEON_OK : sweep_read(run);
}

odeon_status sweep_look(const sweep *s, sweep_run *run, registry *r, int64_t *workers)
{
    config *c = NULL;
    *workers = 0;
    diag_hush(true);
    odeon_status status =
        config_load(r, s->ini, s->axes.n + 1, (const char *const *)run->overrides, &c);
    diag_hush(false);
    if (status == ODEON_OK) {
        *workers = c->workers;
        status = look_at_folder(run, c->effective);
    } else if (status != ODEON_ERR_NOMEM) {
        diag_reason reason = diag_take();
        status = refuse(run, status, mem_strdup(reason.text));
    }
    config_destroy(c);
    return status;
}

static bool is_finished(const sweep_run *run)
{
    return !run->refused && run->has_record && run->record.state == RUN_FINISHED;
}

size_t sweep_finished(const sweep *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        n += is_finished(&s->runs[i]);
    }
    return n;
}

/* ---- the table ---- */

/* Finished runs that differ in their seeds alone. */
typedef struct group {
    const sweep *sweep;
    size_t first; /* of runs: the one that stands for all */
    double score;
} group;

static size_t members(const group *g, const sweep_run **out)
{
    const sweep *s = g->sweep;
    size_t n = 0;
    for (size_t i = g->first; i < s->n; i++) {
        if (is_finished(&s->runs[i]) &&
            same_group(&s->axes, s->runs[g->first].combination, s->runs[i].combination)) {
            out[n++] = &s->runs[i];
        }
    }
    return n;
}

/* values and found have room for all runs. */
static statistics mean_of(const group *g, const char *name, const sweep_run **found, double *values)
{
    size_t n = members(g, found);
    for (size_t i = 0; i < n; i++) {
        values[i] =
            name != NULL ? run_status_figure(&found[i]->record, name) : found[i]->record.seconds;
    }
    return statistics_of(n, values);
}

static size_t find_groups(const sweep *s, group *groups, const sweep_run **found, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool known = !is_finished(&s->runs[i]);
        for (size_t k = 0; k < n && !known; k++) {
            known =
                same_group(&s->axes, s->runs[groups[k].first].combination, s->runs[i].combination);
        }
        if (!known) {
            groups[n] = (group){.sweep = s, .first = i};
            size_t m = members(&groups[n], found);
            for (size_t k = 0; k < m; k++) {
                values[k] = run_status_score(&found[k]->record);
            }
            groups[n].score = statistics_of(m, values).mean;
            n++;
        }
    }
    return n;
}

/* Best first; what has no score last; else in the order of the grid. */
static int by_score(const void *a, const void *b)
{
    const group *x = a, *y = b;
    double p = isnan(x->score) ? -(double)INFINITY : x->score;
    double q = isnan(y->score) ? -(double)INFINITY : y->score;
    return p != q ? (p < q ? 1 : -1) : (x->first > y->first) - (x->first < y->first);
}

/* Of the first finished run: all have the same model, so nearly always the same figures. */
static const run_status *model_record(const sweep *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (is_finished(&s->runs[i])) {
            return &s->runs[i].record;
        }
    }
    return NULL;
}

static void add_columns(const sweep *s, table *t)
{
    const run_status *r = model_record(s);
    for (size_t i = 0; i < s->axes.n; i++) {
        if (s->axes.list[i].n > 1 && !is_seed(&s->axes.list[i])) {
            table_column_add(t, s->axes.list[i].key, false);
        }
    }
    table_column_add(t, "runs", false);
    for (size_t i = 0; r != NULL && i < r->n_figures; i++) {
        table_column_add(t, r->figures[i].name, true);
    }
    table_column_add(t, "seconds", true);
    table_column_add(t, "state", false);
    table_column_add(t, "folder", false);
    table_column_add(t, "reason", false);
}

static void add_values(const sweep *s, size_t combination, table *t)
{
    for (size_t i = 0; i < s->axes.n; i++) {
        if (s->axes.list[i].n > 1 && !is_seed(&s->axes.list[i])) {
            table_add_word(t, axes_value(&s->axes, combination, i));
        }
    }
}

static odeon_status add_group(const group *g, const sweep_run **found, double *values, table *t)
{
    const sweep *s = g->sweep;
    const sweep_run *first = &s->runs[g->first];
    const run_status *r = model_record(s);
    size_t n = members(g, found);
    char *name = n == 1 ? mem_strdup(first->name) : make_name(&s->axes, first->combination, false);
    add_values(s, first->combination, t);
    table_add_number(t, (double)n, "%.0f");
    for (size_t i = 0; i < r->n_figures; i++) {
        statistics x = mean_of(g, r->figures[i].name, found, values);
        table_add_mean(t, &x);
    }
    statistics seconds = mean_of(g, NULL, found, values);
    table_add_mean(t, &seconds);
    table_add_word(t, run_state_text(RUN_FINISHED));
    table_add_word(t, name != NULL ? name : "");
    table_add_word(t, "");
    mem_free(name);
    return name != NULL ? ODEON_OK : no_memory();
}

/* Not finished, for whatever reason. */
static void add_other(const sweep *s, const sweep_run *run, table *t)
{
    const run_status *r = model_record(s);
    const char *state = run->refused              ? "refused"
                        : run->status != ODEON_OK ? run_state_text(RUN_FAILED)
                        : run->has_record         ? run_state_text(run->record.state)
                                                  : "waiting";
    add_values(s, run->combination, t);
    table_add_number(t, 1.0, "%.0f");
    for (size_t i = 0; r != NULL && i < r->n_figures; i++) {
        table_add_nothing(t);
    }
    table_add_nothing(t);
    table_add_word(t, state);
    table_add_word(t, run->name);
    table_add_word(t, run->reason != NULL ? run->reason : "");
}

odeon_status sweep_table(const sweep *s, table *out)
{
    group *groups = mem_zalloc(s->n, sizeof *groups);
    const sweep_run **found = mem_zalloc(s->n, sizeof *found);
    double *values = mem_zalloc(s->n, sizeof *values);
    odeon_status status =
        groups != NULL && found != NULL && values != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK) {
        add_columns(s, out);
        size_t n = find_groups(s, groups, found, values);
        qsort(groups, n, sizeof *groups, by_score);
        for (size_t i = 0; i < n && status == ODEON_OK; i++) {
            status = add_group(&groups[i], found, values, out);
        }
        for (size_t i = 0; i < s->n; i++) {
            if (!is_finished(&s->runs[i])) {
                add_other(s, &s->runs[i], out);
            }
        }
    }
    mem_free(groups);
    mem_free(found);
    mem_free(values);
    return status;
}
