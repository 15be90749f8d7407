#include <string.h>

#include "cpu.h"
#include "odeon/device_random.h"
#include "odeon/kit/philox.h"

/* x, y: any shape of one dtype and count. */
static odeon_status cpu_dropout(odeon_queue *queue, const odeon_dropout *call)
{
    const cpu_kernels *k;
    ODEON_TRY(cpu_begin(queue, "dropout", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue, call->p >= 0.0 && call->p < 1.0 && cpu_alike(&call->x->shape, &call->y->view.shape),
        "dropout", "x, y of one dtype and count with 0 <= p < 1"));
    k->dropout(odeon_count(&call->x->shape), call->key, (uint64_t)call->first, call->p,
               odeon_read(call->x), odeon_write(call->y));
    return ODEON_OK;
}

/* y: any shape. Logarithms and cosines are the C library's: noise is drawn once a batch. */
static odeon_status cpu_noise(odeon_queue *queue, const odeon_noise *call)
{
    const cpu_kernels *k;
    uint32_t dtype = call->y->view.shape.dtype;
    int64_t n = odeon_count(&call->y->view.shape);
    ODEON_TRY(cpu_begin(queue, "noise", call->flags, dtype, &k));
    ODEON_TRY(cpu_require(queue, call->id >= 0 && call->id < ODEON_NOISE_COUNT, "noise",
                          "an id of ODEON_NOISE_*"));
    void *y = odeon_write(call->y);
    for (int64_t i = 0; i < n; i++) {
        odeon_kit_words words = odeon_kit_philox(call->key, (uint64_t)(call->first + i));
        double x = odeon_kit_noise(call->id, words);
        if (dtype == ODEON_DTYPE_F32) {
            ((float *)y)[i] = (float)x;
        } else {
            ((double *)y)[i] = x;
        }
    }
    return ODEON_OK;
}

/* image [B,C,H,W], part [B,C,P,Q]; 0 if part is larger than the padded image. */
static int32_t as_crop(const odeon_window_geometry *g, const odeon_shape *image,
                       const odeon_shape *part, uint64_t key, int64_t first_sample, cpu_crop *out)
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
static odeon_status cpu_window2d(odeon_queue *queue, const odeon_window2d *call)
{
    const cpu_kernels *k;
    cpu_crop c;
    ODEON_TRY(cpu_begin(queue, "window2d", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_crop(&call->geometry, &call->x->shape, &call->y->view.shape, call->key,
                                  call->first_sample, &c),
                          "window2d", "x[B,C,H,W], y[B,C,P,Q] no larger than x with its padding"));
    if (odeon_count(&call->y->view.shape) > 0) {
        memset(odeon_write(call->y), 0, (size_t)odeon_bytes(&call->y->view.shape));
        k->crop(&c, odeon_read(call->x), odeon_write(call->y));
    }
    return ODEON_OK;
}

/* dy [B,C,P,Q] -> dx [B,C,H,W], zeroed first for the same reason. */
static odeon_status cpu_window2d_vjp(odeon_queue *queue, const odeon_window2d_vjp *call)
{
    const cpu_kernels *k;
    cpu_crop c;
    ODEON_TRY(cpu_begin(queue, "window2d_vjp", call->flags, call->dx->view.shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_crop(&call->geometry, &call->dx->view.shape, &call->dy->shape,
                                  call->key, call->first_sample, &c),
                          "window2d_vjp",
                          "dx[B,C,H,W], dy[B,C,P,Q] no larger than dx with its padding"));
    if (odeon_count(&call->dx->view.shape) > 0) {
        memset(odeon_write(call->dx), 0, (size_t)odeon_bytes(&call->dx->view.shape));
        k->crop_vjp(&c, odeon_read(call->dy), odeon_write(call->dx));
    }
    return ODEON_OK;
}

const odeon_random_family cpu_random = {
    .struct_size = sizeof(odeon_random_family),
    .dropout = cpu_dropout,
    .window2d = cpu_window2d,
    .window2d_vjp = cpu_window2d_vjp,
    .noise = cpu_noise,
};
