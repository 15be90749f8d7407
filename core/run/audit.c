#include "run/audit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "odeon/layer.h"
#include "option/schema_print.h"
#include "run/audit_groups.h"
#include "run/interrupt.h"
#include "session/parameters.h"
#include "session/slope.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "audit: no memory");
}

void audit_fini(audit *x)
{
    for (size_t i = 0; i < x->n; i++) {
        audit_row *r = &x->rows[i];
        audit_groups_free(r->n_groups, r->groups);
        mem_free(r->gradient);
        mem_free(r->integrator);
        mem_free(r->tolerance);
        mem_free(r->reason);
    }
    mem_free(x->rows);
    mem_free(x->reference);
    *x = (audit){.n = 0};
}

/* ---- what is compared ---- */

/* Everything that cases have in common. */
typedef struct work {
    const variant_base *base;
    const config *config;
    const audit_plan *plan;
    size_t n_blocks;
    const config_node **blocks;
    variant_batch batch;
    variant_values values, reference; /* parameters; the reference's gradients */
    double finest;                    /* least tolerance, or least scale */
} work;

/* One cell of the grid. */
typedef struct audit_case {
    const char *gradient, *integrator; /* NULL: the configuration's */
    double tolerance, scale;           /* tolerance 0: scale times the configuration's */
} audit_case;

static void add_case(const work *w, const audit_case *x, variant_keys *keys)
{
    for (size_t i = 0; i < w->n_blocks; i++) {
        const config_node *b = w->blocks[i];
        if (x->gradient != NULL) {
            variant_add(keys, "%s.%s.gradient=%s", b->root, b->path, x->gradient);
        }
        if (x->integrator != NULL) {
            variant_add(keys, "%s.%s.integrator=%s", b->root, b->path, x->integrator);
        }
        if (!variant_is_fixed(b) || x->scale != 1.0) {
            variant_add_tolerance(keys, b, x->tolerance, x->scale);
        }
    }
}

/* ---- the reference ---- */

/* Fixed steps have no tolerance; sixteen times as many leave little of a method's error. */
static const double finer_tolerance = 1e-2, finer_steps = 1.0 / 16.0;

static bool is_fixed(const work *w)
{
    for (size_t i = 0; i < w->n_blocks; i++) {
        if (!variant_is_fixed(w->blocks[i])) {
            return false;
        }
    }
    return true;
}

static odeon_status differentiate_reference(work *w, const audit_case *x, double *loss)
{
    variant_keys keys = {0};
    variant v = {.config = NULL};
    session_result result;
    add_case(w, x, &keys);
    variant_add(&keys, "run.dtype=float64");
    odeon_status status = variant_open(w->base, &keys, (variant_ways){.over = NULL}, &v);
    if (status == ODEON_OK) {
        status = variant_set_values(v.session, &w->values);
    }
    if (status == ODEON_OK) {
        status = variant_differentiate(v.session, &w->batch, &result);
    }
    if (status == ODEON_OK) {
        *loss = result.loss;
        status = variant_take_gradients(v.session, &w->reference);
    }
    variant_close(&v);
    variant_keys_fini(&keys);
    return status;
}

static odeon_status make_reference(work *w, audit *out)
{
    bool fixed = is_fixed(w), absolute = w->plan->n_tolerances > 0 && !fixed;
    audit_case x = {.gradient = "direct",
                    .tolerance = absolute ? w->finest * finer_tolerance : 0.0,
                    .scale = fixed      ? finer_steps
                             : absolute ? 1.0
                                        : w->finest * finer_tolerance};
    odeon_status status = differentiate_reference(w, &x, &out->loss);
    if (status != ODEON_OK) {
        diag_reason reason = diag_take();
        return diag_fail(status, "the reference, %s in float64: %s", "the exact gradient",
                         reason.text);
    }
    out->reference = fixed ? mem_strdup("steps a sixteenth as long")
                     : absolute
                         ? mem_printf("steps at tolerance %g", x.tolerance)
                         : mem_printf("steps at %g of the configuration's tolerances", x.scale);
    return out->reference != NULL ? ODEON_OK : no_memory();
}

