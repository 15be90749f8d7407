/* lanes.h: adaptive solves in which every row of a batch steps by itself, side by side: each has
 * its own time, step size, error norm, decisions and end, as if it were solved alone, to the bit,
 * and the field is evaluated once for all rows that are still under way.
 *
 * Of embedded explicit Runge-Kutta methods, whose steps are all alike. What else a row may meet - a
 * step that cannot be evaluated or judged, an underflow, a limit - is left to its own solve by
 * solver.h, which finds and names the cause: the solve here gives up. */
#ifndef ODEON_CORE_SOLVER_LANES_H
#define ODEON_CORE_SOLVER_LANES_H
#include "device/lane.h"
#include "odeon/container.h"
#include "solver/lanes_task.h"
#include "solver/log.h"
#include "solver/stepper.h"

typedef struct lanes lanes;

/* Can these steps be taken so? NULL; or what stands against it, in words. */
const char *lanes_prevented(const device_lane *lane, const stepper *method,
                            const odeon_ode_spec *spec);

/* Arguments as of solver_create. */
odeon_status lanes_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                          const char *path, lanes **out);
void lanes_destroy(lanes *l); /* NULL is allowed */

/* *solved false, with ODEON_OK: it gave up, and nothing but y has changed. */
odeon_status lanes_solve(lanes *l, const lanes_task *task, bool *solved);

/* ---- of the last solve ---- */

const solve_log *lanes_log(const lanes *l, int64_t row);
/* Calls of the field, and rows evaluated in all of them. */
void lanes_counts(const lanes *l, int64_t *calls, int64_t *rows);
/* Memory of frames and records at its peak since the last reset, and of vectors. */
int64_t lanes_peak_bytes(const lanes *l);
void lanes_reset_peak(lanes *l);

#endif
