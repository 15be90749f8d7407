/* events.h: solves that go from event to event, of a block whose samples are solved by themselves.
 *
 * A LEG is a solve from the start, or from what the reset has made of the state at an event, to the
 * next event or to the end; each leaves a tape of its own for its reverse. Between two legs the way
 * back follows from the implicit function theorem: of an event at t*, where g(t*, y) = 0,
 *   dt* = -(dg/dy dy + dg/dtheta dtheta) / (dg/dy f + dg/dt),
 * y at t* moves by f(t*, y) dt* with it, and what starts there by -f(t*, reset(t*, y)) dt*.
 * Source: Chen, Amos, Nickel, Learning Neural Event Functions for ODEs, 2021, section 3. */
#ifndef ODEON_CORE_ODE_EVENTS_H
#define ODEON_CORE_ODE_EVENTS_H
#include "ode/block.h"
#include "ode/sample_lanes.h"

/* Once samples are known to be solved by themselves: makes what events need, if the block has any.
 * ODEON_ERR_CONFIG where event or reset have another shape than they must. */
odeon_status events_init(odeon_ode *ode);
void events_fini(odeon_ode *ode);
/* Once the block's method is there: refuses one that cannot make a step shorter. */
odeon_status events_check_method(const odeon_ode *ode);

/* A pass over the slice begins: nothing of the one before is kept. */
void events_forget(odeon_ode *ode);
/* The pass of the sample under way, whose vectors are the block's; a block without events has one
 * leg. Outputs behind an event that ends the solve are y at the event. */
odeon_status events_forward(odeon_ode *ode, int32_t keep, ode_pass pass);
odeon_status events_backward(odeon_ode *ode, ode_pass pass);

/* Of the last forward: how many a sample of the slice has had, and the times of these. */
int64_t events_count(const odeon_ode *ode, int64_t sample);
double events_time(const odeon_ode *ode, int64_t sample, int64_t event);
/* The steps that a sample has tried in all of its legs, of a forward that a backward follows; lives
 * until the next call for it. */
odeon_status events_attempts(odeon_ode *ode, int64_t sample, attempt_list *out);
int64_t events_peak_bytes(const odeon_ode *ode);

#endif
