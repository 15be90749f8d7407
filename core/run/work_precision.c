#include "run/work_precision.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "run/interrupt.h"
#include "run/solve.h"

static const double tolerances_preset[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8};
enum { N_PRESET = sizeof tolerances_preset / sizeof *tolerances_preset };
enum { FIRST_STEPS = 8, LAST_STEPS = 512, FINEST_STEPS = 4096, PASSES = 2 };
static const double finer = 1e-2;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "work and precision: no memory");
}

void work_precision_fini(work_precision *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->rows[i].integrator);
        mem_free(x->rows[i].reason);
    }
    mem_free(x->rows);
    mem_free(x->reference);
    *x = (work_precision){.n = 0};
}

/* What all solves have in common. */
typedef struct work {
    const variant_base *base;
    const work_precision_plan *plan;
    const config_node *block;
    variant_values values; /* in the run's dtype, of the block and what comes before */
    solution reference;
    work_precision *out;
} work;

/* How one solve is made. */
typedef struct manner {
    const char *integrator; /* NULL: the configuration's */
    double tolerance;       /* 0: steps */
    int64_t steps;
    bool exact; /* in float64 */
} manner;

static void add_keys(const work *w, const manner *m, variant_keys *keys)
{
    const config_node *b = w->block;
    if (m->integrator != NULL) {
        variant_add(keys, "%s.%s.integrator=%s", b->root, b->path, m->integrator);
    }
    if (m->tolerance > 0.0) {
        variant_add_tolerance(keys, b, m->tolerance, 1.0);
    } else {
        variant_add(keys, "%s.%s.steps=%lld", b->root, b->path, (long long)m->steps);
    }
    if (m->exact) {
        variant_add(keys, "run.dtype=float64");
    }
}

static odeon_status solve_in(const work *w, const variant *v, const predict_input *in, int passes,
                             solution *out, double *seconds)
{
    *seconds = (double)INFINITY;
    for (int i = 0; i < passes; i++) {
        solution_fini(out);
        double start = clock_seconds();
        ODEON_TRY(solve_run(v->session, in, w->plan->source, w->plan->batch, out));
        *seconds = fmin(*seconds, clock_seconds() - start);
    }
    return ODEON_OK;
}

static odeon_status solve_opened(const work *w, const variant *v, int passes, solution *out,
                                 double *seconds)
{
    predict_input in;
    if (w->plan->in == NULL) {
        return solve_in(w, v, NULL, passes, out, seconds);
    }
    odeon_status status =
        predict_input_read(w->plan->in, w->plan->transformed, v->config, v->session, &in);
    if (status == ODEON_OK) {
        status = solve_in(w, v, &in, passes, out, seconds);
    }
    predict_input_fini(&in);
    return status;
}

/* out is {0} or an earlier one. */
static odeon_status solve_as(const work *w, const manner *m, int passes, solution *out,
                             double *seconds)
{
    variant_keys keys = {0};
    variant v;
    add_keys(w, m, &keys);
    odeon_status status = variant_open(w->base, &keys, (variant_ways){.flow = true}, &v);
    if (status == ODEON_OK && w->values.of != NULL) {
        status = variant_set_values(v.session, &w->values);
    }
    if (status == ODEON_OK) {
        status = solve_opened(w, &v, passes, out, seconds);
    }
    variant_close(&v);
    variant_keys_fini(&keys);
    return status;
}

/* ---- rows ---- */

/* Root of the mean squares of the differences over that of the reference's states. */
static double distance(const solution *x, const solution *reference)
{
    int64_t n = reference->n * reference->n_times * reference->size;
    double difference = 0.0, all = 0.0;
    if (n != x->n * x->n_times * x->size) {
        return (double)NAN;
    }
    for (int64_t i = 0; i < n; i++) {
        double d = x->states[i] - reference->states[i];
        difference += d * d;
        all += reference->states[i] * reference->states[i];
    }
    return sqrt(difference / (all > 0.0 ? all : 1.0));
}

