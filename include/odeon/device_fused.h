/* device_fused.h: what a device may do at once that otherwise takes several operators, asked for by
 * id. Where launches cost more than the work, a layer that finds it calls it in their place.
 *
 * Extension; draft. To be seen before it is frozen: one device more that has it. */
#ifndef ODEON_DEVICE_FUSED_H
#define ODEON_DEVICE_FUSED_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_DEVICE_FUSED "odeon.device.fused/1"

/* Row r of y, pitch elements, becomes row r of x, x_cols elements, from x_at on, and v[r / each],
 * rounded, t_cols times from t_at on: the bits of copy2d and rows_fill of family move. x and y are
 * of one dtype, F32 or F64, v F64; rows is a multiple of each. */
typedef struct odeon_join_rows {
    uint32_t struct_size, flags;
    const odeon_view *x, *v;
    const odeon_tensor *y;
    int64_t rows, each, x_cols, x_at, t_cols, t_at, pitch;
} odeon_join_rows;

/* stats F64 [2,C] = the means of x[B,C,S] over B and S, then 1 / sqrt(variance + epsilon); B S is
 * at least 2. running_mean and running_variance [C] of x's dtype (NULL, both: not wanted) become (1
 * - momentum) running + momentum * what was found, of the variance the unbiased one. Squares are
 * summed about the mean, of large batches about means of their parts. */
typedef struct odeon_batch_statistics {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *stats, *running_mean, *running_variance;
    double momentum, epsilon;
} odeon_batch_statistics;

/* stats F64 [2,C] = mean[C], then 1 / sqrt(variance[C] + epsilon); F32 or F64. */
typedef struct odeon_running_statistics {
    uint32_t struct_size, flags;
    const odeon_view *mean, *variance;
    const odeon_tensor *stats;
    double epsilon;
} odeon_running_statistics;

/* Growing. Every slot: [worker; evaluation], replayable (device_ext.h). */
typedef struct odeon_device_fused {
    uint32_t struct_size, reserved0;
    odeon_status (*join_rows)(odeon_queue *queue, const odeon_join_rows *call);
    odeon_status (*batch_statistics)(odeon_queue *queue, const odeon_batch_statistics *call);
    odeon_status (*running_statistics)(odeon_queue *queue, const odeon_running_statistics *call);
} odeon_device_fused;

#ifdef __cplusplus
}
#endif
#endif
