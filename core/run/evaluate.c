/* Figures of a whole split from those of its batches. A mean over the split is not the mean of the
 * batches' means where batches differ in size or masks: each is weighed by what it counts. */
#include "run/evaluate.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "run/interrupt.h"
#include "session/describe.h"
#include "session/placement.h"
#include "session/result.h"
#include "session/run_batch.h"

/* Evaluations and steps add up; of step sizes the extremes count, of memory the largest batch. */
static void add_block(ode_counters *out, const ode_counters *block, bool first, double weight)
{
    double share = weight * block->share;
    if (first) {
        *out = *block;
        out->share = share;
        return;
    }
    out->evals_forward += block->evals_forward;
    out->evals_backward += block->evals_backward;
    out->accepted += block->accepted;
    out->rejected += block->rejected;
    counters_add_spread(out, block);
    out->accepted_backward += block->accepted_backward;
    out->rejected_backward += block->rejected_backward;
    out->h_min = fmin(out->h_min, block->h_min);
    out->h_max = fmax(out->h_max, block->h_max);
    out->bytes = block->bytes > out->bytes ? block->bytes : out->bytes;
    out->share += share;
}

/* Counts that one batch does not know are not known of all. */
static void add_device(device_counters *out, const device_counters *batch)
{
    bool known = out->launches >= 0 && batch->launches >= 0;
    out->waits = known ? out->waits + batch->waits : -1;
    out->launches = known ? out->launches + batch->launches : -1;
    out->allocs = known ? out->allocs + batch->allocs : -1;
}

/* The counters of the first batch are where those of the others are added. */
static odeon_status add_blocks(session_result *out, const session_result *batch, double weight)
{
    bool first = out->n_blocks == 0;
    if (first && batch->n_blocks > 0) {
        out->blocks = mem_zalloc(batch->n_blocks, sizeof *out->blocks);
        if (out->blocks == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "evaluation: no memory for %zu ODE blocks",
                             batch->n_blocks);
        }
        out->n_blocks = batch->n_blocks;
    }
    for (size_t i = 0; i < batch->n_blocks; i++) {
        add_block(&out->blocks[i], &batch->blocks[i], first, weight);
    }
    return ODEON_OK;
}

/* Means are weighed by the elements that each batch counted, so that a mask or a last, smaller
 * batch does not distort them. */
odeon_status evaluate_add(session_result *out, const session_result *batch, size_t n_metrics,
                          int64_t n, int64_t total)
{
    out->grad_norm = (double)NAN;
    session_result_add_means(out, batch, n_metrics);
    add_device(&out->device, &batch->device);
    return add_blocks(out, batch, (double)n / (double)total);
}

/* In the order in which samples are stored: a sum over the split then has the same bits whatever
 * the training did. A signal ends it between two batches, as it ends training. */
static odeon_status evaluate_batches(session *s, const data_source *source, int64_t batch,
                                     const int64_t *order, progress *p, session_result *out)
{
    int64_t total = data_length(source);
    session_clear_figures(s);
    for (int64_t start = 0; start < total; start += batch) {
        int64_t n = total - start < batch ? total - start : batch;
        int64_t left = total - start - n;
        session_result result;
        if (left > 0) {
            session_expect(s, source, left < batch ? left : batch, order + start + n);
        }
        ODEON_TRY(session_evaluate(s, source, n, order + start, &result));
        ODEON_TRY(evaluate_add(out, &result, session_metric_count(s), n, total));
        progress_test(p, start + n, total);
        if (interrupt_signal() != 0) {
            return diag_fail(ODEON_ERR_CANCELLED, "interrupted while evaluating");
        }
    }
    return ODEON_OK;
}

/* An earlier answer is released first: a result without blocks is how the first batch is recognized
 * (add_blocks). */
odeon_status evaluate_split(session *s, const data_source *source, int64_t batch, progress *p,
                            session_result *out)
{
    session_result_fini(out);
    int64_t total = data_length(source);
    if (total == 0) {
        return diag_fail(ODEON_ERR_DATA, "the split has no samples");
    }
    int64_t *order = mem_zalloc((size_t)total, sizeof *order);
    if (order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "evaluation: no memory for %lld indices",
                         (long long)total);
    }
    data_in_use(source, order);
    odeon_status status = evaluate_batches(s, source, batch, order, p, out);
    mem_free(order);
    if (status == ODEON_OK && !(out->loss_counted > 0.0)) {
        out->loss = (double)NAN; /* masks or weights of classes have left nothing */
    }
    return status;
}

/* In the order of the columns of the metrics' files. */
void evaluate_print(FILE *out, const session *s, const char *what, const session_result *result)
{
    char number[32];
    progress_number(result->loss, number);
    fprintf(out, "%s loss %s\n", what, number);
    for (size_t i = 0; i < session_metric_count(s); i++) {
        progress_number(result->metrics[i], number);
        fprintf(out, "%s %s %s\n", what, session_metric_names(s)[i], number);
    }
}
