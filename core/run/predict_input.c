/* Samples of a file become a batch. Three forms are told apart, because each enters the network at
 * another point: what the data set stores (bytes), the numbers that this stands for, and what the
 * transforms would make of them. A file cannot say which of the last two it has; the user does
 * (--transformed). */
#include "run/predict_input.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/read_file.h"
#include "base/text.h"
#include "data/batch_file.h"
#include "format/npy.h"
#include "format/safetensors.h"
#include "run/summary.h"
#include "session/describe.h"

void predict_input_fini(predict_input *in)
{
    mem_free(in->stored);
    mem_free(in->values);
    mem_free(in->rows);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(in->field[role]);
    }
    *in = (predict_input){.n = 0};
}

/* x is [n, dim...] with at least one sample; dim [ndim] is of one sample. */
static odeon_status check_shape(const char *path, const safetensors_entry *x, int32_t ndim,
                                const int64_t *dim)
{
    bool same = x->ndim == ndim + 1;
    for (int32_t i = 0; i < ndim && same; i++) {
        same = x->dim[i + 1] == dim[i];
    }
    if (!same || x->dim[0] < 1) {
        char have[128], want[128];
        text_shape(x->ndim, x->dim, have);
        text_shape(ndim, dim, want);
        return diag_fail(ODEON_ERR_DATA, "%s: x is %s, but must be Nx%s with N >= 1", path, have,
                         want);
    }
    return ODEON_OK;
}

/* The dtypes in which data sets store whole numbers, to which scale and shift apply. */
static bool is_whole(uint32_t dtype)
{
    return dtype == ODEON_DTYPE_U8 || dtype == ODEON_DTYPE_I64;
}

/* Where x goes, and what is said of it. */
typedef struct taking {
    const char *path;
    bool transformed;
    const config *config;
    const session *session;
    predict_input *out;
} taking;

/* How the data set stores its input: shape, dtype, scale and shift. */
static const odeon_field_info *input_of(const taking *t)
{
    return &session_fields(t->session)->of[ODEON_ROLE_INPUT];
}

/* Bytes as floats that nobody has divided would give answers without a word. Numbers a little
 * beyond the range of the data set's are the user's affair: noise, say. */
static odeon_status check_range(const taking *t, int64_t count, const double *x)
{
    const odeon_field_info *info = input_of(t);
    if (t->transformed || info->dtype != ODEON_DTYPE_U8 || info->scale == 1.0) {
        return ODEON_OK;
    }
    double first = info->shift, last = info->shift + 255.0 * info->scale;
    double low = fmin(first, last), high = fmax(first, last), width = high - low;
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(x[i]) && (x[i] > high + width || x[i] < low - width)) {
            return diag_fail(ODEON_ERR_DATA,
                             "%s: x holds %g (element %" PRId64
                             "), but as floats samples of the data set are numbers from %g to %g: "
                             "give bytes as numpy.astype('uint8'), and what the model itself takes "
                             "with --transformed",
                             t->path, x[i], i, low, high);
        }
    }
    return ODEON_OK;
}

/* x is by far the largest thing here. */
static odeon_status no_memory_for_x(const taking *t)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for x", t->path);
}

/* Written so that what is within the range is converted exactly; x is a whole number. */
static odeon_status store_byte(const taking *t, double x, int64_t i, uint8_t *out)
{
    if (x < 0.0 || x > 255.0) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: x holds %g (element %" PRId64
                         "), but the data set stores bytes, 0 to 255",
                         t->path, x, i);
    }
    *out = (uint8_t)x;
    return ODEON_OK;
}

/* Whole numbers as the data set stores them. */
static odeon_status take_stored(const taking *t, int64_t count, const double *x)
{
    uint32_t dtype = input_of(t)->dtype;
    void *stored = mem_zalloc((size_t)count, (size_t)odeon_dtype_bytes(dtype));
    t->out->stored = stored;
    if (stored == NULL) {
        return no_memory_for_x(t);
    }
    for (int64_t i = 0; i < count; i++) {
        if (dtype == ODEON_DTYPE_I64) {
            ((int64_t *)stored)[i] = (int64_t)x[i];
        } else {
            ODEON_TRY(store_byte(t, x[i], i, (uint8_t *)stored + i));
        }
    }
    return ODEON_OK;
}

