#include <string.h>

#include "cpu.h"

/* x, y: any shape of one dtype and count. */
odeon_status cpu_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                         const odeon_tensor *x, const odeon_tensor *y)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "dropout", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, p >= 0.0 && p < 1.0 && cpu_alike(x, y), "dropout",
                          "x, y of one dtype and count with 0 <= p < 1"));
    k->dropout(odeon_count(x), key, (uint64_t)first, p, x->data, y->data);
    return ODEON_OK;
}

/* image [B,C,H,W], part [B,C,P,Q]; 0 if part is larger than the padded image. */
static int32_t as_crop(const odeon_window2d *g, const odeon_tensor *image, const odeon_tensor *part,
                       uint64_t key, int64_t first_sample, cpu_crop *out)
{
    if (image->ndim != 4 || part->ndim != 4 || image->dtype != part->dtype) {
        return 0;
    }
    *out = (cpu_crop){.batch = image->dim[0],
                      .channels = image->dim[1],
                      .height = image->dim[2],
                      .width = image->dim[3],
                      .rows = part->dim[2],
                      .cols = part->dim[3],
                      .geometry = g,
                      .key = key,
                      .first_sample = (uint64_t)first_sample};
    int64_t room = 2 * (int64_t)g->padding;
    return part->dim[0] == out->batch && part->dim[1] == out->channels &&
           out->rows <= out->height + room && out->cols <= out->width + room;
}

/* x [B,C,H,W] -> y [B,C,P,Q]. The kernel writes only the overlap, so y is zeroed first. */
odeon_status cpu_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                          int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y)
{
    const cpu_kernels *k;
    cpu_crop c;
    ODEON_TRY(cpu_begin(queue, "window2d", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, as_crop(geometry, x, y, key, first_sample, &c), "window2d",
                          "x[B,C,H,W], y[B,C,P,Q] no larger than x with its padding"));
    if (odeon_count(y) > 0) {
        memset(y->data, 0, (size_t)(odeon_count(y) * odeon_dtype_bytes(y->dtype)));
        k->crop(&c, x->data, y->data);
    }
    return ODEON_OK;
}

/* dy [B,C,P,Q] -> dx [B,C,H,W], zeroed first for the same reason. */
odeon_status cpu_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                              int64_t first_sample, const odeon_tensor *dy, const odeon_tensor *dx)
{
    const cpu_kernels *k;
    cpu_crop c;
    ODEON_TRY(cpu_begin(queue, "window2d_vjp", dx->dtype, &k));
    ODEON_TRY(cpu_require(queue, as_crop(geometry, dx, dy, key, first_sample, &c), "window2d_vjp",
                          "dx[B,C,H,W], dy[B,C,P,Q] no larger than dx with its padding"));
    if (odeon_count(dx) > 0) {
        memset(dx->data, 0, (size_t)(odeon_count(dx) * odeon_dtype_bytes(dx->dtype)));
        k->crop_vjp(&c, dy->data, dx->data);
    }
    return ODEON_OK;
}
