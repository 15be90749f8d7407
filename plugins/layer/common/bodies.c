#include "bodies.h"

#include <string.h>

#include "shape.h"

odeon_status bodies_init(const odeon_host *host, const char *id, bodies *out)
{
    *out = (bodies){.host = host, .id = id};
    out->chain = host->get_extension(host, ODEON_HOST_CHAIN);
    return out->chain != NULL ? ODEON_OK
                              : odeon_fail(host, ODEON_ERR_UNSUPPORTED,
                                           "%s: this host does not offer %s", id, ODEON_HOST_CHAIN);
}

void bodies_fini(bodies *b)
{
    if (b->nets != NULL) {
        b->host->free(b->host, b->nets);
    }
}

/* Grows the list by one: containers have few bodies, so a copy each time is fine. */
odeon_status bodies_attach(bodies *b, int32_t body, odeon_net *net)
{
    odeon_net **nets = b->host->alloc(b->host, (uint64_t)(body + 1) * sizeof(odeon_net *));
    if (nets == NULL) {
        return odeon_fail(b->host, ODEON_ERR_NOMEM, "%s: no memory for %d bodies", b->id,
                          (int)body + 1);
    }
    for (int32_t i = 0; i < body; i++) {
        nets[i] = b->nets[i];
    }
    nets[body] = net;
    bodies_fini(b);
    b->nets = nets;
    b->n = body + 1;
    return ODEON_OK;
}

/* A property such as randomness holds if any body has it; linearity only if all have it. */
static int32_t join_flags(int32_t all, int32_t body)
{
    int32_t any = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T |
                  ODEON_LAYER_STATEFUL | ODEON_LAYER_RANDOM;
    return ((all | body) & any) | (all & body & ODEON_LAYER_LINEAR);
}

/* Frames of all bodies add up to the tape. The shape check catches layers that act in training only
 * and change the shape. */
odeon_status bodies_plan(const bodies *b, const odeon_tensor *in, int32_t flags,
                         odeon_layer_plan *out)
{
    out->flags = ODEON_LAYER_LINEAR;
    for (int32_t i = 0; i < b->n; i++) {
        odeon_chain_info info = {.struct_size = sizeof info};
        if (b->nets[i] == NULL) {
            continue;
        }
        ODEON_TRY(b->chain->plan(b->nets[i], in->dim[0], flags, &info));
        if (in->ndim != info.in.ndim || memcmp(in->dim, info.in.dim, sizeof in->dim) != 0) {
            return odeon_fail(b->host, ODEON_ERR_CONFIG,
                              "%s: the input is %s in evaluation and %s in training; layers of "
                              "training alone must leave the shape",
                              b->id, shape_print(in).text, shape_print(&info.in).text);
        }
        out->flags = join_flags(out->flags, info.flags);
        out->tape_bytes += info.frame_bytes;
        out->out = i == 0 ? info.out : out->out;
    }
    return ODEON_OK;
}

uint64_t bodies_value_bytes(const odeon_layer_plan *plan, const odeon_tensor *in)
{
    int64_t n = odeon_count(in), m = odeon_count(&plan->out);
    return (uint64_t)((n > m ? n : m) * odeon_dtype_bytes(in->dtype));
}

/* The body's frame within the tape: behind those of the earlier bodies. */
static odeon_status find_frame(const bodies *b, int32_t body, int64_t batch, int32_t flags,
                               void *tape, void **frame)
{
    char *at = tape;
    for (int32_t i = 0; i < body && tape != NULL; i++) {
        odeon_chain_info info = {.struct_size = sizeof info};
        ODEON_TRY(b->chain->plan(b->nets[i], batch, flags, &info));
        at += info.frame_bytes;
    }
    *frame = at;
    return ODEON_OK;
}

odeon_status bodies_forward(const bodies *b, int32_t body, const odeon_context *context,
                            const odeon_tensor *t, const odeon_tensor *in, const odeon_tensor *out,
                            void *tape)
{
    void *frame = NULL;
    ODEON_TRY(find_frame(b, body, in->dim[0], context->flags, tape, &frame));
    return b->chain->forward(b->nets[body], context, t, in, out, frame);
}

odeon_status bodies_vjp(const bodies *b, int32_t body, const odeon_context *context,
                        const odeon_tensor *t, const odeon_tensor *d_out, const odeon_tensor *d_in,
                        const odeon_tensor *d_t, void *tape)
{
    void *frame = NULL;
    ODEON_TRY(find_frame(b, body, d_out->dim[0], context->flags, tape, &frame));
    return b->chain->vjp(b->nets[body], context, t, frame, d_out, d_in, d_t);
}
