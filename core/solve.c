#include "solve.h"

#include <inttypes.h>
#include <math.h>

#include "diag.h"
#include "mem.h"

/* What one batch needs. */
typedef struct solving {
    session *session;
    session_flow flow;
    double *y, *times; /* [batch, n_times, size], [n_times] */
    int64_t *order;
    text_buffer *out;
    metrics_block *sum;
} solving;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "solve: no memory");
}

static odeon_status add_state(const solving *x, int64_t sample, double t, const double *y)
{
    text_printf(x->out, "%" PRId64 ",", sample);
    text_number(x->out, t);
    for (int64_t k = 0; k < x->flow.size; k++) {
        if (!isfinite(y[k])) {
            return diag_fail(ODEON_ERR_NUMERIC,
                             "solve: y%" PRId64 " of sample %" PRId64
                             " is %g at t = %g: smaller steps may help",
                             k, sample, y[k], t);
        }
        text_add(x->out, ",");
        text_number(x->out, y[k]);
    }
    text_add(x->out, "\n");
    return ODEON_OK;
}

static void add_counters(metrics_block *sum, const metrics_block *batch)
{
    sum->path = batch->path;
    sum->evals_forward += batch->evals_forward;
    sum->accepted += batch->accepted;
    sum->rejected += batch->rejected;
}

static odeon_status solve_batch(const solving *x, const session_samples *samples, int64_t first)
{
    session_result result;
    ODEON_TRY(session_solve(x->session, samples, x->y, x->times, &result));
    add_counters(x->sum, &result.blocks[0]);
    for (int64_t i = 0; i < samples->n; i++) {
        for (int64_t k = 0; k < x->flow.n_times; k++) {
            ODEON_TRY(add_state(x, first + i, x->times[k],
                                x->y + (i * x->flow.n_times + k) * x->flow.size));
        }
    }
    return ODEON_OK;
}

static odeon_status solve_all(const solving *x, const predict_input *in, const data_source *source,
                              int64_t n, int64_t batch)
{
    text_add(x->out, "sample,t");
    for (int64_t k = 0; k < x->flow.size; k++) {
        text_printf(x->out, ",y%" PRId64, k);
    }
    text_add(x->out, "\n");
    if (source != NULL) {
        ODEON_TRY(data_order(source, 0, 0, x->order));
    }
    for (int64_t first = 0; first < n; first += batch) {
        int64_t count = n - first < batch ? n - first : batch;
        int64_t left = n - first - count;
        session_samples samples = {.n = count, .source = source, .indices = x->order + first};
        if (source != NULL && left > 0) {
            session_expect(x->session, source, left < batch ? left : batch,
                           x->order + first + count);
        }
        if (in != NULL) {
            samples = predict_input_part(x->session, in, first, count);
        }
        ODEON_TRY(solve_batch(x, &samples, first));
    }
    return x->out->failed ? no_memory() : ODEON_OK;
}

/* One sample of zeros: for models that start from numbers of their own. */
static odeon_status make_zeros(const session *s, predict_input *out)
{
    odeon_tensor input = session_input(s);
    *out = (predict_input){.n = 1};
    out->field[ODEON_ROLE_INPUT] = mem_zalloc((size_t)odeon_count(&input), sizeof(double));
    return out->field[ODEON_ROLE_INPUT] != NULL ? ODEON_OK : no_memory();
}

static odeon_status solve_some(session *s, const predict_input *in, const data_source *source,
                               int64_t batch, text_buffer *out, metrics_block *sum)
{
    int64_t n = in != NULL ? in->n : data_length(source), values;
    solving x = {.session = s, .out = out, .sum = sum};
    batch = n < batch ? n : batch;
    ODEON_TRY(session_flow_of(s, &x.flow));
    if (!checked_mul(batch, x.flow.n_times * x.flow.size, &values)) {
        return no_memory();
    }
    x.y = mem_zalloc((size_t)values, sizeof *x.y);
    x.times = mem_zalloc((size_t)x.flow.n_times, sizeof *x.times);
    x.order = mem_zalloc((size_t)n, sizeof *x.order);
    odeon_status status = x.y != NULL && x.times != NULL && x.order != NULL
                              ? solve_all(&x, in, source, n, batch)
                              : no_memory();
    mem_free(x.y);
    mem_free(x.times);
    mem_free(x.order);
    return status;
}

odeon_status solve_csv(session *s, const predict_input *in, const data_source *source,
                       int64_t batch, text_buffer *out, metrics_block *sum)
{
    *sum = (metrics_block){.path = NULL};
    if (in != NULL || source != NULL) {
        return solve_some(s, in, source, batch, out, sum);
    }
    predict_input zeros;
    odeon_status status = make_zeros(s, &zeros);
    if (status == ODEON_OK) {
        status = solve_some(s, &zeros, NULL, 1, out, sum);
    }
    predict_input_fini(&zeros);
    return status;
}
