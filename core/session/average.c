#include "session/average.h"

#include "odeon/device_move.h"
#include "session/members.h"

bool session_averages(const session *s)
{
    return s->model.n_moments > s->model.n_own;
}

static odeon_status copy(const worker *w, char *from, char *to)
{
    const model *m = w->model;
    odeon_tensor x = model_flat(m, from, 0, m->params.trainable);
    odeon_tensor y = model_flat(m, to, 0, m->params.trainable);
    return ODEON_DO(m->device, move, copy, w->site.lane.queue, .x = &x.view, .y = &y);
}

/* Not at the first update, which on_failure = skip may leave out. */
odeon_status session_begin_average(session *s)
{
    if (!session_averages(s)) {
        return ODEON_OK;
    }
    ODEON_TRY(copy(&s->workers[0], s->model.values.data, s->model.moments[s->model.n_own].data));
    return s->model.device->ops->wait(s->workers[0].site.lane.queue);
}

/* By way of the first worker's gradient, which nobody needs between two batches. */
odeon_status session_swap_average(session *s)
{
    const worker *w = &s->workers[0];
    char *values = s->model.values.data, *mean = s->model.moments[s->model.n_own].data;
    ODEON_TRY(copy(w, values, w->grads.data));
    ODEON_TRY(copy(w, mean, values));
    ODEON_TRY(copy(w, w->grads.data, mean));
    ODEON_TRY(s->model.device->ops->wait(w->site.lane.queue));
    s->unprepared = true; /* layers prepare for the weights that are there now */
    return ODEON_OK;
}
