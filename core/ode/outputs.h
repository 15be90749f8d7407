/* outputs.h: where a block's solve starts and what it leaves: the layer's input and output
 * [B, T, ...] against the vectors of a solve, one [n] for each time.
 *
 * A block that takes its input as it is and gives out the end alone needs no vectors of its own: it
 * solves in place, in its output. */
#ifndef ODEON_CORE_ODE_OUTPUTS_H
#define ODEON_CORE_ODE_OUTPUTS_H
#include <stdbool.h>

#include "ode/block.h"

/* Is strictly monotone: *bad is then -1, else the first element that breaks it. */
bool times_are_monotone(int32_t n, const double *times, int32_t *bad);

/* Of the block's own list, or of the batch's. */
int32_t ode_time_count(const odeon_ode *ode);

/* The shape of the layer's output for that of its input. */
odeon_status ode_output_shape(const odeon_ode *ode, const odeon_shape *in, odeon_shape *out);

/* After the block's body is known; uploads what never changes. */
odeon_status ode_outputs_init(odeon_ode *ode);
void ode_outputs_fini(odeon_ode *ode);

/* Do the solve's vectors have memory apart from the layer's input and output? */
bool ode_is_apart(const odeon_ode *ode);

/* Room for n_times vectors, and their cotangents, in two lists of which capacity says how far both
 * reach. */
odeon_status ode_lists_fit(const odeon_ode *ode, int32_t n_times, odeon_tensor **y,
                           odeon_view **d_y, int32_t *capacity);
/* Times of this pass over so many samples; then, once the field is fitted, memory for it. Both may
 * allocate. */
odeon_status ode_times_fit(odeon_ode *ode, const odeon_layer_call *call, int64_t samples);
odeon_status ode_outputs_fit(odeon_ode *ode);

/* Forward: makes y[0] of the input; makes the output of y. */
odeon_status ode_take_start(odeon_ode *ode, const odeon_view *in, const odeon_tensor *out);
odeon_status ode_give_outputs(odeon_ode *ode, const odeon_tensor *out);
/* The start, as long as nothing has written over it: the input, or y[0]. */
odeon_view ode_start(const odeon_ode *ode, const odeon_view *in);
/* y at the last time, as the solve left it. */
odeon_view ode_end(const odeon_ode *ode);

/* Backward: makes y (the call's in and out may be NULL: nobody needs it), d_y and d_y0 of what the
 * layer is given; completes d_in (NULL: not wanted) from d_y0. */
odeon_status ode_take_cotangents(odeon_ode *ode, const odeon_layer_call *call);
odeon_status ode_give_cotangent(odeon_ode *ode, const odeon_tensor *d_in);

#endif
