#include "ode/field.h"

#include <assert.h>
#include <string.h>

#include "base/diag.h"
#include "data/batch_fields.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

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

/* ---- slice by slice ---- */

static field_slice slice_at(const block_field *f, const odeon_view *t, int64_t first)
{
    int64_t left = f->host.samples - first, rows = f->slices.rows;
    return (field_slice){.t = t, .first = first, .n = left < rows ? left : rows};
}

/* What a call of some samples has of its own. */
typedef struct slice_parts {
    batch_fields fields;
    odeon_view t;
} slice_parts;

/* Times are one for all, or one for each sample. */
static odeon_layer_call call_slice(const odeon_layer_call *all, const field_slice *x,
                                   slice_parts *parts)
{
    odeon_layer_call call = slices_call(all, x->first, x->n, &parts->fields);
    parts->t = *x->t;
    if (x->t->shape.dim[0] > 1) {
        parts->t.byte_offset += (uint64_t)x->first * sizeof(double);
        parts->t.shape.dim[0] = x->n;
    }
    call.t = &parts->t;
    return call;
}

/* Its frame within that of all samples. */
static char *inner_frame(const block_field *f, char *frame, const field_slice *x)
{
    return frame + f->frame.slices_at + x->first / f->slices.rows * f->slices.plan->inner_bytes;
}

/* The input is copied into the frame where a vjp will read it there, unless a step has computed it
 * there, and the output out of it. */
static odeon_status copy_state(const block_field *f, const void *from, void *to)
{
    odeon_shape shape = {.ndim = 1, .dtype = f->host.abi.dtype, .dim = {f->host.abi.n}};
    odeon_view x = odeon_view_at(from, shape);
    odeon_tensor y = odeon_tensor_at(to, shape);
    return from == to ? ODEON_OK
                      : ODEON_DO(f->call.device, move, copy, f->call.queue, .x = &x, .y = &y);
}

static odeon_status block_eval_slice(void *self, const field_slice *x)
{
    block_field *f = self;
    slice_parts parts;
    odeon_layer_call call = call_slice(&f->call, x, &parts);
    f->evals += x->first == 0;
    return net_forward(slices_plan(&f->slices, x->n), &call, x->y[0], x->dy[0], NULL);
}

static odeon_status eval_slices(block_field *f, const odeon_layer_call *all, const char *y,
                                char *dy, char *frame)
{
    int64_t bytes = block_field_sample_bytes(f);
    for (int64_t first = 0; first < f->host.samples; first += f->slices.rows) {
        slice_parts parts;
        const field_slice x = slice_at(f, all->t, first);
        const net_plan *plan = slices_plan(&f->slices, x.n);
        odeon_layer_call call = call_slice(all, &x, &parts);
        const char *in = y + first * bytes;
        char *out = dy + first * bytes;
        ODEON_TRY(frame == NULL ? net_forward(plan, &call, in, out, NULL)
                                : net_forward_at(plan, &call, in, out, inner_frame(f, frame, &x)));
    }
    return ODEON_OK;
}

/* frame NULL: nothing is kept. */
static odeon_status eval_in_slices(block_field *f, const odeon_layer_call *call, const void *y,
                                   void *dy, char *frame)
{
    const slices_frame *at = &f->frame;
    char *out = frame != NULL && at->out_at >= 0 ? frame + at->out_at : dy;
    if (frame != NULL && at->in_at >= 0) {
        ODEON_TRY(copy_state(f, y, frame + at->in_at));
        y = frame + at->in_at;
    }
    ODEON_TRY(eval_slices(f, call, y, out, frame));
    return copy_state(f, out, dy);
}

/* Of one slice: its frame is kept from the evaluation, or is made now in work. */
static odeon_status vjp_slice(block_field *f, const odeon_layer_call *all, const field_slice *x,
                              const odeon_field_vjp *vjp)
{
    slice_parts parts;
    const net_plan *plan = slices_plan(&f->slices, x->n);
    odeon_layer_call call = call_slice(all, x, &parts);
    int64_t at = x->first * block_field_sample_bytes(f);
    char *frame = vjp->kept == NULL ? f->work.memory : inner_frame(f, vjp->kept->memory, x);
    const char *in = vjp->kept == NULL     ? (const char *)odeon_read(vjp->y) + at
                     : f->frame.in_at >= 0 ? vjp->kept->memory + f->frame.in_at + at
                                           : NULL;
    const char *out =
        vjp->kept != NULL && f->frame.out_at >= 0 ? vjp->kept->memory + f->frame.out_at + at : NULL;
    ODEON_TRY(vjp->kept == NULL ? net_forward_at(plan, &call, in, NULL, frame) : ODEON_OK);
    return net_vjp_at(plan, &call, frame, in, out, (const char *)odeon_read(vjp->dy_bar) + at,
                      vjp->y_bar == NULL ? NULL : (char *)odeon_write(vjp->y_bar) + at, vjp->t_bar);
}

