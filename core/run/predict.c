/* Outputs of a whole split or file, batch by batch in evaluation mode, and what they mean where
 * labels are classes: the largest output is the class, and the share that meets the true label is
 * the accuracy. */
#include "run/predict.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/describe.h"
#include "session/placement.h"
#include "session/run_batch.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "predict: no memory");
}

/* Takes what a failed predict_run has left, too. */
void predictions_fini(predictions *p)
{
    mem_free(p->output);
    mem_free(p->labels);
    mem_free(p->rows);
    mem_free(p->truth);
    mem_free(p->names);
    *p = (predictions){.n = 0};
}

/* Numbers of a sample's label; a class is one. */
static int64_t count_labels(const session *s)
{
    odeon_shape one = data_field_shape(session_fields(s), ODEON_ROLE_LABEL, 1, ODEON_DTYPE_F64);
    return odeon_count(&one);
}

/* Of equal ones the first, as numpy's argmax has it. A NaN has been refused before. */
static int64_t first_largest(const double *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* Told with output and sample: a table of numbers with a NaN in it would be used before it is read.
 */
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

/* Labels of classes: how many were found. */
static void classify(predictions *p)
{
    int64_t right = 0;
    for (int64_t i = 0; i < p->n; i++) {
        p->labels[i] = first_largest(p->output + i * p->size, p->size);
        right += p->truth != NULL && (double)p->labels[i] == p->truth[i];
    }
    p->has_accuracy = p->truth != NULL;
    p->accuracy = (double)right / (double)p->n;
}

/* ---- a split's samples ---- */

/* Class labels come with the batch; numbers would be rounded to the run's dtype on the way, so
 * they are read from the data set. */
static odeon_status run_source(session *s, const data_source *source, int64_t batch, int64_t *order,
                               predictions *p)
{
    ODEON_TRY(data_order(source, 0, 0, order));
    for (int64_t first = 0; first < p->n; first += batch) {
        int64_t n = p->n - first < batch ? p->n - first : batch, left = p->n - first - n;
        session_samples samples = {.n = n, .source = source, .indices = order + first};
        double *truth = p->truth + first * p->truth_size;
        if (left > 0) {
            session_expect(s, source, left < batch ? left : batch, order + first + n);
        }
        ODEON_TRY(session_predict(s, &samples, p->output + first * p->size,
                                  p->labels != NULL ? truth : NULL));
        if (p->labels == NULL) { /* as the data set has them, in double precision */
            ODEON_TRY(data_known_labels(source, n, order + first, truth));
        }
    }
    for (int64_t i = 0; i < p->n; i++) {
        p->rows[i] = data_row(source, order[i]);
    }
    return ODEON_OK;
}

/* Memory for the order and the true labels of all samples; both are known before the first batch.
 */
static odeon_status take_source(session *s, const data_source *source, int64_t batch,
                                predictions *p)
{
    int64_t *order = mem_zalloc((size_t)p->n, sizeof *order), values;
    p->truth = checked_mul(p->n, p->truth_size, &values)
                   ? mem_zalloc((size_t)values, sizeof *p->truth)
                   : NULL;
    odeon_status status =
        order != NULL && p->truth != NULL ? run_source(s, source, batch, order, p) : no_memory();
    mem_free(order);
    return status;
}

/* ---- a file's samples ---- */

/* Samples that no data set has read have no rows but their own. */
static odeon_status take_input(session *s, const predict_input *in, int64_t batch, predictions *p)
{
    const double *labels = in->field[ODEON_ROLE_LABEL];
    for (int64_t first = 0; first < p->n; first += batch) {
        int64_t n = p->n - first < batch ? p->n - first : batch;
        session_samples samples = predict_input_part(s, in, first, n);
        ODEON_TRY(session_predict(s, &samples, p->output + first * p->size, NULL));
    }
    for (int64_t i = 0; i < p->n; i++) {
        p->rows[i] = in->rows != NULL ? in->rows[i] : i;
    }
    if (labels == NULL) {
        return ODEON_OK;
    }
    size_t values = (size_t)(p->n * p->truth_size);
    p->truth = mem_zalloc(values, sizeof *p->truth);
    if (p->truth == NULL) {
        return no_memory();
    }
    const double *mask = p->labels == NULL ? in->field[ODEON_ROLE_MASK] : NULL;
    for (size_t i = 0; i < values; i++) {
        p->truth[i] = mask == NULL || mask[i] != 0.0 ? labels[i] : (double)NAN;
    }
    return ODEON_OK;
}

/* All outputs are held in memory: the files that are written need them whole. */
odeon_status predict_run(session *s, const predict_input *in, const data_source *source,
                         int64_t batch, predictions *out)
{
    bool classes = session_fields(s)->of[ODEON_ROLE_LABEL].classes > 0;
    odeon_shape shape = session_output(s);
    *out = (predictions){.n = in != NULL ? in->n : data_length(source),
                         .size = session_output_size(s),
                         .truth_size = count_labels(s),
                         .ndim = shape.ndim};
    memcpy(out->dim, shape.dim, sizeof out->dim);
    out->dim[0] = out->n;
    int64_t values = 0;
    if (!checked_mul(out->n, out->size, &values)) {
        return no_memory();
    }
    size_t n = (size_t)out->n;
    out->output = mem_zalloc((size_t)values, sizeof *out->output);
    out->rows = mem_zalloc(n, sizeof *out->rows);
    out->labels = classes ? mem_zalloc(n, sizeof *out->labels) : NULL;
    if (out->output == NULL || out->rows == NULL || (classes && out->labels == NULL)) {
        return no_memory();
    }
    ODEON_TRY(in != NULL ? take_input(s, in, batch, out) : take_source(s, source, batch, out));
    ODEON_TRY(check_output(out));
    if (classes) {
        classify(out);
    }
    return ODEON_OK;
}

/* Labels in a file are as the data has them, unless the data set has read them by itself. */
static odeon_status undo(const field_units *u, predictions *p)
{
    if (p->labels != NULL || u->n == 0) {
        return ODEON_OK;
    }
    if (p->size != u->n) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "predict: the labels were standardized, %" PRId64
                         " numbers a sample, and the model has %" PRId64 " outputs",
                         u->n, p->size);
    }
    field_units_undo(u, p->n, p->output);
    if (p->truth != NULL) {
        field_units_undo(u, p->n, p->truth);
    }
    return ODEON_OK;
}

odeon_status predict_in_units(const config *c, const data_source *source, predictions *p)
{
    field_units units;
    ODEON_TRY(source != NULL ? data_class_names(source, &p->names)
                             : class_names_read(c, &p->names));
    odeon_status status = source != NULL ? data_units(source, ODEON_ROLE_LABEL, &units)
                                         : field_units_read(c, ODEON_ROLE_LABEL, &units);
    if (status == ODEON_OK) {
        status = undo(&units, p);
    }
    field_units_fini(&units);
    return status;
}
