/* The services by which a container calls its bodies. A body is a network like any other; what is
 * added here is that the shapes of a call are checked, because the caller is a plugin. */
#include <string.h>

#include "base/diag.h"
#include "net/net.h"
#include "plugin/words.h"

static odeon_status body_plan(odeon_net *body, odeon_body_plan *out)
{
    const net_plan *plan;
    ODEON_TRY(net_plan_for(body, out->batch, out->call_flags, &plan));
    out->flags = plan->layer_flags;
    out->in = plan->in;
    out->out = plan->out;
    out->frame_bytes = (uint64_t)plan->frame_bytes;
    return ODEON_OK;
}

/* The plan and the surroundings of a call, and whether x is what such a call takes. */
static odeon_status prepare_call(odeon_net *body, const odeon_body_call *call, const odeon_shape *x,
                                 bool is_output, const net_plan **plan, odeon_layer_call *around)
{
    char given[128], planned[128];
    ODEON_TRY(net_plan_for(body, x->dim[0], call->around->flags, plan));
    const odeon_shape *expected = is_output ? &(*plan)->out : &(*plan)->in;
    if (x->ndim != expected->ndim || memcmp(x->dim, expected->dim, sizeof x->dim) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: calls its body with %s, which is planned for %s",
                         body->path, net_shape_text(x, given, sizeof given),
                         net_shape_text(expected, planned, sizeof planned));
    }
    ODEON_TRY(words_check_call(call, words_of_body_call));
    *around = *call->around;
    around->flags |= call->flags;
    around->t = call->t != NULL ? call->t : around->t;
    return ODEON_OK;
}

/* frame NULL: nothing is kept, and no vjp may follow. */
static odeon_status body_forward(odeon_net *body, const odeon_body_call *call)
{
    const net_plan *plan;
    odeon_layer_call around;
    ODEON_TRY(prepare_call(body, call, &call->in->shape, false, &plan, &around));
    return net_forward(plan, &around, odeon_read(call->in), odeon_write(call->out), call->frame);
}

/* The frame is that of the forward with the same plan; a container that mixes them up is beyond
 * what can be seen here. */
static odeon_status body_vjp(odeon_net *body, const odeon_body_call *call)
{
    const net_plan *plan;
    odeon_layer_call around;
    ODEON_TRY(prepare_call(body, call, &call->d_out->shape, true, &plan, &around));
    return net_vjp(plan, &around, call->frame, odeon_read(call->d_out),
                   call->d_in == NULL ? NULL : odeon_write(call->d_in), call->d_t);
}

/* Depth first, since a container passes on what its body does. */
const net_layer *net_layer_with(const odeon_net *net, uint32_t flags)
{
    for (size_t i = 0; i < net->n; i++) {
        const net_layer *layer = &net->layers[i], *inner = NULL;
        for (size_t b = 0; b < layer->n_bodies && inner == NULL; b++) {
            inner = layer->bodies[b] != NULL ? net_layer_with(layer->bodies[b], flags) : NULL;
        }
        if (inner != NULL || (layer->plan.flags & flags) != 0) {
            return inner != NULL ? inner : layer;
        }
    }
    return NULL;
}

const odeon_body_services net_body_services = {.struct_size = sizeof(odeon_body_services),
                                               .plan = body_plan,
                                               .forward = body_forward,
                                               .vjp = body_vjp};
