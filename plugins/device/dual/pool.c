/* Pooling is linear, or a choice. */
#include "dual.h"
#include "odeon/abi.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"

/* No element is in two windows. */
static int32_t are_disjoint(const odeon_pool_geometry *g)
{
    return g->stride_h >= g->kernel_h && g->stride_w >= g->kernel_w;
}

/* y' is x' where the largest is: the vjp of ones marks these places, each once where windows share
 * nothing; the mean of the marked x' times the area is their sum. */
static odeon_status choose(dual_queue *q, const odeon_pool2d *call, const odeon_view *x_dot,
                           const odeon_tensor *y_dot)
{
    odeon_pool_geometry mean = call->geometry;
    odeon_tensor ones, marks;
    double area = (double)mean.kernel_h * mean.kernel_w;
    mean.kind = ODEON_POOL_AVG;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &y_dot->view.shape, &ones));
    ODEON_TRY(dual_temp(q, &call->x->shape, &marks));
    ODEON_TRY(ON(q, move, fill, .y = &ones, .value = odeon_imm(1.0)));
    ODEON_TRY(ON(q, pool, pool2d_vjp, .geometry = call->geometry, .x = call->x, .dy = &ones.view,
                 .dx = &marks));
    ODEON_TRY(dual_multiply(q, &marks.view, x_dot, &marks));
    ODEON_TRY(ON(q, pool, pool2d, .geometry = mean, .x = &marks.view, .y = &ones));
    return dual_scale(q, area, &ones.view, y_dot);
}

static odeon_status largest_tangent(dual_queue *q, const odeon_pool2d *call,
                                    const odeon_view *x_dot, const odeon_tensor *y_dot)
{
    if (q->device->optional && ODEON_HAS(q->on->pool, odeon_pool_family, pool2d_jvp)) {
        return ON(q, pool, pool2d_jvp, .geometry = call->geometry, .x = call->x, .x_dot = x_dot,
                  .y_dot = y_dot);
    }
    if (are_disjoint(&call->geometry)) {
        return choose(q, call, x_dot, y_dot);
    }
    return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                      "dual: pool2d: windows overlap, and device %s has no operator pool2d_jvp for "
                      "the derivative of their maxima: use a stride of at least the kernel, or "
                      "another device",
                      q->on->id);
}

static odeon_status pool2d(odeon_queue *queue, const odeon_pool2d *call)
{
    RULE(queue, pool2d, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y);
    ODEON_TRY(VALUE(q, pool, pool2d, call));
    return call->geometry.kind == ODEON_POOL_AVG
               ? ON(q, pool, pool2d, .geometry = call->geometry, .x = &x, .y = &y)
               : largest_tangent(q, call, &x, &y);
}

/* Which element is the largest does not change: linear in dy. */
static odeon_status pool2d_vjp(odeon_queue *queue, const odeon_pool2d_vjp *call)
{
    RULE(queue, pool2d_vjp, call);
    odeon_view dy = twin(q, call->dy);
    odeon_tensor dx = twin_of(q, call->dx);
    ODEON_TRY(
        ON(q, pool, pool2d_vjp, .geometry = call->geometry, .x = call->x, .dy = &dy, .dx = &dx));
    return VALUE(q, pool, pool2d_vjp, call);
}

/* Linear in x_dot, and nothing more: y_dot' is x_dot' where the largest is. */
static odeon_status pool2d_jvp(odeon_queue *queue, const odeon_pool2d_jvp *call)
{
    RULE(queue, pool2d_jvp, call);
    odeon_view x_dot = twin(q, call->x_dot);
    odeon_tensor y_dot = twin_of(q, call->y_dot);
    odeon_pool2d one = {.struct_size = sizeof one, .geometry = call->geometry, .x = call->x};
    ODEON_TRY(largest_tangent(q, &one, call->x_dot, call->y_dot));
    return largest_tangent(q, &one, &x_dot, &y_dot);
}

const odeon_pool_family dual_pool = {
    .struct_size = sizeof(odeon_pool_family),
    .pool2d = pool2d,
    .pool2d_vjp = pool2d_vjp,
    .pool2d_jvp = pool2d_jvp,
};
