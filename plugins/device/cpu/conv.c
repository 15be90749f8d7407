/* Convolutions as one matrix product per image: the windows of the image are unrolled into scratch
 * as the columns of a matrix (im2col). A 1x1 kernel with stride 1 needs no unrolling, as the image
 * is that matrix already. Image by image, the matrix stays in the cache and even thin products run
 * at full speed. */
#include <string.h>

#include "cpu.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"

/* w [filters, depth] times columns [depth, outputs] = y [filters, outputs] for each image. */
typedef struct convolution {
    cpu_windows windows;
    int64_t batch, filters;
    int64_t depth, outputs; /* C*R*S, P*Q */
    int32_t direct;         /* the image is the matrix of columns */
} convolution;

/* Number of outputs along one edge, 0 if the kernel does not fit. */
static int64_t outputs_along(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t span = size + 2 * padding - kernel;
    return span < 0 ? 0 : span / stride + 1;
}

/* Derives sizes from x [B,C,H,W] and w [K,C,R,S]. */
static convolution describe(const odeon_conv_geometry *g, const odeon_shape *x,
                            const odeon_shape *w)
{
    convolution c = {.windows = {.channels = x->dim[1],
                                 .height = x->dim[2],
                                 .width = x->dim[3],
                                 .kernel_h = w->dim[2],
                                 .kernel_w = w->dim[3],
                                 .stride_h = g->stride_h,
                                 .stride_w = g->stride_w,
                                 .pad_h = g->padding_h,
                                 .pad_w = g->padding_w},
                     .batch = x->dim[0],
                     .filters = w->dim[0]};
    cpu_windows *v = &c.windows;
    v->out_h = outputs_along(v->height, v->pad_h, v->kernel_h, v->stride_h);
    v->out_w = outputs_along(v->width, v->pad_w, v->kernel_w, v->stride_w);
    c.depth = v->channels * v->kernel_h * v->kernel_w;
    c.outputs = v->out_h * v->out_w;
    c.direct = v->kernel_h == 1 && v->kernel_w == 1 && v->stride_h == 1 && v->stride_w == 1 &&
               v->pad_h == 0 && v->pad_w == 0;
    return c;
}

/* x [B,C,H,W], w [K,C,R,S], y [B,K,P,Q] of one dtype. */
static int32_t shapes_fit(const convolution *c, const odeon_shape *x, const odeon_shape *w,
                          const odeon_shape *y)
{
    return x->ndim == 4 && w->ndim == 4 && y->ndim == 4 && x->dtype == w->dtype &&
           x->dtype == y->dtype && w->dim[1] == x->dim[1] && y->dim[0] == x->dim[0] &&
           y->dim[1] == c->filters && y->dim[2] == c->windows.out_h &&
           y->dim[3] == c->windows.out_w;
}

static odeon_status begin(odeon_queue *queue, const char *name, uint32_t flags,
                          const convolution *c, const odeon_shape *x, const odeon_shape *w,
                          const odeon_shape *y, const void *scratch, const cpu_kernels **k)
{
    ODEON_TRY(cpu_begin(queue, name, flags, x->dtype, k));
    ODEON_TRY(
        cpu_require(queue, shapes_fit(c, x, w, y), name, "x[B,C,H,W], w[K,C,R,S], y[B,K,P,Q]"));
    int32_t idle = c->direct || c->batch * c->depth * c->outputs == 0;
    return cpu_require(queue, idle || scratch != NULL, name,
                       "the scratch that conv2d_scratch asks");
}

/* Bytes from the first image to image b, each of so many elements. */
static int64_t image_at(const odeon_shape *x, int64_t b, int64_t elements)
{
    return b * elements * odeon_dtype_bytes(x->dtype);
}

static const void *image_read(const odeon_view *x, int64_t b, int64_t elements)
{
    return (const char *)odeon_read(x) + image_at(&x->shape, b, elements);
}

static void *image_write(const odeon_tensor *x, int64_t b, int64_t elements)
{
    return (char *)odeon_write(x) + image_at(&x->view.shape, b, elements);
}

