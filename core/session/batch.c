/* A worker's part in a batch: forward, loss, backward, and where it meets the others. */
#include <math.h>

#include "base/diag.h"
#include "base/rng.h"
#include "ode/ode.h"
#include "plugin/calling.h"
#include "session/worker.h"

/* What one batch works with on this worker. */
typedef struct pass {
    odeon_context context;
    const net_plan *plan;
    int64_t first, n; /* the slice */
    odeon_tensor output, d_output, sums;
    bool backward;
} pass;

int64_t worker_slice(const worker *w, int64_t n, int64_t *count)
{
    int64_t size = w->session->n_workers, first = n * w->rank / size;
    *count = n * (w->rank + 1) / size - first;
    return first;
}

static odeon_status prepare_pass(worker *w, const batch *b, pass *p)
{
    session *s = w->session;
    int64_t width = odeon_dtype_bytes(s->config->dtype);
    *p = (pass){.backward = batch_trains(b->mode)};
    p->first = worker_slice(w, b->n, &p->n);
    int32_t flags = p->backward ? ODEON_CALL_TRAIN | ODEON_CALL_UPDATE_STATE : 0;
    p->context = worker_context(w, flags);
    p->context.rng_key = rng_key(s->config->seed, "batch", (uint64_t)b->epoch, (uint64_t)b->step);
    p->context.first_sample = p->first;
    p->context.n_global = b->n;
    ODEON_TRY(net_plan_for(w->net, p->n, flags, &p->plan));
    int64_t out_bytes = odeon_count(&p->plan->out) * width + 64;
    ODEON_TRY(buffer_fit(&s->device, &w->output, out_bytes));
    ODEON_TRY(buffer_fit(&s->device, &w->d_output, out_bytes));
    ODEON_TRY(buffer_fit(&s->device, &w->d_input, odeon_count(&p->plan->in) * width + 64));
    ODEON_TRY(buffer_fit(&s->device, &w->frame, p->plan->frame_bytes));
    p->output = p->d_output = p->plan->out;
    p->output.data = w->output.data;
    p->d_output.data = w->d_output.data;
    p->sums = worker_sums(w);
    return ODEON_OK;
}

static odeon_status run_backward(worker *w, const batch *b, const pass *p)
{
    session *s = w->session;
    odeon_tensor grads = worker_flat(s, w->grads.data, 0, s->params.trainable);
    ODEON_TRY(s->device.ops->fill(w->site.lane.queue, &grads, odeon_imm(0.0), NULL));
    ODEON_TRY(net_vjp(p->plan, &p->context, w->frame.data, p->d_output.data,
                      b->d_x != NULL ? w->d_input.data : NULL, NULL));
    return net_finish(w->net, &p->context);
}

static odeon_status give_prediction(worker *w, const batch *b, const pass *p)
{
    ODEON_TRY(worker_give_back(w, &p->output, p->first, b->output));
    return worker_give_back(w, &w->fields.of[ODEON_ROLE_LABEL], p->first, b->labels_out);
}

/* All that concerns this slice alone; collectives happen inside of layers and of the loading. */
static odeon_status run_slice(worker *w, const batch *b, pass *p)
{
    ODEON_TRY(prepare_pass(w, b, p));
    ODEON_TRY(worker_load(w, b, &p->context, p->first, p->n));
    w->n_loaded = p->n;
    ODEON_TRY(net_forward(p->plan, &p->context, w->fields.of[ODEON_ROLE_INPUT].data, p->output.data,
                          p->backward ? w->frame.data : NULL));
    w->n_output = p->n;
    if (b->mode == BATCH_PREDICT) {
        return give_prediction(w, b, p);
    }
    ODEON_TRY(worker_eval_losses(w, &p->output, p->backward ? &p->d_output : NULL));
    return p->backward ? run_backward(w, b, p) : ODEON_OK;
}