/* Bytes of a data set of bytes, the common case of images: no number is touched. */
static odeon_status take_bytes(const taking *t, const safetensors_entry *x)
{
    t->out->stored = mem_zalloc((size_t)x->bytes, 1);
    if (t->out->stored == NULL) {
        return no_memory_for_x(t);
    }
    memcpy(t->out->stored, x->data, (size_t)x->bytes);
    return ODEON_OK;
}

/* Numbers, which x is the owner of until they are taken. */
static odeon_status take_numbers(const taking *t, bool whole, int64_t count, double **x)
{
    if (whole && is_whole(input_of(t)->dtype)) {
        return take_stored(t, count, *x);
    }
    ODEON_TRY(check_range(t, count, *x));
    double **to = t->transformed ? &t->out->field[ODEON_ROLE_INPUT] : &t->out->values;
    *to = *x;
    *x = NULL;
    return ODEON_OK;
}

/* A file that the data set has not read has numbers as they are in the data. */
static odeon_status standardize(const taking *t, int32_t role, double *x)
{
    field_units units;
    odeon_status status = field_units_read(t->config, role, &units);
    if (status == ODEON_OK && x != NULL) {
        field_units_apply(&units, t->out->n, x);
    }
    field_units_fini(&units);
    return status;
}

/* Bytes of a data set of bytes stay as they are; all else becomes doubles first. */
static odeon_status take_x(const taking *t, const safetensors_entry *x)
{
    odeon_shape model = session_input(t->session);
    const odeon_field_info *info = input_of(t);
    bool whole = is_whole(x->dtype);
    if (!whole && x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64) {
        return diag_fail(ODEON_ERR_DATA, "%s: x is neither float32, float64, uint8 nor int64",
                         t->path);
    }
    if (whole && t->transformed) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: x is %s, but what the model itself takes (--transformed) is float32 "
                         "or float64: without that option whole numbers are as the data set has "
                         "them",
                         t->path, x->dtype == ODEON_DTYPE_U8 ? "uint8" : "int64");
    }
    ODEON_TRY(t->transformed ? check_shape(t->path, x, model.ndim - 1, model.dim + 1)
                             : check_shape(t->path, x, info->ndim, info->dim));
    t->out->n = x->dim[0];
    if (x->dtype == ODEON_DTYPE_U8 && info->dtype == ODEON_DTYPE_U8) {
        return take_bytes(t, x);
    }
    int64_t count = safetensors_elements(x);
    double *numbers = mem_zalloc((size_t)count, sizeof *numbers);
    odeon_status status = numbers != NULL ? safetensors_as_f64(x, numbers) : no_memory_for_x(t);
    if (status == ODEON_OK && !t->transformed) {
        status = standardize(t, ODEON_ROLE_INPUT, numbers);
    }
    if (status == ODEON_OK) {
        status = take_numbers(t, whole, count, &numbers);
    }
    mem_free(numbers);
    return status;
}

/* One array, which is x; such a file has no labels. */
static odeon_status read_npy(const taking *t)
{
    char *data;
    size_t bytes;
    safetensors_entry x;
    ODEON_TRY(read_file(t->path, &data, &bytes));
    odeon_status status = npy_parse(t->path, data, bytes, &x);
    if (status == ODEON_OK) {
        status = take_x(t, &x);
    }
    mem_free(data);
    return status;
}

/* Fields that the data set lacks are not looked at, those that the file lacks are left out; the
 * commands say later what cannot do without them. */
