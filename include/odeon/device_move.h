/* device_move.h: family move: copies, conversions, and what sets numbers without computing.
 *
 * Draft. To be seen before it is frozen: calls timed on the five models; to be frozen with
 * loss.h and optimizer.h, at 1.1. */
#ifndef ODEON_DEVICE_MOVE_H
#define ODEON_DEVICE_MOVE_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Final. A coefficient: imm + (slot < 0 ? 0 : scale * slots[slot]), read when the operator runs. */
typedef struct odeon_scalar {
    double imm, scale;
    int32_t slot, reserved0;
} odeon_scalar;

static inline odeon_scalar odeon_imm(double value)
{
    odeon_scalar s = {value, 0.0, -1, 0};
    return s;
}

/* scale * slots[slot] */
static inline odeon_scalar odeon_slot(double scale, int32_t slot)
{
    odeon_scalar s = {0.0, scale, slot, 0};
    return s;
}

/* y = x. Same dtype (any) and count. */
typedef struct odeon_copy {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
} odeon_copy;

/* y = scale * x + shift, from any dtype to F32, F64 or I64 (towards zero; INT64_MIN for what I64
 * does not hold). Same count; of one dtype y may be x. */
typedef struct odeon_cast {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
    double scale, shift;
} odeon_cast;

/* y[r, ...] = what cast makes of x[index[r], ...]: x [N, ...], y [n, ...], index I64 [n], each in
 * 0 .. N - 1, in any order, repeats allowed. */
typedef struct odeon_gather {
    uint32_t struct_size, flags;
    const odeon_view *x, *index;
    const odeon_tensor *y;
    double scale, shift;
} odeon_gather;

/* y = value everywhere. */
typedef struct odeon_fill {
    uint32_t struct_size, flags;
    const odeon_tensor *y;
    odeon_scalar value;
    const double *slots; /* NULL where value names no slot */
} odeon_fill;

/* y[r * y_pitch + y_at + c] = x[r * x_pitch + x_at + c] for r < rows, c < cols: elements. */
typedef struct odeon_copy2d {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
    int64_t rows, cols, x_pitch, x_at, y_pitch, y_at;
} odeon_copy2d;

/* y[r * pitch + at + c] = v[r], or v[0] if v holds one number; v is F64 [1] or [rows]. */
typedef struct odeon_rows_fill {
    uint32_t struct_size, flags;
    const odeon_tensor *y;
    int64_t rows, cols, pitch, at;
    const odeon_view *v;
} odeon_rows_fill;

/* Adds the sum over c of x[r * pitch + at + c] to v[r], or to v[0] if v holds one number. */
typedef struct odeon_rows_sum {
    uint32_t struct_size, flags;
    const odeon_view *x;
    int64_t rows, cols, pitch, at;
    const odeon_tensor *v;
} odeon_rows_sum;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_move_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*copy)(odeon_queue *queue, const odeon_copy *call);
    odeon_status (*cast)(odeon_queue *queue, const odeon_cast *call);
    odeon_status (*gather)(odeon_queue *queue, const odeon_gather *call);
    odeon_status (*fill)(odeon_queue *queue, const odeon_fill *call);
    odeon_status (*copy2d)(odeon_queue *queue, const odeon_copy2d *call);
    odeon_status (*rows_fill)(odeon_queue *queue, const odeon_rows_fill *call);
    odeon_status (*rows_sum)(odeon_queue *queue, const odeon_rows_sum *call);
};

#ifdef __cplusplus
}
#endif
#endif
