#include <string.h>

#include "cpu.h"
#include "odeon/device_move.h"
#include "odeon/kit/step_control.h"

/* x, y: any shapes of one dtype and count; memmove, as y may be x. */
static odeon_status cpu_copy(odeon_queue *queue, const odeon_copy *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "copy", call->flags, ODEON_DTYPE_F32, &k)); /* any dtype will do */
    ODEON_TRY(cpu_require(queue, cpu_alike(&call->x->shape, &call->y->view.shape), "copy",
                          "of one dtype and count"));
    if (odeon_count(&call->x->shape) > 0) {
        memmove(odeon_write(call->y), odeon_read(call->x), (size_t)odeon_bytes(&call->x->shape));
    }
    return ODEON_OK;
}

enum { CAST_BLOCK = 256 };

/* Loads a block as double, which represents every value of the other dtypes except large int64. */
static void load(const odeon_view *x, int64_t first, int64_t count, double *values)
{
    for (int64_t i = 0; i < count; i++) {
        switch (x->shape.dtype) {
        case ODEON_DTYPE_F32:
            values[i] = (double)((const float *)odeon_read(x))[first + i];
            break;
        case ODEON_DTYPE_F64:
            values[i] = ((const double *)odeon_read(x))[first + i];
            break;
        case ODEON_DTYPE_U8:
            values[i] = (double)((const uint8_t *)odeon_read(x))[first + i];
            break;
        default:
            values[i] = (double)((const int64_t *)odeon_read(x))[first + i];
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
        switch (y->view.shape.dtype) {
        case ODEON_DTYPE_F32:
            ((float *)odeon_write(y))[first + i] = (float)values[i];
            break;
        case ODEON_DTYPE_F64:
            ((double *)odeon_write(y))[first + i] = values[i];
            break;
        default:
            ((int64_t *)odeon_write(y))[first + i] = to_integer(values[i]);
            break;
        }
    }
}

/* y[to + i] = scale x[from + i] + shift for i < count, in blocks that fit the first-level cache. */
static void convert(const odeon_view *x, int64_t from, double scale, double shift,
                    const odeon_tensor *y, int64_t to, int64_t count)
{
    if (x->shape.dtype == y->view.shape.dtype && scale == 1.0 && shift == 0.0) {
        int64_t size = odeon_dtype_bytes(x->shape.dtype);
        if (count > 0) { /* copied, because double would round large int64 */
            memmove((char *)odeon_write(y) + to * size, (const char *)odeon_read(x) + from * size,
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
static odeon_status begin_convert(odeon_queue *queue, const char *name, uint32_t flags,
                                  const odeon_shape *y)
{
    const cpu_kernels *k;
    uint32_t dtype = y->dtype == ODEON_DTYPE_I64 ? ODEON_DTYPE_F64 : y->dtype;
    return cpu_begin(queue, name, flags, dtype, &k);
}

/* x any dtype, y F32, F64 or I64, of one count. */
static odeon_status cpu_cast(odeon_queue *queue, const odeon_cast *call)
{
    int64_t count = odeon_count(&call->x->shape);
    ODEON_TRY(begin_convert(queue, "cast", call->flags, &call->y->view.shape));
    ODEON_TRY(cpu_require(queue,
                          odeon_dtype_bytes(call->x->shape.dtype) > 0 &&
                              odeon_count(&call->y->view.shape) == count,
                          "cast", "of one count"));
    convert(call->x, 0, call->scale, call->shift, call->y, 0, count);
    return ODEON_OK;
}

/* x [N, ...], index I64 [n] -> y [n, ...]. */
static odeon_status cpu_gather(odeon_queue *queue, const odeon_gather *call)
{
    const int64_t *rows = odeon_read(call->index);
    int64_t n = odeon_count(&call->index->shape),
            size = n > 0 ? odeon_count(&call->y->view.shape) / n : 0;
    ODEON_TRY(begin_convert(queue, "gather", call->flags, &call->y->view.shape));
    ODEON_TRY(
        cpu_require(queue,
                    odeon_dtype_bytes(call->x->shape.dtype) > 0 &&
                        call->index->shape.dtype == ODEON_DTYPE_I64 &&
                        odeon_count(&call->y->view.shape) == n * size &&
                        (n == 0 || odeon_count(&call->x->shape) == call->x->shape.dim[0] * size),
                    "gather", "x [N, ...], index I64 [n], y [n, ...]"));
    for (int64_t r = 0; r < n; r++) {
        ODEON_TRY(cpu_require(queue, rows[r] >= 0 && rows[r] < call->x->shape.dim[0], "gather",
                              "rows of x that there are"));
        convert(call->x, rows[r] * size, call->scale, call->shift, call->y, r * size, size);
    }
    return ODEON_OK;
}

/* Rows are often so short that a call for each would cost more than the copy. */
static void copy_row(char *to, const char *from, size_t bytes)
{
    enum { BLOCK = 16, SHORT = 128 };
    if (bytes < BLOCK || bytes > SHORT) {
        memcpy(to, from, bytes);
        return;
    }
    for (size_t i = 0; i + BLOCK < bytes; i += BLOCK) {
        memcpy(to + i, from + i, BLOCK);
    }
    memcpy(to + bytes - BLOCK, from + bytes - BLOCK, BLOCK);
}

/* Copies rows x cols elements; element (r, c) is at r * pitch + at + c. */
static odeon_status cpu_copy2d(odeon_queue *queue, const odeon_copy2d *call)
{
    const cpu_kernels *k;
    int64_t size = odeon_dtype_bytes(call->x->shape.dtype);
    ODEON_TRY(cpu_begin(queue, "copy2d", call->flags, ODEON_DTYPE_F32, &k)); /* any dtype will do */
    ODEON_TRY(cpu_require(queue, call->x->shape.dtype == call->y->view.shape.dtype, "copy2d",
                          "of one dtype"));
    char *to = (char *)odeon_write(call->y) + call->y_at * size;
    const char *from = (const char *)odeon_read(call->x) + call->x_at * size;
    for (int64_t r = 0; call->cols > 0 && r < call->rows; r++) {
        copy_row(to, from, (size_t)(call->cols * size));
        to += call->y_pitch * size;
        from += call->x_pitch * size;
    }
    return ODEON_OK;
}

/* One number a row, step values apart: not worth a kernel each. */
static void fill_column(const odeon_rows_fill *call, const double *values, int64_t step)
{
    void *y = odeon_write(call->y);
    if (call->y->view.shape.dtype == ODEON_DTYPE_F64) {
        double *at = (double *)y + call->at;
        for (int64_t r = 0; r < call->rows; r++) {
            at[r * call->pitch] = values[r * step];
        }
        return;
    }
    float *at = (float *)y + call->at;
    for (int64_t r = 0; r < call->rows; r++) {
        at[r * call->pitch] = (float)values[r * step];
    }
}

/* v F64 [rows] or [1] -> rows of y. */
static odeon_status cpu_rows_fill(odeon_queue *queue, const odeon_rows_fill *call)
{
    const cpu_kernels *k;
    const double *values = odeon_read(call->v);
    int64_t n = odeon_count(&call->v->shape), size = odeon_dtype_bytes(call->y->view.shape.dtype);
    ODEON_TRY(cpu_begin(queue, "rows_fill", call->flags, call->y->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          call->v->shape.dtype == ODEON_DTYPE_F64 && (n == 1 || n == call->rows),
                          "rows_fill", "v F64 [1] or [rows]"));
    if (call->cols == 1) {
        fill_column(call, values, n == 1 ? 0 : 1);
        return ODEON_OK;
    }
    for (int64_t r = 0; call->cols > 0 && r < call->rows; r++) {
        k->fill(call->cols, (char *)odeon_write(call->y) + (r * call->pitch + call->at) * size,
                values[n == 1 ? 0 : r]);
    }
    return ODEON_OK;
}

/* Adds the sums of rows of x to v F64 [rows] or [1]. */
static odeon_status cpu_rows_sum(odeon_queue *queue, const odeon_rows_sum *call)
{
    const cpu_kernels *k;
    double *values = odeon_write(call->v);
    int64_t n = odeon_count(&call->v->view.shape), size = odeon_dtype_bytes(call->x->shape.dtype);
    ODEON_TRY(cpu_begin(queue, "rows_sum", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue, call->v->view.shape.dtype == ODEON_DTYPE_F64 && (n == 1 || n == call->rows),
        "rows_sum", "v F64 [1] or [rows]"));
    for (int64_t r = 0; call->cols > 0 && r < call->rows; r++) {
        values[n == 1 ? 0 : r] += k->sum(call->cols, (const char *)odeon_read(call->x) +
                                                         (r * call->pitch + call->at) * size);
    }
    return ODEON_OK;
}

static odeon_status cpu_fill(odeon_queue *queue, const odeon_fill *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "fill", call->flags, call->y->view.shape.dtype, &k));
    k->fill(odeon_count(&call->y->view.shape), odeon_write(call->y),
            odeon_kit_scalar(call->value, call->slots));
    return ODEON_OK;
}

const odeon_move_family cpu_move = {
    .struct_size = sizeof(odeon_move_family),
    .copy = cpu_copy,
    .cast = cpu_cast,
    .gather = cpu_gather,
    .fill = cpu_fill,
    .copy2d = cpu_copy2d,
    .rows_fill = cpu_rows_fill,
    .rows_sum = cpu_rows_sum,
};
