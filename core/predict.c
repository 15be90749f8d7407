#include "predict.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "diag.h"
#include "mem.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "predict: no memory");
}

void predictions_fini(predictions *p)
{
    mem_free(p->output);
    mem_free(p->labels);
    *p = (predictions){.n = 0};
}

static int64_t first_largest(const double *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

static odeon_status classify(predictions *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        const double *output = p->output + i * p->size;
        for (int64_t k = 0; k < p->size; k++) {
            if (!isfinite(output[k])) {
                return diag_fail(ODEON_ERR_NUMERIC,
                                 "predict: output %" PRId64 " of sample %" PRId64
                                 " is %g: are weights and input what they should be?",
                                 k, i, output[k]);
            }
        }
        p->labels[i] = first_largest(output, p->size);
    }
    return ODEON_OK;
}

/* One batch from sample first on; expected gets the labels of a source. */
static odeon_status run_batch(session *s, const predict_input *in, const data_source *source,
                              const int64_t *order, int64_t first, int64_t n, predictions *p,
                              int64_t *expected)
{
    session_samples samples = {.n = n, .source = source};
    if (in == NULL) {
        samples.indices = order + first;
    } else {
        odeon_tensor one = session_input(s);
        int64_t size = in->is_stored ? (int64_t)session_stored_bytes(s)
                                     : odeon_count(&one) * (int64_t)sizeof(double);
        samples.x = (const char *)in->x + first * size;
        samples.is_stored = in->is_stored;
    }
    return session_predict(s, &samples, p->output + first * p->size, expected + first);
}

static odeon_status run_all(session *s, const predict_input *in, const data_source *source,
                            int64_t batch, int64_t *order, predictions *p, int64_t *expected)
{
    if (source != NULL) {
        ODEON_TRY(data_order(source, 0, 0, order));
    } else if (in->labels != NULL) {
        memcpy(expected, in->labels, (size_t)p->n * sizeof *expected);
    }
    for (int64_t first = 0; first < p->n; first += batch) {
        int64_t n = p->n - first < batch ? p->n - first : batch;
        ODEON_TRY(run_batch(s, in, source, order, first, n, p, expected));
    }
    ODEON_TRY(classify(p));
    int64_t right = 0;
    for (int64_t i = 0; i < p->n; i++) {
        right += p->labels[i] == expected[i];
    }
    p->has_accuracy = source != NULL || in->labels != NULL;
    p->accuracy = (double)right / (double)p->n;
    return ODEON_OK;
}

odeon_status predict_run(session *s, const predict_input *in, const data_source *source,
                         int64_t batch, predictions *out)
{
    *out = (predictions){.n = in != NULL ? in->n : data_length(source),
                         .size = session_output_size(s)};
    int64_t values = 0;
    if (!checked_mul(out->n, out->size, &values)) {
        return no_memory();
    }
    size_t n = (size_t)out->n;
    int64_t *order = mem_zalloc(n, sizeof *order), *expected = mem_zalloc(n, sizeof *expected);
    out->output = mem_zalloc((size_t)values, sizeof *out->output);
    out->labels = mem_zalloc(n, sizeof *out->labels);
    odeon_status status =
        order != NULL && expected != NULL && out->output != NULL && out->labels != NULL
            ? run_all(s, in, source, batch, order, out, expected)
            : no_memory();
    mem_free(order);
    mem_free(expected);
    return status;
}
