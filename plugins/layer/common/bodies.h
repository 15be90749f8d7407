/* bodies.h: the common part of container layers: the chains that are their bodies. Each body's
 * frame follows that of the previous body in the container's tape. */
#ifndef ODEON_LAYER_BODIES_H
#define ODEON_LAYER_BODIES_H
#include <stdbool.h>

#include "odeon/container.h"

/* nets [n] in the order of attachment. An instance by itself, or a part of one. */
typedef struct bodies {
    ODEON_INSTANCE;
    const odeon_body_services *services;
    const char *id;
    int32_t n, reserved0;
    odeon_net **nets; /* an entry is NULL where an optional body is missing */
} bodies;

/* id names the layer in messages and is borrowed. out may be the instance itself. */
odeon_status bodies_init(const odeon_host *host, const char *id, bodies *out);
/* The same of a container that asks for derivatives of its bodies' vjps, by *duals. */
odeon_status bodies_init_duals(const odeon_host *host, const char *id, bodies *out,
                               const odeon_body_duals **duals);
void bodies_fini(bodies *b); /* takes one that init did not come to */
/* call in order, body = 0, 1, ... */
odeon_status bodies_attach(bodies *b, int32_t body, odeon_net *net);

/* Fills in the container's flags and tape_bytes, and out from body 0. ODEON_ERR_CONFIG if in is not
 * the shape that the bodies were built for. */
odeon_status bodies_plan(const bodies *b, odeon_layer_plan *plan);
/* What bodies_plan has asked body about, for the container's own checks. */
odeon_status bodies_ask(const bodies *b, int32_t body, const odeon_layer_plan *plan,
                        odeon_body_plan *out);
/* Do two summands fit? */
bool bodies_same_shape(const odeon_shape *a, const odeon_shape *b);
/* Bytes for one more input or output of a body, whichever is larger. */
uint64_t bodies_value_bytes(const odeon_layer_plan *plan);

/* out = body(in of the call), its frame kept in the call's tape; t NULL: the call's time.
 * bodies_vjp is its transpose: from the call's d_out it writes d_in (NULL: not wanted) and adds to
 * the call's d_t and to the gradients. */
odeon_status bodies_forward(const bodies *b, int32_t body, const odeon_layer_call *call,
                            const odeon_view *t, const odeon_tensor *out);
odeon_status bodies_vjp(const bodies *b, int32_t body, const odeon_layer_call *call,
                        const odeon_view *t, const odeon_tensor *d_in);

#endif
