/* A body is run on dual numbers in vectors of its own: values and tangents of a call are copied
 * there and back by the base of the device, for which tangents are numbers like all others. */
#include "ode/tangent.h"

#include "base/diag.h"
#include "device/dual_values.h"
#include "solver/workspace.h"

static const odeon_shape one_time = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};

odeon_status field_tangent_fit(field_tangent *f, odeon_net *body, const field_terms *terms,
                               const odeon_layer_call *call, const odeon_shape *state)
{
    int64_t width = odeon_dtype_bytes(state->dtype), vector = workspace_aligned(odeon_bytes(state));
    f->dual = call->device->get_table(call->device, ODEON_DEVICE_DUAL);
    if (f->dual == NULL) {
        return ODEON_OK;
    }
    f->body = body;
    f->terms = terms;
    f->call = *call;
    f->call.flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    f->state = (odeon_shape){.ndim = 1, .dtype = state->dtype, .dim = {odeon_count(state)}};
    field_terms_param_range(terms, body, &f->theta_begin, &f->theta_end);
    f->dy_at = vector;
    f->y_bar_at = 2 * vector;
    f->t_at = 3 * vector;
    f->t_bar_at = f->t_at + 64;
    f->theta_at = f->t_bar_at + 64;
    f->frame_at = f->theta_at + workspace_aligned((f->theta_end - f->theta_begin) * width);
    return buffer_fit(call->device, &f->memory, f->frame_at + terms->frame_bytes);
}

void field_tangent_fini(field_tangent *f, const odeon_device *device)
{
    buffer_release(device, &f->memory);
}

/* ---- values and their tangents ---- */

static odeon_tensor vector_at(const field_tangent *f, int64_t at)
{
    return odeon_tensor_at(f->memory.data + at, f->state);
}

static odeon_tensor time_at(const field_tangent *f, int64_t at)
{
    return odeon_tensor_at(f->memory.data + at, one_time);
}

static odeon_tensor tangent_of(const field_tangent *f, const odeon_tensor *x)
{
    return dual_tangent(f->dual, &f->call, x);
}

static odeon_status put(const field_tangent *f, const odeon_view *value, const odeon_view *dot,
                        const odeon_tensor *to)
{
    return dual_put(f->dual, &f->call, value, dot, to);
}

/* to += from; to NULL: not wanted. */
static odeon_status add(const field_tangent *f, const odeon_tensor *from, const odeon_tensor *to)
{
    return to == NULL || odeon_count(&from->view.shape) == 0
               ? ODEON_OK
               : dual_add(f->dual, &f->call, &from->view, to);
}

static odeon_status get(const field_tangent *f, const odeon_tensor *from, const odeon_tensor *to)
{
    return to == NULL ? ODEON_OK : dual_set(f->dual, &f->call, &from->view, to);
}

/* Parameters have no tangents in these calls, so that products leave their terms out. */
static odeon_status hold_parameters(const field_tangent *f)
{
    const net_site *site = f->body->site;
    int64_t width = odeon_dtype_bytes(site->lane.dtype);
    return f->dual->constant(f->call.queue, site->values,
                             (uint64_t)(site->params->trainable * width));
}

static odeon_status release_parameters(const field_tangent *f, odeon_status status)
{
    odeon_status after = f->dual->constant(f->call.queue, NULL, 0);
    return status == ODEON_OK ? after : status;
}

/* At the y that lies in the vectors; dy NULL: only the frame is wanted. */
static odeon_status forward(const field_tangent *f, const odeon_layer_call *call,
                            const odeon_tensor *dy, char *frame)
{
    return field_terms_forward(f->terms, call, ODEON_TERM_ALL, f->memory.data, dy, frame);
}

/* ---- jvp ---- */

odeon_status field_tangent_jvp(const field_tangent *f, const odeon_field_jvp *jvp)
{
    odeon_tensor y = vector_at(f, 0), dy = vector_at(f, f->dy_at), t = time_at(f, f->t_at);
    odeon_layer_call call = f->call;
    ODEON_TRY(put(f, jvp->y, jvp->y_dot, &y));
    ODEON_TRY(put(f, jvp->t, jvp->t_dot, &t));
    call.t = &t.view;
    ODEON_TRY(hold_parameters(f));
    odeon_status status = forward(f, &call, &dy, NULL);
    ODEON_TRY(release_parameters(f, status));
    odeon_tensor dy_dot = tangent_of(f, &dy);
    ODEON_TRY(get(f, &dy, jvp->dy));
    return get(f, &dy_dot, jvp->dy_dot);
}

