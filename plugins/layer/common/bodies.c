#include "bodies.h"

#include <string.h>

#include "shape.h"

odeon_status bodies_init(const odeon_host *host, const char *id, bodies *out)
{
    *out = (bodies){.host = host, .id = id};
    out->services = host->get_extension(host, ODEON_HOST_BODY);
    return out->services != NULL
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_UNSUPPORTED, "%s: this host does not offer %s", id,
                            ODEON_HOST_BODY);
}

odeon_status bodies_init_duals(const odeon_host *host, const char *id, bodies *out,
                               const odeon_body_duals **duals)
{
    ODEON_TRY(bodies_init(host, id, out));
    *duals = host->get_extension(host, ODEON_HOST_BODY_DUALS);
    return *duals != NULL
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_UNSUPPORTED, "%s: this host does not offer %s", id,
                            ODEON_HOST_BODY_DUALS);
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
static uint32_t join_flags(uint32_t all, uint32_t body)
{
    uint32_t any = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T |
                   ODEON_LAYER_STATEFUL | ODEON_LAYER_RANDOM;
    return ((all | body) & any) | (all & body & ODEON_LAYER_LINEAR);
}

static odeon_status ask(const bodies *b, int32_t body, int64_t batch, uint32_t call_flags,
                        odeon_body_plan *out)
{
    *out = (odeon_body_plan){.struct_size = sizeof *out, .call_flags = call_flags, .batch = batch};
    return b->services->plan(b->nets[body], out);
}

odeon_status bodies_ask(const bodies *b, int32_t body, const odeon_layer_plan *plan,
                        odeon_body_plan *out)
{
    return ask(b, body, plan->in.dim[0], plan->call_flags, out);
}

bool bodies_same_shape(const odeon_shape *a, const odeon_shape *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

/* Frames of all bodies add up to the tape. The shape check catches layers that act in training only
 * and change the shape. */
odeon_status bodies_plan(const bodies *b, odeon_layer_plan *plan)
{
    plan->flags = ODEON_LAYER_LINEAR;
    for (int32_t i = 0; i < b->n; i++) {
        odeon_body_plan body;
        if (b->nets[i] == NULL) {
            continue;
        }
        ODEON_TRY(bodies_ask(b, i, plan, &body));
        if (!bodies_same_shape(&plan->in, &body.in)) {
            return odeon_fail(b->host, ODEON_ERR_CONFIG,
                              "%s: the input is %s in evaluation and %s in training; layers of "
                              "training alone must leave the shape",
                              b->id, shape_print(&plan->in).text, shape_print(&body.in).text);
        }
        plan->flags = join_flags(plan->flags, body.flags);
        plan->tape_bytes += body.frame_bytes;
        plan->out = i == 0 ? body.out : plan->out;
    }
    return ODEON_OK;
}

uint64_t bodies_value_bytes(const odeon_layer_plan *plan)
{
    int64_t n = odeon_count(&plan->in), m = odeon_count(&plan->out);
    return (uint64_t)((n > m ? n : m) * odeon_dtype_bytes(plan->in.dtype));
}

/* The body's frame within the tape: behind those of the earlier bodies. */
static odeon_status find_frame(const bodies *b, int32_t body, int64_t batch,
                               const odeon_layer_call *call, void **frame)
{
    char *at = call->tape;
    for (int32_t i = 0; i < body && at != NULL; i++) {
        odeon_body_plan earlier;
        ODEON_TRY(ask(b, i, batch, call->flags, &earlier));
        at += earlier.frame_bytes;
    }
    *frame = at;
    return ODEON_OK;
}

odeon_status bodies_forward(const bodies *b, int32_t body, const odeon_layer_call *call,
                            const odeon_view *t, const odeon_tensor *out)
{
    odeon_body_call inner = {
        .struct_size = sizeof inner, .around = call, .t = t, .in = call->in, .out = out};
    ODEON_TRY(find_frame(b, body, call->in->shape.dim[0], call, &inner.frame));
    return b->services->forward(b->nets[body], &inner);
}

odeon_status bodies_vjp(const bodies *b, int32_t body, const odeon_layer_call *call,
                        const odeon_view *t, const odeon_tensor *d_in)
{
    odeon_body_call inner = {.struct_size = sizeof inner,
                             .around = call,
                             .t = t,
                             .d_out = call->d_out,
                             .d_in = d_in,
                             .d_t = call->d_t};
    ODEON_TRY(find_frame(b, body, call->d_out->shape.dim[0], call, &inner.frame));
    return b->services->vjp(b->nets[body], &inner);
}
