#include "ode/field.h"

#include <assert.h>
#include <string.h>

#include "base/diag.h"
#include "data/batch_fields.h"
#include "device/worker_sum.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

/* ---- the block ---- */

/* Terms are numbered from 1; ODEON_TERM_ALL is 0. */
static odeon_status check_term(const block_field *f, int32_t term)
{
    int32_t most = f->terms.stiff == NULL ? 0 : N_TERMS;
    return term >= 0 && term <= most
               ? ODEON_OK
               : diag_fail(ODEON_ERR_UNSUPPORTED,
                           "the field of an ODE block was called with term %d, it has %d with a "
                           "number of their own",
                           term, most);
}

/* dy = body(t, y), plus stiff(t, y) where there is one; y alone. The time is a device address, so
 * that a recording of this call reads the time of its own replay. A frame is kept only where a
 * vjp follows. integrand NULL: no integrals. */
static odeon_status body_eval(block_field *f, const odeon_field_eval *eval,
                              const odeon_tensor *integrand)
{
    odeon_layer_call call = f->call;
    char *frame = eval->keep == NULL ? NULL : eval->keep->memory;
    if (eval->flags != 0) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "the field of an ODE block has no flags of an evaluation, it was called "
                         "with 0x%x",
                         eval->flags);
    }
    ODEON_TRY(check_term(f, eval->term));
    call.t = eval->t;
    call.integrand = integrand;
    f->evals++;
    return field_terms_forward(&f->terms, &call, eval->term, odeon_read(eval->y), eval->dy, frame);
}

/* Which term, and flags that this host does not know, are as of an evaluation. */
static odeon_status block_jvp(void *self, const odeon_field_jvp *jvp)
{
    block_field *f = self;
    if (jvp->flags != 0 || jvp->term != ODEON_TERM_ALL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "a jvp of the field of an ODE block is of all its terms and has no flags, "
                         "it was called with term %d and flags 0x%x",
                         jvp->term, jvp->flags);
    }
    f->evals++;
    return field_tangent_jvp(&f->tangent, jvp);
}

static odeon_status block_vjp_on_duals(block_field *f, const odeon_field_vjp *vjp)
{
    if (f->tangent.dual == NULL || f->integrals != NULL || vjp->kept != NULL ||
        vjp->term != ODEON_TERM_ALL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "the field of an ODE block differentiates its vjp on the device dual, "
                         "without a frame and without integrals along the path, all its terms at "
                         "once");
    }
    f->evals++;
    return field_tangent_vjp(&f->tangent, vjp);
}

static bool is_on_duals(const odeon_field_vjp *vjp)
{
    return vjp->y_dot != NULL || vjp->t_dot != NULL || vjp->dy_bar_dot != NULL ||
           vjp->y_bar_dot != NULL || vjp->t_bar_dot != NULL;
}

/* y' and, behind it, the integrands of the layers. */
static odeon_status block_eval(void *self, const odeon_field_eval *eval)
{
    block_field *f = self;
    quadrature *q = f->integrals;
    if (q == NULL) {
        return body_eval(f, eval, NULL);
    }
    ODEON_TRY(quadrature_clear(q, eval->dy));
    ODEON_TRY(quadrature_begin(q));
    ODEON_TRY(body_eval(f, eval, q->integrand));
    return quadrature_store(q, eval->dy);
}

/* dy_bar is that of all of the state, y_bar that of y alone. Where nothing was kept the body is
 * evaluated again into the field's own frame, with running state left alone: it has moved with this
 * evaluation before. That counts as an evaluation, since it costs one. */
static odeon_status body_vjp(block_field *f, const odeon_field_vjp *vjp)
{
    odeon_layer_call call = f->call;
    odeon_frame *kept = vjp->kept;
    ODEON_TRY(check_term(f, vjp->term));
    if (is_on_duals(vjp)) {
        return block_vjp_on_duals(f, vjp);
    }
    call.t = vjp->t;
    call.flags = (call.flags & ~(uint32_t)ODEON_CALL_UPDATE_STATE) | vjp->flags;
    if (kept == NULL) {
        kept = &f->work;
        f->evals++;
        ODEON_TRY(field_terms_forward(&f->terms, &call, vjp->term, odeon_read(vjp->y), NULL,
                                      kept->memory));
    }
    if (f->integrals != NULL) {
        ODEON_TRY(quadrature_take(f->integrals, vjp->dy_bar));
        call.d_integrand = f->integrals->d_integrand;
    }
    return field_terms_vjp(&f->terms, &call, vjp->term, kept->memory, vjp);
}