/* ---- one case ---- */

enum { MOST_PASSES = 3 };
static const double enough_seconds = 1.0;

/* The first pass finds its memory, later ones have it. */
static odeon_status time_passes(work *w, session *s, session_result *result, double *seconds)
{
    double all = 0.0;
    *seconds = (double)INFINITY;
    for (int i = 0; i < MOST_PASSES && (i == 0 || all < enough_seconds); i++) {
        double start = clock_seconds();
        ODEON_TRY(variant_differentiate(s, &w->batch, result));
        double took = clock_seconds() - start;
        *seconds = fmin(*seconds, took);
        all += took;
    }
    return ODEON_OK;
}

static void add_counters(audit_row *row, const session_result *result)
{
    for (size_t i = 0; i < result->n_blocks; i++) {
        const ode_counters *b = &result->blocks[i];
        row->evals_forward += b->evals_forward;
        row->evals_backward += b->evals_backward;
        row->accepted += b->accepted;
        row->rejected += b->rejected;
        row->bytes += b->bytes;
    }
}

static odeon_status measure(work *w, const variant_keys *keys, audit_row *row)
{
    variant v = {.config = NULL};
    variant_values gradients = {.n = 0};
    session_result result;
    double seconds;
    odeon_status status = variant_open(w->base, keys, (variant_ways){.over = NULL}, &v);
    if (status == ODEON_OK) {
        status = variant_set_values(v.session, &w->values);
    }
    if (status == ODEON_OK) {
        status = time_passes(w, v.session, &result, &seconds);
    }
    if (status == ODEON_OK) {
        row->milliseconds = 1e3 * seconds;
        add_counters(row, &result);
        status = variant_take_gradients(v.session, &gradients);
    }
    if (status == ODEON_OK) {
        status = audit_groups_compare(v.session, &gradients, &w->reference, &row->n_groups,
                                      &row->groups);
    }
    variant_values_fini(&gradients);
    variant_close(&v);
    return status;
}

static odeon_status read_slopes(work *w, session *s, audit_row *row)
{
    double worst = 0.0, largest = 0.0;
    for (int64_t i = 0; i < w->plan->directions; i++) {
        session_slope slope;
        session_result result;
        ODEON_TRY(session_seed_slope(s, (uint64_t)i));
        ODEON_TRY(variant_differentiate(s, &w->batch, &result));
        ODEON_TRY(session_read_slope(s, (uint64_t)i, &slope));
        if (i == 0) {
            row->derivative = slope.of_loss;
            row->said = slope.of_gradient;
        }
        worst = fmax(worst, fabs(slope.of_gradient - slope.of_loss));
        largest = fmax(largest, fabs(slope.of_loss));
    }
    row->gap = worst / largest;
    return ODEON_OK;
}

/* A device that has no such numbers leaves the columns empty: the row is measured all the same. One
 * worker, whose sums are the whole batch's. */
static odeon_status find_slopes(work *w, variant_keys *keys, audit_row *row)
{
    variant v = {.config = NULL};
    if (w->plan->directions == 0) {
        return ODEON_OK;
    }
    variant_add(keys, "run.workers=1");
    odeon_status status = variant_open(w->base, keys, (variant_ways){.over = "dual"}, &v);
    if (status == ODEON_OK) {
        status = variant_set_values(v.session, &w->values);
    }
    if (status == ODEON_OK) {
        status = read_slopes(w, v.session, row);
    }
    variant_close(&v);
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM) {
        diag_reason reason = diag_take();
        row->reason = mem_printf("no derivative: %s", reason.text);
        status = row->reason != NULL ? ODEON_OK : no_memory();
    }
    return status;
}

/* ---- a row ---- */

