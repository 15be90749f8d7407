#include "session/phase.h"

#include "base/diag.h"
#include "plugin/calling.h"
#include "session/members.h"
#include "session/optimizer.h"

size_t session_phase(const session *s)
{
    return s->model.phase;
}

/* A method that searches needs the gradient of the loss, and nothing else. */
static odeon_status check_search(const worker *w, const char *id)
{
    const model *m = w->model;
    if (m->config->clip_norm > 0.0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "train.clip_norm: %s searches by loss and gradient, which must belong "
                         "together: leave clip_norm out",
                         id);
    }
    for (size_t i = 0; i < m->params.n; i++) {
        if (m->lr_factors[i] >= 0.0 && m->lr_factors[i] != 1.0) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "lr_factor = %g of %s: %s moves all parameters along one direction: "
                             "leave lr_factor out, or freeze the section",
                             m->lr_factors[i], m->params.list[i].path, id);
        }
    }
    return ODEON_OK;
}

odeon_status phases_check(const worker *w)
{
    for (size_t i = 0; i < MODEL_MAX_PHASES && w->optimizers[i] != NULL; i++) {
        const odeon_component *c = w->optimizers[i]->component;
        const odeon_optimizer_ops *ops = c->ops;
        ODEON_TRY(ODEON_HAS(ops, odeon_optimizer_ops, minimize) ? check_search(w, c->id)
                                                                : ODEON_OK);
    }
    return ODEON_OK;
}

const char *session_wants_whole(const session *s, size_t phase)
{
    const instance *x = s->workers[0].optimizers[phase];
    const odeon_optimizer_ops *ops = x != NULL ? x->component->ops : NULL;
    if (ops == NULL || !ODEON_HAS(ops, odeon_optimizer_ops, whole_batch)) {
        return NULL;
    }
    calling outer = calling_begin(x, "whole_batch");
    bool whole = ops->whole_batch(x->self) != 0;
    calling_leave(outer);
    return whole ? x->component->id : NULL;
}

/* The mean of the weights, which stands behind the optimizer's moments, goes on. */
static odeon_status exchange(session *s, size_t phase)
{
    model *m = &s->model;
    bool averages = m->n_moments > m->n_own;
    device_buffer mean = averages ? m->moments[m->n_own] : (device_buffer){0};
    m->moments[m->n_own] = averages ? (device_buffer){0} : m->moments[m->n_own];
    for (int32_t i = 0; i < m->n_own; i++) {
        buffer_release(m->device, &m->moments[i]);
    }
    for (int32_t rank = s->n_workers - 1; rank >= 0; rank--) {
        ODEON_TRY(optimizer_choose(&s->workers[rank], phase));
    }
    m->phase = phase;
    m->schedule = m->schedules[phase];
    if (averages) {
        m->moments[m->n_own] = mean;
    }
    return ODEON_OK;
}

odeon_status session_enter_phase(session *s, size_t phase, int64_t steps_before)
{
    model *m = &s->model;
    odeon_queue *queue = s->workers[0].site.lane.queue;
    m->steps_before = steps_before;
    if (phase == m->phase) {
        return ODEON_OK;
    }
    ODEON_TRY(exchange(s, phase));
    for (int32_t i = 0; i < m->n_own; i++) {
        ODEON_TRY(model_fit_zero(m, queue, &m->moments[i], m->params.trainable));
    }
    return m->device->ops->wait(queue);
}
