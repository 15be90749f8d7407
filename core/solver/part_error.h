/* part_error.h: how a part of a state counts in the error of a step. */
#ifndef ODEON_CORE_SOLVER_PART_ERROR_H
#define ODEON_CORE_SOLVER_PART_ERROR_H
#include "odeon/device_solver.h"
#include "solver/state.h"

/* Tolerances by component are those of y: a part that is integrated along has no such components
 * and is judged by the common ones. own: room for that. */
const odeon_control *part_control(const solver *s, int32_t part, odeon_control *own);
/* Its sum (error_sum of device_solver.h) into a slot, this worker's share. */
odeon_status part_error_sum(solver *s, int32_t part, int32_t slot, const odeon_view *y0,
                            const odeon_view *y1, int32_t n, const odeon_view *const *x,
                            const odeon_scalar *coefficients);

#endif
