#include "ode.h"

#include <math.h>
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "ode_solve.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the ODE block", path);
}

/* ---- set-up ---- */

static void ode_destroy(odeon_ode *ode)
{
    if (ode == NULL) {
        return;
    }
    const odeon_device *device = ode->site->device;
    solver_destroy(ode->forward);
    solver_destroy(ode->backward);
    block_field_fini(&ode->field, device);
    adjoint_field_fini(&ode->adjoint, device);
    room_release(device, &ode->state_bar);
    stepper_destroy(ode->stepper);
    instance_destroy(ode->gradient);
    mem_free(ode->replay);
    mem_free(ode->replay_path);
    mem_free(ode->path);
    mem_free(ode);
}

static odeon_status check_body(const odeon_ode *ode)
{
    const odeon_net *body = ode->body;
    char in[128], out[128];
    if (body->holds_ode) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: its body holds another ODE block; put them in a row", ode->path);
    }
    if (body->in.ndim != body->out.ndim ||
        memcmp(body->in.dim, body->out.dim, sizeof body->in.dim) != 0) {
        net_shape_text(&body->in, in, sizeof in);
        net_shape_text(&body->out, out, sizeof out);
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: dy/dt must have the shape of y, but the body makes %s of %s (last "
                         "layer %s)",
                         ode->path, out, in,
                         body->n > 0 ? body->layers[body->n - 1].path : "missing");
    }
    return ODEON_OK;
}

/* Does the integrator offer what the choice of steps and the gradient ask for? */
static odeon_status check_method(const odeon_ode *ode)
{
    const char *id = ode->stepper->instance->component->id;
    if (ode->spec.mode != ODEON_STEPS_ADAPTIVE) {
        return ODEON_OK;
    }
    if (ode->stepper->info.embedded_order == 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s estimates no error, so its steps cannot be adaptive: "
                         "give steps or step_size, or another integrator",
                         ode->path, id);
    }
    if ((ode->stepper->info.flags & ODEON_STEPPER_FIXED_H) != 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s is for equal steps: give steps or step_size", ode->path,
                         id);
    }
    return ODEON_OK;
}

static odeon_status make_parts(odeon_ode *ode, const odeon_ode_spec *spec)
{
    ODEON_TRY(check_body(ode));
    if (spec->mode == ODEON_STEPS_REPLAY) {
        ode->replay_path = mem_strdup(spec->replay_path);
        if (ode->replay_path == NULL) {
            return no_memory(ode->path);
        }
        ode->spec.replay_path = ode->replay_path;
        ODEON_TRY(steps_read(ode->replay_path, &ode->replay, &ode->n_replay));
    }
    int32_t dense = spec->end == ODEON_END_INTERPOLATE ? DENSE_REQUIRED : DENSE_UNUSED;
    ODEON_TRY(stepper_create(spec->integrator, ode->path, dense, &ode->stepper));
    ODEON_TRY(check_method(ode));
    ODEON_TRY(instance_create(spec->gradient, ode->path, &ode->gradient));
    ode->gradient_ops = ode->gradient->component->ops;
    ODEON_TRY(solver_create(ode->site, ode->stepper, &ode->spec, ode->path, &ode->forward));
    ODEON_TRY(solver_create(ode->site, ode->stepper, &ode->spec, ode->path, &ode->backward));
    ode->forward->replay = ode->backward->replay = (const double(*)[2])ode->replay;
    ode->forward->n_replay = ode->backward->n_replay = ode->n_replay;
    return ODEON_OK;
}

/* The session finds its blocks in the site's list. */
static odeon_status enlist(odeon_ode *ode)
{
    net_site *site = ode->site;
    odeon_ode **list = mem_resize(site->odes, site->n_odes + 1, sizeof(odeon_ode *));
    if (list == NULL) {
        return no_memory(ode->path);
    }
    list[site->n_odes++] = ode;
    site->odes = list;
    return ODEON_OK;
}

static odeon_status ode_create(const odeon_host *host, const odeon_ode_spec *spec, odeon_net *body,
                               odeon_ode **out)
{
    const instance *layer = host->self;
    *out = NULL;
    odeon_ode *ode = mem_zalloc(1, sizeof *ode);
    if (ode == NULL) {
        return no_memory(layer->path);
    }
    ode->site = body->site;
    ode->body = body;
    ode->spec = *spec;
    ode->path = mem_strdup(layer->path);
    odeon_status status = ode->path == NULL ? no_memory(layer->path) : make_parts(ode, spec);
    if (status == ODEON_OK) {
        status = enlist(ode);
    }
    if (status != ODEON_OK) {
        ode_destroy(ode);
        return status;
    }
    ode->services = ode_solve_services(ode);
    ode->counters = (metrics_block){.path = ode->path, .drift = (double)NAN, .share = (double)NAN};
    *out = ode;
    return ODEON_OK;
}

/* ---- calls ---- */

