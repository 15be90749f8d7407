/* Convolutions as one matrix product per image: the windows of the image are unrolled into scratch
 * as the columns of a matrix (im2col). A 1x1 kernel with stride 1 needs no unrolling, as the image
 * is that matrix already. Image by image, the matrix stays in the cache and even thin products run
 * at full speed. */
#include <string.h>

#include "cpu.h"

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
static convolution describe(const odeon_conv2d *g, const odeon_tensor *x, const odeon_tensor *w)
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
static int32_t shapes_fit(const convolution *c, const odeon_tensor *x, const odeon_tensor *w,
                          const odeon_tensor *y)
{
    return x->ndim == 4 && w->ndim == 4 && y->ndim == 4 && x->dtype == w->dtype &&
           x->dtype == y->dtype && w->dim[1] == x->dim[1] && y->dim[0] == x->dim[0] &&
           y->dim[1] == c->filters && y->dim[2] == c->windows.out_h &&
           y->dim[3] == c->windows.out_w;
}

static odeon_status begin(odeon_queue *queue, const char *name, const convolution *c,
                          const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *y,
                          const void *scratch, const cpu_kernels **k)
{
    ODEON_TRY(cpu_begin(queue, name, x->dtype, k));
    ODEON_TRY(
        cpu_require(queue, shapes_fit(c, x, w, y), name, "x[B,C,H,W], w[K,C,R,S], y[B,K,P,Q]"));
    int32_t idle = c->direct || c->batch * c->depth * c->outputs == 0;
    return cpu_require(queue, idle || scratch != NULL, name,
                       "the scratch that conv2d_scratch asks");
}

/* Address of image b in a tensor with the given number of elements per image. */
static void *image(const odeon_tensor *x, int64_t b, int64_t elements)
{
    return (char *)x->data + b * elements * odeon_dtype_bytes(x->dtype);
}

/* Room for the columns of one image. */
uint64_t cpu_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                            const odeon_tensor *w)
{
    (void)device;
    convolution c = describe(geometry, x, w);
    return c.direct ? 0 : (uint64_t)(c.depth * c.outputs * odeon_dtype_bytes(x->dtype));
}

/* Applies the epilogue to one image y [K, P*Q], while it is in the cache. */
static void finish(const cpu_kernels *k, const odeon_epilogue *epilogue, const convolution *c,
                   void *y)
{
    if (epilogue->bias != NULL) {
        k->bias_rows(epilogue->act, c->filters, c->outputs, epilogue->bias->data, y);
    } else if (epilogue->act != ODEON_UNARY_IDENTITY) {
        k->unary(epilogue->act, c->filters * c->outputs, y, y);
    }
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]; per image y = w columns. */
odeon_status cpu_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                        const odeon_tensor *w, const odeon_epilogue *epilogue,
                        const odeon_tensor *y, void *scratch)
{
    const cpu_kernels *k;
    convolution c = describe(geometry, x, w);
    ODEON_TRY(begin(queue, "conv2d", &c, x, w, y, scratch, &k));
    const cpu_product product = {0, 0, c.filters, c.outputs, c.depth, 1.0, 0.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && c.filters * c.outputs > 0; b++) {
        const void *columns = c.direct ? image(x, b, image_size) : scratch;
        void *out = image(y, b, c.filters * c.outputs);
        if (!c.direct) {
            k->im2col(&c.windows, image(x, b, image_size), scratch);
        }
        cpu_multiply(queue, k, x->dtype, &product, w->data, columns, out);
        if (epilogue != NULL) {
            finish(k, epilogue, &c, out);
        }
    }
    return ODEON_OK;
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]; per image columns = w^T dy, then added up where
 * windows overlap. */
odeon_status cpu_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *w, const odeon_tensor *dy, const odeon_tensor *dx,
                              void *scratch)
{
    const cpu_kernels *k;
    convolution c = describe(geometry, dx, w);
    ODEON_TRY(begin(queue, "conv2d_vjp_x", &c, dx, w, dy, scratch, &k));
    const cpu_product product = {1, 0, c.depth, c.outputs, c.filters, 1.0, 0.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && image_size > 0; b++) {
        void *out = image(dx, b, image_size);
        void *columns = c.direct ? out : scratch;
        cpu_multiply(queue, k, dx->dtype, &product, w->data, image(dy, b, c.filters * c.outputs),
                     columns);
        if (!c.direct) {
            memset(out, 0, (size_t)(image_size * odeon_dtype_bytes(dx->dtype)));
            k->col2im(&c.windows, scratch, out);
        }
    }
    return ODEON_OK;
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds dy columns^T to dw [K,C,R,S], image by image in a fixed order. */
odeon_status cpu_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                              const odeon_tensor *x, const odeon_tensor *dy, const odeon_tensor *dw,
                              void *scratch)
{
    const cpu_kernels *k;
    convolution c = describe(geometry, x, dw);
    ODEON_TRY(begin(queue, "conv2d_vjp_w", &c, x, dw, dy, scratch, &k));
    const cpu_product product = {0, 1, c.filters, c.depth, c.outputs, 1.0, 1.0};
    int64_t image_size = c.windows.channels * c.windows.height * c.windows.width;
    for (int64_t b = 0; b < c.batch && c.outputs > 0; b++) {
        const void *columns = c.direct ? image(x, b, image_size) : scratch;
        if (!c.direct) {
            k->im2col(&c.windows, image(x, b, image_size), scratch);
        }
        cpu_multiply(queue, k, x->dtype, &product, image(dy, b, c.filters * c.outputs), columns,
                     dw->data);
    }
    return ODEON_OK;
}