/* Nothing depends on integrals: their share of y_bar is 0. */
static odeon_status block_vjp(void *self, const odeon_field_vjp *vjp)
{
    block_field *f = self;
    if (f->integrals != NULL && vjp->y_bar != NULL) {
        ODEON_TRY(quadrature_clear(f->integrals, vjp->y_bar));
    }
    return body_vjp(f, vjp);
}

/* What a field's calls depend on (field_identity): the layers' plan for these shapes, which lives
 * as long as the network, the call, and where layers find what the batch has beside its input.
 * Contents of device memory are no part of it: a replay reads them anew. */
typedef struct identity {
    const void *plan, *stiff; /* stiff NULL: one term */
    int64_t n_global, first_sample;
    uint32_t flags;  /* ODEON_CALL_* */
    int32_t augment; /* ODEON_AUGMENT_* */
    odeon_tensor given[DATA_ROLES];
    const void *integrals[3]; /* where integrands, their cotangents and the losses' are */
    double direction;
} identity;
static_assert(sizeof(identity) <= FIELD_IDENTITY_BYTES, "an identity fits where it is kept");

/* Identities are compared byte by byte, so all of the structure was zeroed before it was filled,
 * and what lies behind it is zeroed here. */
static void set_identity(host_field *host, const identity *x)
{
    memset(&host->identity, 0, sizeof host->identity);
    memcpy(host->identity.bytes, x, sizeof *x);
}

/* A call that answers batch_field in another way than the host's own is not known so well, and
 * random numbers are drawn anew for every batch, by a key that is an argument of the layers' calls:
 * in both cases a recording would repeat what must not be repeated. */
static void identify(block_field *f)
{
    const odeon_layer_call *call = &f->call;
    identity x;
    memset(&x, 0, sizeof x);
    x.plan = f->plan;
    x.stiff = f->terms.stiff == NULL ? NULL : f->terms.plan;
    x.n_global = call->n_global;
    x.first_sample = call->first_sample;
    x.flags = call->flags;
    if (f->integrals != NULL) {
        const quadrature *q = f->integrals;
        x.integrals[0] = q->values.data;
        x.integrals[1] = q->bars.data;
        x.integrals[2] = q->d_q.data;
        x.direction = q->direction;
    }
    f->host.is_recordable = call->batch_field == batch_field &&
                            (field_terms_flags(&f->terms) & ODEON_LAYER_RANDOM) == 0;
    if (f->host.is_recordable) {
        const batch_fields *fields = call->host;
        memcpy(x.given, fields->of, sizeof x.given);
    }
    set_identity(&f->host, &x);
}

/* All of the site's running state, not only the body's: which part a body moves is not worth
 * knowing, since it is copied as a whole. */
static odeon_tensor running_state(const net_site *site)
{
    return odeon_tensor_at(
        site->states,
        (odeon_shape){.ndim = 1, .dtype = site->lane.dtype, .dim = {site->params->state}});
}

/* What the body's layers have in common. */
static uint32_t field_flags(uint32_t layers)
{
    return ((layers & ODEON_LAYER_USES_T) == 0 ? ODEON_FIELD_AUTONOMOUS : 0u) |
           ((layers & ODEON_LAYER_LINEAR) != 0 ? ODEON_FIELD_LINEAR : 0u) |
           ((layers & ODEON_LAYER_BATCH_COUPLED) != 0 ? ODEON_FIELD_COUPLED : 0u);
}

/* y alone, or with the integrals behind it. A frame holds y without these, so that the vectors of a
 * state cannot lie in it. */
static void set_parts(block_field *f, const odeon_shape *state)
{
    const quadrature *q = f->integrals;
    f->parts[0] = (odeon_part){.name = "y",
                               .n = odeon_count(state),
                               .rows = state->dim[0],
                               .n_global = f->call.n_global * odeon_count(&f->plan->net->in)};
    if (q != NULL) {
        memcpy(f->parts + 1, q->parts, (size_t)q->n * sizeof *f->parts);
    }
    f->host.abi = (odeon_field){.struct_size = sizeof f->host.abi,
                                .n_parts = 1 + (q != NULL ? q->n : 0),
                                .parts = f->parts,
                                .n = q != NULL ? q->length : f->parts[0].n,
                                .dtype = state->dtype,
                                .flags = field_flags(field_terms_flags(&f->terms)),
                                .self = f,
                                .eval = block_eval,
                                .vjp = block_vjp,
                                .jvp = f->tangent.dual != NULL && q == NULL ? block_jvp : NULL,
                                .terms = f->terms.stiff == NULL ? NULL : field_terms_list,
                                .n_terms = f->terms.stiff == NULL ? 0 : N_TERMS};
    if (q != NULL) {
        f->host.frame_in = f->host.frame_out = -1;
        f->host.abi.flags &= ~(uint32_t)ODEON_FIELD_LINEAR;
    }
}

