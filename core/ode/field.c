#include "ode/field.h"

#include <assert.h>
#include <string.h>

#include "base/diag.h"
#include "data/batch_fields.h"

/* ---- the block ---- */

/* dy = body(t, y). The time is a device address, so that a recording of this call reads the time of
 * its own replay. A frame is kept only where the caller will ask for a vjp. */
static odeon_status block_eval(void *self, const odeon_tensor *t, const odeon_tensor *y,
                               const odeon_tensor *dy, odeon_frame *keep)
{
    block_field *f = self;
    odeon_context context = f->context;
    context.t = t;
    f->evals++;
    return net_forward(f->plan, &context, y->data, dy->data, keep == NULL ? NULL : keep->memory);
}

/* Where nothing was kept the body is evaluated again into the field's own frame, with running state
 * left alone: it has moved with this evaluation before. That counts as an evaluation, since it
 * costs one. */
static odeon_status block_vjp(void *self, const odeon_tensor *t, const odeon_tensor *y,
                              odeon_frame *kept, const odeon_tensor *dy_bar,
                              const odeon_tensor *y_bar, const odeon_tensor *t_bar)
{
    block_field *f = self;
    odeon_context context = f->context;
    context.t = t;
    context.flags &= ~ODEON_CALL_UPDATE_STATE;
    if (kept == NULL) {
        kept = &f->work;
        f->evals++;
        /* its value is not wanted: y_bar's memory holds it until the vjp overwrites it */
        ODEON_TRY(net_forward(f->plan, &context, y->data, y_bar->data, kept->memory));
    }
    return net_vjp(f->plan, &context, kept->memory, dy_bar->data, y_bar->data, t_bar);
}

/* What a field's calls depend on (field_identity): the layers' plan for these shapes, which lives
 * as long as the network, the call, and where layers find what the batch has beside its input.
 * Contents of device memory are no part of it: a replay reads them anew. */
typedef struct identity {
    const void *plan;
    int64_t n_global, first_sample;
    int32_t flags, augment; /* ODEON_CALL_*, ODEON_AUGMENT_* */
    odeon_tensor given[DATA_ROLES];
} identity;
static_assert(sizeof(identity) <= FIELD_IDENTITY_BYTES, "an identity fits where it is kept");

/* Identities are compared byte by byte, so all of the structure was zeroed before it was filled,
 * and what lies behind it is zeroed here. */
static void set_identity(host_field *host, const identity *x)
{
    memset(&host->identity, 0, sizeof host->identity);
    memcpy(host->identity.bytes, x, sizeof *x);
}

/* A context that answers batch_field in another way than the host's own is not known so well, and
 * random numbers are drawn anew for every batch, by a key that is an argument of the layers' calls:
 * in both cases a recording would repeat what must not be repeated. */
static void identify(block_field *f)
{
    const odeon_context *context = &f->context;
    identity x;
    memset(&x, 0, sizeof x);
    x.plan = f->plan;
    x.n_global = context->n_global;
    x.first_sample = context->first_sample;
    x.flags = context->flags;
    f->host.is_recordable =
        context->batch_field == batch_field && (f->plan->layer_flags & ODEON_LAYER_RANDOM) == 0;
    if (f->host.is_recordable) {
        const batch_fields *fields = context->host;
        memcpy(x.given, fields->of, sizeof x.given);
    }
    set_identity(&f->host, &x);
}

/* All of the site's running state, not only the body's: which part a body moves is not worth
 * knowing, since it is copied as a whole. */
static odeon_tensor running_state(const net_site *site)
{
    return (odeon_tensor){
        .data = site->states, .dim = {site->params->state}, .ndim = 1, .dtype = site->lane.dtype};
}

/* The plan of the body's layers for this number of samples, and memory for one evaluation's frame.
 * A forward fits for the samples of its slice; n_global is that of all workers, since norms divide
 * by it. Everything is set in every pass: another batch may have come between. */
odeon_status block_field_fit(block_field *f, odeon_net *body, const odeon_context *context,
                             const odeon_tensor *state)
{
    int64_t samples = state->dim[0], n = odeon_count(state), features = odeon_count(&body->in);
    ODEON_TRY(net_plan_for(body, samples, context->flags, &f->plan));
    ODEON_TRY(buffer_fit(context->device, &f->work_buffer, f->plan->frame_bytes));
    f->work.memory = f->work_buffer.data;
    f->context = *context;
    f->part = (odeon_part){.name = "y", .n = n, .n_global = context->n_global * features};
    bool updates = (context->flags & ODEON_CALL_UPDATE_STATE) != 0;
    f->host =
        (host_field){.evals = &f->evals,
                     .moves_state = updates && (f->plan->layer_flags & ODEON_LAYER_STATEFUL) != 0,
                     .running = running_state(body->site),
                     .is_alone = (f->plan->layer_flags & ODEON_LAYER_BATCH_COUPLED) == 0,
                     .frame_bytes = f->plan->frame_bytes,
                     .frame_in = f->plan->in_at,
                     .frame_out = f->plan->out_at,
                     .samples = samples};
    identify(f);
    f->host.abi = (odeon_field){.struct_size = sizeof f->host.abi,
                                .n_parts = 1,
                                .parts = &f->part,
                                .n = n,
                                .dtype = state->dtype,
                                .self = f,
                                .eval = block_eval,
                                .vjp = block_vjp};
    return ODEON_OK;
}

