/* outputs.h: what a solve leaves at the times asked for. */
#ifndef ODEON_CORE_SOLVER_OUTPUTS_H
#define ODEON_CORE_SOLVER_OUTPUTS_H
#include "odeon/device_solver.h"
#include "solver/state.h"

/* Room for so many times. */
odeon_status outputs_reserve(solver *s, int32_t n_times);

double solve_end(const solver *s);       /* the last time */
double solve_direction(const solver *s); /* 1, or -1 for a solve backward in time */

/* Is output i at t or before it, in the direction of the solve? */
bool outputs_reached(const solver *s, double t, int32_t i);
/* The first of the block's stops behind t, if it comes before end; else end. */
double next_stop(const solver *s, double t, double end);

/* Where within a step from t by h, which ends at t_end, output i is read: 1 is its own end. */
double output_place(const solver *s, int32_t i, double t, double h, double t_end);
/* Reads the outputs that an accepted step from t by h, which ends at t_end, has come to: at its own
 * end, out of register Y1, or off its dense output, out of Y0 and the slopes, unless a step made
 * slice by slice has been read already. */
odeon_status outputs_read(solver *s, double t, double h, double t_end);

/* y(t + x h) = y0 + h sum b_i(x) k_i, the dense output of a step by h. kept: what dense_registers
 * names, vector by vector; NULL: of the step under way. Source: Hairer, Norsett, Wanner, Solving
 * ODEs I, II.6. */
odeon_status dense_read(const solver *s, double h, double x, const bound_vector *kept,
                        const odeon_tensor *y);
/* The registers that dense output is a sum of, Y0 first; how many: at most 1 + ODEON_MAX_STAGES. */
int32_t dense_registers(const solver *s, int32_t *registers);
/* How much register reg counts in the value at t + x h of a step by h. */
double dense_weight(const solver *s, double h, double x, int32_t reg);

#endif