static odeon_status read_safetensors(const taking *t)
{
    const data_fields *fields = session_fields(t->session);
    safetensors *file;
    ODEON_TRY(safetensors_read(t->path, &file));
    const safetensors_entry *x = safetensors_find(file, "x");
    odeon_status status =
        x != NULL ? take_x(t, x) : diag_fail(ODEON_ERR_DATA, "%s: no tensor x", t->path);
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (data_has(fields, role) && safetensors_find(file, batch_file_name(role)) != NULL) {
            status = batch_file_field(t->path, file, fields, role, t->out->n, &t->out->field[role]);
        }
    }
    if (status == ODEON_OK) {
        status = standardize(t, ODEON_ROLE_LABEL, t->out->field[ODEON_ROLE_LABEL]);
    }
    safetensors_destroy(file);
    return status;
}

/* A file of the data set's kind: a table, say. */
static odeon_status read_like_data(const taking *t)
{
    static const char wanted[] = "must end in .npy or .safetensors";
    predict_input *out = t->out;
    if (t->config->dataset == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "--in %s: %s", t->path, wanted);
    }
    odeon_status status = data_read_file(t->config, t->path, &out->n, &out->rows, out->field);
    if (status == ODEON_ERR_UNSUPPORTED) {
        diag_clear();
        return diag_fail(ODEON_ERR_CONFIG, "--in %s: %s: the data set %s reads no other files",
                         t->path, wanted, t->config->dataset->component->id);
    }
    ODEON_TRY(status);
    double *x = out->field[ODEON_ROLE_INPUT];
    odeon_shape one =
        data_field_shape(session_fields(t->session), ODEON_ROLE_INPUT, 1, ODEON_DTYPE_F64);
    odeon_shape model = session_input(t->session);
    int64_t count = odeon_count(&one);
    if (t->transformed && count != odeon_count(&model)) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: has %" PRId64 " numbers a sample, but what the model itself takes "
                         "(--transformed) are %" PRId64,
                         t->path, count, odeon_count(&model));
    }
    out->field[ODEON_ROLE_INPUT] = NULL;
    status = take_numbers(t, false, out->n * count, &x);
    mem_free(x);
    return status;
}

/* Numbers that are not finite, or beyond the run's dtype, are the file's fault, not the model's. */
static odeon_status check_numbers(const taking *t)
{
    const data_fields *fields = session_fields(t->session);
    odeon_shape input = session_input(t->session);
    const double *field[DATA_ROLES];
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = t->out->field[role];
    }
    if (t->out->values != NULL) { /* in the data set's shape, before the transforms */
        field[ODEON_ROLE_INPUT] = t->out->values;
        input = data_field_shape(fields, ODEON_ROLE_INPUT, 1, input.dtype);
    }
    return batch_file_check(t->path, fields, t->out->n, &input, field);
}

/* The ending decides, so that an error is about the format that the user meant. */
odeon_status predict_input_read(const char *path, bool transformed, const config *c,
                                const session *s, predict_input *out)
{
    taking t = {.path = path, .transformed = transformed, .config = c, .session = s, .out = out};
    *out = (predict_input){.n = 0};
    if (path_ends_with(path, ".npy")) {
        ODEON_TRY(read_npy(&t));
    } else {
        ODEON_TRY(path_ends_with(path, ".safetensors") ? read_safetensors(&t) : read_like_data(&t));
    }
    return check_numbers(&t);
}

/* Pointers into in, which has to outlive the batch. The input's elements are counted in the shape
 * of the form that is there: the model's for field, the data set's for values and stored. */
session_samples predict_input_part(const session *s, const predict_input *in, int64_t first,
                                   int64_t n)
{
    session_samples samples = {.n = n};
    odeon_shape input = session_input(s);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_shape one = data_field_shape(session_fields(s), role, 1, ODEON_DTYPE_F64);
        int64_t size = odeon_count(role == ODEON_ROLE_INPUT ? &input : &one);
        if (in->field[role] != NULL) {
            samples.given[role] = in->field[role] + first * size;
        }
    }
    if (in->stored != NULL) {
        samples.stored = (const char *)in->stored + first * (int64_t)session_stored_bytes(s);
    }
    if (in->values != NULL) {
        odeon_shape one = data_field_shape(session_fields(s), ODEON_ROLE_INPUT, 1, ODEON_DTYPE_F64);
        samples.values = in->values + first * odeon_count(&one);
    }
    return samples;
}