static odeon_status ode_plan(odeon_ode *ode, const odeon_device *device, const odeon_tensor *in,
                             int32_t flags, odeon_layer_plan *out)
{
    int32_t needs = ode->gradient_ops->flags;
    (void)device;
    (void)flags;
    out->out = *in;
    out->out.data = NULL;
    out->flags =
        (needs & ODEON_GRADIENT_NEEDS_Y) != 0 ? ODEON_LAYER_NEEDS_IN | ODEON_LAYER_NEEDS_OUT : 0;
    return ODEON_OK;
}

static odeon_tensor flat(const odeon_tensor *x)
{
    return (odeon_tensor){.data = x->data, .dim = {odeon_count(x)}, .ndim = 1, .dtype = x->dtype};
}

/* Fits everything that depends on the batch's size. */
static odeon_status fit(odeon_ode *ode, const odeon_context *context, const odeon_tensor *in)
{
    odeon_context inside = *context;
    int64_t bytes = odeon_count(in) * odeon_dtype_bytes(in->dtype) + 64;
    inside.slots = ode->forward->slots;
    ODEON_TRY(block_field_fit(&ode->field, ode->body, &inside, in));
    ODEON_TRY(room_fit(ode->site->device, &ode->state_bar, bytes));
    ode->field.evals = 0;
    return ODEON_OK;
}

static const solve_stats no_stats = {.h_min = (double)NAN, .h_max = (double)NAN};

static void count_forward(odeon_ode *ode)
{
    const solve_stats *stats = &ode->forward_stats;
    ode->counters.evals_forward = ode->field.evals;
    ode->counters.accepted = stats->accepted;
    ode->counters.rejected = stats->rejected;
    ode->counters.h_min = stats->h_min;
    ode->counters.h_max = stats->h_max;
    ode->counters.evals_backward = 0;
    ode->counters.accepted_backward = 0;
    ode->counters.rejected_backward = 0;
    ode->counters.drift = (double)NAN;
    ode->counters.share = (double)NAN;
}

/* All that this batch takes beside one evaluation's scratch. */
static int64_t bytes_used(const odeon_ode *ode, const odeon_tensor *in)
{
    return solver_used_bytes(ode->forward) + solver_used_bytes(ode->backward) +
           ode->field.plan->frame_bytes + ode->adjoint.used_bytes +
           odeon_count(in) * odeon_dtype_bytes(in->dtype);
}

static odeon_status ode_forward(odeon_ode *ode, const odeon_context *context,
                                const odeon_tensor *in, const odeon_tensor *out, int32_t keep)
{
    odeon_tensor y0 = flat(in), y[2] = {flat(out), flat(out)};
    const double times[2] = {ode->spec.t0, ode->spec.t1};
    bool measure = (context->flags & ODEON_CALL_TRAIN) == 0 || ode->measure_share;
    ODEON_TRY(fit(ode, context, in));
    solver_forget(ode->forward);
    ode->forward_stats = no_stats;
    ode->forward->use = ode->backward->use = (solve_use){0};
    ode->adjoint.used_bytes = 0;
    ODEON_TRY(ode->services.copy(ode, &y0, y));
    odeon_status status =
        keep != 0 ? ode->gradient_ops->forward(ode->gradient->self, &ode->services,
                                               &ode->field.host.abi, 2, times, y)
                  : ode->services.solve(ode, &ode->field.host.abi, 2, times, ODEON_KEEP_NONE, y);
    count_forward(ode);
    if (status == ODEON_OK && measure) {
        status = ode_relative_distance(ode, y, &y0, &ode->counters.share);
    }
    ode->counters.bytes = bytes_used(ode, in);
    return status;
}

static odeon_status ode_vjp(odeon_ode *ode, const odeon_context *context, const odeon_tensor *in,
                            const odeon_tensor *out, const odeon_tensor *d_out,
                            const odeon_tensor *d_in)
{
    ODEON_TRY(fit(ode, context, d_out));
    bool given = in != NULL && out != NULL;
    odeon_tensor nothing = {0}, d_y[2] = {nothing, flat(d_out)};
    odeon_tensor y[2] = {given ? flat(in) : nothing, given ? flat(out) : nothing};
    odeon_tensor d_y0 = d_in == NULL ? d_y[1] : flat(d_in);
    const double times[2] = {ode->spec.t0, ode->spec.t1};
    solver_forget(ode->backward);
    ode->backward_stats = no_stats;
    ode->drift = 0.0;
    if (d_in == NULL) { /* nobody wants it, but the walk needs the room */
        d_y0.data = ode->state_bar.data;
    }
    odeon_status status =
        ode->gradient_ops->backward(ode->gradient->self, &ode->services, &ode->field.host.abi, 2,
                                    times, given ? y : NULL, d_y, &d_y0);
    ode->counters.evals_backward = ode->field.evals;
    ode->counters.accepted_backward = ode->backward_stats.accepted;
    ode->counters.rejected_backward = ode->backward_stats.rejected;
    ode->counters.bytes = bytes_used(ode, d_out);
    return status;
}

const odeon_ode_services *ode_services(void)
{
    static const odeon_ode_services services = {.struct_size = sizeof services,
                                                .create = ode_create,
                                                .destroy = ode_destroy,
                                                .plan = ode_plan,
                                                .forward = ode_forward,
                                                .vjp = ode_vjp};
    return &services;
}