/* What the configuration has, with the options that it gives: the component of the first block. */
static char *own_component(const work *w, const char *option)
{
    const option_value *v = schema_value(variant_options(w->blocks[0]), option);
    odeon_config *given = v != NULL && v->component != NULL ? schema_copy(v->component) : NULL;
    text_buffer t = {0};
    char *text = NULL;
    for (size_t i = 0; given != NULL && i < given->n; i++) {
        if (!given->values[i].given) {
            schema_value_clear(&given->values[i]);
        }
    }
    if (given != NULL && schema_print(&t, given) == ODEON_OK && !t.failed) {
        text = mem_strdup(t.data);
    }
    schema_destroy(given);
    text_fini(&t);
    return text;
}

static char *tolerance_text(const work *w, const audit_case *x)
{
    const option_value *v = schema_value(variant_options(w->blocks[0]), "rtol");
    if (is_fixed(w)) {
        return mem_strdup("fixed");
    }
    double own = v != NULL && v->set && v->n > 0 ? v->list_f[0] : (double)NAN;
    return mem_printf("%.3g", x->tolerance > 0.0 ? x->tolerance : x->scale * own);
}

static odeon_status name_row(const work *w, const audit_case *x, audit_row *row)
{
    *row = (audit_row){.derivative = (double)NAN, .said = (double)NAN, .gap = (double)NAN};
    row->gradient = mem_strdup(x->gradient);
    row->integrator = mem_strdup(x->integrator);
    row->tolerance = tolerance_text(w, x);
    return row->gradient != NULL && row->integrator != NULL && row->tolerance != NULL ? ODEON_OK
                                                                                      : no_memory();
}

/* A combination that cannot be, as an implicit method with a continuous adjoint, is a row with its
 * reason. */
static odeon_status fill_row(work *w, const audit_case *x, audit_row *row)
{
    variant_keys keys = {0};
    ODEON_TRY(name_row(w, x, row));
    add_case(w, x, &keys);
    odeon_status status = measure(w, &keys, row);
    if (status == ODEON_OK) {
        status = find_slopes(w, &keys, row);
    } else if (status != ODEON_ERR_NOMEM && status != ODEON_ERR_CANCELLED) {
        diag_reason reason = diag_take();
        row->reason = mem_strdup(reason.text);
        status = row->reason != NULL ? ODEON_OK : no_memory();
    }
    variant_keys_fini(&keys);
    return interrupt_signal() != 0 ? diag_fail(ODEON_ERR_CANCELLED, "audit: interrupted") : status;
}

/* ---- the grid ---- */

typedef struct names {
    size_t n, room;
    char **list;
    bool failed;
} names;

/* text is the list's from now on. */
static void add_name(names *x, char *text)
{
    char **list = text != NULL ? mem_reserve(x->list, &x->room, x->n + 1, 8, sizeof *list) : NULL;
    if (list == NULL) {
        x->failed = true;
        mem_free(text);
        return;
    }
    x->list = list;
    list[x->n++] = text;
}

static void names_fini(names *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->list[i]);
    }
    mem_free(x->list);
}

/* list[0] is the configuration's, perhaps with options. */
static void add_installed(int32_t kind, const char *id, const char *file, void *context)
{
    names *x = context;
    (void)file;
    size_t n = strcspn(x->n > 0 ? x->list[0] : "", "(");
    bool own = x->n > 0 && strlen(id) == n && strncmp(x->list[0], id, n) == 0;
    if (kind == ODEON_KIND_GRADIENT && !own) {
        add_name(x, mem_strdup(id));
    }
}

static odeon_status list_gradients(const work *w, names *out)
{
    for (size_t i = 0; i < w->plan->n_gradients; i++) {
        add_name(out, mem_strdup(w->plan->gradients[i]));
    }
    if (w->plan->n_gradients == 0) {
        add_name(out, own_component(w, "gradient"));
        ODEON_TRY(registry_scan(w->base->registry, add_installed, out));
    }
    return out->failed ? no_memory() : ODEON_OK;
}

