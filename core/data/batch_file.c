#include "data/batch_file.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

/* x and y, as data sets are commonly called in such files; the others by their roles. */
const char *batch_file_name(int32_t role)
{
    static const char *const names[DATA_ROLES] = {"x", "y", "time", "mask", "control", "length"};
    return names[role];
}

/* Classes and times must survive the file exactly whatever the run computes in. */
uint32_t batch_file_dtype(const data_fields *fields, int32_t role, uint32_t dtype)
{
    if (role == ODEON_ROLE_LABEL && fields->of[role].classes > 0) {
        return ODEON_DTYPE_I64;
    }
    return role == ODEON_ROLE_TIME ? ODEON_DTYPE_F64 : dtype;
}

/* Of one sample: the first dimension counts samples and is looked at by the caller. */
static bool same_shape(const safetensors_entry *x, const odeon_shape *sample)
{
    bool same = x->ndim == sample->ndim;
    for (int32_t i = 1; same && i < sample->ndim; i++) {
        same = x->dim[i] == sample->dim[i];
    }
    return same;
}

/* mask: of labels that one counts, else NULL. values is [n, size]. The comparison is written so
 * that NaN fails. Labels and their mask have the same shape, hence the same index. */
static odeon_status check_numbers(const char *path, const char *name, int64_t n, int64_t size,
                                  const double *values, const double *mask, double limit)
{
    for (int64_t i = 0; i < n * size; i++) {
        if (!(fabs(values[i]) <= limit) && (mask == NULL || mask[i] != 0.0)) {
            return diag_fail(ODEON_ERR_DATA,
                             "%s: %s: element %" PRId64 " of sample %" PRId64 " is %g, %s", path,
                             name, i % size, i / size, values[i],
                             isfinite(values[i]) ? "beyond float32: scale it, or give run.dtype = "
                                                   "float64"
                                                 : "no finite number");
        }
    }
    return ODEON_OK;
}

/* Times are float64 in every run, so float32 bounds the other fields alone. */
odeon_status batch_file_check(const char *path, const data_fields *fields, int64_t n,
                              const odeon_shape *input, const double *const *field)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_shape one = *input;
        if (role != ODEON_ROLE_INPUT) {
            one = data_field_shape(fields, role, 1, input->dtype);
        }
        one.dim[0] = 1;
        bool narrow = input->dtype == ODEON_DTYPE_F32 && role != ODEON_ROLE_TIME;
        if (field[role] != NULL) {
            ODEON_TRY(check_numbers(path, batch_file_name(role), n, odeon_count(&one), field[role],
                                    role == ODEON_ROLE_LABEL ? field[ODEON_ROLE_MASK] : NULL,
                                    narrow ? (double)FLT_MAX : DBL_MAX));
        }
    }
    return ODEON_OK;
}

/* out is the caller's on failure too. A tensor may hold nothing; memory of 0 bytes is still an
 * address. */
static odeon_status take(const char *path, const safetensors_entry *x, double **out)
{
    *out = mem_zalloc((size_t)safetensors_elements(x), sizeof **out);
    return *out != NULL ? safetensors_as_f64(x, *out)
                        : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for %s", path, x->name);
}

/* Whole numbers are refused here: as bytes of images they would need the scale that only a data set
 * knows. */
static odeon_status read_x(const char *path, const safetensors *file, const odeon_shape *input,
                           int64_t *n, double **out)
{
    const safetensors_entry *x = safetensors_find(file, "x");
    if (x == NULL || (x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64)) {
        return diag_fail(ODEON_ERR_DATA, "%s: no tensor x of F32 or F64", path);
    }
    if (!same_shape(x, input)) {
        char have[128], want[128];
        text_shape(x->ndim, x->dim, have);
        text_shape(input->ndim - 1, input->dim + 1, want);
        return diag_fail(ODEON_ERR_DATA, "%s: x is %s, but samples are %s, so it must be Nx%s",
                         path, have, want, want);
    }
    if (x->dim[0] == 0) {
        return diag_fail(ODEON_ERR_DATA, "%s: x holds no sample", path);
    }
    *n = x->dim[0];
    return take(path, x, out);
}

/* A class that is none would be an index beyond the network's outputs. */
static odeon_status check_classes(const char *path, const double *y, int64_t classes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!(y[i] >= 0.0 && y[i] < (double)classes && y[i] == floor(y[i]))) {
            return diag_fail(ODEON_ERR_DATA, "%s: y[%" PRId64 "] is %g, expected 0 to %" PRId64,
                             path, i, y[i], classes - 1);
        }
    }
    return ODEON_OK;
}

/* One message for a tensor that is missing and for one of another shape: what is expected is the
 * same. */
static odeon_status refuse_shape(const char *path, const safetensors_entry *x,
                                 const odeon_shape *want, int32_t role)
{
    char wanted[128], have[128] = "missing";
    text_shape(want->ndim, want->dim, wanted);
    if (x != NULL) {
        text_shape(x->ndim, x->dim, have);
    }
    return diag_fail(ODEON_ERR_DATA, "%s: tensor %s (%s) is %s, expected %s: one a sample of x",
                     path, batch_file_name(role), data_role_name(role), have, wanted);
}

/* The mask and the other fields are converted from whatever dtype they stand in, and checked later,
 * together (batch_file_check). */
odeon_status batch_file_field(const char *path, const safetensors *file, const data_fields *fields,
                              int32_t role, int64_t n, double **out)
{
    int64_t classes = role == ODEON_ROLE_LABEL ? fields->of[role].classes : 0;
    const safetensors_entry *x = safetensors_find(file, batch_file_name(role));
    odeon_shape want = data_field_shape(fields, role, n, ODEON_DTYPE_F64);
    *out = NULL;
    if (x == NULL || !same_shape(x, &want) || x->dim[0] != n) {
        return refuse_shape(path, x, &want, role);
    }
    odeon_status status = take(path, x, out);
    if (status == ODEON_OK && classes > 0) {
        status = check_classes(path, *out, classes, n);
    }
    if (status != ODEON_OK) {
        mem_free(*out);
        *out = NULL;
    }
    return status;
}

/* x comes first, as it says how many samples there are. The file is closed before the return; all
 * numbers are copies. */
odeon_status batch_file_read(const char *path, const odeon_shape *input, const data_fields *fields,
                             int64_t *n, double *field[DATA_ROLES])
{
    safetensors *file = NULL;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = NULL;
    }
    ODEON_TRY(safetensors_read(path, &file));
    odeon_status status = read_x(path, file, input, n, &field[ODEON_ROLE_INPUT]);
    for (int32_t role = ODEON_ROLE_LABEL; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (data_has(fields, role)) {
            status = batch_file_field(path, file, fields, role, *n, &field[role]);
        }
    }
    safetensors_destroy(file);
    return status;
}
