#include <string.h>

#include "cpu.h"

/* x [B,C,H,W], y [B,C,P,Q]; 0 if they do not fit. Channels are pooled apart, so batch and channels
 * become one dimension. */
static int32_t as_windows(const odeon_pool2d *p, const odeon_tensor *x, const odeon_tensor *y,
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
odeon_status cpu_pool2d(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *y)
{
    const cpu_kernels *k;
    cpu_windows g;
    ODEON_TRY(cpu_begin(queue, "pool2d", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, as_windows(geometry, x, y, &g), "pool2d",
                          "x[B,C,H,W], y[B,C,P,Q] of a known kind"));
    (geometry->kind == ODEON_POOL_AVG ? k->average : k->largest)(&g, x->data, y->data);
    return ODEON_OK;
}

/* x [B,C,H,W] (MAX only), dy [B,C,P,Q] -> dx [B,C,H,W]. The kernels add to dx, so it is zeroed
 * first. */
odeon_status cpu_pool2d_vjp(odeon_queue *queue, const odeon_pool2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *dy, const odeon_tensor *dx)
{
    const cpu_kernels *k;
    cpu_windows g;
    int32_t largest = geometry->kind == ODEON_POOL_MAX;
    ODEON_TRY(cpu_begin(queue, "pool2d_vjp", dx->dtype, &k));
    ODEON_TRY(cpu_require(
        queue, as_windows(geometry, dx, dy, &g) && (!largest || (x != NULL && cpu_alike(x, dx))),
        "pool2d_vjp", "x (MAX), dx[B,C,H,W], dy[B,C,P,Q] of a known kind"));
    if (odeon_count(dx) == 0) {
        return ODEON_OK;
    }
    memset(dx->data, 0, (size_t)(odeon_count(dx) * odeon_dtype_bytes(dx->dtype)));
    if (largest) {
        k->largest_vjp(&g, x->data, dy->data, dx->data);
    } else {
        k->average_vjp(&g, dy->data, dx->data);
    }
    return ODEON_OK;
}
