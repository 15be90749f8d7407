/* A batch as one worker goes through it: read step first, then what is around it. All workers do
 * the same on slices of the batch; sums over the workers make of their slices one batch and of
 * their gradients one gradient.
 *
 * Shapes: n samples of this slice; P trainable parameters; S sums of the losses. */
#include "session/batch.h"

#include <math.h>

#include "base/clock.h"
#include "base/rng.h"
#include "device/worker_group.h"
#include "device/worker_sum.h"
#include "ode/ode.h"
#include "odeon/device_move.h"
#include "session/load.h"
#include "session/loss.h"
#include "session/made.h"
#include "session/optimizer.h"
#include "session/readings.h"
#include "session/slice.h"

/* What one batch works with on this worker, all of it on the device. */
typedef struct pass {
    odeon_layer_call call;
    const net_plan *plan;
    int64_t first, n;              /* the slice: samples first .. first + n - 1 of the batch */
    odeon_tensor output, d_output; /* [n, out] */
    odeon_tensor d_x;              /* [n, in]; data NULL: not wanted */
    odeon_tensor sums;             /* [S] */
    odeon_tensor grads;            /* [P] */
    char *frame;                   /* what the forward pass keeps for the backward; or NULL */
} pass;

/* ---- the verbs ---- */

static odeon_status forward(worker *w, const pass *p)
{
    const odeon_view *x = &w->fields.of[ODEON_ROLE_INPUT].view;
    odeon_layer_call call = p->call;
    ODEON_TRY(made_begin(w, p->n, &call));
    ODEON_TRY(net_forward(p->plan, &call, odeon_read(x), odeon_write(&p->output), p->frame));
    w->n_output = p->n;
    return ODEON_OK;
}

/* Layers add to their gradients, so these start at 0. */
static odeon_status backward(worker *w, const pass *p)
{
    ODEON_TRY(ODEON_DO(w->model->device, move, fill, w->site.lane.queue, .y = &p->grads,
                       .value = odeon_imm(0.0)));
    void *d_x = p->d_x.view.data != NULL ? odeon_write(&p->d_x) : NULL;
    odeon_layer_call call = p->call;
    ODEON_TRY(made_begin_backward(w, &call));
    ODEON_TRY(net_vjp(p->plan, &call, p->frame, odeon_read(&p->d_output.view), d_x, NULL));
    return net_finish(w->net, &p->call);
}

/* By one collective. */
static odeon_status sum_over_workers(worker *w, const pass *p, bool trains)
{
    const odeon_tensor *all[] = {&p->sums, &p->grads};
    return worker_sum_all(&w->group, w->site.lane.queue, trains ? 2 : 1, all, ODEON_OK);
}

/* Training stops before a gradient that is not finite reaches the parameters; a caller that only
 * asks for the gradient gets it as it is. */
static odeon_status judge_gradient(worker *w, batch *b)
{
    double norm = readings_gradient_norm(w);
    w->has_gradient = true;
    if (w->rank == 0) {
        b->grad_norm = norm;
    }
    if (b->mode == BATCH_DIFFERENTIATE || isfinite(norm)) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_NUMERIC, "the gradient's norm is %g (epoch %lld, step %lld): %s",
                     norm, (long long)b->epoch, (long long)b->step,
                     b->step > 1 ? "a smaller learning rate or train.clip_norm may help"
                                 : "smaller initial weights, or data nearer to 1, may help");
}

/* The gradients of the parts of a step, each weighed by its share of the samples; the last part
 * finds the whole gradient in grads. */
static odeon_status accumulate(const worker *w, const batch *b, const pass *p)
{
    const model *m = w->model;
    odeon_tensor sum = model_flat(m, w->accumulated.data, 0, m->params.trainable);
    const odeon_view *x[1] = {&p->grads.view};
    const odeon_scalar share[1] = {odeon_imm(b->share)};
    bool last = b->part + 1 == b->parts;
    return ODEON_DO(m->device, solver, lincomb, w->site.lane.queue, .y = last ? &p->grads : &sum,
                    .base = b->part > 0 ? &sum.view : NULL, .n = 1, .x = x, .coefficient = share);
}

