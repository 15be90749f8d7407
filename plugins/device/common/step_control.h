/* step_control.h: step-size control on a block of slots in host memory. A device whose slots are
 * there calls these functions from its operators of the same names; device.h has the contracts
 * (odeon_control, SLOTS, step_control, step_start, step_back, stage_times, select, row_store). They
 * do not allocate, cannot fail and need only math.h. */
#ifndef ODEON_DEVICE_STEP_CONTROL_H
#define ODEON_DEVICE_STEP_CONTROL_H
#include "odeon/device.h"

/* A CUDA source that includes step_control_body.h defines both macros to make these device
 * functions. */
#ifndef STEP_FN
#define STEP_FN
#define STEP_LOCAL static
#endif

/* imm + scale * slots[slot]; imm alone if slot is negative, where slots is not read. */
STEP_FN double scalar_value(odeon_scalar scalar, const double *slots);

/* The larger of two; NaN if one of them is, which fmax would hide. */
STEP_FN double larger(double a, double b);

/* slots[STAGE_T + i] = T + c[i] H for i < n. */
STEP_FN void stage_times(int32_t n, const double *c, double *slots);

/* The scaled error norm: ERROR_SUM of all parts, combined by control's norm and parts_rule. NaN if
 * a part with elements is NaN; 0 if none has elements. */
STEP_FN double error_norm(const odeon_control *control, const double *slots);

/* Accepts or rejects the step of size H at T and proposes the next (step_control). */
STEP_FN void step_judge(const odeon_control *control, double *slots);

/* One phase, 0 to 4, of choosing the first step (step_start). */
STEP_FN void step_start(const odeon_control *control, int32_t phase, double *slots);

/* Moves the reverse pass back by one row (step_back). */
STEP_FN void step_back(double *slots);

/* The row number in slots[slot], or -1 if that is no whole number from 0 to rows - 1
 * (row_store). */
STEP_FN int64_t slot_row(const double *slots, int32_t slot, int64_t rows);

#endif
