/* tangent.h: derivatives of an ODE block's right-hand side along directions, on the device `dual`
 * (odeon/device_dual.h): its jvp, and its vjp on duals. */
#ifndef ODEON_CORE_ODE_TANGENT_H
#define ODEON_CORE_ODE_TANGENT_H
#include "device/buffer.h"
#include "net/net.h"
#include "ode/terms.h"
#include "odeon/device_dual.h"
#include "odeon/field.h"

/* Calls of a body for one batch size, with a frame and vectors of their own: the caller's tangents
 * stay as they are. Invariants, after a fit with dual not NULL: memory has room for all that
 * begins at the offsets below, the last of which is the frame. */
typedef struct field_tangent {
    const odeon_device_dual *dual; /* NULL: the device is another, and has no tangents */
    odeon_net *body;
    const field_terms *terms; /* fitted before */
    odeon_layer_call call;
    odeon_shape state;              /* [n] */
    int64_t theta_begin, theta_end; /* range of the flat parameter vector */
    device_buffer memory;
    int64_t dy_at, y_bar_at, t_at, t_bar_at, theta_at, frame_at; /* y is at 0 */
} field_tangent;

/* May allocate. state: of the block, its first dimension the samples. */
odeon_status field_tangent_fit(field_tangent *f, odeon_net *body, const field_terms *terms,
                               const odeon_layer_call *call, const odeon_shape *state);
void field_tangent_fini(field_tangent *f, const odeon_device *device);

odeon_status field_tangent_jvp(const field_tangent *f, const odeon_field_jvp *jvp);
odeon_status field_tangent_vjp(const field_tangent *f, const odeon_field_vjp *vjp);

#endif
