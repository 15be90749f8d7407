/* A vjp on dual numbers: with the tangent in_dot beside in, the tangents of what the vjp makes of
 * d_out are the derivatives of d_out . J along in_dot, which are the gradients of <d_out, J in_dot>
 * (Pearlmutter, Fast exact multiplication by the Hessian, 1994). Values and tangents lie in vectors
 * of the call's own, which the base of the device fills and reads: to it tangents are numbers like
 * all others. */
#include "net/duals.h"

#include <string.h>

#include "base/diag.h"
#include "device/dual_values.h"
#include "net/net.h"
#include "odeon/device_dual.h"
#include "plugin/words.h"

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Where things lie in the scratch, in this order; in bytes. t and its cotangent have room for a
 * time for each sample. */
typedef struct layout {
    int64_t d_out, d_in, t, d_t, theta, frame, end;
    int64_t begin, n; /* of the flat parameters, those that theta has */
} layout;

static layout lay_out(const odeon_net *body, const net_plan *plan)
{
    int64_t first, last, times = aligned(plan->in.dim[0] * (int64_t)sizeof(double)) + 64;
    layout l;
    net_param_range(body, &first, &last);
    l.begin = first;
    l.n = last - first;
    l.d_out = aligned(odeon_bytes(&plan->in));
    l.d_in = l.d_out + aligned(odeon_bytes(&plan->out));
    l.t = l.d_in + aligned(odeon_bytes(&plan->in));
    l.d_t = l.t + times;
    l.theta = l.d_t + times;
    l.frame = l.theta + aligned(l.n * odeon_dtype_bytes(body->site->lane.dtype)) + 64;
    l.end = l.frame + plan->frame_bytes;
    return l;
}

static odeon_status scratch_bytes(odeon_net *body, const odeon_body_plan *x, uint64_t *out)
{
    const net_plan *plan;
    ODEON_TRY(net_plan_for(body, x->batch, x->call_flags, &plan));
    *out = (uint64_t)lay_out(body, plan).end;
    body->site->differentiated_twice = body->path;
    return ODEON_OK;
}

/* One call under way. */
typedef struct pass {
    const odeon_device_dual *dual;
    odeon_net *body;
    const odeon_body_dual_call *call;
    const net_plan *plan;
    odeon_layer_call around;
    layout at;
    odeon_tensor in, d_out, d_in, t, d_t, theta;
} pass;

/* ---- values and tangents ---- */

static odeon_status put(const pass *p, const odeon_view *value, const odeon_view *dot,
                        const odeon_tensor *to)
{
    return dual_put(p->dual, &p->around, value, dot, to);
}

/* to += the tangents of from. */
static odeon_status add_tangent(const pass *p, const odeon_tensor *from, const odeon_tensor *to)
{
    odeon_tensor dot = dual_tangent(p->dual, &p->around, from);
    return dual_add(p->dual, &p->around, &dot.view, to);
}

/* ---- parameters ---- */

/* Where the gradients of a network's layers are bound to (net_bind_grads); NULL: it has none. */
static char *bound_grads(const odeon_net *net)
{
    char *base = NULL;
    for (size_t i = 0; net != NULL && i < net->n && base == NULL; i++) {
        const net_layer *layer = &net->layers[i];
        if (layer->n_params > 0) {
            const param *first = &net->site->params->list[layer->index[0]];
            int64_t offset = first->offset * odeon_dtype_bytes(first->shape.dtype);
            base = (char *)odeon_write(&layer->grads[0]) - offset;
        }
        for (size_t b = 0; b < layer->n_bodies && base == NULL; b++) {
            base = bound_grads(layer->bodies[b]);
        }
    }
    return base;
}

static bool has_gradients(const pass *p)
{
    return p->at.n > 0 && (p->around.flags & ODEON_CALL_NO_PARAM_GRAD) == 0;
}

static odeon_status run(const pass *p)
{
    char *frame = (char *)p->call->scratch + p->at.frame;
    bool with_time = p->call->d_t != NULL && p->around.t != NULL;
    ODEON_TRY(net_forward(p->plan, &p->around, odeon_read(&p->in.view), NULL, frame));
    return net_vjp(p->plan, &p->around, frame, odeon_read(&p->d_out.view), odeon_write(&p->d_in),
                   with_time ? &p->d_t : NULL);
}

/* With the parameters' gradients in theta: only their tangents are wanted, and what layers have
 * gathered beforehand is not part of them. */
