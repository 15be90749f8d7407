#include "ode/adjoint_field.h"

#include "base/diag.h"
#include "device/worker_sum.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

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
    odeon_status status = block_field_body_vjp(base, vjp);
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

/* -a of the samples of a slice. */
static odeon_status negate_slice(const adjoint_field *f, const char *a, odeon_tensor *minus_a)
{
    const odeon_layer_call *call = &f->base->call;
    odeon_view x = odeon_view_at(a, minus_a->view.shape);
    const odeon_view *terms[1] = {&x};
    odeon_scalar minus[1] = {odeon_imm(-1.0)};
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = minus_a, .n = 1, .x = terms,
                    .coefficient = minus);
}

static odeon_tensor theta_at(const adjoint_field *f, void *data)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1,
                                               .dtype = f->host.abi.dtype,
                                               .dim = {f->theta_end - f->theta_begin}});
}

static odeon_tensor time_bar(const adjoint_field *f)
{
    return odeon_tensor_at(f->time_bar.data,
                           (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
}

static const odeon_tensor *wanted_time(const adjoint_field *f, const odeon_tensor *d_t)
{
    return (f->flags & ODEON_AUGMENT_TIME) != 0 ? d_t : NULL;
}

/* The sums over samples begin at 0. */
static odeon_status clear_sums(const adjoint_field *f, const odeon_tensor *dtheta,
                               const odeon_tensor *d_t)
{
    const odeon_layer_call *call = &f->base->call;
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = dtheta, .value = odeon_imm(0.0)));
    return d_t == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, fill, call->queue, .y = d_t, .value = odeon_imm(0.0));
}

/* Gradients go into dtheta meanwhile, and elsewhere again whatever becomes of the call; what layers
 * have gathered belongs to this evaluation. */
static void send_grads(const adjoint_field *f, const odeon_tensor *dtheta)
{
    int64_t width = odeon_dtype_bytes(dtheta->view.shape.dtype);
    net_bind_grads(f->body, (char *)odeon_write(dtheta) - f->theta_begin * width);
}

/* As adjoint_eval, of some samples. y stays where it is between evaluation and vjp, and so does f,
 * so that neither is copied. */
static odeon_status adjoint_slice(adjoint_field *f, const field_slice *x)
{
    block_field *base = f->base;
    batch_fields fields;
    const net_plan *plan = x->n == base->host.samples ? base->plan : slices_plan(&f->slices, x->n);
    bool whole = x->n == base->host.samples;
    odeon_layer_call call = whole ? base->call : slices_call(&base->call, x->first, x->n, &fields);
    odeon_tensor t_bar = time_bar(f), dtheta = theta_at(f, x->sums);
    const odeon_tensor *d_t = wanted_time(f, &t_bar);
    odeon_tensor minus_a = cotangent_of(f);
    minus_a.view.shape.dim[0] =
        block_field_sample_bytes(base) / odeon_dtype_bytes(base->host.abi.dtype) * x->n;
    call.t = x->t;
    base->evals += x->first == 0;
    ODEON_TRY(x->first == 0 ? clear_sums(f, &dtheta, d_t) : ODEON_OK);
    ODEON_TRY(net_forward_at(plan, &call, x->y[0], x->dy[0], base->work.memory));
    ODEON_TRY(negate_slice(f, x->y[1], &minus_a));
    send_grads(f, &dtheta);
    odeon_status status = net_vjp_at(plan, &call, base->work.memory, x->y[0], x->dy[0],
                                     odeon_read(&minus_a.view), x->dy[1], d_t);
    status = status == ODEON_OK ? net_finish(f->body, &call) : status;
    net_bind_grads(f->body, f->body->site->grads);
    return status;
}

/* What all workers have to agree on, once all slices have added to it. */
static odeon_status adjoint_finish_sums(void *self, char *sums)
{
    const adjoint_field *f = self;
    const odeon_layer_call *call = &f->base->call;
    odeon_tensor dtheta = theta_at(f, sums);
    return (f->flags & ODEON_AUGMENT_FULL) != 0
               ? call->group->sum(call->group->self, call->queue, &dtheta, ODEON_OK)
               : ODEON_OK;
}

static odeon_status adjoint_eval_slice(void *self, const field_slice *x)
{
    return adjoint_slice(self, x);
}

/* All slices, one after the other; or the batch as one. */
static odeon_status eval_in_slices(adjoint_field *f, const odeon_field_eval *eval)
{
    int64_t samples = f->base->host.samples;
    int64_t rows = f->slices.rows > 0 ? f->slices.rows : samples;
    int64_t width =
        samples > 0 ? f->parts[0].n / samples * odeon_dtype_bytes(f->host.abi.dtype) : 0;
    odeon_tensor dtheta = {adjoint_field_theta(f, &eval->dy->view)};
    field_slice x = {.t = eval->t, .sums = odeon_write(&dtheta)};
    do {
        x.n = samples - x.first < rows ? samples - x.first : rows;
        for (int32_t i = 0; i < 2; i++) {
            odeon_view in = view_of(f, eval->y, i);
            odeon_tensor out = part_of(f, eval->dy, i);
            x.y[i] = (const char *)odeon_read(&in) + x.first * width;
            x.dy[i] = (char *)odeon_write(&out) + x.first * width;
        }
        ODEON_TRY(adjoint_slice(f, &x));
        x.first += rows;
    } while (x.first < samples); /* a worker without samples makes the calls all the same */
    return ODEON_OK;
}

