/* A frame has room for both terms, whichever an evaluation is of: a part that it does not use costs
 * memory alone. */
#include "ode/terms.h"

#include "odeon/device_solver.h"

const odeon_field_term field_terms_list[N_TERMS] = {{.name = "body"},
                                                    {.name = "stiff", .flags = ODEON_TERM_STIFF}};

odeon_status field_terms_fit(field_terms *x, const net_plan *body_plan,
                             const odeon_layer_call *call, int64_t samples, int64_t state_bytes)
{
    x->body_plan = body_plan;
    x->frame_at = x->frame_bytes = body_plan->frame_bytes;
    x->summand_bytes = 0;
    if (x->stiff == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(net_plan_for(x->stiff, samples, call->flags, &x->plan));
    x->frame_bytes = x->frame_at + x->plan->frame_bytes;
    x->summand_bytes = state_bytes;
    return buffer_fit(call->device, &x->summand, state_bytes + 64);
}

/* The plan is the network's. */
void field_terms_fini(field_terms *x, const odeon_device *device)
{
    buffer_release(device, &x->summand);
}

uint32_t field_terms_flags(const field_terms *x)
{
    uint32_t body = x->body_plan->layer_flags;
    if (x->stiff == NULL) {
        return body;
    }
    uint32_t linear = (uint32_t)ODEON_LAYER_LINEAR, stiff = x->plan->layer_flags;
    return ((body | stiff) & ~linear) | (body & stiff & linear);
}

/* total += what lies in the buffer. */
static odeon_status add_summand(const field_terms *x, const odeon_layer_call *call,
                                const odeon_tensor *total)
{
    odeon_tensor summand = odeon_tensor_at(x->summand.data, total->view.shape);
    const odeon_view *terms[1] = {&summand.view};
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = total, .base = &total->view,
                    .n = 1, .x = terms, .coefficient = one);
}

odeon_status field_terms_forward(const field_terms *x, const odeon_layer_call *call, int32_t term,
                                 const void *in, const odeon_tensor *out, char *frame)
{
    void *to = out == NULL ? NULL : odeon_write(out);
    char *behind = frame == NULL ? NULL : frame + x->frame_at;
    if (term != TERM_STIFF) {
        ODEON_TRY(net_forward(x->body_plan, call, in, to, frame));
    }
    if (x->stiff == NULL || term == TERM_BODY) {
        return ODEON_OK;
    }
    if (term == TERM_STIFF) {
        return net_forward(x->plan, call, in, to, behind);
    }
    ODEON_TRY(net_forward(x->plan, call, in, to == NULL ? NULL : x->summand.data, behind));
    return to == NULL ? ODEON_OK : add_summand(x, call, out);
}

odeon_status field_terms_vjp(const field_terms *x, const odeon_layer_call *call, int32_t term,
                             char *frame, const odeon_field_vjp *vjp)
{
    const void *dy_bar = odeon_read(vjp->dy_bar);
    void *y_bar = vjp->y_bar == NULL ? NULL : odeon_write(vjp->y_bar);
    char *behind = frame + x->frame_at;
    if (term != TERM_STIFF) {
        ODEON_TRY(net_vjp(x->body_plan, call, frame, dy_bar, y_bar, vjp->t_bar));
    }
    if (x->stiff == NULL || term == TERM_BODY) {
        return ODEON_OK;
    }
    if (term == TERM_STIFF) {
        return net_vjp(x->plan, call, behind, dy_bar, y_bar, vjp->t_bar);
    }
    void *share = y_bar == NULL ? NULL : x->summand.data;
    ODEON_TRY(net_vjp(x->plan, call, behind, dy_bar, share, vjp->t_bar));
    return y_bar == NULL ? ODEON_OK : add_summand(x, call, vjp->y_bar);
}

void field_terms_bind_grads(const field_terms *x, odeon_net *body, char *grads)
{
    net_bind_grads(body, grads);
    net_bind_grads(x->stiff, grads);
}

odeon_status field_terms_finish(const field_terms *x, odeon_net *body, const odeon_layer_call *call)
{
    ODEON_TRY(net_finish(body, call));
    return net_finish(x->stiff, call);
}

/* The hull of both; end = 0: none. */
void field_terms_param_range(const field_terms *x, const odeon_net *body, int64_t *begin,
                             int64_t *end)
{
    int64_t first, last;
    net_param_range(body, begin, end);
    net_param_range(x->stiff, &first, &last);
    if (last > 0) {
        *begin = *end == 0 || first < *begin ? first : *begin;
        *end = last > *end ? last : *end;
    }
}
