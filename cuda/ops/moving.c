#include "ops.h"

odeon_status ops_fill(odeon_queue *queue, const odeon_tensor *y, odeon_scalar value,
                      const double *slots)
{
    ODEON_TRY(expect_real(queue, "fill: y", y, 0));
    const fill_args a = {y->data, odeon_count(y), value, slots};
    return launch(queue, kernel_of(KERNEL_fill_f32, y->dtype), &a, shape_each(a.count));
}

/* ---- copies ---- */

/* Address of element at of x. */
static void *place(const odeon_tensor *x, int64_t at)
{
    return (char *)x->data + at * odeon_dtype_bytes(x->dtype);
}

static odeon_status copy_rows(odeon_queue *queue, int32_t dtype, const copy_args *a)
{
    int64_t bytes = odeon_dtype_bytes(dtype);
    int32_t kernel = bytes == 1 ? KERNEL_copy_1 : bytes == 4 ? KERNEL_copy_4 : KERNEL_copy_8;
    return launch(queue, kernel, a, shape_each(a->rows * a->cols));
}

odeon_status ops_copy(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y)
{
    int64_t count = odeon_count(x);
    ODEON_TRY(expect_true(queue, odeon_dtype_bytes(x->dtype) > 0, "copy: x has no dtype"));
    ODEON_TRY(expect_like(queue, "copy: y", y, x));
    const copy_args a = {x->data, y->data, 1, count, count, count};
    return copy_rows(queue, x->dtype, &a);
}

odeon_status ops_cast(odeon_queue *queue, const odeon_tensor *x, double scale, double shift,
                      const odeon_tensor *y)
{
    ODEON_TRY(expect_true(queue,
                          odeon_dtype_bytes(x->dtype) > 0 && odeon_count(x) == odeon_count(y),
                          "cast: x and y differ in their number of elements"));
    if (y->dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(expect_real(queue, "cast: y", y, 0));
    }
    if (x->dtype == y->dtype && scale == 1.0 && shift == 0.0) {
        return ops_copy(queue, x, y); /* exact for large int64 too */
    }
    const cast_args a = {x->data, y->data, odeon_count(x), scale, shift, x->dtype, y->dtype};
    return launch(queue, KERNEL_cast, &a, shape_each(a.count));
}

odeon_status ops_gather(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *index,
                        double scale, double shift, const odeon_tensor *y)
{
    int64_t n = odeon_count(index), cols = n > 0 ? odeon_count(y) / n : 0;
    ODEON_TRY(expect_true(queue,
                          odeon_dtype_bytes(x->dtype) > 0 && index->dtype == ODEON_DTYPE_I64 &&
                              odeon_count(y) == n * cols &&
                              (n == 0 || odeon_count(x) == x->dim[0] * cols),
                          "gather: x, index and y are not [N, ...], I64 [n] and [n, ...]"));
    if (y->dtype != ODEON_DTYPE_I64) {
        ODEON_TRY(expect_real(queue, "gather: y", y, 0));
    }
    const gather_args a = {
        {x->data, y->data, n * cols, scale, shift, x->dtype, y->dtype}, index->data, cols};
    int32_t plain = x->dtype == y->dtype && scale == 1.0 && shift == 0.0; /* as cast copies */
    int32_t width = plain ? (int32_t)odeon_dtype_bytes(x->dtype) : 0;
    int32_t kernel = width == 4 ? KERNEL_gather_4 : width == 8 ? KERNEL_gather_8 : KERNEL_gather;
    return launch(queue, kernel, &a, shape_each(a.cast.count));
}

/* Do rows of cols elements, pitch apart, the first at at, lie within x? */
static int32_t rows_fit(const odeon_tensor *x, int64_t rows, int64_t cols, int64_t pitch,
                        int64_t at)
{
    return rows == 0 || cols == 0 || (at >= 0 && (rows - 1) * pitch + at + cols <= odeon_count(x));
}

odeon_status ops_copy2d(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *y,
                        int64_t rows, int64_t cols, int64_t x_pitch, int64_t x_at, int64_t y_pitch,
                        int64_t y_at)
{
    ODEON_TRY(expect_true(queue, x->dtype == y->dtype && odeon_dtype_bytes(x->dtype) > 0,
                          "copy2d: x and y differ in dtype"));
    ODEON_TRY(expect_true(
        queue, rows_fit(x, rows, cols, x_pitch, x_at) && rows_fit(y, rows, cols, y_pitch, y_at),
        "copy2d: rows reach outside a tensor"));
    const copy_args a = {place(x, x_at), place(y, y_at), rows, cols, x_pitch, y_pitch};
    return copy_rows(queue, x->dtype, &a);
}

/* ---- rows ---- */

/* v holds one number for every row, or one for all. */
static odeon_status expect_rows(odeon_queue *queue, const odeon_tensor *x, int64_t rows,
                                int64_t cols, int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(expect_real(queue, "rows_fill, rows_sum: tensor", x, 0));
    ODEON_TRY(expect_true(queue, rows_fit(x, rows, cols, pitch, at),
                          "rows_fill, rows_sum: rows reach outside the tensor"));
    return expect_true(
        queue, v->dtype == ODEON_DTYPE_F64 && (odeon_count(v) == 1 || odeon_count(v) == rows),
        "rows_fill, rows_sum: v is not F64 with one number or one a row");
}

odeon_status ops_rows_fill(odeon_queue *queue, const odeon_tensor *y, int64_t rows, int64_t cols,
                           int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(expect_rows(queue, y, rows, cols, pitch, at, v));
    const rows_args a = {place(y, at), NULL, v->data, rows, cols, pitch, odeon_count(v) > 1};
    return launch(queue, kernel_of(KERNEL_rows_fill_f32, y->dtype), &a, shape_each(rows * cols));
}

/* All rows into one number: blocks sum up shares, one block adds them to it. */
static odeon_status sum_all_rows(odeon_queue *queue, int32_t dtype, const rows_args *rows,
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

odeon_status ops_rows_sum(odeon_queue *queue, const odeon_tensor *x, int64_t rows, int64_t cols,
                          int64_t pitch, int64_t at, const odeon_tensor *v)
{
    ODEON_TRY(expect_rows(queue, x, rows, cols, pitch, at, v));
    const rows_args a = {NULL, place(x, at), v->data, rows, cols, pitch, 1};
    if (odeon_count(v) != rows) {
        return sum_all_rows(queue, x->dtype, &a, v->data);
    }
    return launch(queue, kernel_of(KERNEL_rows_sum_f32, x->dtype), &a,
                  shape_sums(cols > 0 ? rows : 0, cols));
}