/* Scales the gradient to a norm of at most clip_norm. */
static odeon_status clip(worker *w, double norm)
{
    session *s = w->session;
    double limit = s->config->clip_norm;
    if (!(limit > 0.0) || norm <= limit) {
        return ODEON_OK;
    }
    odeon_tensor grads = worker_flat(s, w->grads.data, 0, s->params.trainable);
    const odeon_tensor *x[1] = {&grads};
    odeon_scalar factor[1] = {odeon_imm(limit / norm)};
    return s->device.ops->lincomb(w->site.lane.queue, &grads, NULL, 1, x, factor, NULL);
}

/* Count elements of the flat vector. */
static odeon_status update_elements(worker *w, const batch *b, int32_t role, int64_t offset,
                                    int64_t count)
{
    session *s = w->session;
    const odeon_optimizer_ops *optimizer = w->optimizer->component->ops;
    odeon_tensor value = worker_flat(s, s->values.data, offset, count);
    odeon_tensor grad = worker_flat(s, w->grads.data, offset, count);
    odeon_tensor moments[ODEON_MAX_MOMENTS];
    for (int32_t i = 0; i < s->n_moments; i++) {
        moments[i] = worker_flat(s, s->moments[i].data, offset, count);
    }
    odeon_update update = {.struct_size = sizeof update,
                           .role = role,
                           .queue = w->site.lane.queue,
                           .device = &s->device,
                           .step = b->step,
                           .lr_factor = b->lr_factor,
                           .param = &value,
                           .grad = &grad,
                           .moment = moments};
    calling outer = calling_begin(w->optimizer, "update");
    return calling_end(outer, optimizer->update(w->optimizer->self, &update));
}

/* Every parameter has one worker that updates it: the one on whose share of the flat vector it
 * begins. Those of one worker stand side by side, and are updated as one if the optimizer can. */
static odeon_status update(worker *w, const batch *b)
{
    session *s = w->session;
    const odeon_optimizer_ops *optimizer = w->optimizer->component->ops;
    bool as_one = (optimizer->flags & ODEON_OPTIMIZER_ELEMENTWISE) != 0;
    int64_t first = -1, end = 0;
    for (size_t i = 0; i < s->params.n; i++) {
        const param *p = &s->params.list[i];
        if (p->role == ODEON_PARAM_STATE ||
            p->offset * s->n_workers / s->params.trainable != w->rank) {
            continue;
        }
        first = first < 0 ? p->offset : first;
        end = p->offset + p->count;
        ODEON_TRY(as_one ? ODEON_OK : update_elements(w, b, p->role, p->offset, p->count));
    }
    if (as_one && first >= 0) {
        ODEON_TRY(update_elements(w, b, ODEON_PARAM_WEIGHT, first, end - first));
    }
    /* only the queues of others could be ahead of this one */
    return s->n_workers > 1 ? s->device.ops->wait(w->site.lane.queue) : ODEON_OK;
}

odeon_status worker_give_back(worker *w, const odeon_tensor *x, int64_t first, double *out)
{
    const odeon_device_ops *ops = w->session->device.ops;
    int64_t n = odeon_count(x), size = x->dim[0] == 0 ? 0 : n / x->dim[0];
    if (out == NULL || n == 0) {
        return ODEON_OK;
    }
    odeon_tensor wide = *x;
    wide.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(buffer_fit(&w->session->device, &w->wide, n * (int64_t)sizeof(double)));
    wide.data = w->wide.data;
    ODEON_TRY(ops->cast(w->site.lane.queue, x, 1.0, -0.0, &wide)); /* adding -0 keeps every bit */
    return ops->download(w->site.lane.queue, out + first * size, wide.data,
                         (uint64_t)n * sizeof(double));
}

static odeon_status step_parameters(worker *w, const batch *b, double norm)
{
    const odeon_group *group = &w->group.abi;
    odeon_context context = worker_context(w, ODEON_CALL_TRAIN);
    ODEON_TRY(clip(w, norm));
    w->is_updating = true;
    ODEON_TRY(update(w, b));
    ODEON_TRY(group->agree(group->self, ODEON_OK)); /* all parameters have changed by now */
    return net_prepare(w->net, &context);
}

