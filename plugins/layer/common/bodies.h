/* bodies.h: what containers share that call their bodies: the chains, and their frames, which stand
 * one after another in the container's tape. */
#ifndef ODEON_LAYER_BODIES_H
#define ODEON_LAYER_BODIES_H
#include "odeon/container.h"

typedef struct bodies {
    const odeon_host *host;
    const odeon_chain_services *chain;
    const char *id;
    int32_t n, reserved0;
    odeon_net **nets; /* NULL among them: a body that is missing */
} bodies;

/* id: of the layer, for messages; lives on. */
odeon_status bodies_init(const odeon_host *host, const char *id, bodies *out);
void bodies_fini(bodies *b);
odeon_status bodies_attach(bodies *b, int32_t body, odeon_net *net); /* in order */

/* The container's flags and tape_bytes for in; out->out is that of body 0. ODEON_ERR_CONFIG if in
 * is not what the bodies were built for. */
odeon_status bodies_plan(const bodies *b, const odeon_tensor *in, int32_t flags,
                         odeon_layer_plan *out);
/* Room for one more input, or output, of a body. */
uint64_t bodies_value_bytes(const odeon_layer_plan *plan, const odeon_tensor *in);

/* out = body(in), its frame in tape (NULL: none); t NULL: the context's. */
odeon_status bodies_forward(const bodies *b, int32_t body, const odeon_context *context,
                            const odeon_tensor *t, const odeon_tensor *in, const odeon_tensor *out,
                            void *tape);
odeon_status bodies_vjp(const bodies *b, int32_t body, const odeon_context *context,
                        const odeon_tensor *t, const odeon_tensor *d_out, const odeon_tensor *d_in,
                        const odeon_tensor *d_t, void *tape);

#endif