/* What is done with the gradient of the whole batch before it is judged. */
static odeon_status finish_gradient(const worker *w, const batch *b, const pass *p)
{
    ODEON_TRY(b->parts > 1 ? accumulate(w, b, p) : ODEON_OK);
    bool updates = b->mode == BATCH_TRAIN || b->mode == BATCH_SEARCH;
    ODEON_TRY(updates ? optimizer_freeze(w) : ODEON_OK);
    return readings_square_gradient(w);
}

/* Every worker updates some of the parameters. Only when all have done so may any layer prepare for
 * the new ones. */
static odeon_status update(worker *w, const batch *b)
{
    const odeon_group *group = &w->group.abi;
    odeon_layer_call call = worker_call(w, ODEON_CALL_TRAIN);
    ODEON_TRY(optimizer_clip(w, readings_gradient_norm(w)));
    w->is_updating = true;
    ODEON_TRY(optimizer_update(w, b));
    ODEON_TRY(group->agree(group->self, ODEON_OK));
    return net_prepare(w->net, &call);
}

static odeon_status give_prediction(worker *w, const batch *b, const pass *p)
{
    ODEON_TRY(worker_give_back(w, &p->output, p->first, b->output));
    ODEON_TRY(worker_give_back(w, &w->fields.of[ODEON_ROLE_LABEL], p->first, b->labels_out));
    return readings_read_measures(w);
}

static odeon_status give_gradient(worker *w, const batch *b, const pass *p)
{
    ODEON_TRY(worker_give_back(w, &p->output, p->first, b->output));
    return b->d_x != NULL ? worker_give_back(w, &p->d_x, p->first, b->d_x) : ODEON_OK;
}

/* ---- the step ---- */

/* What has passed since *at, which becomes now. */
static void lap(const worker *w, double *at, double *seconds)
{
    if (w->rank == 0) {
        double now = clock_seconds();
        *seconds = now - *at;
        *at = now;
    }
}

/* A training step from samples to new parameters; the other modes leave out what they do not need.
 * Up to readings_read everything is only launched. There the host waits, once, for all numbers that
 * it has to judge, and no parameter changes before they are found good. */
static odeon_status step(worker *w, batch *b, const pass *p)
{
    bool trains = batch_trains(b->mode);
    double at = clock_seconds();

    /* forward: indices -> x [n, in], label [n, ...] -> output [n, out] */
    ODEON_TRY(load_slice(w, b, &p->call, p->first, p->n));
    w->n_loaded = p->n;
    lap(w, &at, &b->seconds.data);
    ODEON_TRY(forward(w, p));
    lap(w, &at, &b->seconds.forward);
    if (b->mode == BATCH_PREDICT) {
        return give_prediction(w, b, p);
    }

    /* loss: output [n, out], label [n, ...] -> sums [S], d_output [n, out] */
    ODEON_TRY(losses_eval(w, &p->output, trains ? &p->d_output : NULL));

    /* backward: d_output [n, out] -> grads [P], d_x [n, in] */
    ODEON_TRY(trains ? backward(w, p) : ODEON_OK);
    lap(w, &at, &b->seconds.backward);

    /* over all workers: sums [S], grads [P], |grads|^2 [1] of the whole batch */
    ODEON_TRY(sum_over_workers(w, p, trains));
    ODEON_TRY(trains ? finish_gradient(w, b, p) : ODEON_OK);

    /* judge: is what came out finite? */
    ODEON_TRY(readings_read(w));
    ODEON_TRY(losses_judge(w, b));
    ODEON_TRY(trains ? judge_gradient(w, b) : ODEON_OK);

    /* update: grads [P] -> values [P], moments [P] each */
    bool updates = b->mode == BATCH_TRAIN && b->part + 1 >= b->parts;
    ODEON_TRY(updates ? update(w, b) : ODEON_OK);
    lap(w, &at, &b->seconds.update);
    return b->mode == BATCH_DIFFERENTIATE ? give_gradient(w, b, p) : ODEON_OK;
}