static odeon_status new_row(work *w, const manner *m, work_precision_row **row)
{
    work_precision *x = w->out;
    work_precision_row *rows = mem_reserve(x->rows, &x->room, x->n + 1, 32, sizeof *rows);
    if (rows == NULL) {
        return no_memory();
    }
    x->rows = rows;
    *row = &rows[x->n++];
    **row = (work_precision_row){.integrator = mem_strdup(m->integrator),
                                 .tolerance = m->tolerance > 0.0 ? m->tolerance : (double)NAN,
                                 .steps = m->steps,
                                 .error = (double)NAN};
    return (*row)->integrator != NULL ? ODEON_OK : no_memory();
}

/* Memory and signals end it all; anything else is a row's reason. */
static bool ends_all(odeon_status status)
{
    return status == ODEON_ERR_NOMEM || status == ODEON_ERR_CANCELLED;
}

static odeon_status fill_row(work *w, const manner *m, odeon_status *answer)
{
    work_precision_row *row = NULL;
    solution x = {.n = 0};
    double seconds;
    ODEON_TRY(new_row(w, m, &row));
    *answer = solve_as(w, m, PASSES, &x, &seconds);
    if (*answer == ODEON_OK) {
        row->error = distance(&x, &w->reference);
        row->evals = x.sum.evals_forward;
        row->accepted = x.sum.accepted;
        row->rejected = x.sum.rejected;
        row->milliseconds = 1e3 * seconds;
    } else if (!ends_all(*answer)) {
        diag_reason reason = diag_take();
        row->reason = mem_strdup(reason.text);
        *answer = row->reason != NULL ? *answer : no_memory();
    }
    solution_fini(&x);
    if (interrupt_signal() != 0) {
        return diag_fail(ODEON_ERR_CANCELLED, "work and precision: interrupted");
    }
    return ends_all(*answer) ? *answer : ODEON_OK;
}

static odeon_status try_steps(work *w, const char *integrator)
{
    odeon_status answer = ODEON_OK;
    for (int64_t n = FIRST_STEPS; n <= LAST_STEPS && answer != ODEON_ERR_CONFIG; n *= 2) {
        manner m = {.integrator = integrator, .steps = n};
        ODEON_TRY(fill_row(w, &m, &answer));
    }
    return ODEON_OK;
}

/* What cannot choose its steps is refused as the model is built, at the first tolerance: its row
 * gives way to those of fixed steps. */
static odeon_status try_integrator(work *w, const char *integrator)
{
    bool preset = w->plan->n_tolerances == 0;
    size_t n = preset ? N_PRESET : w->plan->n_tolerances;
    if (variant_is_fixed(w->block)) {
        return try_steps(w, integrator);
    }
    for (size_t i = 0; i < n; i++) {
        odeon_status answer;
        manner m = {.integrator = integrator,
                    .tolerance = preset ? tolerances_preset[i] : w->plan->tolerances[i]};
        ODEON_TRY(fill_row(w, &m, &answer));
        if (i == 0 && answer == ODEON_ERR_CONFIG) {
            work_precision_row *row = &w->out->rows[--w->out->n];
            mem_free(row->integrator);
            mem_free(row->reason);
            return try_steps(w, integrator);
        }
    }
    return ODEON_OK;
}

/* ---- the whole ---- */

static odeon_status take_values(work *w)
{
    variant_keys none = {0};
    variant v;
    odeon_status status = variant_open(w->base, &none, (variant_ways){.flow = true}, &v);
    if (status == ODEON_OK) {
        status = variant_take_values(v.session, &w->values);
    }
    variant_close(&v);
    return status;
}