/* The plan of the body's layers for this number of samples, and memory for one evaluation's frame.
 * A forward fits for the samples of its slice; n_global is that of all workers, since norms divide
 * by it. Everything is set in every pass: another batch may have come between. */
odeon_status block_field_fit(block_field *f, odeon_net *body, const odeon_layer_call *call,
                             const odeon_shape *state, quadrature *integrals)
{
    ODEON_TRY(net_plan_for(body, state->dim[0], call->flags, &f->plan));
    ODEON_TRY(field_terms_fit(&f->terms, f->plan, call, state->dim[0], odeon_bytes(state)));
    ODEON_TRY(buffer_fit(call->device, &f->work_buffer, f->terms.frame_bytes));
    f->work.memory = f->work_buffer.data;
    f->call = *call;
    ODEON_TRY(field_tangent_fit(&f->tangent, body, &f->terms, call, state));
    f->integrals = integrals != NULL && integrals->n > 0 ? integrals : NULL;
    bool updates = (call->flags & ODEON_CALL_UPDATE_STATE) != 0, one = f->terms.stiff == NULL;
    uint32_t layers = field_terms_flags(&f->terms);
    f->host = (host_field){.evals = &f->evals,
                           .moves_state = updates && (layers & ODEON_LAYER_STATEFUL) != 0,
                           .running = running_state(body->site),
                           .is_alone = (layers & ODEON_LAYER_BATCH_COUPLED) == 0,
                           .frame_bytes = f->terms.frame_bytes,
                           .frame_in = f->plan->in_at,
                           .frame_out = one ? f->plan->out_at : -1, /* a sum is not kept */
                           .samples = state->dim[0]};
    identify(f);
    set_parts(f, state);
    return ODEON_OK;
}

/* The plan is the network's. */
void block_field_fini(block_field *f, const odeon_device *device)
{
    buffer_release(device, &f->work_buffer);
    field_tangent_fini(&f->tangent, device);
    field_terms_fini(&f->terms, device);
}

/* ---- its continuous adjoint ---- */

/* One part of an augmented vector z [n]. */
static odeon_view view_of(const adjoint_field *f, const odeon_view *z, int32_t part)
{
    odeon_view x = *z;
    x.byte_offset += (uint64_t)(f->parts[part].offset * odeon_dtype_bytes(z->shape.dtype));
    x.shape.dim[0] = f->parts[part].n;
    return x;
}

static odeon_tensor part_of(const adjoint_field *f, const odeon_tensor *z, int32_t part)
{
    return (odeon_tensor){view_of(f, &z->view, part)};
}

/* That of the base's state, [its n]. */
static odeon_shape state_shape(const adjoint_field *f)
{
    const odeon_field *base = &f->base->host.abi;
    return (odeon_shape){.ndim = 1, .dtype = base->dtype, .dim = {base->n}};
}

/* Where y is and where f goes: parts of the state, or y(t) off the path and f where a' is written
 * later, since nobody reads f. */
static odeon_status read_y(adjoint_field *f, const odeon_field_eval *eval, odeon_view *y,
                           odeon_tensor *dy)
{
    const odeon_layer_call *call = &f->base->call;
    double t;
    if (f->path == NULL) {
        *y = view_of(f, eval->y, 0);
        *dy = part_of(f, eval->dy, 0);
        return ODEON_OK;
    }
    odeon_tensor along = odeon_tensor_at(f->along.data, state_shape(f));
    y->data = along.view.data;
    y->byte_offset = 0;
    ODEON_TRY(call->device->ops->download(call->queue, &t, odeon_read(eval->t), sizeof t));
    return solver_dense(f->path, t, &along);
}

/* The cotangent of the base's derivative, [its n]. */
static odeon_tensor cotangent_of(const adjoint_field *f)
{
    return odeon_tensor_at(f->cotangent.data, state_shape(f));
}

/* -a into it, with minus the losses' cotangents behind, which integrals along the path have. */
static odeon_status negate(const adjoint_field *f, const odeon_view *a)
{
    const block_field *base = f->base;
    odeon_tensor all = cotangent_of(f), y = odeon_tensor_at(f->cotangent.data, a->shape);
    odeon_scalar minus[1] = {odeon_imm(-1.0)};
    ODEON_TRY(base->integrals != NULL ? quadrature_clear(base->integrals, &all) : ODEON_OK);
    ODEON_TRY(ODEON_DO(base->call.device, solver, lincomb, base->call.queue, .y = &y, .n = 1,
                       .x = &a, .coefficient = minus));
    return base->integrals != NULL ? quadrature_give(base->integrals, -1.0, &all) : ODEON_OK;
}