/* ---- vjp on duals ---- */

static odeon_status backward(const field_tangent *f, const odeon_layer_call *call, char *frame,
                             const odeon_tensor *t_bar)
{
    odeon_tensor dy_bar = vector_at(f, f->dy_at), y_bar = vector_at(f, f->y_bar_at);
    const odeon_field_vjp vjp = {
        .struct_size = sizeof vjp, .dy_bar = &dy_bar.view, .y_bar = &y_bar, .t_bar = t_bar};
    return field_terms_vjp(f->terms, call, ODEON_TERM_ALL, frame, &vjp);
}

/* Forward and vjp, with the parameters' gradients in theta: of these only tangents are wanted, and
 * what layers have gathered beforehand is not part of it. */
static odeon_status pass(const field_tangent *f, const odeon_layer_call *call,
                         const odeon_tensor *theta, const odeon_tensor *t_bar)
{
    char *frame = f->memory.data + f->frame_at;
    int64_t width = odeon_dtype_bytes(theta->view.shape.dtype);
    bool gathers = (call->flags & ODEON_CALL_NO_PARAM_GRAD) == 0;
    ODEON_TRY(gathers ? field_terms_finish(f->terms, f->body, call) : ODEON_OK);
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = theta, .value = odeon_imm(0.0)));
    field_terms_bind_grads(f->terms, f->body, (char *)odeon_write(theta) - f->theta_begin * width);
    odeon_status status = forward(f, call, NULL, frame);
    if (status == ODEON_OK) {
        status = backward(f, call, frame, t_bar);
    }
    if (status == ODEON_OK && gathers) {
        status = field_terms_finish(f->terms, f->body, call);
    }
    field_terms_bind_grads(f->terms, f->body, f->body->site->grads);
    return status;
}

/* The parameters' gradients get the tangents of what the pass has made of them. */
static odeon_status add_parameters(const field_tangent *f, const odeon_tensor *theta)
{
    int64_t width = odeon_dtype_bytes(theta->view.shape.dtype);
    odeon_tensor dot = tangent_of(f, theta), grads = *theta;
    grads.view.data = f->body->site->grads + f->theta_begin * width;
    return add(f, &dot, &grads);
}

odeon_status field_tangent_vjp(const field_tangent *f, const odeon_field_vjp *vjp)
{
    odeon_tensor y = vector_at(f, 0), dy_bar = vector_at(f, f->dy_at),
                 y_bar = vector_at(f, f->y_bar_at), t = time_at(f, f->t_at),
                 t_bar = time_at(f, f->t_bar_at);
    odeon_shape parameters = f->state;
    parameters.dim[0] = f->theta_end - f->theta_begin;
    odeon_tensor theta = odeon_tensor_at(f->memory.data + f->theta_at, parameters);
    odeon_layer_call call = f->call;
    bool with_time = vjp->t_bar != NULL || vjp->t_bar_dot != NULL;
    ODEON_TRY(put(f, vjp->y, vjp->y_dot, &y));
    ODEON_TRY(put(f, vjp->t, vjp->t_dot, &t));
    ODEON_TRY(put(f, vjp->dy_bar, vjp->dy_bar_dot, &dy_bar));
    ODEON_TRY(put(f, NULL, NULL, &t_bar));
    call.t = &t.view;
    call.flags |= vjp->flags;
    ODEON_TRY(hold_parameters(f));
    odeon_status status = pass(f, &call, &theta, with_time ? &t_bar : NULL);
    ODEON_TRY(release_parameters(f, status));
    odeon_tensor y_bar_dot = tangent_of(f, &y_bar), t_bar_dot = tangent_of(f, &t_bar);
    ODEON_TRY(get(f, &y_bar, vjp->y_bar));
    ODEON_TRY(get(f, &y_bar_dot, vjp->y_bar_dot));
    ODEON_TRY(add(f, &t_bar, vjp->t_bar));
    ODEON_TRY(add(f, &t_bar_dot, vjp->t_bar_dot));
    return (vjp->flags & ODEON_CALL_NO_PARAM_GRAD) == 0 ? add_parameters(f, &theta) : ODEON_OK;
}
