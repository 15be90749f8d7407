/* What predict reads and writes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "atomic_file.h"
#include "diag.h"
#include "grad.h"
#include "mem.h"
#include "npy.h"
#include "predict.h"
#include "read_file.h"
#include "safetensors.h"
#include "summary.h"
#include "text.h"

static bool ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

/* ---- in ---- */

void predict_input_fini(predict_input *in)
{
    mem_free(in->x);
    mem_free(in->labels);
    *in = (predict_input){.n = 0};
}

static odeon_status check_shape(const char *path, const safetensors_entry *x, int32_t ndim,
                                const int64_t *dim)
{
    bool same = x->ndim == ndim + 1;
    for (int32_t i = 0; i < ndim && same; i++) {
        same = x->dim[i + 1] == dim[i];
    }
    if (!same || x->dim[0] < 1) {
        char have[128], want[128];
        summary_shape(x->ndim, x->dim, have);
        summary_shape(ndim, dim, want);
        return diag_fail(ODEON_ERR_DATA, "%s: x is %s, but must be Nx%s with N >= 1", path, have,
                         want);
    }
    return ODEON_OK;
}

static odeon_status take_x(const char *path, const safetensors_entry *x, const session *s,
                           const data_fields *fields, predict_input *out)
{
    odeon_tensor input = session_input(s);
    out->is_stored = x->dtype == ODEON_DTYPE_U8;
    if (!out->is_stored && x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return diag_fail(ODEON_ERR_DATA, "%s: x is neither float32, float64 nor uint8", path);
    }
    if (out->is_stored && fields->input.dtype != ODEON_DTYPE_U8) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: x is uint8, but the data set does not store that: give what the "
                         "model takes as float32",
                         path);
    }
    ODEON_TRY(out->is_stored ? check_shape(path, x, fields->input.ndim, fields->input.dim)
                             : check_shape(path, x, input.ndim - 1, input.dim + 1));
    out->n = x->dim[0];
    out->x = mem_zalloc((size_t)safetensors_elements(x), out->is_stored ? 1 : sizeof(double));
    if (out->x == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for x", path);
    }
    if (out->is_stored) {
        memcpy(out->x, x->data, (size_t)x->bytes);
        return ODEON_OK;
    }
    return safetensors_as_f64(x, out->x);
}

static odeon_status read_npy(const char *path, const session *s, const data_fields *fields,
                             predict_input *out)
{
    char *data;
    size_t bytes;
    safetensors_entry x;
    ODEON_TRY(read_file(path, &data, &bytes));
    odeon_status status = npy_parse(path, data, bytes, &x);
    if (status == ODEON_OK) {
        status = take_x(path, &x, s, fields, out);
    }
    mem_free(data);
    return status;
}

static odeon_status read_safetensors(const char *path, const session *s, const data_fields *fields,
                                     predict_input *out)
{
    safetensors *file;
    ODEON_TRY(safetensors_read(path, &file));
    const safetensors_entry *x = safetensors_find(file, "x");
    odeon_status status = x != NULL ? take_x(path, x, s, fields, out)
                                    : diag_fail(ODEON_ERR_DATA, "%s: no tensor x", path);
    if (status == ODEON_OK && safetensors_find(file, "y") != NULL) {
        status = grad_labels_read(path, file, fields->label.classes, out->n, &out->labels);
    }
    safetensors_destroy(file);
    return status;
}

odeon_status predict_input_read(const char *path, const session *s, const data_fields *fields,
                                predict_input *out)
{
    *out = (predict_input){.n = 0};
    if (ends_with(path, ".npy")) {
        return read_npy(path, s, fields, out);
    }
    if (ends_with(path, ".safetensors")) {
        return read_safetensors(path, s, fields, out);
    }
    return diag_fail(ODEON_ERR_CONFIG, "--in %s: must end in .npy or .safetensors", path);
}

/* ---- out ---- */

odeon_status predict_check_name(const char *path)
{
    return ends_with(path, ".safetensors") || ends_with(path, ".csv")
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "--out %s: must end in .safetensors or .csv", path);
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

static double *probabilities(const predictions *p)
{
    double *out = mem_zalloc((size_t)(p->n * p->size), sizeof *out);
    for (int64_t i = 0; i < p->n && out != NULL; i++) {
        softmax(p->size, p->output + i * p->size, p->labels[i], out + i * p->size);
    }
    return out;
}

static odeon_status write_csv(const char *path, const predictions *p, const double *shares)
{
    text_buffer text = {0};
    text_add(&text, "label");
    for (int64_t k = 0; k < p->size; k++) {
        text_printf(&text, ",p%" PRId64, k);
    }
    for (int64_t i = 0; i < p->n; i++) {
        text_printf(&text, "\n%" PRId64, p->labels[i]);
        for (int64_t k = 0; k < p->size; k++) {
            text_add(&text, ",");
            text_number(&text, shares[i * p->size + k]);
        }
    }
    text_add(&text, "\n");
    odeon_status status = text.failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                                      : atomic_file_put(path, text.data, text.length);
    text_fini(&text);
    return status;
}

/* Numbers in dtype; the caller frees what is not x itself. */
static void *as_dtype(const predictions *p, int32_t dtype, double *x)
{
    if (dtype == ODEON_DTYPE_F64) {
        return x;
    }
    float *out = mem_zalloc((size_t)(p->n * p->size), sizeof *out);
    for (int64_t i = 0; i < p->n * p->size && out != NULL; i++) {
        out[i] = (float)x[i];
    }
    return out;
}

static odeon_status write_safetensors(const char *path, int32_t dtype, const predictions *p,
                                      double *shares)
{
    void *first = as_dtype(p, dtype, shares), *second = as_dtype(p, dtype, p->output);
    odeon_status status = ODEON_OK;
    if (first == NULL || second == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    } else {
        uint64_t bytes = (uint64_t)(p->n * p->size * odeon_dtype_bytes(dtype));
        const safetensors_entry entries[] = {
            {.name = "labels",
             .dtype = ODEON_DTYPE_I64,
             .ndim = 1,
             .dim = {p->n},
             .data = p->labels,
             .bytes = (uint64_t)p->n * sizeof *p->labels},
            {.name = "probabilities",
             .dtype = dtype,
             .ndim = 2,
             .dim = {p->n, p->size},
             .data = first,
             .bytes = bytes},
            {.name = "output",
             .dtype = dtype,
             .ndim = 2,
             .dim = {p->n, p->size},
             .data = second,
             .bytes = bytes},
        };
        status = safetensors_write(path, 3, entries, 0, NULL);
    }
    if (first != shares) {
        mem_free(first);
    }
    if (second != p->output) {
        mem_free(second);
    }
    return status;
}

odeon_status predict_write(const char *path, int32_t dtype, const predictions *p)
{
    ODEON_TRY(predict_check_name(path));
    double *shares = probabilities(p);
    if (shares == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    odeon_status status = ends_with(path, ".csv") ? write_csv(path, p, shares)
                                                  : write_safetensors(path, dtype, p, shares);
    mem_free(shares);
    return status;
}
