#include "reference.h"

#include <string.h>

#include "odeon/device_move.h"
#include "odeon/kit/step_control.h"

/* x, y: any shapes of one dtype and count. */
static odeon_status reference_copy(odeon_queue *queue, const odeon_copy *call)
{
    ODEON_TRY(reference_begin(queue, "copy", call->flags));
    ODEON_TRY(reference_expect_like(queue, "copy: y", &call->y->view.shape, &call->x->shape));
    size_t bytes = (size_t)(odeon_count(&call->x->shape) * odeon_dtype_bytes(call->x->shape.dtype));
    if (bytes > 0) {
        memcpy(odeon_write(call->y), odeon_read(call->x), bytes);
    }
    return ODEON_OK;
}

/* Data set fields may also be U8 or I64, which only cast and gather accept. */
static double load_any(const odeon_view *x, int64_t i)
{
    switch (x->shape.dtype) {
    case ODEON_DTYPE_U8:
        return (double)((const uint8_t *)odeon_read(x))[i];
    case ODEON_DTYPE_I64:
        return (double)((const int64_t *)odeon_read(x))[i];
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
    if (y->view.shape.dtype == ODEON_DTYPE_I64) {
        ((int64_t *)odeon_write(y))[i] = to_integer(value);
    } else {
        store(y, i, value);
    }
}

/* x any dtype, y F32, F64 or I64, of one count: y = scale x + shift. */
static odeon_status reference_cast(odeon_queue *queue, const odeon_cast *call)
{
    ODEON_TRY(reference_begin(queue, "cast", call->flags));
    ODEON_TRY(reference_expect_true(
        queue, odeon_count(&call->x->shape) == odeon_count(&call->y->view.shape),
        "cast: x and y differ in their number of elements"));
    if (call->y->view.shape.dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(reference_expect_real(queue, "cast: y", &call->y->view.shape, 0));
    }
    for (int64_t i = 0; i < odeon_count(&call->x->shape); i++) {
        store_any(call->y, i, call->scale * load_any(call->x, i) + call->shift);
    }
    return ODEON_OK;
}

/* x [N, ...], index I64 [n] -> y [n, ...]. */
static odeon_status reference_gather(odeon_queue *queue, const odeon_gather *call)
{
    ODEON_TRY(reference_begin(queue, "gather", call->flags));
    int64_t n = odeon_count(&call->index->shape),
            size = n > 0 ? odeon_count(&call->y->view.shape) / n : 0;
    if (call->y->view.shape.dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(reference_expect_real(queue, "gather: y", &call->y->view.shape, 0));
    }
    ODEON_TRY(reference_expect_true(
        queue,
        call->index->shape.dtype == ODEON_DTYPE_I64 &&
            odeon_count(&call->y->view.shape) == n * size &&
            (n == 0 || odeon_count(&call->x->shape) == call->x->shape.dim[0] * size),
        "gather: x, index and y are not [N, ...], I64 [n] and [n, ...]"));
    for (int64_t r = 0; r < n; r++) {
        int64_t row = ((const int64_t *)odeon_read(call->index))[r];
        ODEON_TRY(reference_expect_true(queue, row >= 0 && row < call->x->shape.dim[0],
                                        "gather: x has no such row"));
        for (int64_t c = 0; c < size; c++) {
            store_any(call->y, r * size + c,
                      call->scale * load_any(call->x, row * size + c) + call->shift);
        }
    }
    return ODEON_OK;
}

static odeon_status reference_fill(odeon_queue *queue, const odeon_fill *call)
{
    ODEON_TRY(reference_begin(queue, "fill", call->flags));
    ODEON_TRY(reference_expect_real(queue, "fill: y", &call->y->view.shape, 0));
    for (int64_t i = 0; i < odeon_count(&call->y->view.shape); i++) {
        store(call->y, i, odeon_kit_scalar(call->value, call->slots));
    }
    return ODEON_OK;
}

/* Do rows of cols elements lie within x, pitch apart and starting at offset at? */
static int32_t rows_fit(const odeon_shape *x, int64_t rows, int64_t cols, int64_t pitch, int64_t at)
{
    return rows == 0 || cols == 0 || (at >= 0 && (rows - 1) * pitch + at + cols <= odeon_count(x));
}

/* x, y flat; element (r, c) at r * pitch + at + c in each. */
static odeon_status reference_copy2d(odeon_queue *queue, const odeon_copy2d *call)
{
    ODEON_TRY(reference_begin(queue, "copy2d", call->flags));
    ODEON_TRY(reference_expect_real(queue, "copy2d: x", &call->x->shape, 0));
    ODEON_TRY(reference_expect_true(queue, call->x->shape.dtype == call->y->view.shape.dtype,
                                    "copy2d: x and y differ in dtype"));
    ODEON_TRY(reference_expect_true(
        queue,
        rows_fit(&call->x->shape, call->rows, call->cols, call->x_pitch, call->x_at) &&
            rows_fit(&call->y->view.shape, call->rows, call->cols, call->y_pitch, call->y_at),
        "copy2d: rows reach outside a tensor"));
    for (int64_t r = 0; r < call->rows; r++) {
        for (int64_t c = 0; c < call->cols; c++) {
            store(call->y, r * call->y_pitch + call->y_at + c,
                  load(call->x, r * call->x_pitch + call->x_at + c));
        }
    }
    return ODEON_OK;
}

/* Checks x as rows_fit does, and v F64 [rows] or [1]. */
static odeon_status expect_rows(odeon_queue *queue, const odeon_shape *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_shape *v)
{
    ODEON_TRY(reference_expect_real(queue, "rows_fill, rows_sum: tensor", x, 0));
    ODEON_TRY(reference_expect_true(queue, rows_fit(x, rows, cols, pitch, at),
                                    "rows_fill, rows_sum: rows reach outside the tensor"));
    return reference_expect_true(
        queue, v->dtype == ODEON_DTYPE_F64 && (odeon_count(v) == 1 || odeon_count(v) == rows),
        "rows_fill, rows_sum: v is not F64 with one number or one a row");
}

/* v F64 [rows] or [1] -> y: row r filled with v[r], or with v[0]. */
static odeon_status reference_rows_fill(odeon_queue *queue, const odeon_rows_fill *call)
{
    ODEON_TRY(reference_begin(queue, "rows_fill", call->flags));
    ODEON_TRY(expect_rows(queue, &call->y->view.shape, call->rows, call->cols, call->pitch,
                          call->at, &call->v->shape));
    for (int64_t r = 0; r < call->rows; r++) {
        for (int64_t c = 0; c < call->cols; c++) {
            store(call->y, r * call->pitch + call->at + c,
                  load(call->v, odeon_count(&call->v->shape) == 1 ? 0 : r));
        }
    }
    return ODEON_OK;
}

/* x -> v F64 [rows] or [1]: adds each row's sum to v[r], or to v[0]. */
static odeon_status reference_rows_sum(odeon_queue *queue, const odeon_rows_sum *call)
{
    ODEON_TRY(reference_begin(queue, "rows_sum", call->flags));
    ODEON_TRY(expect_rows(queue, &call->x->shape, call->rows, call->cols, call->pitch, call->at,
                          &call->v->view.shape));
    for (int64_t r = 0; r < call->rows; r++) {
        double sum = 0.0;
        for (int64_t c = 0; c < call->cols; c++) {
            sum += load(call->x, r * call->pitch + call->at + c);
        }
        int64_t to = odeon_count(&call->v->view.shape) == 1 ? 0 : r;
        store(call->v, to, load(&call->v->view, to) + sum);
    }
    return ODEON_OK;
}

const odeon_move_family reference_move = {
    .struct_size = sizeof(odeon_move_family),
    .copy = reference_copy,
    .cast = reference_cast,
    .gather = reference_gather,
    .fill = reference_fill,
    .copy2d = reference_copy2d,
    .rows_fill = reference_rows_fill,
    .rows_sum = reference_rows_sum,
};
