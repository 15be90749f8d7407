#include "session/minimize.h"

#include <math.h>

#include "base/clock.h"
#include "base/diag.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "session/failure.h"
#include "session/members.h"
#include "session/optimizer.h"

typedef struct searching {
    session *session;
    const batch *whole;
    minimize_eval eval;
} searching;

/* What layers have derived from the parameters is old by now. A model that cannot be evaluated has
 * updated running state on the way, which is put back. */
static odeon_status evaluate(void *host, double *loss)
{
    const searching *x = host;
    session *s = x->session;
    const worker *first = &s->workers[0];
    batch again = *x->whole;
    session_result result = {.loss = (double)NAN};
    again.trial = true;
    ODEON_TRY(s->model.device->ops->wait(first->site.lane.queue));
    s->unprepared = true;
    odeon_status status = x->eval(s, &again, &result);
    *loss = result.loss;
    if (status != ODEON_ERR_NUMERIC) {
        return status;
    }
    diag_clear();
    *loss = (double)INFINITY;
    return session_undo_states(s);
}

/* Memory is asked for once. */
static odeon_status make_room(session *s, int32_t *n_work)
{
    model *m = &s->model;
    const instance *x = s->workers[0].optimizer;
    const odeon_optimizer_ops *ops = x->component->ops;
    *n_work = 0;
    if (ODEON_HAS(ops, odeon_optimizer_ops, work_count)) {
        calling outer = calling_begin(x, "work_count");
        *n_work = ops->work_count(x->self);
        calling_leave(outer);
    }
    if (*n_work < 0 || *n_work > ODEON_MAX_VECTORS) {
        return calling_blame(x, "work_count", "%d is out of range", (int)*n_work);
    }
    for (int32_t i = 0; i < *n_work; i++) {
        ODEON_TRY(
            model_fit_zero(m, s->workers[0].site.lane.queue, &m->work[i], m->params.trainable));
    }
    return buffer_fit(m->device, &m->slots, ODEON_SLOTS * (int64_t)sizeof(double));
}

static odeon_status call_minimize(worker *w, const odeon_minimize *call)
{
    const odeon_optimizer_ops *ops = w->optimizer->component->ops;
    calling outer = calling_begin(w->optimizer, "minimize");
    return calling_end(outer, ops->minimize(w->optimizer->self, call));
}

static odeon_status search(session *s, const batch *whole, minimize_eval eval, double loss)
{
    model *m = &s->model;
    worker *w = &s->workers[0];
    searching x = {.session = s, .whole = whole, .eval = eval};
    odeon_tensor moments[ODEON_MAX_MOMENTS], work[ODEON_MAX_VECTORS];
    int32_t n_work;
    ODEON_TRY(make_room(s, &n_work));
    int64_t n = m->params.trainable;
    odeon_tensor value = model_flat(m, m->values.data, 0, n);
    odeon_tensor grad = model_flat(m, w->grads.data, 0, n);
    for (int32_t i = 0; i < m->n_own; i++) {
        moments[i] = model_flat(m, m->moments[i].data, 0, n);
    }
    for (int32_t i = 0; i < n_work; i++) {
        work[i] = model_flat(m, m->work[i].data, 0, n);
    }
    const odeon_update update = {.struct_size = sizeof update,
                                 .role = ODEON_PARAM_WEIGHT,
                                 .queue = w->site.lane.queue,
                                 .device = m->device,
                                 .step = whole->step - m->steps_before,
                                 .lr_factor = whole->lr_factor,
                                 .param = &value,
                                 .grad = &grad,
                                 .moment = moments};
    const odeon_minimize call = {.struct_size = sizeof call,
                                 .update = &update,
                                 .loss = loss,
                                 .work = work,
                                 .slots = (double *)(void *)m->slots.data,
                                 .eval = evaluate,
                                 .host = &x};
    return call_minimize(w, &call);
}

odeon_status session_minimize(session *s, const batch *whole, minimize_eval eval,
                              session_result *at)
{
    worker *w = &s->workers[0];
    double began = clock_seconds();
    odeon_status status = search(s, whole, eval, at->loss);
    s->unprepared = true;
    ODEON_TRY(status);
    ODEON_TRY(optimizer_average(w));
    status = s->model.device->ops->wait(w->site.lane.queue);
    at->seconds.update += clock_seconds() - began;
    return status;
}
