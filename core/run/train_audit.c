/* Two sessions beside the run's, with its parameters and one batch: one as the run is configured,
 * one whose gradient is exact for steps so small that what is left of an error is the method's.
 * They stay from one audit to the next, so that an audit costs two passes and no building. */
#include "run/train_audit.h"

#include <inttypes.h>
#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/run_folder.h"
#include "odeon/host.h"
#include "run/audit_groups.h"
#include "run/variant.h"

enum { MOST_SAMPLES = 64 };

struct train_audit {
    const config *config;
    char *ini;
    variant_base base;
    variant own, exact;
    variant_batch batch;
    bool opened, given_up, warned_of_error, warned_of_drift;
};

odeon_status train_audit_check(const config *c)
{
    size_t n;
    const config_node **blocks = NULL;
    if (c->audit_every == 0) {
        return ODEON_OK;
    }
    odeon_status status = variant_blocks(c, &n, &blocks);
    mem_free(blocks);
    if (status != ODEON_ERR_CONFIG) {
        return status;
    }
    diag_clear();
    return diag_fail(status,
                     "%s: audit.every: the model has no ODE block, so that its gradient has no "
                     "error to be found",
                     c->ini);
}

odeon_status train_audit_create(registry *r, const config *c, const char *folder, train_audit **out)
{
    *out = NULL;
    if (c->audit_every == 0) {
        return ODEON_OK;
    }
    train_audit *x = *out = mem_zalloc(1, sizeof *x);
    if (x != NULL) {
        x->config = c;
        x->ini = mem_printf("%s/" RUN_FOLDER_INI, folder);
        x->base = (variant_base){.registry = r, .ini = x->ini};
    }
    if (x == NULL || x->ini == NULL) {
        train_audit_destroy(x);
        *out = NULL;
        return diag_fail(ODEON_ERR_NOMEM, "audit: no memory");
    }
    return ODEON_OK;
}

void train_audit_destroy(train_audit *x)
{
    if (x != NULL) {
        variant_batch_fini(&x->batch);
        variant_close(&x->own);
        variant_close(&x->exact);
        mem_free(x->ini);
        mem_free(x);
    }
}

bool train_audit_due(const train_audit *x, int64_t step)
{
    return x != NULL && !x->given_up && (step == 1 || step % x->config->audit_every == 0);
}

/* ---- the models ---- */

static odeon_status open_exact(train_audit *x)
{
    static const double finer_tolerance = 1e-2, finer_steps = 1.0 / 16.0;
    size_t n;
    const config_node **blocks = NULL;
    variant_keys keys = {0};
    odeon_status status = variant_blocks(x->config, &n, &blocks);
    for (size_t i = 0; status == ODEON_OK && i < n; i++) {
        bool fixed = variant_is_fixed(blocks[i]);
        variant_add(&keys, "%s.%s.gradient=direct", blocks[i]->root, blocks[i]->path);
        variant_add_tolerance(&keys, blocks[i], 0.0, fixed ? finer_steps : finer_tolerance);
    }
    variant_add(&keys, "run.dtype=float64");
    variant_add(&keys, "run.workers=1");
    if (status == ODEON_OK) {
        status = variant_open(&x->base, &keys, (variant_ways){.over = NULL}, &x->exact);
    }
    variant_keys_fini(&keys);
    mem_free(blocks);
    return status;
}

static odeon_status open_models(train_audit *x)
{
    variant_keys keys = {0};
    variant_add(&keys, "run.workers=1");
    odeon_status status = variant_open(&x->base, &keys, (variant_ways){.over = NULL}, &x->own);
    variant_keys_fini(&keys);
    if (status == ODEON_OK) {
        status = open_exact(x);
    }
    if (status == ODEON_OK) {
        status = variant_batch_open(x->config, x->own.session, NULL, MOST_SAMPLES, &x->batch);
    }
    x->opened = status == ODEON_OK;
    return status;
}

/* ---- one audit ---- */

static odeon_status differentiate(const train_audit *x, const variant *v,
                                  const variant_values *values, variant_values *gradients)
{
    session_result result;
    ODEON_TRY(variant_set_values(v->session, values));
    ODEON_TRY(variant_differentiate(v->session, &x->batch, &result));
    return variant_take_gradients(v->session, gradients);
}

static odeon_status compare(const train_audit *x, const variant_values *values, double *error)
{
    variant_values own = {.n = 0}, exact = {.n = 0};
    audit_group *groups = NULL;
    size_t n = 0;
    odeon_status status = differentiate(x, &x->own, values, &own);
    if (status == ODEON_OK) {
        status = differentiate(x, &x->exact, values, &exact);
    }
    if (status == ODEON_OK) {
        status = audit_groups_compare(x->own.session, &own, &exact, &n, &groups);
    }
    if (status == ODEON_OK) {
        *error = groups[0].error;
    }
    audit_groups_free(n, groups);
    variant_values_fini(&own);
    variant_values_fini(&exact);
    return status;
}

static odeon_status measure(train_audit *x, session *s, double *error)
{
    variant_values values = {.n = 0};
    odeon_status status = x->opened ? ODEON_OK : open_models(x);
    if (status == ODEON_OK) {
        status = variant_take_values(s, &values);
    }
    if (status == ODEON_OK) {
        status = compare(x, &values, error);
    }
    variant_values_fini(&values);
    return status;
}

static void warn_of_error(train_audit *x, int64_t step, double error)
{
    if (error > x->config->audit_error && !x->warned_of_error) {
        x->warned_of_error = true;
        diag_log(ODEON_LOG_WARNING,
                 "step %" PRId64 ": the gradient is off by %.2g of its length, above audit.error = "
                 "%g: smaller tolerances or steps of the block help, and gradient = direct is "
                 "exact for the steps that are taken (odeon audit compares)",
                 step, error, x->config->audit_error);
    }
}

/* An audit that cannot be made ends no run. */
double train_audit_measure(train_audit *x, session *s, int64_t step)
{
    double error = (double)NAN;
    diag_reason before = diag_take();
    if (measure(x, s, &error) != ODEON_OK) {
        diag_log(ODEON_LOG_WARNING, "step %" PRId64 ": %s; the run goes on without audits", step,
                 diag_message());
        x->given_up = true;
    }
    diag_clear();
    diag_adopt(before.text);
    warn_of_error(x, step, error);
    return error;
}

/* The state of a backward solve is exact where nothing but its rounding separates it from the
 * forward one. */
void train_audit_drift(train_audit *x, const session_result *step, int64_t number)
{
    for (size_t i = 0; x != NULL && !x->warned_of_drift && i < step->n_blocks; i++) {
        const ode_counters *b = &step->blocks[i];
        if (b->drift > x->config->audit_drift) {
            x->warned_of_drift = true;
            diag_log(ODEON_LOG_WARNING,
                     "step %" PRId64 ": %s: solved backward, the state comes back off by %.2g of "
                     "its length, above audit.drift = %g: a smaller rtol and atol help, and "
                     "gradient = checkpoint or direct solves nothing backward",
                     number, b->path, b->drift, x->config->audit_drift);
        }
    }
}