/* What comes of a gradient whose batch has a finite loss. */
static odeon_status use_gradient(worker *w, batch *b, const pass *p)
{
    double norm = worker_gradient_norm(w);
    w->has_gradient = true;
    if (w->rank == 0) {
        b->grad_norm = norm;
    }
    if (b->mode != BATCH_DIFFERENTIATE && !isfinite(norm)) {
        return diag_fail(ODEON_ERR_NUMERIC, "the gradient's norm is %g (epoch %lld, step %lld): %s",
                         norm, (long long)b->epoch, (long long)b->step,
                         b->step > 1 ? "a smaller learning rate or train.clip_norm may help"
                                     : "smaller initial weights, or data nearer to 1, may help");
    }
    if (b->mode != BATCH_DIFFERENTIATE) {
        return b->mode == BATCH_TRAIN ? step_parameters(w, b, norm) : ODEON_OK;
    }
    odeon_tensor d_input = p->plan->in;
    d_input.data = w->d_input.data;
    ODEON_TRY(worker_give_back(w, &p->output, p->first, b->output));
    return worker_give_back(w, &d_input, p->first, b->d_x);
}

/* The gradient of all workers, and the sum of its squares. */
static odeon_status sum_gradient(worker *w)
{
    const session *s = w->session;
    const odeon_group *group = &w->group.abi;
    odeon_tensor grads = worker_flat(s, w->grads.data, 0, s->params.trainable);
    ODEON_TRY(group->sum(group->self, w->site.lane.queue, &grads, ODEON_OK));
    return worker_square_gradient(w);
}

/* All that the host has to know is read at once; no parameter changes before it is found good. */
static odeon_status run_batch(worker *w, batch *b)
{
    pass p;
    const odeon_group *group = &w->group.abi;
    ODEON_TRY(run_slice(w, b, &p));
    if (b->mode == BATCH_PREDICT) {
        return worker_read_measures(w);
    }
    ODEON_TRY(group->sum(group->self, w->site.lane.queue, &p.sums, ODEON_OK));
    ODEON_TRY(p.backward ? sum_gradient(w) : ODEON_OK);
    ODEON_TRY(worker_read_all(w));
    ODEON_TRY(worker_judge_losses(w, b));
    return p.backward ? use_gradient(w, b, &p) : ODEON_OK;
}

/* What a failure will be asked for: running state as it was, and nothing of earlier batches. */
static odeon_status begin_batch(worker *w, const batch *b)
{
    const session *s = w->session;
    w->n_loaded = w->n_output = -1;
    w->has_gradient = w->is_updating = false;
    for (size_t i = 0; i < w->site.n_odes; i++) {
        solver_forget(w->site.odes[i]->forward);
        solver_forget(w->site.odes[i]->backward);
    }
    if (!batch_trains(b->mode) || s->params.state == 0) {
        return ODEON_OK;
    }
    odeon_tensor now = worker_flat(s, w->states.data, 0, s->params.state);
    odeon_tensor before = worker_flat(s, w->states_before.data, 0, s->params.state);
    return s->device.ops->copy(w->site.lane.queue, &now, &before);
}

/* Ends in a collective, so that a failure between two collectives, wherever it was, has one that
 * the others come to as well. */
odeon_status worker_batch(worker *w, batch *b)
{
    worker_group_resolve(&w->group);
    odeon_status status = begin_batch(w, b);
    if (status == ODEON_OK) {
        status = run_batch(w, b);
    }
    if (w->group.delivered == ODEON_OK) {
        status = w->group.abi.agree(&w->group, status);
    }
    if (status == ODEON_OK) { /* of a failure that a plugin kept to itself */
        status = w->group.delivered;
    }
    worker_end_reading(w, status);
    return status;
}