static odeon_status make_reference(work *w)
{
    double least = tolerances_preset[N_PRESET - 1], seconds;
    for (size_t i = 0; i < w->plan->n_tolerances; i++) {
        least = i == 0 ? w->plan->tolerances[0] : fmin(least, w->plan->tolerances[i]);
    }
    bool fixed = variant_is_fixed(w->block);
    manner m = {.tolerance = fixed ? 0.0 : finer * least, .steps = FINEST_STEPS, .exact = true};
    odeon_status status = solve_as(w, &m, 1, &w->reference, &seconds);
    if (status != ODEON_OK) {
        diag_reason reason = diag_take();
        return diag_fail(status, "the reference: %s", reason.text);
    }
    w->out->reference = fixed ? mem_printf("%d equal steps", (int)FINEST_STEPS)
                              : mem_printf("tolerance %g", m.tolerance);
    return w->out->reference != NULL ? ODEON_OK : no_memory();
}

/* The registry's scan has no way to answer a failure, so it is kept here. */
typedef struct scan {
    size_t n, room;
    char **ids;
    bool failed;
} scan;

static void add_installed(int32_t kind, const char *id, const char *file, void *context)
{
    scan *x = context;
    (void)file;
    if (kind != ODEON_KIND_INTEGRATOR || x->failed) {
        return;
    }
    char **ids = mem_reserve(x->ids, &x->room, x->n + 1, 16, sizeof *ids);
    x->ids = ids != NULL ? ids : x->ids;
    x->failed = ids == NULL || (x->ids[x->n++] = mem_strdup(id)) == NULL;
}

static odeon_status try_installed(work *w)
{
    scan all = {0};
    odeon_status status = registry_scan(w->base->registry, add_installed, &all);
    if (status == ODEON_OK && all.failed) {
        status = no_memory();
    }
    for (size_t i = 0; i < all.n && status == ODEON_OK; i++) {
        status = try_integrator(w, all.ids[i]);
    }
    for (size_t i = 0; i < all.n; i++) {
        mem_free(all.ids[i]);
    }
    mem_free(all.ids);
    return status;
}

static odeon_status try_all(work *w)
{
    ODEON_TRY(take_values(w));
    ODEON_TRY(make_reference(w));
    if (w->plan->n_integrators == 0) {
        return try_installed(w);
    }
    for (size_t i = 0; i < w->plan->n_integrators; i++) {
        ODEON_TRY(try_integrator(w, w->plan->integrators[i]));
    }
    return ODEON_OK;
}

odeon_status work_precision_run(const variant_base *base, const config *c,
                                const work_precision_plan *plan, work_precision *out)
{
    work w = {.base = base, .plan = plan, .out = out};
    const config_node **blocks;
    size_t n;
    *out = (work_precision){.n = 0};
    ODEON_TRY(variant_blocks(c, &n, &blocks));
    w.block = blocks[0];
    odeon_status status = try_all(&w);
    variant_values_fini(&w.values);
    solution_fini(&w.reference);
    mem_free(blocks);
    return status;
}

void work_precision_table(const work_precision *x, table *out)
{
    static const char *const names[] = {"integrator", "tolerance", "steps", "error", "evals",
                                        "accepted",   "rejected",  "ms",    "reason"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        table_column_add(out, names[i], false);
    }
    for (size_t i = 0; i < x->n; i++) {
        const work_precision_row *r = &x->rows[i];
        bool known = r->reason == NULL;
        table_add_word(out, r->integrator);
        table_add_number(out, r->tolerance, "%.0e");
        table_add_number(out, isnan(r->tolerance) ? (double)r->steps : (double)NAN, "%.0f");
        table_add_number(out, r->error, "%.2e");
        table_add_number(out, known ? (double)r->evals : (double)NAN, "%.0f");
        table_add_number(out, known ? (double)r->accepted : (double)NAN, "%.0f");
        table_add_number(out, known ? (double)r->rejected : (double)NAN, "%.0f");
        table_add_number(out, known ? r->milliseconds : (double)NAN, "%.3f");
        table_add_word(out, known ? "" : r->reason);
    }
}
