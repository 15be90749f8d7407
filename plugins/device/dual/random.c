/* With the same key the same is drawn, so that these are linear. */
#include "dual.h"
#include "odeon/device_random.h"

static odeon_status dropout(odeon_queue *queue, const odeon_dropout *call)
{
    RULE(queue, dropout, call);
    odeon_dropout dot = *call;
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    dot.x = &x;
    dot.y = &y;
    ODEON_TRY(VALUE(q, random, dropout, call));
    return VALUE(q, random, dropout, &dot);
}

static odeon_status window2d(odeon_queue *queue, const odeon_window2d *call)
{
    RULE(queue, window2d, call);
    odeon_window2d dot = *call;
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    dot.x = &x;
    dot.y = &y;
    ODEON_TRY(VALUE(q, random, window2d, call));
    return VALUE(q, random, window2d, &dot);
}

static odeon_status window2d_vjp(odeon_queue *queue, const odeon_window2d_vjp *call)
{
    RULE(queue, window2d_vjp, call);
    odeon_window2d_vjp dot = *call;
    odeon_view dy = twin(q, call->dy);
    odeon_tensor dx = twin_of(q, call->dx);
    dot.dy = &dy;
    dot.dx = &dx;
    ODEON_TRY(VALUE(q, random, window2d_vjp, call));
    return VALUE(q, random, window2d_vjp, &dot);
}

/* y' = 0 */
static odeon_status noise(odeon_queue *queue, const odeon_noise *call)
{
    RULE(queue, noise, call);
    odeon_tensor y = twin_of(q, call->y);
    if (!ODEON_HAS(q->on->random, odeon_random_family, noise)) {
        return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                          "device dual: its base, %s, draws no noise", q->on->id);
    }
    ODEON_TRY(VALUE(q, random, noise, call));
    return dual_zero(q, &y);
}

const odeon_random_family dual_random = {
    .struct_size = sizeof(odeon_random_family),
    .dropout = dropout,
    .window2d = window2d,
    .window2d_vjp = window2d_vjp,
    .noise = noise,
};