static odeon_status vjp_in_slices(block_field *f, const odeon_layer_call *call,
                                  const odeon_field_vjp *vjp)
{
    f->evals += vjp->kept == NULL;
    for (int64_t first = 0; first < f->host.samples; first += f->slices.rows) {
        const field_slice x = slice_at(f, call->t, first);
        ODEON_TRY(vjp_slice(f, call, &x, vjp));
    }
    return ODEON_OK;
}

/* ---- the block ---- */

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
    if (f->points != NULL) {
        ODEON_TRY(field_points_add(f->points, &f->call, f->host.abi.dtype, eval->t,
                                   odeon_read(eval->y), f->parts[0].n));
    }
    if (f->slices.rows > 0) {
        return eval_in_slices(f, &call, odeon_read(eval->y), odeon_write(eval->dy), frame);
    }
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

odeon_status block_field_body(block_field *f, const odeon_field_eval *eval)
{
    return body_eval(f, eval, NULL);
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
odeon_status block_field_body_vjp(block_field *f, const odeon_field_vjp *vjp)
{
    odeon_layer_call call = f->call;
    odeon_frame *kept = vjp->kept;
    ODEON_TRY(check_term(f, vjp->term));
    if (is_on_duals(vjp)) {
        return block_vjp_on_duals(f, vjp);
    }
    call.t = vjp->t;
    call.flags = (call.flags & ~(uint32_t)ODEON_CALL_UPDATE_STATE) | vjp->flags;
    if (f->slices.rows > 0) {
        return vjp_in_slices(f, &call, vjp);
    }
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
    return block_field_body_vjp(f, vjp);
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
    f->host.is_recordable = call->batch_field == batch_field && f->points == NULL &&
                            (field_terms_flags(&f->terms) & ODEON_LAYER_RANDOM) == 0;
    if (f->host.is_recordable) {
        const batch_fields *fields = call->host;
        memcpy(x.given, fields->of, sizeof x.given);
    }
    set_identity(&f->host, &x);
}

void block_field_identify(const block_field *f, int32_t augment, field_identity *out)
{
    identity x;
    memcpy(&x, f->host.identity.bytes, sizeof x);
    x.flags = f->call.flags;
    x.augment = augment;
    memset(out, 0, sizeof *out);
    memcpy(out->bytes, &x, sizeof x);
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

int64_t block_field_sample_bytes(const block_field *f)
{
    int64_t samples = f->host.samples;
    return samples > 0 ? f->parts[0].n / samples * odeon_dtype_bytes(f->host.abi.dtype) : 0;
}

odeon_status block_field_fit_work(block_field *f, int64_t bytes)
{
    ODEON_TRY(buffer_fit(f->call.device, &f->work_buffer, bytes));
    f->work.memory = f->work_buffer.data;
    f->work_bytes = bytes;
    return ODEON_OK;
}

/* Of one term and without integrals; not where evaluations are listed, which are whole ones. */
static odeon_status fit_slices(block_field *f, odeon_net *body)
{
    const slice_load load = {.samples = f->host.samples,
                             .alike = slices_alike(&f->call),
                             .vectors = f->vectors,
                             .vector_bytes = block_field_sample_bytes(f),
                             .eval_bytes = slices_eval_bytes(f->plan),
                             .weight_bytes = slices_weight_bytes(body)};
    bool suits = f->terms.stiff == NULL && f->integrals == NULL && f->points == NULL &&
                 slices_suit(&f->call, f->plan);
    int64_t rows = suits ? slices_rows(f->call.device, &load) : 0;
    bool many = suits && f->most_rows > 0 && (rows == 0 ? load.samples : rows) > f->most_rows;
    rows = many ? f->most_rows : rows;
    ODEON_TRY(slices_fit(&f->slices, body, f->plan, rows));
    f->host.slice = rows;
    f->host.n_local = 1;
    f->host.eval_slice = block_eval_slice;
    if (rows == 0) {
        ODEON_TRY(net_plan_for(body, f->host.samples, f->plan->flags, &f->plan));
        return block_field_fit_work(f, f->host.frame_bytes);
    }
    f->frame = slices_lay_out_frame(&f->slices, f->plan);
    f->host.frame_bytes = f->frame.bytes;
    f->host.frame_in = f->frame.in_at;
    f->host.frame_out = f->frame.out_at;
    return block_field_fit_work(f, f->slices.plan->frame_bytes);
}

/* The plan of the body's layers for this number of samples, and memory for one evaluation's frame.
 * A forward fits for the samples of its slice; n_global is that of all workers, since norms divide
 * by it. Everything is set in every pass: another batch may have come between. */
odeon_status block_field_fit(block_field *f, odeon_net *body, const odeon_layer_call *call,
                             const odeon_shape *state, quadrature *integrals)
{
    ODEON_TRY(net_plan_shapes(body, state->dim[0], call->flags, &f->plan));
    ODEON_TRY(field_terms_fit(&f->terms, f->plan, call, state->dim[0], odeon_bytes(state)));
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
    return fit_slices(f, body);
}

/* The plan is the network's. */
void block_field_fini(block_field *f, const odeon_device *device)
{
    buffer_release(device, &f->work_buffer);
    field_tangent_fini(&f->tangent, device);
    field_terms_fini(&f->terms, device);
}
