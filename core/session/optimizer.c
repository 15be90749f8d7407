/* The update is divided among the workers: each steps its share of the flat vector of parameters,
 * with the gradient of the whole batch. So the parameters exist once, no two workers
 * write the same element, and the result does not depend on how many workers there are, beyond the
 * order of the sums. */
#include "session/optimizer.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "session/factors.h"

/* Only where there is an optimizer: sessions that learn nothing have none, and do not come here. */
static const odeon_optimizer_ops *ops_of(const worker *w)
{
    return w->optimizer->component->ops;
}

/* A failure inside the plugin, such as a crash, is laid at its door by the calls around it
 * (calling.h). */
const char *optimizer_moment_name(const worker *w, int32_t moment)
{
    if (moment == w->model->n_own) { /* the host's, behind the optimizer's own */
        return "ema";
    }
    calling outer = calling_begin(w->optimizer, "moment_name");
    const char *name = ops_of(w)->moment_name(w->optimizer->self, moment);
    calling_leave(outer);
    return name;
}

/* Before any schedule: the run multiplies it by the schedule's factor where it shows it. */
double optimizer_learning_rate(const worker *w)
{
    calling outer = calling_begin(w->optimizer, "learning_rate");
    double rate = ops_of(w)->learning_rate(w->optimizer->self);
    calling_leave(outer);
    return rate;
}

/* A checkpoint tells moments apart by their names. */
static odeon_status check_moments(const worker *w, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const char *name = optimizer_moment_name(w, i);
        bool sound = name != NULL && name[0] != '\0';
        for (int32_t k = 0; k < i && sound; k++) {
            sound = strcmp(name, optimizer_moment_name(w, k)) != 0;
        }
        if (!sound) {
            return diag_fail(ODEON_ERR_PLUGIN, "optimizer %s: moment %d has no name of its own",
                             w->optimizer->component->id, (int)i);
        }
    }
    return ODEON_OK;
}

/* Counts the moments of the phase that w's optimizer is of. */
static odeon_status count_moments(worker *w)
{
    model *m = w->model;
    calling outer = calling_begin(w->optimizer, "moment_count");
    m->n_own = ops_of(w)->moment_count(w->optimizer->self);
    calling_leave(outer);
    m->n_moments = m->n_own + (m->config->ema > 0.0 ? 1 : 0);
    if (m->n_own < 0 || m->n_own > ODEON_MAX_MOMENTS) {
        return diag_fail(ODEON_ERR_PLUGIN, "train.optimizer: answers with a count out of range");
    }
    return check_moments(w, m->n_moments);
}

static odeon_status check_slots(const worker *w)
{
    return optimizer_searches(w) || ops_of(w)->update != NULL
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN, "train.optimizer: %s has neither update nor minimize",
                           w->optimizer->component->id);
}

/* Every worker has an instance a phase, of the same options, since an instance is used by one
 * thread. The last phase comes first, so that what is counted is in the end of the first. */
odeon_status optimizer_make(worker *w)
{
    const config *c = w->model->config;
    for (size_t i = c->n_phases + 1; i-- > 0;) {
        char path[128] = "train.optimizer";
        if (i > 0) {
            (void)snprintf(path, sizeof path, "train.%.100s.optimizer", c->phases[i - 1].name);
        }
        ODEON_TRY(instance_create(i > 0 ? c->phases[i - 1].optimizer : c->optimizer, path,
                                  &w->optimizers[i]));
        w->optimizer = w->optimizers[i];
        ODEON_TRY(check_slots(w));
        ODEON_TRY(count_moments(w));
    }
    return ODEON_OK;
}

odeon_status optimizer_choose(worker *w, size_t phase)
{
    w->optimizer = w->optimizers[phase];
    return count_moments(w);
}

bool optimizer_searches(const worker *w)
{
    return ODEON_HAS(ops_of(w), odeon_optimizer_ops, minimize);
}

/* The norm is that of the whole batch's gradient, so all workers scale by the same factor. */
odeon_status optimizer_clip(worker *w, double norm)
{
    const model *m = w->model;
    double limit = m->config->clip_norm;
    if (!(limit > 0.0) || norm <= limit) {
        return ODEON_OK;
    }
    odeon_tensor grads = model_flat(m, w->grads.data, 0, m->params.trainable);
    const odeon_view *x[1] = {&grads.view};
    odeon_scalar factor[1] = {odeon_imm(limit / norm)};
    return ODEON_DO(m->device, solver, lincomb, w->site.lane.queue, .y = &grads, .n = 1, .x = x,
                    .coefficient = factor);
}

/* ema = decay ema + (1 - decay) value, after an update. */
static odeon_status average(const worker *w, const odeon_tensor *value, const odeon_tensor *ema)
{
    const model *m = w->model;
    const odeon_view *x[2] = {&ema->view, &value->view};
    const odeon_scalar decay[2] = {odeon_imm(m->config->ema), odeon_imm(1.0 - m->config->ema)};
    return ODEON_DO(m->device, solver, lincomb, w->site.lane.queue, .y = ema, .n = 2, .x = x,
                    .coefficient = decay);
}

