#include "odeon/device_move.h"
#include "ops.h"

static odeon_status ops_fill(odeon_queue *queue, const odeon_fill *call)
{
    ODEON_TRY(expect_flags(queue, "fill", call->flags));
    ODEON_TRY(expect_real(queue, "fill: y", &call->y->view.shape, 0));
    const fill_args a = {odeon_write(call->y), odeon_count(&call->y->view.shape), call->value,
                         call->slots};
    return launch(queue, kernel_of(KERNEL_fill_f32, call->y->view.shape.dtype), &a,
                  shape_each(a.count));
}

/* ---- copies ---- */

/* Bytes to element at of x. */
static int64_t bytes_to(const odeon_shape *x, int64_t at)
{
    return at * odeon_dtype_bytes(x->dtype);
}

static const void *read_at(const odeon_view *x, int64_t at)
{
    return (const char *)odeon_read(x) + bytes_to(&x->shape, at);
}

static void *write_at(const odeon_tensor *x, int64_t at)
{
    return (char *)odeon_write(x) + bytes_to(&x->view.shape, at);
}

static odeon_status copy_rows(odeon_queue *queue, uint32_t dtype, const copy_args *a)
{
    int64_t bytes = odeon_dtype_bytes(dtype);
    int32_t kernel = bytes == 1 ? KERNEL_copy_1 : bytes == 4 ? KERNEL_copy_4 : KERNEL_copy_8;
    return launch(queue, kernel, a, shape_each(a->rows * a->cols));
}

static odeon_status ops_copy(odeon_queue *queue, const odeon_copy *call)
{
    ODEON_TRY(expect_flags(queue, "copy", call->flags));
    int64_t count = odeon_count(&call->x->shape);
    ODEON_TRY(
        expect_true(queue, odeon_dtype_bytes(call->x->shape.dtype) > 0, "copy: x has no dtype"));
    ODEON_TRY(expect_like(queue, "copy: y", &call->y->view.shape, &call->x->shape));
    const copy_args a = {odeon_read(call->x), odeon_write(call->y), 1, count, count, count};
    return copy_rows(queue, call->x->shape.dtype, &a);
}

static odeon_status ops_cast(odeon_queue *queue, const odeon_cast *call)
{
    ODEON_TRY(expect_flags(queue, "cast", call->flags));
    ODEON_TRY(expect_true(queue,
                          odeon_dtype_bytes(call->x->shape.dtype) > 0 &&
                              odeon_count(&call->x->shape) == odeon_count(&call->y->view.shape),
                          "cast: x and y differ in their number of elements"));
    if (call->y->view.shape.dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(expect_real(queue, "cast: y", &call->y->view.shape, 0));
    }
    if (call->x->shape.dtype == call->y->view.shape.dtype && call->scale == 1.0 &&
        call->shift == 0.0) {
        return ops_copy(queue, &(odeon_copy){.x = call->x, .y = call->y}); /* large int64 too */
    }
    const cast_args a = {
        odeon_read(call->x), odeon_write(call->y), odeon_count(&call->x->shape), call->scale,
        call->shift,         call->x->shape.dtype, call->y->view.shape.dtype};
    return launch(queue, KERNEL_cast, &a, shape_each(a.count));
}

static odeon_status ops_gather(odeon_queue *queue, const odeon_gather *call)
{
    ODEON_TRY(expect_flags(queue, "gather", call->flags));
    int64_t n = odeon_count(&call->index->shape),
            cols = n > 0 ? odeon_count(&call->y->view.shape) / n : 0;
    ODEON_TRY(
        expect_true(queue,
                    odeon_dtype_bytes(call->x->shape.dtype) > 0 &&
                        call->index->shape.dtype == ODEON_DTYPE_I64 &&
                        odeon_count(&call->y->view.shape) == n * cols &&
                        (n == 0 || odeon_count(&call->x->shape) == call->x->shape.dim[0] * cols),
                    "gather: x, index and y are not [N, ...], I64 [n] and [n, ...]"));
    if (call->y->view.shape.dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(expect_real(queue, "gather: y", &call->y->view.shape, 0));
    }
    const gather_args a = {{odeon_read(call->x), odeon_write(call->y), n * cols, call->scale,
                            call->shift, call->x->shape.dtype, call->y->view.shape.dtype},
                           odeon_read(call->index),
                           cols};
    int32_t plain = call->x->shape.dtype == call->y->view.shape.dtype && call->scale == 1.0 &&
                    call->shift == 0.0; /* as cast copies */
    int32_t width = plain ? (int32_t)odeon_dtype_bytes(call->x->shape.dtype) : 0;
    int32_t kernel = width == 4 ? KERNEL_gather_4 : width == 8 ? KERNEL_gather_8 : KERNEL_gather;
    return launch(queue, kernel, &a, shape_each(a.cast.count));
}

