/* moving.h: filling, copying and casting; sums of rows and of what blocks have summed up. */
#ifndef ODEON_CUDA_KERNELS_MOVING_H
#define ODEON_CUDA_KERNELS_MOVING_H
#include "../kernel.h"
#include "odeon/device_move.h"

typedef struct fill_args {
    void *y;
    int64_t count;
    odeon_scalar value;
    const double *slots;
} fill_args;

/* y[r * y_pitch + c] = x[r * x_pitch + c] for r < rows, c < cols: elements of a width in bytes. */
typedef struct copy_args {
    const void *x;
    void *y;
    int64_t rows, cols, x_pitch, y_pitch;
} copy_args;

typedef struct cast_args {
    const void *x;
    void *y;
    int64_t count;
    double scale, shift;
    uint32_t x_dtype, y_dtype;
} cast_args;

/* Row r of y, cols elements, is made of row index[r] of x as cast says. */
typedef struct gather_args {
    cast_args cast;
    const int64_t *index;
    int64_t cols;
} gather_args;

/* Rows of y or x, pitch apart; v has one number a row. y is filled from x, doubles, one a row or,
 * where step is 0, one for all. */
typedef struct rows_args {
    void *y;
    const void *x;
    double *v;
    int64_t rows, cols, pitch, step;
} rows_args;

/* Row r of y, pitch elements: x_cols elements of x from x_at on, and v[r / each], t_cols times. */
typedef struct join_rows_args {
    const void *x;
    const double *v;
    void *y;
    int64_t count, x_cols, x_at, t_cols, t_at;
    kernel_divisor pitch, each;
} join_rows_args;

/* to += (from[0] + ... + from[count - 1]), in this order of a tree. */
typedef struct add_up_args {
    const double *from;
    double *to;
    int64_t count;
} add_up_args;

/* Quotient and remainder of an element's number; in 32 bits where they do, which is much quicker.
 */
KERNEL_FN int64_t kernel_divide(int64_t i, int64_t by, int64_t *rest)
{
    if (i <= UINT32_MAX && by <= UINT32_MAX) {
        *rest = (int64_t)((uint32_t)i % (uint32_t)by);
        return (int64_t)((uint32_t)i / (uint32_t)by);
    }
    *rest = i % by;
    return i / by;
}

#define COPY_KERNEL(name, type)                                                                    \
    KERNEL_FN void name(int32_t phase, const copy_args *a, kernel_thread w, void *shared)          \
    {                                                                                              \
        const type *x = (const type *)a->x;                                                        \
        type *y = (type *)a->y;                                                                    \
        (void)phase;                                                                               \
        (void)shared;                                                                              \
        KERNEL_EACH (i, a->rows * a->cols) {                                                       \
            int64_t c, r = kernel_divide(i, a->cols, &c);                                          \
            y[r * a->y_pitch + c] = x[r * a->x_pitch + c];                                         \
        }                                                                                          \
    }
COPY_KERNEL(copy_1, uint8_t)
COPY_KERNEL(copy_4, uint32_t)
COPY_KERNEL(copy_8, uint64_t)
#undef COPY_KERNEL

/* double has every value of the other dtypes but large int64. */
KERNEL_FN double load_any(const void *x, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        return (double)((const float *)x)[i];
    case ODEON_DTYPE_F64:
        return ((const double *)x)[i];
    case ODEON_DTYPE_U8:
        return (double)((const uint8_t *)x)[i];
    default:
        return (double)((const int64_t *)x)[i];
    }
}

/* To an integer towards zero; what none can hold, NaN among it, becomes the least one. */
KERNEL_FN void store_any(void *y, uint32_t dtype, int64_t i, double value)
{
    switch (dtype) {
    case ODEON_DTYPE_F32:
        ((float *)y)[i] = (float)value;
        break;
    case ODEON_DTYPE_F64:
        ((double *)y)[i] = value;
        break;
    default:
        ((int64_t *)y)[i] = value >= -9223372036854775808.0 && value < 9223372036854775808.0
                                ? (int64_t)value
                                : INT64_MIN;
        break;
    }
}

KERNEL_FN void cast(int32_t phase, const cast_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        store_any(a->y, a->y_dtype, i, a->scale * load_any(a->x, a->x_dtype, i) + a->shift);
    }
}

/* Which element of x becomes element i of y. */
KERNEL_FN int64_t gather_from(const gather_args *a, int64_t i)
{
    int64_t c, r = kernel_divide(i, a->cols, &c);
    return a->index[r] * a->cols + c;
}

KERNEL_FN void gather(int32_t phase, const gather_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->cast.count) {
        double x = load_any(a->cast.x, a->cast.x_dtype, gather_from(a, i));
        store_any(a->cast.y, a->cast.y_dtype, i, a->cast.scale * x + a->cast.shift);
    }
}

#define GATHER_KERNEL(name, type)                                                                  \
    KERNEL_FN void name(int32_t phase, const gather_args *a, kernel_thread w, void *shared)        \
    {                                                                                              \
        const type *x = (const type *)a->cast.x;                                                   \
        type *y = (type *)a->cast.y;                                                               \
        (void)phase;                                                                               \
        (void)shared;                                                                              \
        KERNEL_EACH (i, a->cast.count) {                                                           \
            y[i] = x[gather_from(a, i)];                                                           \
        }                                                                                          \
    }
GATHER_KERNEL(gather_4, uint32_t)
GATHER_KERNEL(gather_8, uint64_t)
#undef GATHER_KERNEL

/* One block. */
KERNEL_FN void add_up(int32_t phase, const add_up_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        double sum = 0.0;
        for (int64_t i = w.thread; i < a->count; i += w.threads) {
            sum += a->from[i];
        }
        sums[w.thread] = sum;
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        *a->to += sums[0];
    }
}

#endif