/* Elements offset .. offset + count - 1 of the flat vectors. */
static odeon_status call_update(worker *w, const batch *b, int32_t role, double factor,
                                int64_t offset, int64_t count)
{
    const model *m = w->model;
    odeon_tensor value = model_flat(m, m->values.data, offset, count);
    odeon_tensor grad = model_flat(m, w->grads.data, offset, count);
    odeon_tensor moments[ODEON_MAX_MOMENTS];
    for (int32_t i = 0; i < m->n_own; i++) {
        moments[i] = model_flat(m, m->moments[i].data, offset, count);
    }
    odeon_update update = {.struct_size = sizeof update,
                           .role = role,
                           .queue = w->site.lane.queue,
                           .device = m->device,
                           .step = b->step - m->steps_before,
                           .lr_factor = b->lr_factor * factor,
                           .param = &value,
                           .grad = &grad,
                           .moment = moments};
    calling outer = calling_begin(w->optimizer, "update");
    return calling_end(outer, ops_of(w)->update(w->optimizer->self, &update));
}

/* Frozen ones (factor below 0) stay, to the bit, and so does their mean. */
static odeon_status update_elements(worker *w, const batch *b, int32_t role, double factor,
                                    int64_t offset, int64_t count)
{
    const model *m = w->model;
    bool averages = m->n_moments > m->n_own, moves = factor >= 0.0;
    odeon_tensor value = model_flat(m, m->values.data, offset, count), ema = value;
    if (averages) {
        ema = model_flat(m, m->moments[m->n_own].data, offset, count);
    }
    ODEON_TRY(moves ? call_update(w, b, role, factor, offset, count) : ODEON_OK);
    return averages && moves ? average(w, &value, &ema) : ODEON_OK;
}

/* Every element has one worker that updates it: shares are equal up to a cache line, of which no
 * two workers write the same. A share is cut where learning rates differ. */
static odeon_status update_share(worker *w, const batch *b)
{
    const model *m = w->model;
    int64_t line = 64 / odeon_dtype_bytes(m->config->dtype), lines = m->params.trainable / line;
    int64_t first = lines * w->rank / m->n_workers * line;
    int64_t end = lines * (w->rank + 1) / m->n_workers * line;
    factor_run run;
    for (size_t next = 0; factors_next(m, &next, &run);) {
        int64_t from = run.first > first ? run.first : first, to = run.end < end ? run.end : end;
        ODEON_TRY(from < to ? update_elements(w, b, ODEON_PARAM_WEIGHT, run.factor, from, to - from)
                            : ODEON_OK);
    }
    return ODEON_OK;
}

/* Where a parameter must not be cut in pieces: the worker on whose share it begins updates it. */
static odeon_status update_parameters(worker *w, const batch *b)
{
    const model *m = w->model;
    for (size_t i = 0; i < m->params.n; i++) {
        const param *p = &m->params.list[i];
        bool mine = p->role != ODEON_PARAM_STATE &&
                    p->offset * m->n_workers / m->params.trainable == w->rank;
        ODEON_TRY(mine ? update_elements(w, b, p->role, m->lr_factors[i], p->offset, p->count)
                       : ODEON_OK);
    }
    return ODEON_OK;
}

/* Of what has moved. */
odeon_status optimizer_average(const worker *w)
{
    const model *m = w->model;
    factor_run run;
    for (size_t next = 0; m->n_moments > m->n_own && factors_next(m, &next, &run);) {
        int64_t count = run.end - run.first;
        odeon_tensor value = model_flat(m, m->values.data, run.first, count);
        odeon_tensor ema = model_flat(m, m->moments[m->n_own].data, run.first, count);
        ODEON_TRY(run.factor >= 0.0 ? average(w, &value, &ema) : ODEON_OK);
    }
    return ODEON_OK;
}

odeon_status optimizer_freeze(const worker *w)
{
    const model *m = w->model;
    factor_run run;
    for (size_t next = 0; factors_next(m, &next, &run);) {
        if (run.factor < 0.0) {
            odeon_tensor grads = model_flat(m, w->grads.data, run.first, run.end - run.first);
            ODEON_TRY(ODEON_DO(m->device, move, fill, w->site.lane.queue, .y = &grads,
                               .value = odeon_imm(0.0)));
        }
    }
    return ODEON_OK;
}

odeon_status optimizer_update(worker *w, const batch *b)
{
    bool as_one = (ops_of(w)->flags & ODEON_OPTIMIZER_ELEMENTWISE) != 0;
    ODEON_TRY(as_one ? update_share(w, b) : update_parameters(w, b));
    /* Only another worker's queue could read the values before this one has written them. */
    return w->model->n_workers > 1 ? w->model->device->ops->wait(w->site.lane.queue) : ODEON_OK;
}
