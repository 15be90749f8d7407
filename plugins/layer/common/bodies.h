/* bodies.h: the common part of container layers: the chains that are their bodies. Each body's
 * frame follows that of the previous body in the container's tape. */
#ifndef ODEON_LAYER_BODIES_H
#define ODEON_LAYER_BODIES_H
#include "odeon/container.h"

/* nets [n] in the order of attachment. */
typedef struct bodies {
    const odeon_host *host;
    const odeon_chain_services *chain;
    const char *id;
    int32_t n, reserved0;
    odeon_net **nets; /* an entry is NULL where an optional body is missing */
} bodies;

/* id names the layer in messages and is borrowed. */
odeon_status bodies_init(const odeon_host *host, const char *id, bodies *out);
void bodies_fini(bodies *b);
/* call in order, body = 0, 1, ... */
odeon_status bodies_attach(bodies *b, int32_t body, odeon_net *net);

/* Fills in the container's flags and tape_bytes for in, and out->out from body 0. ODEON_ERR_CONFIG
 * if in is not the shape that the bodies were built for. */
odeon_status bodies_plan(const bodies *b, const odeon_tensor *in, int32_t flags,
                         odeon_layer_plan *out);
/* Bytes for one more input or output of a body, whichever is larger. */
uint64_t bodies_value_bytes(const odeon_layer_plan *plan, const odeon_tensor *in);

/* out = body(in), keeping its frame in tape (NULL: none); t NULL: use the context's time.
 * bodies_vjp is its transpose; adds to d_t and to the gradients. */
odeon_status bodies_forward(const bodies *b, int32_t body, const odeon_context *context,
                            const odeon_tensor *t, const odeon_tensor *in, const odeon_tensor *out,
                            void *tape);
odeon_status bodies_vjp(const bodies *b, int32_t body, const odeon_context *context,
                        const odeon_tensor *t, const odeon_tensor *d_out, const odeon_tensor *d_in,
                        const odeon_tensor *d_t, void *tape);

#endif
