#include <string.h>

#include "../common/step_control.h"
#include "cpu.h"

/* x, y: any shapes of one dtype and count; memmove, as y may be x. */
odeon_status cpu_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "copy", ODEON_DTYPE_F32, &k)); /* any dtype will do */
    ODEON_TRY(cpu_require(queue, cpu_alike(x, y), "copy", "of one dtype and count"));
    if (odeon_count(x) > 0) {
        memmove(y->data, x->data, (size_t)(odeon_count(x) * odeon_dtype_bytes(x->dtype)));
    }
    return ODEON_OK;
}

enum { CAST_BLOCK = 256 };

/* Loads a block as double, which represents every value of the other dtypes except large int64. */
static void load(const odeon_tensor *x, int64_t first, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++) {
        switch (x->dtype) {
        case ODEON_DTYPE_F32:
            values[i] = (double)((const float *)x->data)[first + i];
            break;
        case ODEON_DTYPE_F64:
            values[i] = ((const double *)x->data)[first + i];
            break;
        case ODEON_DTYPE_U8:
            values[i] = (double)((const uint8_t *)x->data)[first + i];
            break;
        default:
            values[i] = (double)((const int64_t *)x->data)[first + i];
            break;
        }
    }
}

/* Truncates towards zero; values outside int64 and NaN become INT64_MIN, as C leaves their
 * conversion undefined. */
static int64_t to_integer(double value)
{
    return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

static void save(const odeon_tensor *y, int64_t first, int64_t count, const double *values)
{
    for (int64_t i = 0; i < count; i++) {
        switch (y->dtype) {
        case ODEON_DTYPE_F32:
            ((float *)y->data)[first + i] = (float)values[i];
            break;
        case ODEON_DTYPE_F64:
            ((double *)y->data)[first + i] = values[i];
            break;
        default:
            ((int64_t *)y->data)[first + i] = to_integer(values[i]);
            break;
        }
    }
}

/* y[to + i] = scale x[from + i] + shift for i < count, in blocks that fit the first-level cache. */
static void convert(const odeon_tensor *x, int64_t from, double scale, double shift,
                    const odeon_tensor *y, int64_t to, int64_t count)
{
    if (x->dtype == y->dtype && scale == 1.0 && shift == 0.0) {
        int64_t size = odeon_dtype_bytes(x->dtype);
        if (count > 0) { /* copied, because double would round large int64 */
            memmove((char *)y->data + to * size, (const char *)x->data + from * size,
                    (size_t)(count * size));
        }
        return;
    }
    for (int64_t first = 0; first < count; first += CAST_BLOCK) {
        double values[CAST_BLOCK];
        int64_t now = count - first < CAST_BLOCK ? count - first : CAST_BLOCK;
        load(x, from + first, now, values);
        for (int64_t i = 0; i < now; i++) {
            values[i] = scale * values[i] + shift;
        }
        save(y, to + first, now, values);
    }
}

/* Counts the launch; I64 has no kernels and passes as F64. */
static odeon_status begin_convert(odeon_queue *queue, const char *name, const odeon_tensor *y)
{
    const cpu_kernels *k;
    return cpu_begin(queue, name, y->dtype == ODEON_DTYPE_I64 ? ODEON_DTYPE_F64 : y->dtype, &k);
}

/* x any dtype, y F32, F64 or I64, of one count. */
odeon_status cpu_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                      const odeon_tensor *y)
{
    int64_t count = odeon_count(x);
    ODEON_TRY(begin_convert(queue, "cast", y));
    ODEON_TRY(cpu_require(queue, odeon_dtype_bytes(x->dtype) > 0 && odeon_count(y) == count, "cast",
                          "of one count"));
    convert(x, 0, scale, shift, y, 0, count);
    return ODEON_OK;
}

/* x [N, ...], index I64 [n] -> y [n, ...]. */
odeon_status cpu_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                        double scale, double shift, const odeon_tensor *y)
{
    const int64_t *rows = index->data;
    int64_t n = odeon_count(index), size = n > 0 ? odeon_count(y) / n : 0;
    ODEON_TRY(begin_convert(queue, "gather", y));
    ODEON_TRY(cpu_require(queue,
                          odeon_dtype_bytes(x->dtype) > 0 && index->dtype == ODEON_DTYPE_I64 &&
                              odeon_count(y) == n * size &&
                              (n == 0 || odeon_count(x) == x->dim[0] * size),
                          "gather", "x [N, ...], index I64 [n], y [n, ...]"));
    for (int64_t r = 0; r < n; r++) {
        ODEON_TRY(cpu_require(queue, rows[r] >= 0 && rows[r] < x->dim[0], "gather",
                              "rows of x that there are"));
        convert(x, rows[r] * size, scale, shift, y, r * size, size);
    }
    return ODEON_OK;
}

/* Copies rows x cols elements; element (r, c) is at r * pitch + at + c. */
odeon_status cpu_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                        int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                        int64_t y_at)
{
    const cpu_kernels *k;
    int64_t size = odeon_dtype_bytes(x->dtype);
    ODEON_TRY(cpu_begin(queue, "copy2d", ODEON_DTYPE_F32, &k)); /* any dtype will do */
    ODEON_TRY(cpu_require(queue, x->dtype == y->dtype, "copy2d", "of one dtype"));
    for (int64_t r = 0; cols > 0 && r < rows; r++) {
        memcpy((char *)y->data + (r * y_pitch + y_at) * size,
               (const char *)x->data + (r * x_pitch + x_at) * size, (size_t)(cols * size));
    }
    return ODEON_OK;
}

/* v F64 [rows] or [1] -> rows of y. */
odeon_status cpu_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v)
{
    const cpu_kernels *k;
    const double *values = v->data;
    int64_t n = odeon_count(v), size = odeon_dtype_bytes(y->dtype);
    ODEON_TRY(cpu_begin(queue, "rows_fill", y->dtype, &k));
    ODEON_TRY(cpu_require(queue, v->dtype == ODEON_DTYPE_F64 && (n == 1 || n == rows), "rows_fill",
                          "v F64 [1] or [rows]"));
    for (int64_t r = 0; cols > 0 && r < rows; r++) {
        k->fill(cols, (char *)y->data + (r * pitch + at) * size, values[n == 1 ? 0 : r]);
    }
    return ODEON_OK;
}

/* Adds the sums of rows of x to v F64 [rows] or [1]. */
odeon_status cpu_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                          int64_t pitch, int64_t at, const odeon_tensor *v)
{
    const cpu_kernels *k;
    double *values = v->data;
    int64_t n = odeon_count(v), size = odeon_dtype_bytes(x->dtype);
    ODEON_TRY(cpu_begin(queue, "rows_sum", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, v->dtype == ODEON_DTYPE_F64 && (n == 1 || n == rows), "rows_sum",
                          "v F64 [1] or [rows]"));
    for (int64_t r = 0; cols > 0 && r < rows; r++) {
        values[n == 1 ? 0 : r] += k->sum(cols, (const char *)x->data + (r * pitch + at) * size);
    }
    return ODEON_OK;
}

odeon_status cpu_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                      const double *slots)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "fill", y->dtype, &k));
    k->fill(odeon_count(y), y->data, scalar_value(value, slots));
    return ODEON_OK;
}
