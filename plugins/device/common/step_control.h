/* step_control.h: the arithmetic that steers a solver, on a block of slots that the processor can
 * reach. A device whose slots lie in host memory calls these from its operators of the same names;
 * device.h has their contracts (odeon_control, SLOTS, step_control, step_start, step_back,
 * stage_times, select, row_store). They allocate nothing, fail in no way and need nothing but
 * math.h. */
#ifndef ODEON_DEVICE_STEP_CONTROL_H
#define ODEON_DEVICE_STEP_CONTROL_H
#include "odeon/device.h"

/* Kernels, which include step_control_body.h, have both say that these are functions of a card. */
#ifndef STEP_FN
#define STEP_FN
#define STEP_LOCAL static
#endif

/* imm + scale * slots[slot], or imm where slot is negative; slots is then not read. */
STEP_FN double scalar_value(odeon_scalar scalar, const double *slots);

/* The larger of two; NaN if one of them is, which fmax would hide. */
STEP_FN double larger(double a, double b);

/* slots[STAGE_T + i] = T + c[i] H for i < n. */
STEP_FN void stage_times(int32_t n, const double *c, double *slots);

/* The scaled error norm: ERROR_SUM of all parts as control's norm and parts_rule combine it. NaN if
 * any part that counts is; 0 if none counts. */
STEP_FN double error_norm(const odeon_control *control, const double *slots);

/* Judges the step of size H at T and writes what comes next (step_control). */
STEP_FN void step_judge(const odeon_control *control, double *slots);

/* One phase, 0 to 4, of choosing the first step (step_start). */
STEP_FN void step_start(const odeon_control *control, int32_t phase, double *slots);

/* One row back (step_back). */
STEP_FN void step_back(double *slots);

/* Which of rows a slot names (row_store); -1: none. */
STEP_FN int64_t slot_row(const double *slots, int32_t slot, int64_t rows);

#endif
