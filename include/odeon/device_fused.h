/* device_fused.h: what a device may do at once that otherwise takes several operators, asked for by
 * id. Where launches cost more than the work, a layer that finds it calls it in their place.
 *
 * Extension; draft. To be seen before it is frozen: one device more that has it. */
#ifndef ODEON_DEVICE_FUSED_H
#define ODEON_DEVICE_FUSED_H
#include "odeon/device.h"
#include "odeon/device_solver.h"

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

/* Elements [first, first + count) of the state count in the error norm as part number part. each: 1
 * where the tolerances by element that control may have are meant for them, else 0. */
typedef struct odeon_judged_part {
    int64_t first, count;
    int32_t part, each;
} odeon_judged_part;

/* e = sum over i < n of coefficient[i] * x[i], of the whole state. */
typedef struct odeon_judged_error {
    const odeon_view *const *x;      /* [n] */
    const odeon_scalar *coefficient; /* [n] */
    int32_t n, reserved0;
} odeon_judged_error;

/* Bits of step_judge. */
enum {
    /* Within a loop of a recording nothing behind this call changes slots STOP in the same pass, so
     * that whether there is another one may be decided here. */
    ODEON_JUDGE_ENDS_PASS = 1 << 16
};

/* The end of a trial step, with the bits of the calls of family solver that it stands for:
 * error_sum of each part of each error i into slots[ERROR_SUM + i * control->n_parts + part],
 * step_control, and stage_times of the step that it proposes. y0, y1 and all x are of one dtype,
 * F32 or F64, and count. n_errors * n_parts is at most ODEON_MAX_PARTS, n_times at most
 * ODEON_MAX_STAGES; c is in host memory, copied. */
typedef struct odeon_step_judge {
    uint32_t struct_size, flags;
    const odeon_control *control;
    double *slots;
    const odeon_view *y0, *y1;
    const odeon_judged_error *errors; /* [n_errors] */
    const odeon_judged_part *parts;   /* [n_parts] */
    const double *c;                  /* [n_times] */
    int32_t n_errors, n_parts, n_times, reserved0;
} odeon_step_judge;

/* Growing. Every slot: [worker; evaluation], replayable (device_ext.h). */
typedef struct odeon_device_fused {
    uint32_t struct_size, reserved0;
    odeon_status (*join_rows)(odeon_queue *queue, const odeon_join_rows *call);
    odeon_status (*batch_statistics)(odeon_queue *queue, const odeon_batch_statistics *call);
    odeon_status (*running_statistics)(odeon_queue *queue, const odeon_running_statistics *call);
    /* The family whose bits step_judge gives: with another one its calls are made one by one. */
    const odeon_solver_family *solver;
    odeon_status (*step_judge)(odeon_queue *queue, const odeon_step_judge *call);
    /* step_back of that family, behind which nothing changes slots STOP in the same pass of a loop.
     */
    odeon_status (*last_step_back)(odeon_queue *queue, const odeon_step_back *call);
} odeon_device_fused;

#ifdef __cplusplus
}
#endif
#endif