/* The same by the base's own evaluation and vjp: of several terms, with integrals, along a path. */
static odeon_status eval_by_base(adjoint_field *f, const odeon_field_eval *eval,
                                 const odeon_tensor *dtheta, const odeon_tensor *d_t)
{
    block_field *base = f->base;
    odeon_view a = view_of(f, eval->y, f->part_a), y = a;
    odeon_tensor da = part_of(f, eval->dy, f->part_a), dy = da, minus_a = cotangent_of(f);
    ODEON_TRY(read_y(f, eval, &y, &dy));
    /* there is no adjoint of the adjoint: host.frame_bytes is 0, eval->keep is not read */
    ODEON_TRY(block_field_body(base, &(odeon_field_eval){.struct_size = sizeof(odeon_field_eval),
                                                         .t = eval->t,
                                                         .y = &y,
                                                         .dy = &dy,
                                                         .keep = &base->work}));
    ODEON_TRY(negate(f, &a));
    ODEON_TRY(clear_sums(f, dtheta, d_t));
    const odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                                 .t = eval->t,
                                 .y = &y,
                                 .dy_bar = &minus_a.view,
                                 .y_bar = &da,
                                 .t_bar = d_t,
                                 .kept = &base->work};
    return vjp_into(f, &vjp, dtheta);
}

/* y and f stay in the state, and all samples are evaluated alike. */
static bool is_plain(const adjoint_field *f)
{
    return f->path == NULL && f->base->terms.stiff == NULL && f->base->integrals == NULL;
}

/* y' = f, a' = -a^T df/dy, theta_bar' and t_bar' = -a^T df/dtheta and df/dt: one evaluation that
 * keeps its frame, one vjp with the cotangent -a. Source: Chen et al., Neural ordinary differential
 * equations, 2018, eqs. 4, 5 and 51. */
static odeon_status adjoint_eval(void *self, const odeon_field_eval *eval)
{
    adjoint_field *f = self;
    odeon_tensor dtheta = {adjoint_field_theta(f, &eval->dy->view)}, t_bar = time_bar(f);
    const odeon_tensor *d_t = wanted_time(f, &t_bar);
    ODEON_TRY(is_plain(f) ? eval_in_slices(f, eval) : eval_by_base(f, eval, &dtheta, d_t));
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

/* Where the base is evaluated in slices it is not ready to be run whole. */
static odeon_status fit_whole(adjoint_field *f)
{
    block_field *base = f->base;
    int64_t kept = base->host.frame_bytes, whole = base->terms.frame_bytes;
    ODEON_TRY(net_plan_for(f->body, base->plan->in.dim[0], base->plan->flags, &base->plan));
    return block_field_fit_work(base, kept > whole ? kept : whole);
}

/* Slices where the state is y, a and theta_bar. */
static odeon_status fit_slices(adjoint_field *f)
{
    block_field *base = f->base;
    const slice_load load = {.samples = base->host.samples,
                             .alike = slices_alike(&base->call),
                             .vectors = f->vectors,
                             .vector_bytes = 2 * block_field_sample_bytes(base),
                             .eval_bytes = slices_eval_bytes(base->plan),
                             .weight_bytes = slices_weight_bytes(f->body)};
    bool suits = is_plain(f) && (f->flags & ~ODEON_AUGMENT_FULL) == 0 &&
                 slices_suit(&base->call, base->plan);
    int64_t rows = suits ? slices_rows(base->call.device, &load) : 0;
    ODEON_TRY(slices_fit(&f->slices, f->body, base->plan, rows));
    return rows > 0 ? block_field_fit_work(base, f->slices.plan->frame_bytes) : fit_whole(f);
}

/* The state, -a, and y where it is read off a path. The time's gradient is in doubles whatever the
 * dtype of the state. */
static odeon_status fit_vectors(adjoint_field *f, int64_t total)
{
    const odeon_device *device = f->base->call.device;
    const odeon_field *base = &f->base->host.abi;
    int64_t width = odeon_dtype_bytes(base->dtype), one = base->n * width;
    int64_t cotangent =
        f->slices.rows > 0 ? f->slices.rows * block_field_sample_bytes(f->base) : one;
    ODEON_TRY(buffer_fit(device, &f->state, total * width + 64));
    ODEON_TRY(buffer_fit(device, &f->cotangent, cotangent + 64));
    ODEON_TRY(f->path != NULL ? buffer_fit(device, &f->along, one + 64) : ODEON_OK);
    f->used_bytes = total * width + cotangent + (f->path != NULL ? one : 0);
    return buffer_fit(device, &f->time_bar, (int64_t)sizeof(double));
}

/* Running state must not move on the way back, so the base's flag for that is cleared for the rest
 * of the pass. */
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
    ODEON_TRY(fit_slices(f));
    ODEON_TRY(fit_vectors(f, total));
    f->host = (host_field){.is_alone = base->host.is_alone,
                           .is_recordable = base->host.is_recordable && path == NULL,
                           .evals = &base->evals,
                           .frame_bytes = 0,
                           .frame_in = -1,
                           .frame_out = -1,
                           .samples = base->host.samples,
                           .slice = f->slices.rows,
                           .n_local = 2,
                           .eval_slice = adjoint_eval_slice,
                           .finish_sums = adjoint_finish_sums};
    block_field_identify(base, flags, &f->host.identity);
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