/* The base's vjp. The parameters' gradients are sent into z's derivative meanwhile, and back
 * whatever becomes of the call; what layers have gathered belongs to this evaluation. */
static odeon_status vjp_into(const adjoint_field *f, const odeon_field_vjp *vjp,
                             const odeon_tensor *dtheta)
{
    block_field *base = f->base;
    field_terms_bind_grads(&base->terms, f->body,
                           (char *)odeon_write(dtheta) -
                               f->theta_begin * odeon_dtype_bytes(dtheta->view.shape.dtype));
    odeon_status status = body_vjp(base, vjp);
    if (status == ODEON_OK) {
        status = field_terms_finish(&base->terms, f->body, &base->call);
    }
    field_terms_bind_grads(&base->terms, f->body, f->body->site->grads);
    return status;
}

/* What all workers have to agree on, theta_bar' and t_bar' (NULL: not wanted); the rest stays each
 * worker's summand. */
static odeon_status sum_over_workers(const adjoint_field *f, const odeon_tensor *dz,
                                     const odeon_tensor *dtheta, const odeon_tensor *d_t)
{
    const odeon_layer_call *call = &f->base->call;
    const odeon_tensor *all[2];
    int32_t n = 0;
    if ((f->flags & ODEON_AUGMENT_FULL) != 0) {
        all[n++] = dtheta;
    }
    if (d_t != NULL) {
        all[n++] = d_t;
    }
    if (n > 0) {
        ODEON_TRY(worker_sum_all(call->group->self, call->queue, n, all, ODEON_OK));
    }
    if (d_t == NULL) {
        return ODEON_OK;
    }
    odeon_tensor part = part_of(f, dz, f->part_a + 1);
    return ODEON_DO(call->device, move, cast, call->queue, .x = &d_t->view, .scale = 1.0,
                    .y = &part);
}

/* y' = f, a' = -a^T df/dy, theta_bar' and t_bar' = -a^T df/dtheta and df/dt: one evaluation that
 * keeps its frame, one vjp with the cotangent -a. Source: Chen et al., Neural ordinary differential
 * equations, 2018, eqs. 4, 5 and 51. */
static odeon_status adjoint_eval(void *self, const odeon_field_eval *eval)
{
    adjoint_field *f = self;
    block_field *base = f->base;
    const odeon_device *device = base->call.device;
    odeon_queue *queue = base->call.queue;
    odeon_view a = view_of(f, eval->y, f->part_a), y = a;
    odeon_tensor da = part_of(f, eval->dy, f->part_a), dy = da, minus_a = cotangent_of(f);
    odeon_tensor dtheta = {adjoint_field_theta(f, &eval->dy->view)};
    odeon_tensor time_bar = odeon_tensor_at(
        f->time_bar.data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
    const odeon_tensor *d_t = (f->flags & ODEON_AUGMENT_TIME) != 0 ? &time_bar : NULL;
    ODEON_TRY(read_y(f, eval, &y, &dy));
    /* there is no adjoint of the adjoint: host.frame_bytes is 0, eval->keep is not read */
    ODEON_TRY(body_eval(base,
                        &(odeon_field_eval){.struct_size = sizeof(odeon_field_eval),
                                            .t = eval->t,
                                            .y = &y,
                                            .dy = &dy,
                                            .keep = &base->work},
                        NULL));
    ODEON_TRY(negate(f, &a));
    ODEON_TRY(ODEON_DO(device, move, fill, queue, .y = &dtheta, .value = odeon_imm(0.0)));
    if (d_t != NULL) {
        ODEON_TRY(ODEON_DO(device, move, fill, queue, .y = d_t, .value = odeon_imm(0.0)));
    }
    const odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                                 .t = eval->t,
                                 .y = &y,
                                 .dy_bar = &minus_a.view,
                                 .y_bar = &da,
                                 .t_bar = d_t,
                                 .kept = &base->work};
    ODEON_TRY(vjp_into(f, &vjp, &dtheta));
    return sum_over_workers(f, eval->dy, &dtheta, d_t);
}

/* The gap between two parameters is in it, as in the flat vector: it stays 0, since nothing adds to
 * it. */