static odeon_status list_integrators(const work *w, names *out)
{
    for (size_t i = 0; i < w->plan->n_integrators; i++) {
        add_name(out, mem_strdup(w->plan->integrators[i]));
    }
    if (w->plan->n_integrators == 0) {
        add_name(out, own_component(w, "integrator"));
    }
    return out->failed ? no_memory() : ODEON_OK;
}

static const double scales[] = {1.0, 0.1, 0.01};
enum { N_SCALES = sizeof scales / sizeof *scales };

static size_t count_tolerances(const work *w)
{
    return is_fixed(w) ? 1 : w->plan->n_tolerances > 0 ? w->plan->n_tolerances : N_SCALES;
}

/* Tolerances change slowest, so that methods stand below one another. */
static audit_case case_at(const work *w, const names *g, const names *in, size_t index)
{
    audit_case x = {.scale = 1.0};
    x.gradient = g->list[index % g->n];
    x.integrator = in->list[index / g->n % in->n];
    size_t t = index / (g->n * in->n);
    if (is_fixed(w)) {
        return x;
    }
    if (w->plan->n_tolerances > 0) {
        x.tolerance = w->plan->tolerances[t];
    } else {
        x.scale = scales[t];
    }
    return x;
}

static odeon_status fill_rows(work *w, const names *g, const names *in, audit *out)
{
    size_t n = g->n * in->n * count_tolerances(w);
    out->rows = mem_zalloc(n, sizeof *out->rows);
    if (out->rows == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < n; i++) {
        audit_case x = case_at(w, g, in, i);
        out->n++;
        ODEON_TRY(fill_row(w, &x, &out->rows[i]));
    }
    return ODEON_OK;
}

/* ---- the whole ---- */

static double least_tolerance(const work *w)
{
    double least = w->plan->n_tolerances > 0 ? w->plan->tolerances[0] : scales[N_SCALES - 1];
    for (size_t i = 0; i < w->plan->n_tolerances; i++) {
        least = fmin(least, w->plan->tolerances[i]);
    }
    return least;
}

/* Parameters and batch are taken once, in the run's dtype: every case has the same numbers. */
static odeon_status begin(work *w, audit *out)
{
    variant v = {.config = NULL};
    variant_keys none = {0};
    odeon_status status = variant_open(w->base, &none, (variant_ways){.over = NULL}, &v);
    if (status == ODEON_OK) {
        status = variant_take_values(v.session, &w->values);
    }
    if (status == ODEON_OK) {
        status = variant_batch_open(w->config, v.session, w->plan->batch, 0, &w->batch);
    }
    out->samples = w->batch.n;
    variant_close(&v);
    return status;
}

static odeon_status compare_all(work *w, audit *out)
{
    names gradients = {0}, integrators = {0};
    odeon_status status = begin(w, out);
    if (status == ODEON_OK) {
        status = make_reference(w, out);
    }
    if (status == ODEON_OK) {
        status = list_gradients(w, &gradients);
    }
    if (status == ODEON_OK) {
        status = list_integrators(w, &integrators);
    }
    if (status == ODEON_OK) {
        status = fill_rows(w, &gradients, &integrators, out);
    }
    names_fini(&gradients);
    names_fini(&integrators);
    return status;
}

odeon_status audit_run(const variant_base *base, const config *c, const audit_plan *plan,
                       audit *out)
{
    work w = {.base = base, .config = c, .plan = plan, .finest = 0.0};
    *out = (audit){.n = 0};
    ODEON_TRY(variant_blocks(c, &w.n_blocks, &w.blocks));
    w.finest = least_tolerance(&w);
    odeon_status status = compare_all(&w, out);
    variant_batch_fini(&w.batch);
    variant_values_fini(&w.values);
    variant_values_fini(&w.reference);
    mem_free(w.blocks);
    return status;
}