/* ---- around it ---- */

static odeon_status keep_states(const worker *w, const device_buffer *where)
{
    const model *m = w->model;
    odeon_tensor now = model_flat(m, w->states.data, 0, m->params.state);
    odeon_tensor kept = model_flat(m, where->data, 0, m->params.state);
    return ODEON_DO(m->device, move, copy, w->site.lane.queue, .x = &now.view, .y = &kept);
}

/* Snapshots running state and clears what earlier batches left to ask for, so that a batch that
 * fails can be undone and explained (failure.h). */
static odeon_status begin(worker *w, const batch *b)
{
    const model *m = w->model;
    w->n_loaded = w->n_output = -1;
    w->has_gradient = w->is_updating = false;
    for (size_t i = 0; i < w->site.n_odes; i++) {
        ode_forget(w->site.odes[i]);
    }
    if (!batch_trains(b->mode) || m->params.state == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(m->config->accumulate > 1 ? keep_states(w, &w->states_part) : ODEON_OK);
    return b->part > 0 ? ODEON_OK : keep_states(w, &w->states_before);
}

/* Makes room for the slice's arrays; from the second batch of a size on there is room. */
static odeon_status fit_arrays(worker *w, const batch *b, pass *p)
{
    const model *m = w->model;
    int64_t width = odeon_dtype_bytes(m->config->dtype);
    int64_t out_bytes = odeon_count(&p->plan->out) * width + 64;
    ODEON_TRY(buffer_fit(m->device, &w->output, out_bytes));
    ODEON_TRY(buffer_fit(m->device, &w->d_output, out_bytes));
    ODEON_TRY(buffer_fit(m->device, &w->d_input, odeon_count(&p->plan->in) * width + 64));
    ODEON_TRY(buffer_fit(m->device, &w->frame, p->plan->frame_bytes));
    p->output = odeon_tensor_at(w->output.data, p->plan->out);
    p->d_output = odeon_tensor_at(w->d_output.data, p->plan->out);
    p->d_x = odeon_tensor_at(b->d_x != NULL ? w->d_input.data : NULL, p->plan->in);
    p->frame = batch_trains(b->mode) ? w->frame.data : NULL;
    p->grads = model_flat(m, w->grads.data, 0, m->params.trainable);
    p->sums = readings_sums(w);
    return ODEON_OK;
}

/* The random numbers of a batch follow from the run's seed and the step alone, so that a step
 * that is repeated, on any number of workers, draws the same. */
static odeon_status prepare(worker *w, const batch *b, pass *p)
{
    uint32_t flags = batch_trains(b->mode) ? ODEON_CALL_TRAIN | ODEON_CALL_UPDATE_STATE : 0;
    *p = (pass){.call = worker_call(w, flags)};
    p->first = worker_slice(w, b->n, &p->n);
    p->call.rng_key =
        rng_key(w->model->config->seed, "batch", (uint64_t)b->epoch, (uint64_t)b->step);
    p->call.first_sample = b->offset + p->first;
    p->call.n_global = b->n;
    ODEON_TRY(net_plan_for(w->net, p->n, flags, &p->plan));
    return fit_arrays(w, b, p);
}

static odeon_status run(worker *w, batch *b)
{
    pass p;
    ODEON_TRY(begin(w, b));
    ODEON_TRY(prepare(w, b, &p));
    return step(w, b, &p);
}

/* A worker that fails leaves the step early, while others wait for it in a collective. So every
 * batch ends in one collective more, to which a failed worker brings its status: it is the answer
 * that the others' collective gives, wherever they are. If one has been given already (delivered),
 * everybody is on the way out; it then is the batch's failure even if a plugin kept it to itself.
 */
odeon_status batch_run(worker *w, batch *b)
{
    worker_group_resolve(&w->group);
    odeon_status status = run(w, b);
    if (w->group.delivered == ODEON_OK) {
        status = w->group.abi.agree(&w->group, status);
    }
    if (status == ODEON_OK) {
        status = w->group.delivered;
    }
    load_end(w, status);
    return status;
}