/* Do rows of cols elements, pitch apart, the first at at, lie within x? */
static int32_t rows_fit(const odeon_shape *x, int64_t rows, int64_t cols, int64_t pitch, int64_t at)
{
    return rows == 0 || cols == 0 || (at >= 0 && (rows - 1) * pitch + at + cols <= odeon_count(x));
}

static odeon_status ops_copy2d(odeon_queue *queue, const odeon_copy2d *call)
{
    ODEON_TRY(expect_flags(queue, "copy2d", call->flags));
    ODEON_TRY(expect_true(queue,
                          call->x->shape.dtype == call->y->view.shape.dtype &&
                              odeon_dtype_bytes(call->x->shape.dtype) > 0,
                          "copy2d: x and y differ in dtype"));
    ODEON_TRY(expect_true(
        queue,
        rows_fit(&call->x->shape, call->rows, call->cols, call->x_pitch, call->x_at) &&
            rows_fit(&call->y->view.shape, call->rows, call->cols, call->y_pitch, call->y_at),
        "copy2d: rows reach outside a tensor"));
    const copy_args a = {read_at(call->x, call->x_at),
                         write_at(call->y, call->y_at),
                         call->rows,
                         call->cols,
                         call->x_pitch,
                         call->y_pitch};
    return copy_rows(queue, call->x->shape.dtype, &a);
}

/* ---- rows ---- */

/* v holds one number for every row, or one for all. */
static odeon_status expect_rows(odeon_queue *queue, const odeon_shape *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_shape *v)
{
    ODEON_TRY(expect_real(queue, "rows_fill, rows_sum: tensor", x, 0));
    ODEON_TRY(expect_true(queue, rows_fit(x, rows, cols, pitch, at),
                          "rows_fill, rows_sum: rows reach outside the tensor"));
    return expect_true(
        queue, v->dtype == ODEON_DTYPE_F64 && (odeon_count(v) == 1 || odeon_count(v) == rows),
        "rows_fill, rows_sum: v is not F64 with one number or one a row");
}

static odeon_status ops_rows_fill(odeon_queue *queue, const odeon_rows_fill *call)
{
    ODEON_TRY(expect_flags(queue, "rows_fill", call->flags));
    ODEON_TRY(expect_rows(queue, &call->y->view.shape, call->rows, call->cols, call->pitch,
                          call->at, &call->v->shape));
    const rows_args a = {write_at(call->y, call->at),
                         odeon_read(call->v),
                         NULL,
                         call->rows,
                         call->cols,
                         call->pitch,
                         odeon_count(&call->v->shape) > 1};
    return launch(queue, kernel_of(KERNEL_rows_fill_f32, call->y->view.shape.dtype), &a,
                  shape_each(call->rows * call->cols));
}

/* All rows into one number: blocks sum up shares, one block adds them to it. */
static odeon_status sum_all_rows(odeon_queue *queue, uint32_t dtype, const rows_args *rows,
                                 double *to)
{
    enum { ELEMENTS_A_BLOCK = 4096, MOST_BLOCKS = 1024 };
    int64_t count = rows->rows * rows->cols;
    int64_t blocks = (count + ELEMENTS_A_BLOCK - 1) / ELEMENTS_A_BLOCK;
    rows_args share = *rows;
    share.v = queue_scratch(queue);
    if (count == 0) {
        return ODEON_OK;
    }
    blocks = blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
    ODEON_TRY(
        launch(queue, kernel_of(KERNEL_rows_share_f32, dtype), &share, shape_sums(blocks, count)));
    const add_up_args all = {share.v, to, blocks};
    return launch(queue, KERNEL_add_up, &all, shape_sums(1, blocks));
}

static odeon_status ops_rows_sum(odeon_queue *queue, const odeon_rows_sum *call)
{
    ODEON_TRY(expect_flags(queue, "rows_sum", call->flags));
    ODEON_TRY(expect_rows(queue, &call->x->shape, call->rows, call->cols, call->pitch, call->at,
                          &call->v->view.shape));
    const rows_args a = {
        NULL, read_at(call->x, call->at), odeon_write(call->v), call->rows, call->cols, call->pitch,
        1};
    if (odeon_count(&call->v->view.shape) != call->rows) {
        return sum_all_rows(queue, call->x->shape.dtype, &a, odeon_write(call->v));
    }
    return launch(queue, kernel_of(KERNEL_rows_sum_f32, call->x->shape.dtype), &a,
                  shape_sums(call->cols > 0 ? call->rows : 0, call->cols));
}

const odeon_move_family ops_move = {
    .struct_size = sizeof(odeon_move_family),
    .copy = ops_copy,
    .cast = ops_cast,
    .gather = ops_gather,
    .fill = ops_fill,
    .copy2d = ops_copy2d,
    .rows_fill = ops_rows_fill,
    .rows_sum = ops_rows_sum,
};
