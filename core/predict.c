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

static odeon_status check_output(const predictions *p)
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
    }
    return ODEON_OK;
}

/* expected: NULL, or the class of every sample. */
static void classify(predictions *p, const double *expected)
{
    int64_t right = 0;
    for (int64_t i = 0; i < p->n; i++) {
        p->labels[i] = first_largest(p->output + i * p->size, p->size);
        right += expected != NULL && (double)p->labels[i] == expected[i];
    }
    p->has_accuracy = expected != NULL;
    p->accuracy = (double)right / (double)p->n;
}

session_samples predict_input_part(const session *s, const predict_input *in, int64_t first,
                                   int64_t n)
{
    session_samples samples = {.n = n};
    odeon_tensor one = session_input(s);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (role != ODEON_ROLE_INPUT) {
            one = data_field_shape(session_fields(s), role, 1, ODEON_DTYPE_F64);
        }
        if (in->field[role] != NULL) {
            samples.given[role] = in->field[role] + first * odeon_count(&one);
        }
    }
    if (in->stored != NULL) {
        samples.stored = (const char *)in->stored + first * (int64_t)session_stored_bytes(s);
    }
    return samples;
}

/* expected, which may be NULL, gets the labels of a source. */
static odeon_status run_all(session *s, const predict_input *in, const data_source *source,
                            int64_t batch, int64_t *order, predictions *p, double *expected)
{
    if (source != NULL) {
        ODEON_TRY(data_order(source, 0, 0, order));
    }
    for (int64_t first = 0; first < p->n; first += batch) {
        int64_t n = p->n - first < batch ? p->n - first : batch, left = p->n - first - n;
        session_samples samples = {.n = n, .source = source, .indices = order + first};
        if (in != NULL) {
            samples = predict_input_part(s, in, first, n);
        }
        if (source != NULL && left > 0) {
            session_expect(s, source, left < batch ? left : batch, order + first + n);
        }
        ODEON_TRY(session_predict(s, &samples, p->output + first * p->size,
                                  expected != NULL ? expected + first : NULL));
    }
    ODEON_TRY(check_output(p));
    if (p->labels != NULL) {
        classify(p, in != NULL ? in->field[ODEON_ROLE_LABEL] : expected);
    }
    return ODEON_OK;
}

odeon_status predict_run(session *s, const predict_input *in, const data_source *source,
                         int64_t batch, predictions *out)
{
    bool classes = session_fields(s)->of[ODEON_ROLE_LABEL].classes > 0;
    odeon_tensor shape = session_output(s);
    *out = (predictions){.n = in != NULL ? in->n : data_length(source),
                         .size = session_output_size(s),
                         .ndim = shape.ndim};
    memcpy(out->dim, shape.dim, sizeof out->dim);
    out->dim[0] = out->n;
    int64_t values = 0;
    if (!checked_mul(out->n, out->size, &values)) {
        return no_memory();
    }
    size_t n = (size_t)out->n;
    int64_t *order = mem_zalloc(n, sizeof *order);
    double *expected = classes ? mem_zalloc(n, sizeof *expected) : NULL;
    out->output = mem_zalloc((size_t)values, sizeof *out->output);
    out->labels = classes ? mem_zalloc(n, sizeof *out->labels) : NULL;
    bool there = order != NULL && out->output != NULL &&
                 (!classes || (expected != NULL && out->labels != NULL));
    odeon_status status = there ? run_all(s, in, source, batch, order, out, expected) : no_memory();
    mem_free(order);
    mem_free(expected);
    return status;
}
