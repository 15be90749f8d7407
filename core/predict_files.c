/* What predict reads and writes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "atomic_file.h"
#include "batch_file.h"
#include "diag.h"
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
    mem_free(in->stored);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(in->field[role]);
    }
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
    const odeon_field_info *info = &fields->of[ODEON_ROLE_INPUT];
    bool is_stored = x->dtype == ODEON_DTYPE_U8;
    if (!is_stored && x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return diag_fail(ODEON_ERR_DATA, "%s: x is neither float32, float64 nor uint8", path);
    }
    if (is_stored && info->dtype != ODEON_DTYPE_U8) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: x is uint8, but the data set does not store that: give what the "
                         "model takes as float32",
                         path);
    }
    ODEON_TRY(is_stored ? check_shape(path, x, info->ndim, info->dim)
                        : check_shape(path, x, input.ndim - 1, input.dim + 1));
    out->n = x->dim[0];
    void *values = mem_zalloc((size_t)safetensors_elements(x), is_stored ? 1 : sizeof(double));
    if (values == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for x", path);
    }
    if (is_stored) {
        out->stored = memcpy(values, x->data, (size_t)x->bytes);
        return ODEON_OK;
    }
    out->field[ODEON_ROLE_INPUT] = values;
    return safetensors_as_f64(x, values);
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
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (data_has(fields, role) && safetensors_find(file, batch_file_name(role)) != NULL) {
            status = batch_file_field(path, file, fields, role, out->n, &out->field[role]);
        }
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

/* A line of names, then one a sample: its class, if there is one, and its numbers. */
static odeon_status write_csv(const char *path, const predictions *p, const double *numbers)
{
    text_buffer text = {0};
    text_add(&text, p->labels != NULL ? "label" : "");
    for (int64_t k = 0; k < p->size; k++) {
        text_add(&text, text.length > 0 ? "," : "");
        text_printf(&text, p->labels != NULL ? "p%" PRId64 : "y%" PRId64, k);
    }
    for (int64_t i = 0; i < p->n; i++) {
        text_add(&text, "\n");
        if (p->labels != NULL) {
            text_printf(&text, "%" PRId64 ",", p->labels[i]);
        }
        for (int64_t k = 0; k < p->size; k++) {
            text_add(&text, k > 0 ? "," : "");
            text_number(&text, numbers[i * p->size + k]);
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

/* shares NULL: the output alone. */
static odeon_status write_entries(const char *path, int32_t dtype, const predictions *p,
                                  const void *shares, const void *output)
{
    uint64_t bytes = (uint64_t)(p->n * p->size * odeon_dtype_bytes(dtype));
    safetensors_entry entries[3] = {
        {.name = "output", .dtype = dtype, .ndim = p->ndim, .data = output, .bytes = bytes},
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
         .data = shares,
         .bytes = bytes},
    };
    memcpy(entries[0].dim, p->dim, sizeof p->dim);
    return safetensors_write(path, shares != NULL ? 3 : 1, entries, 0, NULL);
}

static odeon_status write_safetensors(const char *path, int32_t dtype, const predictions *p,
                                      double *shares)
{
    void *first = shares != NULL ? as_dtype(p, dtype, shares) : NULL;
    void *second = as_dtype(p, dtype, p->output);
    odeon_status status = second == NULL || (first == NULL && shares != NULL)
                              ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                              : write_entries(path, dtype, p, first, second);
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
    double *shares = p->labels != NULL ? probabilities(p) : NULL;
    if (shares == NULL && p->labels != NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    odeon_status status = ends_with(path, ".csv")
                              ? write_csv(path, p, shares != NULL ? shares : p->output)
                              : write_safetensors(path, dtype, p, shares);
    mem_free(shares);
    return status;
}