/* Room for the columns of one image. */
static uint64_t cpu_conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                                   const odeon_shape *x, const odeon_shape *w)
{
    (void)device;
    convolution c = describe(geometry, x, w);
    return c.direct ? 0 : (uint64_t)(c.depth * c.outputs * odeon_dtype_bytes(x->dtype));
}

/* Adds bias and applies act to one image y [K, P*Q], while it is in the cache. */
static void finish(const cpu_kernels *k, const odeon_conv2d *call, const convolution *c, void *y)
{
    if (call->bias != NULL) {
        k->bias_rows(call->act, c->filters, c->outputs, odeon_read(call->bias), y);
    } else if (call->act != ODEON_UNARY_IDENTITY) {
        k->unary(call->act, c->filters * c->outputs, y, y);
    }
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]; per image y = w columns. */
static odeon_status cpu_conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->x->shape, &call->w->shape);
    ODEON_TRY(begin(queue, "conv2d", call->flags, &c, &call->x->shape, &call->w->shape,
                    &call->y->view.shape, call->scratch, &k));
    const cpu_gemm_shape product = {0, 0, c.filters, c.outputs, c.depth, 1.0, 0.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && c.filters * c.outputs > 0; b++) {
        const void *columns = c.direct ? image_read(call->x, b, image_size) : call->scratch;
        void *out = image_write(call->y, b, c.filters * c.outputs);
        if (!c.direct) {
            k->im2col(&c.windows, image_read(call->x, b, image_size), call->scratch);
        }
        cpu_multiply(queue, k, call->x->shape.dtype, &product, odeon_read(call->w), columns, out);
        finish(k, call, &c, out);
    }
    return ODEON_OK;
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]; per image columns = w^T dy, then added up where
 * windows overlap. */
static odeon_status cpu_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->dx->view.shape, &call->w->shape);
    ODEON_TRY(begin(queue, "conv2d_vjp_x", call->flags, &c, &call->dx->view.shape, &call->w->shape,
                    &call->dy->shape, call->scratch, &k));
    const cpu_gemm_shape product = {1, 0, c.depth, c.outputs, c.filters, 1.0, 0.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && image_size > 0; b++) {
        void *out = image_write(call->dx, b, image_size);
        void *columns = c.direct ? out : call->scratch;
        cpu_multiply(queue, k, call->dx->view.shape.dtype, &product, odeon_read(call->w),
                     image_read(call->dy, b, c.filters * c.outputs), columns);
        if (!c.direct) {
            memset(out, 0, (size_t)(image_size * odeon_dtype_bytes(call->dx->view.shape.dtype)));
            k->col2im(&c.windows, call->scratch, out);
        }
    }
    return ODEON_OK;
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds dy columns^T to dw [K,C,R,S], image by image in a fixed order. */
static odeon_status cpu_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->x->shape, &call->dw->view.shape);
    ODEON_TRY(begin(queue, "conv2d_vjp_w", call->flags, &c, &call->x->shape, &call->dw->view.shape,
                    &call->dy->shape, call->scratch, &k));
    const cpu_gemm_shape product = {0, 1, c.filters, c.depth, c.outputs, 1.0, 1.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && c.outputs > 0; b++) {
        const void *columns = c.direct ? image_read(call->x, b, image_size) : call->scratch;
        if (!c.direct) {
            k->im2col(&c.windows, image_read(call->x, b, image_size), call->scratch);
        }
        cpu_multiply(queue, k, call->x->shape.dtype, &product,
                     image_read(call->dy, b, c.filters * c.outputs), columns,
                     odeon_write(call->dw));
    }
    return ODEON_OK;
}

const odeon_conv_family cpu_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = cpu_conv2d_scratch,
    .conv2d = cpu_conv2d,
    .conv2d_vjp_x = cpu_conv2d_vjp_x,
    .conv2d_vjp_w = cpu_conv2d_vjp_w,
};
