/* controller.h: adaptive step sizes. What decides lies in slots on the device (odeon_control of
 * device_solver.h: a digital filter of past error norms, Soderlind, Digital filters in adaptive
 * time-stepping, 2003, with I, PI and PID control as special cases); here is what the host tells it
 * and what it reads of it. */
#ifndef ODEON_CORE_SOLVER_CONTROLLER_H
#define ODEON_CORE_SOLVER_CONTROLLER_H
#include "odeon/device_solver.h"
#include "solver/state.h"

/* Slots T to LAST: of a step before it is tried, its start and size; after it was judged, those of
 * the next step and how this one went. */
typedef struct trial {
    double slots[ODEON_SLOT_LAST + 1];
} trial;

/* s->control, for this field and method. ODEON_ERR_UNSUPPORTED: more parts than there are sums for.
 */
odeon_status controller_init(solver *s);

int64_t controller_steps_left(const solver *s); /* that the pass may still try */
/* A step too small to matter within the span is an underflow even at t = 0, where any h would still
 * move t. */
double controller_least_step(const solver *s);

/* What a solve is given in slots, and zeros in the others that it reads: as numbers, and written.
 */
enum { CONTROLLER_FIRST_SLOTS = ODEON_SLOT_LIMIT + 1 };
void controller_first_slots(const solver *s, double values[CONTROLLER_FIRST_SLOTS]);
odeon_status controller_write_slots(solver *s);
/* Slots as they are now. Waits for the device. */
odeon_status controller_read(solver *s, trial *out);
/* The workers' shares of ERROR_SUM become the whole; mine is how far this worker has come. A
 * collective, which all make, also where they have failed. */
odeon_status controller_reduce_error(solver *s, odeon_status mine);

/* The automatic first step, from what is bound to Y0 and carry in, into H: Hairer, Norsett, Wanner,
 * Solving ODEs I, II.4, with two evaluations, one of which most methods need anyway. f at the start
 * and at the probe are left to be released. Replayable. */
odeon_status controller_probe_start(solver *s, bound_vector *f0, bound_vector *f1);
/* The first step of a solve that the host steers: of the size given (not 0), or by
 * controller_probe_start, with nearer probes where the field has no value at the rule's own. */
odeon_status controller_first_step(solver *s, double given, trial *first);

/* The step was clipped to an output or a stop, and there are more: resumes with the larger of the
 * proposed and the last unclipped step, keeping the controller's error history. */
odeon_status controller_resume(solver *s, trial *now);
/* The size of that step, from t on, where h is proposed, and where it will be clipped. A clipped
 * step may have been as short as it likes: this one is not below the least. */
double controller_resumed_step(const solver *s, double t, double h, double *end);

#endif
