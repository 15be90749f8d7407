/* view_runs.h: what views read off runs: columns as series, keys, groups of runs that differ in
 * their seed alone. */
#ifndef ODEON_VIEW_VIEW_RUNS_H
#define ODEON_VIEW_VIEW_RUNS_H
#include "chart.h"
#include "odeon/view.h"

/* Memory that goes as a whole; starts as {.host = host}. failed: there was not enough. */
typedef struct view_memory {
    const odeon_host *host;
    void *last;
    bool failed;
} view_memory;
void *view_alloc(view_memory *m, size_t count, size_t size); /* zeroed; NULL: failed */
char *view_print(view_memory *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void view_free(view_memory *m);
/* "cross entropy" for "cross_entropy(weight=1)". */
const char *view_plain_words(view_memory *m, const char *expression);

/* The first run that has rows, from which the kind of all is taken; else the first. */
const odeon_view_run *view_first(const odeon_view_request *request);

/* ---- one run ---- */

/* NULL: there is none. Keys as "model.ode.rtol", "machine.processor". */
const char *view_config(const odeon_view_run *run, const char *key);
const char *view_manifest(const odeon_view_run *run, const char *key);
double view_manifest_number(const odeon_view_run *run, const char *key); /* NaN: none */
const odeon_view_table *view_table(const odeon_view_run *run, const char *name);
/* name NULL, for which there was no memory: none. */
const odeon_view_column *view_column(const odeon_view_table *table, const char *name);

/* Values of a column of the metrics by the step of their row. */
typedef struct view_series {
    size_t n;
    double *step, *value; /* [n]; finite values alone */
} view_series;

/* Of rows of that split, "train" or "test"; n is 0 where there is no such column. */
view_series view_series_of(view_memory *m, const odeon_view_run *run, const char *split,
                           const char *column);
/* The mean of the last `window` values at each place: it never looks ahead. */
double *view_smooth(view_memory *m, size_t n, const double *value, size_t window);
size_t
view_window(size_t n); /* that suits so many: 25, fewer of short runs, 1 of very short ones */
double view_last(view_series s);
double view_mean(size_t n, const double *x);
void view_range(size_t n, const double *x, double *lo, double *hi);
/* Do they differ so much that a logarithmic axis suits them? */
bool view_wants_log(size_t n, const double *x, double ratio);

/* The path of the i-th ODE block, as the metrics have it; NULL: there are no more. */
const char *view_block(view_memory *m, const odeon_view_run *run, size_t i);
/* The i-th metric beside the loss; NULL: there are no more. */
const char *view_metric(const odeon_view_run *run, size_t i);
/* Optimizer steps that the run was meant to make, and those of an epoch; NaN: not known. */
double view_planned_steps(const odeon_view_run *run);
double view_epoch_steps(const odeon_view_run *run);

/* ---- several ---- */

typedef struct view_group {
    size_t n;
    const odeon_view_run *const *run; /* [n] */
    const char *name;                 /* what tells it from the others */
} view_group;

/* Runs whose configurations differ in run.seed and in where they are kept alone, in the order in
 * which they were given; *n of them. NULL: memory failed. */
view_group *view_groups(view_memory *m, int64_t n_runs, const odeon_view_run *const *run,
                        size_t *n);
/* Does the key say nothing of what a run computes: its name, its place? */
bool view_is_incidental(const char *key);

/* A column over training of all runs of a group, as far as all go. */
typedef struct view_band {
    size_t n;
    double *step, *mean, *lo, *hi; /* [n] */
} view_band;
/* Smoothed; geometric: its mean is the geometric one, of positive values. */
view_band view_band_of(view_memory *m, const view_group *g, const char *split, const char *column,
                       bool geometric);

#endif
