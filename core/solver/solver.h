/* solver.h: the engine: integrates a field through a list of times by an integrator's steps, and
 * takes cotangents of its outputs back to its start by the exact reverse of those steps.
 *
 * One solver serves fields of one shape, of one ODE block on one worker. Its memory grows between
 * steps, never within one, and is kept for the run. It knows a lane to a device, a field and a
 * stepper, and nothing of networks, sessions or files. */
#ifndef ODEON_CORE_SOLVER_SOLVER_H
#define ODEON_CORE_SOLVER_SOLVER_H
#include "device/lane.h"
#include "odeon/container.h"
#include "odeon/gradient.h"
#include "solver/host_field.h"
#include "solver/log.h"
#include "solver/report.h"
#include "solver/stepper.h"
#include "solver/watch.h"

typedef struct solver solver;

/* lane, method, spec and path are borrowed until destroy. Of spec the engine reads how steps are
 * chosen: mode, control, tolerances, times of stops, limits. */
odeon_status solver_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                           const char *path, solver **out);
void solver_destroy(solver *s); /* NULL is allowed */

/* s, whose solves leave nothing behind them, computes in the memory of other, which must not be in
 * a solve then. Where other has kept something s has memory of its own. */
void solver_share_memory(solver *s, solver *other);

/* For spec->mode REPLAY: the steps to make, n of t and h, borrowed. */
void solver_set_replay(solver *s, size_t n, const double (*steps)[2]);

/* What the solves to come look out for (watch.h), borrowed; NULL: for nothing. A solve that looks
 * out is made step by step by the host. */
void solver_set_watch(solver *s, solve_watch *watch);

/* A pass begins: attempts and failure are forgotten, but no memory. */
void solver_forget(solver *s);
/* The next solve belongs to a pass that has tried so many steps: max_steps counts them. */
void solver_set_steps_before(solver *s, int64_t n);

/* Of solves that keep states: of so many steps one; 0, as found: the solver chooses. */
void solver_keep_every(solver *s, int64_t every);

/* odeon_solve_services.solve. Fails with ODEON_ERR_NUMERIC where the step size underflows, the
 * number of steps exceeds spec->max_steps, or a layer rejects a fixed step. times and y are
 * borrowed until the reverse. */
odeon_status solver_solve(solver *s, const host_field *field, int32_t n_times, const double *times,
                          int32_t keep, const odeon_tensor *y);
/* odeon_solve_services.reverse, of all steps of the last solve. */
odeon_status solver_reverse(solver *s, const odeon_view *d_y, const odeon_tensor *d_y0);

/* ---- stretches of the last solve (odeon_solve_services) ---- */

/* Steps that it has accepted. */
int64_t solver_n_steps(const solver *s);
/* ODEON_KEEP_* of it, and of how many steps one state is kept; 0: of none. */
int32_t solver_kept(const solver *s, int64_t *every);
/* ODEON_ERR_UNSUPPORTED: no such step. */
odeon_status solver_step(const solver *s, int64_t step, odeon_tape_step *out);
odeon_status solver_replay(solver *s, int64_t first, int64_t last);
odeon_status solver_reverse_steps(solver *s, const odeon_gradient_reverse *reverse);
odeon_status solver_dense(const solver *s, double t, const odeon_tensor *y);

/* ---- results ---- */

/* Counts of the last solve. */
solve_stats solver_stats(const solver *s);
/* All attempts since solver_forget, valid until the next solve. */
const solve_attempt *solver_attempts(const solver *s, size_t *n);
/* Whether the last solve failed, and then where and why. */
const solve_diagnosis *solver_diagnosis(const solver *s);

/* The most bytes that were in use at one time since solver_reset_peak. */
int64_t solver_peak_bytes(const solver *s);
/* The same of two that share memory, other being the lender. */
int64_t solver_peaks_bytes(const solver *other, const solver *s);
void solver_reset_peak(solver *s);

/* The slots on the device that a field's calls may refer to (odeon_layer_call). */
double *solver_slots(const solver *s);

#endif
