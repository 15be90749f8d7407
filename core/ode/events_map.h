/* events_map.h: what events know of the state of one sample: the event function, the reset and the
 * field, each at a time that the host knows. */
#ifndef ODEON_CORE_ODE_EVENTS_MAP_H
#define ODEON_CORE_ODE_EVENTS_MAP_H
#include "ode/block.h"

/* Memory on the device: numbers as doubles, then cells of one element and vectors of the state. */
struct events_map {
    device_buffer numbers, cells, event_frame, reset_frame;
    const net_plan *event, *reset; /* for one sample, of the call under way */
    int64_t vector_bytes;
};

enum { EVENTS_VECTORS = 3 }; /* of events_map_vector: scratch */

/* Makes what the block has not yet, for the call of the sample under way. */
odeon_status events_map_fit(odeon_ode *ode);
void events_map_fini(odeon_ode *ode);

odeon_tensor events_map_vector(const odeon_ode *ode, int32_t i);

/* g(t, y). */
odeon_status events_value(odeon_ode *ode, double t, const odeon_view *y, double *g);
/* dy = f(t, y). */
odeon_status events_field(odeon_ode *ode, double t, const odeon_view *y, const odeon_tensor *dy);
/* y_bar = dg/dy g_bar, *t_bar = dg/dt g_bar; where to_params, g_bar's share is added to the
 * gradients of the event's parameters. */
odeon_status events_value_vjp(odeon_ode *ode, double t, const odeon_view *y, double g_bar,
                              bool to_params, const odeon_tensor *y_bar, double *t_bar);
/* out = reset(t, y). */
odeon_status events_reset(odeon_ode *ode, double t, const odeon_view *y, const odeon_tensor *out);
/* y_bar and *t_bar of out_bar; adds to the gradients of the reset's parameters. */
odeon_status events_reset_vjp(odeon_ode *ode, double t, const odeon_view *y,
                              const odeon_view *out_bar, const odeon_tensor *y_bar, double *t_bar);
odeon_status events_dot(odeon_ode *ode, const odeon_view *a, const odeon_view *b, double *out);
/* y += factor * x */
odeon_status events_add(odeon_ode *ode, double factor, const odeon_view *x, const odeon_tensor *y);

#endif