/* The plan is the network's. */
void block_field_fini(block_field *f, const odeon_device *device)
{
    buffer_release(device, &f->work_buffer);
}

/* ---- its continuous adjoint ---- */

/* One part of an augmented vector z [n]. */
static odeon_tensor part_of(const adjoint_field *f, const odeon_tensor *z, int32_t part)
{
    odeon_tensor x = *z;
    x.data = (char *)z->data + f->parts[part].offset * odeon_dtype_bytes(z->dtype);
    x.dim[0] = f->parts[part].n;
    return x;
}

/* y' = f, a' = -a^T df/dy, theta_bar' and t_bar' = -a^T df/dtheta and df/dt: one evaluation that
 * keeps its frame, one vjp with the cotangent -a. Source: Chen et al., Neural ordinary differential
 * equations, 2018, eqs. 4, 5 and 51.
 *
 * The parameters' gradients are sent into z's derivative meanwhile, and back whatever becomes of
 * the call. net_finish belongs to each evaluation, since each has gradients of its own. What all
 * workers have to agree on is summed here; the rest stays each worker's summand. */
static odeon_status adjoint_eval(void *self, const odeon_tensor *t, const odeon_tensor *z,
                                 const odeon_tensor *dz, odeon_frame *keep)
{
    adjoint_field *f = self;
    block_field *base = f->base;
    const odeon_device_ops *ops = base->context.device->ops;
    odeon_queue *queue = base->context.queue;
    odeon_tensor y = part_of(f, z, 0), a = part_of(f, z, 1), minus_a = a;
    odeon_tensor dy = part_of(f, dz, 0), da = part_of(f, dz, 1);
    odeon_tensor dtheta = adjoint_field_theta(f, dz);
    odeon_tensor d_t = {.data = f->time_bar.data, .dim = {1}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    const odeon_tensor *x[1] = {&a};
    const odeon_group *group = base->context.group;
    const bool with_time = (f->flags & ODEON_AUGMENT_TIME) != 0;
    odeon_scalar minus[1] = {odeon_imm(-1.0)};
    (void)keep; /* an adjoint of the adjoint is not on offer: host.frame_bytes is 0 */
    minus_a.data = f->cotangent.data;
    ODEON_TRY(block_eval(base, t, &y, &dy, &base->work));
    ODEON_TRY(ops->lincomb(queue, &minus_a, NULL, 1, x, minus, NULL));
    ODEON_TRY(ops->fill(queue, &dtheta, odeon_imm(0.0), NULL));
    ODEON_TRY(ops->fill(queue, &d_t, odeon_imm(0.0), NULL));
    net_bind_grads(f->body, (char *)dtheta.data - f->theta_begin * odeon_dtype_bytes(dtheta.dtype));
    odeon_status status =
        block_vjp(base, t, &y, &base->work, &minus_a, &da, with_time ? &d_t : NULL);
    if (status == ODEON_OK) { /* what layers have gathered belongs to this evaluation */
        status = net_finish(f->body, &base->context);
    }
    net_bind_grads(f->body, f->body->site->grads);
    if (status == ODEON_OK && (f->flags & ODEON_AUGMENT_FULL) != 0) {
        status = group->sum(group->self, queue, &dtheta, ODEON_OK);
    }
    if (status == ODEON_OK && with_time) {
        odeon_tensor part = part_of(f, dz, 2);
        ODEON_TRY(group->sum(group->self, queue, &d_t, ODEON_OK));
        status = ops->cast(queue, &d_t, 1.0, 0.0, &part);
    }
    return status;
}

/* The gap between two parameters is in it, as in the flat vector: it stays 0, since nothing adds to
 * it. */
odeon_tensor adjoint_field_theta(const adjoint_field *f, const odeon_tensor *state)
{
    odeon_tensor theta = *state;
    theta.data = (char *)state->data + f->theta_offset * odeon_dtype_bytes(state->dtype);
    theta.dim[0] = f->theta_end - f->theta_begin;
    return theta;
}

/* One part a parameter tensor of the body, as the norm of torchdiffeq's adjoint has it: an error
 * norm is then a mean over each tensor and not over all of them together. Running state is no
 * parameter. */
static odeon_status add_theta_parts(adjoint_field *f, int32_t *n_parts)
{
    const params *all = f->body->site->params;
    for (size_t i = 0; i < all->n; i++) {
        const param *p = &all->list[i];
        if (p->role == ODEON_PARAM_STATE || p->offset < f->theta_begin ||
            p->offset >= f->theta_end) {
            continue;
        }
        if (*n_parts == ODEON_MAX_PARTS) {
            return diag_fail(
                ODEON_ERR_UNSUPPORTED,
                "%s: its body has more than %d parameter tensors, too many for the full "
                "norm: use the seminorm",
                f->body->path, ODEON_MAX_PARTS - 3);
        }
        f->parts[(*n_parts)++] =
            (odeon_part){.name = "theta",
                         .offset = f->theta_offset + p->offset - f->theta_begin,
                         .n = p->count,
                         .n_global = p->count,
                         .flags = ODEON_PART_QUADRATURE | ODEON_PART_SHARED};
    }
    return ODEON_OK;
}

/* y, a, t_bar if asked for, theta, in this order. Parts start at multiples of 64 bytes, so that no
 * operator meets an odd address; what lies between them belongs to no part and stays 0. y and a
 * have a value for every sample and count in the norm like the block's own state; the others are
 * quadratures, which f does not depend on. */
static odeon_status lay_out(adjoint_field *f, int32_t *n_parts)
{
    const odeon_field *base = &f->base->host.abi;
    int64_t step = 64 / odeon_dtype_bytes(base->dtype);
    int64_t stride = (base->n + step - 1) / step * step, n_theta;
    net_param_range(f->body, &f->theta_begin, &f->theta_end);
    n_theta = f->theta_end - f->theta_begin;
    f->theta_offset = 2 * stride;
    f->parts[0] = f->base->part;
    f->parts[1] = f->base->part;
    f->parts[1].name = "a";
    f->parts[1].offset = stride;
    *n_parts = 2;
    if ((f->flags & ODEON_AUGMENT_TIME) != 0) {
        f->parts[(*n_parts)++] = (odeon_part){.name = "t_bar",
                                              .offset = f->theta_offset,
                                              .n = 1,
                                              .n_global = 1,
                                              .flags = ODEON_PART_QUADRATURE | ODEON_PART_SHARED};
        f->theta_offset += step;
    }
    if ((f->flags & ODEON_AUGMENT_FULL) != 0) {
        return add_theta_parts(f, n_parts);
    }
    f->parts[(*n_parts)++] = (odeon_part){.name = "theta",
                                          .offset = f->theta_offset,
                                          .n = n_theta,
                                          .n_global = n_theta,
                                          .flags = ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM};
    return ODEON_OK;
}

/* The identity is that of the block's field with the flags of the augmentation. Running state must
 * not move on the way back, so the base's flag for that is cleared for the rest of the pass. The
 * time's gradient is in doubles whatever the dtype of the state. */
odeon_status adjoint_field_fit(adjoint_field *f, block_field *base, odeon_net *body, int32_t flags)
{
    const odeon_device *device = base->context.device;
    int64_t width = odeon_dtype_bytes(base->host.abi.dtype), total;
    int32_t n_parts = 0;
    f->base = base;
    f->body = body;
    f->flags = flags;
    base->context.flags &= ~ODEON_CALL_UPDATE_STATE;
    ODEON_TRY(lay_out(f, &n_parts));
    total = f->theta_offset + f->theta_end - f->theta_begin;
    ODEON_TRY(buffer_fit(device, &f->state, total * width + 64));
    ODEON_TRY(buffer_fit(device, &f->cotangent, base->host.abi.n * width + 64));
    f->used_bytes = (total + base->host.abi.n) * width;
    ODEON_TRY(buffer_fit(device, &f->time_bar, (int64_t)sizeof(double)));
    f->host = (host_field){.is_alone = base->host.is_alone,
                           .is_recordable = base->host.is_recordable,
                           .evals = &base->evals,
                           .frame_bytes = 0,
                           .frame_in = -1,
                           .frame_out = -1,
                           .samples = base->host.samples};
    identity x;
    memcpy(&x, base->host.identity.bytes, sizeof x);
    x.flags = base->context.flags;
    x.augment = flags;
    set_identity(&f->host, &x);
    f->host.abi = (odeon_field){.struct_size = sizeof f->host.abi,
                                .n_parts = n_parts,
                                .parts = f->parts,
                                .n = total,
                                .dtype = base->host.abi.dtype,
                                .self = f,
                                .eval = adjoint_eval};
    return ODEON_OK;
}

/* The base is the block's. */
void adjoint_field_fini(adjoint_field *f, const odeon_device *device)
{
    buffer_release(device, &f->state);
    buffer_release(device, &f->cotangent);
    buffer_release(device, &f->time_bar);
}
