/* The services by which a container calls its bodies. A body is a network like any other; what is
 * added here is that the shapes of a call are checked, because the caller is a plugin. */
#include <string.h>

#include "base/diag.h"
#include "net/net.h"
#include "plugin/words.h"

/* A container asks in its own plan, when allocation is allowed; the calls then find the plan made.
 */
static odeon_status chain_plan(odeon_net *body, int64_t batch, int32_t flags, odeon_chain_info *out)
{
    const net_plan *plan;
    ODEON_TRY(words_check_call(&flags, words_of_call));
    ODEON_TRY(net_plan_for(body, batch, flags, &plan));
    *out = (odeon_chain_info){.struct_size = sizeof *out,
                              .flags = plan->layer_flags,
                              .in = plan->in,
                              .out = plan->out,
                              .frame_bytes = (uint64_t)plan->frame_bytes};
    return ODEON_OK;
}

/* The plan and context of a call, and whether x is what such a call takes. A vjp is checked by its
 * cotangent, which has the shape of the output. The context is copied, since only its time may
 * change. */
static odeon_status prepare_call(odeon_net *body, const odeon_context *context,
                                 const odeon_tensor *t, const odeon_tensor *x, bool is_output,
                                 const net_plan **plan, odeon_context *own)
{
    char given[128], planned[128];
    ODEON_TRY(words_check_call(x, words_of_tensor));
    ODEON_TRY(t != NULL ? words_check_call(t, words_of_tensor) : ODEON_OK);
    ODEON_TRY(net_plan_for(body, x->dim[0], context->flags, plan));
    const odeon_tensor *expected = is_output ? &(*plan)->out : &(*plan)->in;
    if (x->ndim != expected->ndim || memcmp(x->dim, expected->dim, sizeof x->dim) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: calls its body with %s, which is planned for %s",
                         body->path, net_shape_text(x, given, sizeof given),
                         net_shape_text(expected, planned, sizeof planned));
    }
    *own = *context;
    own->t = t != NULL ? t : context->t;
    return ODEON_OK;
}

/* frame NULL: nothing is kept, and no vjp may follow. */
static odeon_status chain_forward(odeon_net *body, const odeon_context *context,
                                  const odeon_tensor *t, const odeon_tensor *in,
                                  const odeon_tensor *out, void *frame)
{
    const net_plan *plan;
    odeon_context own;
    ODEON_TRY(prepare_call(body, context, t, in, false, &plan, &own));
    return net_forward(plan, &own, in->data, out->data, frame);
}

/* The frame is that of the forward with the same plan; a container that mixes them up is beyond
 * what can be seen here. */
static odeon_status chain_vjp(odeon_net *body, const odeon_context *context, const odeon_tensor *t,
                              void *frame, const odeon_tensor *d_out, const odeon_tensor *d_in,
                              const odeon_tensor *d_t)
{
    const net_plan *plan;
    odeon_context own;
    ODEON_TRY(prepare_call(body, context, t, d_out, true, &plan, &own));
    return net_vjp(plan, &own, frame, d_out->data, d_in == NULL ? NULL : d_in->data, d_t);
}

const odeon_chain_services net_chain_services = {.struct_size = sizeof(odeon_chain_services),
                                                 .plan = chain_plan,
                                                 .forward = chain_forward,
                                                 .vjp = chain_vjp};
