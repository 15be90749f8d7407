#include "run/lr_find.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "run/interrupt.h"
#include "session/describe.h"
#include "session/run_batch.h"

/* Memory of the smooth loss, and how far above its least it may rise. */
static const double memory = 0.9, explosion = 4.0;
enum { SETTLED = 5 }; /* rows before which the smooth loss says little */

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "lr-find: no memory");
}

void lr_find_fini(lr_find *x)
{
    mem_free(x->rows);
    *x = (lr_find){.n = 0};
}

/* The batches of one epoch after the other. */
typedef struct walk {
    const config *config;
    const data_source *source;
    int64_t *order; /* of all samples in use; samples: of them in an epoch */
    int64_t samples, epoch, position;
} walk;

static odeon_status next_batch(walk *w, int64_t *n, const int64_t **indices)
{
    if (w->epoch == 0 || w->position >= w->samples) {
        w->position = 0;
        ODEON_TRY(data_order(w->source, w->config->seed, ++w->epoch, w->order));
    }
    int64_t left = w->samples - w->position;
    *n = left < w->config->batch ? left : w->config->batch;
    *indices = w->order + w->position;
    w->position += *n;
    return ODEON_OK;
}

static double rate_at(const lr_find_plan *plan, int64_t k)
{
    return plan->from * pow(plan->to / plan->from, (double)k / (double)(plan->batches - 1));
}

/* The mean is corrected for its start, where there is little to remember. */
static void add_row(lr_find *x, double lr, const session_result *result, double *average)
{
    *average = memory * *average + (1.0 - memory) * result->loss;
    double known = 1.0 - pow(memory, (double)(x->n + 1));
    x->rows[x->n++] = (lr_find_row){
        .lr = lr, .loss = result->loss, .smooth = *average / known, .grad_norm = result->grad_norm};
}

static bool has_exploded(const lr_find *x, double *least)
{
    double smooth = x->rows[x->n - 1].smooth;
    if (!isfinite(smooth)) {
        return true;
    }
    *least = fmin(*least, smooth);
    return x->n > SETTLED && smooth > explosion * fabs(*least);
}

static odeon_status try_rates(session *s, walk *w, const lr_find_plan *plan, lr_find *out)
{
    double base = session_learning_rate(s), average = 0.0, least = (double)INFINITY;
    if (!(base > 0.0)) {
        return diag_fail(ODEON_ERR_CONFIG, "lr-find: the optimizer's learning rate is %g", base);
    }
    for (int64_t k = 0; k < plan->batches && !out->exploded; k++) {
        int64_t n;
        const int64_t *indices;
        session_result result;
        ODEON_TRY(next_batch(w, &n, &indices));
        odeon_status status = session_train(s, w->source, n, indices, w->epoch, k + 1,
                                            rate_at(plan, k) / base, &result);
        if (status == ODEON_ERR_NUMERIC && out->n > 0) {
            diag_clear();
            out->exploded = true;
            return ODEON_OK;
        }
        ODEON_TRY(status);
        add_row(out, rate_at(plan, k), &result, &average);
        out->exploded = has_exploded(out, &least);
        if (interrupt_signal() != 0) {
            return diag_fail(ODEON_ERR_CANCELLED, "lr-find: interrupted");
        }
    }
    return ODEON_OK;
}

/* The first rows are left out: their mean is of few batches. */
void lr_find_choose(lr_find *x)
{
    double slope = 0.0, least = (double)INFINITY;
    x->steepest = x->tenth = (double)NAN;
    for (int64_t i = SETTLED; i < x->n; i++) {
        const lr_find_row *now = &x->rows[i], *before = &x->rows[i - 1];
        double d = (now->smooth - before->smooth) / log(now->lr / before->lr);
        if (d < slope) {
            slope = d;
            x->steepest = now->lr;
        }
        if (now->smooth < least) {
            least = now->smooth;
            x->tenth = 0.1 * now->lr;
        }
    }
    if (isnan(x->steepest)) {
        x->tenth = (double)NAN;
    }
}

odeon_status lr_find_run(session *s, const config *c, const data_source *source,
                         const lr_find_plan *plan, lr_find *out)
{
    walk w = {.config = c, .source = source, .samples = data_epoch_length(source)};
    *out = (lr_find){.rows = mem_zalloc((size_t)plan->batches, sizeof *out->rows)};
    w.order = mem_zalloc((size_t)data_length(source), sizeof *w.order);
    odeon_status status = out->rows != NULL && w.order != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK && w.samples == 0) {
        status = diag_fail(ODEON_ERR_DATA, "the training split has no samples");
    }
    if (status == ODEON_OK) {
        status = try_rates(s, &w, plan, out);
    }
    lr_find_choose(out);
    mem_free(w.order);
    return status;
}

void lr_find_table(const lr_find *x, int64_t step, table *out)
{
    table_column_add(out, "lr", false);
    table_column_add(out, "loss", false);
    table_column_add(out, "smooth", false);
    table_column_add(out, "grad_norm", false);
    for (int64_t i = 0; i < x->n; i++) {
        if (i % step == 0 || i + 1 == x->n) {
            table_add_number(out, x->rows[i].lr, "%.3e");
            table_add_number(out, x->rows[i].loss, "%.4f");
            table_add_number(out, x->rows[i].smooth, "%.4f");
            table_add_number(out, x->rows[i].grad_norm, "%.3e");
        }
    }
}
