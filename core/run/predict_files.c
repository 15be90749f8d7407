/* Predictions as CSV, for people and spreadsheets, or as safetensors, for programs. Both hold the
 * same; text has as many digits as tell the numbers apart, tensors have the run's dtype.
 *
 * Nothing of a file is there before all of it could be made (output_file.h). */
#include "run/predict_files.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/path.h"
#include "base/text.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "session/describe.h"

/* A stream has no name to choose a format by, and text is what can be read on a terminal. */
static bool is_csv(const char *path)
{
    return path_ends_with(path, ".csv") ||
           (!path_ends_with(path, ".safetensors") && output_file_is_stream(path));
}

odeon_status predict_check_name(const char *path)
{
    return path_ends_with(path, ".safetensors") || is_csv(path)
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "--out %s: must end in .safetensors or .csv, or be - or a pipe, which "
                           "get CSV",
                           path);
}

/* The largest is taken off first: nothing overflows, and the sum is at least 1. */
static void softmax(int64_t n, const double *x, int64_t largest, double *out)
{
    double top = x[largest], sum = 0.0;
    for (int64_t k = 0; k < n; k++) {
        out[k] = exp(x[k] - top);
        sum += out[k];
    }
    for (int64_t k = 0; k < n; k++) {
        out[k] /= sum;
    }
}

/* [n, size], a row a sample; NULL without memory. The class is the largest output, found already.
 */
static double *probabilities(const predictions *p)
{
    double *out = mem_zalloc((size_t)(p->n * p->size), sizeof *out);
    for (int64_t i = 0; i < p->n && out != NULL; i++) {
        softmax(p->size, p->output + i * p->size, p->labels[i], out + i * p->size);
    }
    return out;
}

/* Of classes a true label is one column, `true`; of numbers there may be several: true0, true1, ...
 */
static void add_heading(text_buffer *t, const predictions *p)
{
    bool classes = p->labels != NULL;
    text_add(t, "row");
    for (int64_t k = 0; k < p->truth_size && p->truth != NULL; k++) {
        text_add(t, ",true");
        if (!classes) {
            text_printf(t, "%" PRId64, k);
        }
    }
    text_add(t, classes ? ",label" : "");
    for (int64_t k = 0; k < p->size; k++) {
        text_printf(t, classes ? ",p%" PRId64 : ",y%" PRId64, k);
    }
    text_add(t, "\n");
}

/* In the fewest digits that read back as the same double (text_number). */
static void add_numbers(text_buffer *t, int64_t n, const double *x)
{
    for (int64_t k = 0; k < n; k++) {
        text_add(t, ",");
        text_number(t, x[k]);
    }
}

/* Labels that are not known are empty cells, as they are in tables. */
static void add_truth(text_buffer *t, int64_t n, const double *x)
{
    for (int64_t k = 0; k < n; k++) {
        if (isnan(x[k])) {
            text_add(t, ",");
        } else {
            add_numbers(t, 1, x + k);
        }
    }
}

/* A name stands as it does in a table: in quotes where it has to. */
static void add_name(text_buffer *t, const char *name)
{
    if (name[strcspn(name, ",;\"\t ")] == '\0') {
        text_printf(t, ",%s", name);
        return;
    }
    text_add(t, ",\"");
    for (; *name != '\0'; name++) {
        text_printf(t, *name == '"' ? "\"%c" : "%c", *name);
    }
    text_add(t, "\"");
}

/* A line of names, then one a sample: its row, its true label and its class, where there are any,
 * and its numbers. */
static odeon_status write_csv(const char *path, const predictions *p, const double *numbers)
{
    text_buffer text = {0};
    add_heading(&text, p);
    for (int64_t i = 0; i < p->n; i++) {
        text_printf(&text, "%" PRId64, p->rows[i]);
        if (p->truth != NULL && p->names != NULL) {
            add_name(&text, p->names[(int64_t)p->truth[i]]);
        } else if (p->truth != NULL) {
            add_truth(&text, p->truth_size, p->truth + i * p->truth_size);
        }
        if (p->labels != NULL && p->names != NULL) {
            add_name(&text, p->names[p->labels[i]]);
        } else if (p->labels != NULL) {
            text_printf(&text, ",%" PRId64, p->labels[i]);
        }
        add_numbers(&text, p->size, numbers + i * p->size);
        text_add(&text, "\n");
    }
    odeon_status status = text.failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                                      : output_file_put(path, text.data, text.length);
    text_fini(&text);
    return status;
}

