#include <string.h>

#include "cpu.h"
#include "odeon/device_pool.h"

/* x [B,C,H,W], y [B,C,P,Q]; 0 if they do not fit. Channels are pooled apart, so batch and channels
 * become one dimension. */
static int32_t as_windows(const odeon_pool_geometry *p, const odeon_shape *x, const odeon_shape *y,
                          cpu_windows *out)
{
    if ((p->kind != ODEON_POOL_AVG && p->kind != ODEON_POOL_MAX) || x->ndim != 4 || y->ndim != 4 ||
        x->dtype != y->dtype) {
        return 0;
    }
    *out = (cpu_windows){.channels = x->dim[0] * x->dim[1], /* one image per channel */
                         .height = x->dim[2],
                         .width = x->dim[3],
                         .kernel_h = p->kernel_h,
                         .kernel_w = p->kernel_w,
                         .out_h = y->dim[2],
                         .out_w = y->dim[3],
                         .stride_h = p->stride_h,
                         .stride_w = p->stride_w,
                         .pad_h = p->padding_h,
                         .pad_w = p->padding_w};
    return y->dim[0] == x->dim[0] && y->dim[1] == x->dim[1];
}

/* x [B,C,H,W] -> y [B,C,P,Q]. */
static odeon_status cpu_pool2d(odeon_queue *queue, const odeon_pool2d *call)
{
    const cpu_kernels *k;
    cpu_windows g;
    ODEON_TRY(cpu_begin(queue, "pool2d", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_windows(&call->geometry, &call->x->shape, &call->y->view.shape, &g),
                          "pool2d", "x[B,C,H,W], y[B,C,P,Q] of a known kind"));
    (call->geometry.kind == ODEON_POOL_AVG ? k->average : k->largest)(&g, odeon_read(call->x),
                                                                      odeon_write(call->y));
    return ODEON_OK;
}

/* x [B,C,H,W] (MAX only), dy [B,C,P,Q] -> dx [B,C,H,W]. The kernels add to dx, so it is zeroed
 * first. */
static odeon_status cpu_pool2d_vjp(odeon_queue *queue, const odeon_pool2d_vjp *call)
{
    const cpu_kernels *k;
    cpu_windows g;
    int32_t largest = call->geometry.kind == ODEON_POOL_MAX;
    ODEON_TRY(cpu_begin(queue, "pool2d_vjp", call->flags, call->dx->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        as_windows(&call->geometry, &call->dx->view.shape, &call->dy->shape, &g) &&
            (!largest || (call->x != NULL && cpu_alike(&call->x->shape, &call->dx->view.shape))),
        "pool2d_vjp", "x (MAX), dx[B,C,H,W], dy[B,C,P,Q] of a known kind"));
    if (odeon_count(&call->dx->view.shape) == 0) {
        return ODEON_OK;
    }
    memset(odeon_write(call->dx), 0, (size_t)odeon_bytes(&call->dx->view.shape));
    if (largest) {
        k->largest_vjp(&g, odeon_read(call->x), odeon_read(call->dy), odeon_write(call->dx));
    } else {
        k->average_vjp(&g, odeon_read(call->dy), odeon_write(call->dx));
    }
    return ODEON_OK;
}

/* x, x_dot [B,C,H,W] -> y_dot [B,C,P,Q]; MAX only. */
static odeon_status cpu_pool2d_jvp(odeon_queue *queue, const odeon_pool2d_jvp *call)
{
    const cpu_kernels *k;
    cpu_windows g;
    ODEON_TRY(cpu_begin(queue, "pool2d_jvp", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(
        cpu_require(queue,
                    as_windows(&call->geometry, &call->x->shape, &call->y_dot->view.shape, &g) &&
                        call->geometry.kind == ODEON_POOL_MAX &&
                        cpu_alike(&call->x_dot->shape, &call->x->shape),
                    "pool2d_jvp", "x, x_dot[B,C,H,W], y_dot[B,C,P,Q], MAX"));
    k->largest_jvp(&g, odeon_read(call->x), odeon_read(call->x_dot), odeon_write(call->y_dot));
    return ODEON_OK;
}

const odeon_pool_family cpu_pool = {
    .struct_size = sizeof(odeon_pool_family),
    .pool2d = cpu_pool2d,
    .pool2d_vjp = cpu_pool2d_vjp,
    .pool2d_jvp = cpu_pool2d_jvp,
};
