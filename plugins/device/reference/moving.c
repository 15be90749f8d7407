#include "reference.h"

#include <string.h>

#include "../common/step_control.h"

/* x, y: any shapes of one dtype and count. */
odeon_status reference_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y)
{
    ODEON_TRY(reference_expect_like(queue, "copy: y", y, x));
    size_t bytes = (size_t)(odeon_count(x) * odeon_dtype_bytes(x->dtype));
    if (bytes > 0) {
        memcpy(y->data, x->data, bytes);
    }
    return ODEON_OK;
}

/* Data set fields may also be U8 or I64, which only cast and gather accept. */
static double load_any(const odeon_tensor *x, int64_t i)
{
    switch (x->dtype) {
    case ODEON_DTYPE_U8:
        return (double)((const uint8_t *)x->data)[i];
    case ODEON_DTYPE_I64:
        return (double)((const int64_t *)x->data)[i];
    default:
        return load(x, i);
    }
}

/* Truncates towards zero. C leaves the conversion of values outside int64 undefined, so they and
 * NaN become INT64_MIN; 2^63 itself does not fit. */
static int64_t to_integer(double value)
{
    return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

static void store_any(const odeon_tensor *y, int64_t i, double value)
{
    if (y->dtype == ODEON_DTYPE_I64) {
        ((int64_t *)y->data)[i] = to_integer(value);
    } else {
        store(y, i, value);
    }
}

/* x any dtype, y F32, F64 or I64, of one count: y = scale x + shift. */
odeon_status reference_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                            const odeon_tensor *y)
{
    ODEON_TRY(reference_expect_true(queue, odeon_count(x) == odeon_count(y),
                                    "cast: x and y differ in their number of elements"));
    if (y->dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(reference_expect_real(queue, "cast: y", y, 0));
    }
    for (int64_t i = 0; i < odeon_count(x); i++) {
        store_any(y, i, scale * load_any(x, i) + shift);
    }
    return ODEON_OK;
}

/* x [N, ...], index I64 [n] -> y [n, ...]. */
odeon_status reference_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                              double scale, double shift, const odeon_tensor *y)
{
    int64_t n = odeon_count(index), size = n > 0 ? odeon_count(y) / n : 0;
    if (y->dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(reference_expect_real(queue, "gather: y", y, 0));
    }
    ODEON_TRY(
        reference_expect_true(queue,
                              index->dtype == ODEON_DTYPE_I64 && odeon_count(y) == n * size &&
                                  (n == 0 || odeon_count(x) == x->dim[0] * size),
                              "gather: x, index and y are not [N, ...], I64 [n] and [n, ...]"));
    for (int64_t r = 0; r < n; r++) {
        int64_t row = ((const int64_t *)index->data)[r];
        ODEON_TRY(
            reference_expect_true(queue, row >= 0 && row < x->dim[0], "gather: x has no such row"));
        for (int64_t c = 0; c < size; c++) {
            store_any(y, r * size + c, scale * load_any(x, row * size + c) + shift);
        }
    }
    return ODEON_OK;
}

odeon_status reference_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                            const double *slots)
{
    ODEON_TRY(reference_expect_real(queue, "fill: y", y, 0));
    for (int64_t i = 0; i < odeon_count(y); i++) {
        store(y, i, scalar_value(value, slots));
    }
    return ODEON_OK;
}

/* Do rows of cols elements lie within x, pitch apart and starting at offset at? */
static int32_t rows_fit(const odeon_tensor *x, int64_t rows, int64_t cols, int64_t pitch,
                        int64_t at)
{
    return rows == 0 || cols == 0 || (at >= 0 && (rows - 1) * pitch + at + cols <= odeon_count(x));
}

/* x, y flat; element (r, c) at r * pitch + at + c in each. */
odeon_status reference_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                              int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at,
                              int64_t y_pitch, int64_t y_at)
{
    ODEON_TRY(reference_expect_real(queue, "copy2d: x", x, 0));
    ODEON_TRY(
        reference_expect_true(queue, x->dtype == y->dtype, "copy2d: x and y differ in dtype"));
    ODEON_TRY(reference_expect_true(
        queue, rows_fit(x, rows, cols, x_pitch, x_at) && rows_fit(y, rows, cols, y_pitch, y_at),
        "copy2d: rows reach outside a tensor"));
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++) {
            store(y, r * y_pitch + y_at + c, load(x, r * x_pitch + x_at + c));
        }
    }
    return ODEON_OK;
}

/* Checks x as rows_fit does, and v F64 [rows] or [1]. */
static odeon_status expect_rows(odeon_queue *queue, const odeon_tensor *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(reference_expect_real(queue, "rows_fill, rows_sum: tensor", x, 0));
    ODEON_TRY(reference_expect_true(queue, rows_fit(x, rows, cols, pitch, at),
                                    "rows_fill, rows_sum: rows reach outside the tensor"));
    return reference_expect_true(
        queue, v->dtype == ODEON_DTYPE_F64 && (odeon_count(v) == 1 || odeon_count(v) == rows),
        "rows_fill, rows_sum: v is not F64 with one number or one a row");
}

/* v F64 [rows] or [1] -> y: row r filled with v[r], or with v[0]. */
odeon_status reference_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows,
                                 int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(expect_rows(queue, y, rows, cols, pitch, at, v));
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++) {
            store(y, r * pitch + at + c, load(v, odeon_count(v) == 1 ? 0 : r));
        }
    }
    return ODEON_OK;
}

/* x -> v F64 [rows] or [1]: adds each row's sum to v[r], or to v[0]. */
odeon_status reference_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(expect_rows(queue, x, rows, cols, pitch, at, v));
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0.0;
        for (int64_t c = 0; c < cols; c++) {
            sum += load(x, r * pitch + at + c);
        }
        int64_t to = odeon_count(v) == 1 ? 0 : r;
        store(v, to, load(v, to) + sum);
    }
    return ODEON_OK;
}