odeon_view adjoint_field_theta(const adjoint_field *f, const odeon_view *state)
{
    odeon_view theta = *state;
    theta.byte_offset += (uint64_t)(f->theta_offset * odeon_dtype_bytes(state->shape.dtype));
    theta.shape.dim[0] = f->theta_end - f->theta_begin;
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
                         .rows = 1,
                         .n_global = p->count,
                         .flags = ODEON_PART_QUADRATURE | ODEON_PART_SHARED};
    }
    return ODEON_OK;
}

/* y unless it is read off a path, a, t_bar if it is wanted, theta, in this order. Parts start at
 * multiples of 64 bytes, so that no operator meets an odd address; what lies between them belongs
 * to no part and stays 0. y and a have a value for every sample and count in the norm like the
 * block's own state; the others are quadratures, which f does not depend on. */
static odeon_status lay_out(adjoint_field *f, int32_t *n_parts)
{
    const odeon_part *y = &f->base->parts[0];
    int64_t step = 64 / odeon_dtype_bytes(f->base->host.abi.dtype);
    int64_t stride = (y->n + step - 1) / step * step, n_theta;
    field_terms_param_range(&f->base->terms, f->body, &f->theta_begin, &f->theta_end);
    n_theta = f->theta_end - f->theta_begin;
    f->part_a = f->path == NULL ? 1 : 0;
    *n_parts = f->part_a + 1;
    f->theta_offset = *n_parts * stride;
    f->parts[0] = *y;
    f->parts[f->part_a] = *y;
    f->parts[f->part_a].name = "a";
    f->parts[f->part_a].offset = f->part_a * stride;
    if ((f->flags & ODEON_AUGMENT_TIME) != 0) {
        f->parts[(*n_parts)++] = (odeon_part){.name = "t_bar",
                                              .offset = f->theta_offset,
                                              .n = 1,
                                              .rows = 1,
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
                                          .rows = 1,
                                          .n_global = n_theta,
                                          .flags = ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM};
    return ODEON_OK;
}

/* The state, -a, and y where it is read off a path. The time's gradient is in doubles whatever the
 * dtype of the state. */
static odeon_status fit_vectors(adjoint_field *f, int64_t total)
{
    const odeon_device *device = f->base->call.device;
    const odeon_field *base = &f->base->host.abi;
    int64_t width = odeon_dtype_bytes(base->dtype), one = base->n * width;
    ODEON_TRY(buffer_fit(device, &f->state, total * width + 64));
    ODEON_TRY(buffer_fit(device, &f->cotangent, one + 64));
    ODEON_TRY(f->path != NULL ? buffer_fit(device, &f->along, one + 64) : ODEON_OK);
    f->used_bytes = total * width + (f->path != NULL ? 2 : 1) * one;
    return buffer_fit(device, &f->time_bar, (int64_t)sizeof(double));
}

/* The identity is that of the block's field with the flags of the augmentation. Running state must
 * not move on the way back, so the base's flag for that is cleared for the rest of the pass. */
odeon_status adjoint_field_fit(adjoint_field *f, block_field *base, odeon_net *body, int32_t flags,
                               const solver *path)
{
    int32_t n_parts = 0;
    f->base = base;
    f->body = body;
    f->flags = flags;
    f->path = path;
    base->call.flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    ODEON_TRY(lay_out(f, &n_parts));
    int64_t total = f->theta_offset + f->theta_end - f->theta_begin;
    ODEON_TRY(fit_vectors(f, total));
    f->host = (host_field){.is_alone = base->host.is_alone,
                           .is_recordable = base->host.is_recordable && path == NULL,
                           .evals = &base->evals,
                           .frame_bytes = 0,
                           .frame_in = -1,
                           .frame_out = -1,
                           .samples = base->host.samples};
    identity x;
    memcpy(&x, base->host.identity.bytes, sizeof x);
    x.flags = base->call.flags;
    x.augment = flags;
    set_identity(&f->host, &x);
    f->host.abi = (odeon_field){.struct_size = sizeof f->host.abi,
                                .n_parts = n_parts,
                                .parts = f->parts,
                                .n = total,
                                .dtype = base->host.abi.dtype,
                                .flags = base->host.abi.flags & ~(uint32_t)ODEON_FIELD_LINEAR,
                                .self = f,
                                .eval = adjoint_eval};
    return ODEON_OK;
}

/* The base is the block's. */
void adjoint_field_fini(adjoint_field *f, const odeon_device *device)
{
    buffer_release(device, &f->state);
    buffer_release(device, &f->cotangent);
    buffer_release(device, &f->along);
    buffer_release(device, &f->time_bar);
}