/* Memory that is freed as one. */
typedef struct converted {
    void *data[3];
    size_t n;
    bool failed;
} converted;

/* n numbers in dtype: x itself where that is float64. */
static const void *as_dtype(converted *all, int64_t n, uint32_t dtype, const double *x)
{
    if (dtype == ODEON_DTYPE_F64) {
        return x;
    }
    float *out = mem_zalloc((size_t)n, sizeof *out);
    for (int64_t i = 0; i < n && out != NULL; i++) {
        out[i] = (float)x[i];
    }
    all->failed = all->failed || out == NULL;
    all->data[all->n++] = out;
    return out;
}

/* Labels of classes pass the session as doubles, all of which are whole. */
static const void *as_classes(converted *all, int64_t n, const double *x)
{
    int64_t *out = mem_zalloc((size_t)n, sizeof *out);
    for (int64_t i = 0; i < n && out != NULL; i++) {
        out[i] = (int64_t)x[i];
    }
    all->failed = all->failed || out == NULL;
    all->data[all->n++] = out;
    return out;
}

/* I64 [n], of data that lives until the file is written. */
static safetensors_entry whole_numbers(const char *name, int64_t n, const void *data)
{
    return (safetensors_entry){.name = name,
                               .dtype = ODEON_DTYPE_I64,
                               .ndim = 1,
                               .dim = {n},
                               .data = data,
                               .bytes = (uint64_t)n * sizeof(int64_t)};
}

/* Of a shape whose elements data has in dtype. */
static safetensors_entry numbers_of(const char *name, uint32_t dtype, const odeon_shape *shape,
                                    const void *data)
{
    safetensors_entry out = {.name = name,
                             .dtype = dtype,
                             .ndim = shape->ndim,
                             .data = data,
                             .bytes = (uint64_t)(odeon_count(shape) * odeon_dtype_bytes(dtype))};
    memcpy(out.dim, shape->dim, sizeof out.dim);
    return out;
}

/* shares NULL: there are no classes. */
static odeon_status write_safetensors(const char *path, const session *s, uint32_t dtype,
                                      const predictions *p, const double *shares)
{
    converted all = {.n = 0};
    safetensors_entry entries[5];
    size_t n = 0;
    odeon_shape output = {.ndim = p->ndim}, flat = {.ndim = 2, .dim = {p->n, p->size}};
    odeon_shape truth = data_field_shape(session_fields(s), ODEON_ROLE_LABEL, p->n, dtype);
    memcpy(output.dim, p->dim, sizeof output.dim);
    int64_t values = p->n * p->size;
    entries[n++] = numbers_of("output", dtype, &output, as_dtype(&all, values, dtype, p->output));
    entries[n++] = whole_numbers("rows", p->n, p->rows);
    if (shares != NULL) {
        entries[n++] = whole_numbers("labels", p->n, p->labels);
        entries[n++] =
            numbers_of("probabilities", dtype, &flat, as_dtype(&all, values, dtype, shares));
    }
    if (p->truth != NULL) {
        entries[n++] = shares != NULL
                           ? whole_numbers("true_labels", p->n, as_classes(&all, p->n, p->truth))
                           : numbers_of("true_labels", dtype, &truth,
                                        as_dtype(&all, p->n * p->truth_size, dtype, p->truth));
    }
    odeon_status status = all.failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                                     : safetensors_write_output(path, n, entries, 0, NULL);
    for (size_t i = 0; i < all.n; i++) {
        mem_free(all.data[i]);
    }
    return status;
}

/* Without classes there is nothing to make probabilities of, and outputs are written as they are.
 */
odeon_status predict_write(const char *path, const session *s, uint32_t dtype, const predictions *p)
{
    ODEON_TRY(predict_check_name(path));
    double *shares = p->labels != NULL ? probabilities(p) : NULL;
    if (shares == NULL && p->labels != NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    odeon_status status = is_csv(path) ? write_csv(path, p, shares != NULL ? shares : p->output)
                                       : write_safetensors(path, s, dtype, p, shares);
    mem_free(shares);
    return status;
}