static odeon_status run_apart(const pass *p)
{
    if (!has_gradients(p)) {
        return run(p);
    }
    int64_t width = odeon_dtype_bytes(p->theta.view.shape.dtype);
    char *base = bound_grads(p->body), *theta = odeon_write(&p->theta);
    ODEON_TRY(net_finish(p->body, &p->around));
    ODEON_TRY(put(p, NULL, NULL, &p->theta));
    net_bind_grads(p->body, theta - p->at.begin * width);
    odeon_status status = run(p);
    if (status == ODEON_OK) {
        status = net_finish(p->body, &p->around);
    }
    net_bind_grads(p->body, base);
    ODEON_TRY(status);
    odeon_tensor grads = odeon_tensor_at(base + p->at.begin * width, p->theta.view.shape);
    return add_tangent(p, &p->theta, &grads);
}

/* Parameters have no tangents in here, so that products leave their terms out. */
static odeon_status run_at_constant_parameters(const pass *p)
{
    const net_site *site = p->body->site;
    int64_t bytes = site->params->trainable * odeon_dtype_bytes(site->lane.dtype);
    ODEON_TRY(p->dual->constant(p->around.queue, site->values, (uint64_t)bytes));
    odeon_status status = run_apart(p);
    odeon_status after = p->dual->constant(p->around.queue, NULL, 0);
    return status == ODEON_OK ? after : status;
}

/* ---- the call ---- */

static odeon_tensor part_at(const pass *p, int64_t at, const odeon_shape *shape)
{
    return odeon_tensor_at((char *)p->call->scratch + at, *shape);
}

static void bind(pass *p)
{
    odeon_shape theta = {.ndim = 1, .dtype = p->body->site->lane.dtype, .dim = {p->at.n}};
    p->in = part_at(p, 0, &p->plan->in);
    p->d_out = part_at(p, p->at.d_out, &p->plan->out);
    p->d_in = part_at(p, p->at.d_in, &p->plan->in);
    p->theta = part_at(p, p->at.theta, &theta);
    if (p->around.t != NULL) {
        p->t = part_at(p, p->at.t, &p->around.t->shape);
        p->d_t = part_at(p, p->at.d_t, &p->around.t->shape);
    }
}

static odeon_status put_all(pass *p)
{
    ODEON_TRY(put(p, p->call->in, p->call->in_dot, &p->in));
    ODEON_TRY(put(p, p->call->d_out, NULL, &p->d_out));
    if (p->around.t == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(put(p, p->around.t, NULL, &p->t));
    ODEON_TRY(put(p, NULL, NULL, &p->d_t));
    p->around.t = &p->t.view;
    return ODEON_OK;
}

static odeon_status begin(odeon_net *body, const odeon_body_dual_call *call, pass *p)
{
    *p = (pass){.body = body, .call = call, .around = *call->around};
    const odeon_device *device = p->around.device;
    ODEON_TRY(words_check_call(call, words_of_body_dual_call));
    p->dual = device->get_table(device, ODEON_DEVICE_DUAL);
    if (p->dual == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: its gradient has second derivatives, which run.device = %s has not: "
                         "use run.device = dual(base=%s)",
                         body->path, device->id, device->id);
    }
    p->around.flags |= call->flags;
    p->around.flags &= ~(uint32_t)(ODEON_CALL_UPDATE_STATE | ODEON_CALL_NO_INPUT_GRAD);
    p->around.integrand = NULL;
    p->around.d_integrand = NULL;
    ODEON_TRY(net_plan_for(body, call->in->shape.dim[0], p->around.flags, &p->plan));
    p->at = lay_out(body, p->plan);
    bind(p);
    return put_all(p);
}

static odeon_status vjp(odeon_net *body, const odeon_body_dual_call *call)
{
    pass p;
    ODEON_TRY(begin(body, call, &p));
    ODEON_TRY(run_at_constant_parameters(&p));
    if (call->d_in != NULL) {
        odeon_tensor dot = dual_tangent(p.dual, &p.around, &p.d_in);
        ODEON_TRY(dual_set(p.dual, &p.around, &dot.view, call->d_in));
    }
    return call->d_t != NULL && p.around.t != NULL ? add_tangent(&p, &p.d_t, call->d_t) : ODEON_OK;
}

const odeon_body_duals net_body_duals = {
    .struct_size = sizeof(odeon_body_duals), .scratch_bytes = scratch_bytes, .vjp = vjp};
