/* Convolutions, directly (direct.h) where way.c has them so, else as one matrix product per image:
 * the windows of the image are unrolled into scratch as the columns of a matrix (im2col). A 1x1
 * kernel with stride 1 needs no unrolling, as the image is that matrix already. Image by image, the
 * matrix stays in the cache and even thin products run at full speed. */
#include <string.h>

#include "cpu.h"
#include "direct_run.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"
#include "way.h"

/* w [filters, depth] times columns [depth, outputs] = y [filters, outputs] for each image. */
typedef struct convolution {
    cpu_convolution shape;
    int64_t depth, outputs; /* C*R*S, P*Q */
    int32_t in_place;       /* the image is the matrix of columns */
    cpu_way way;
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
    convolution c = {.shape = {.windows = {.channels = x->dim[1],
                                           .height = x->dim[2],
                                           .width = x->dim[3],
                                           .kernel_h = w->dim[2],
                                           .kernel_w = w->dim[3],
                                           .stride_h = g->stride_h,
                                           .stride_w = g->stride_w,
                                           .pad_h = g->padding_h,
                                           .pad_w = g->padding_w},
                               .batch = x->dim[0],
                               .filters = w->dim[0]}};
    cpu_windows *v = &c.shape.windows;
    v->out_h = outputs_along(v->height, v->pad_h, v->kernel_h, v->stride_h);
    v->out_w = outputs_along(v->width, v->pad_w, v->kernel_w, v->stride_w);
    c.depth = v->channels * v->kernel_h * v->kernel_w;
    c.outputs = v->out_h * v->out_w;
    c.in_place = v->kernel_h == 1 && v->kernel_w == 1 && v->stride_h == 1 && v->stride_w == 1 &&
                 v->pad_h == 0 && v->pad_w == 0;
    return c;
}

/* x [B,C,H,W], w [K,C,R,S], y [B,K,P,Q] of one dtype. */
static int32_t shapes_fit(const convolution *c, const odeon_shape *x, const odeon_shape *w,
                          const odeon_shape *y)
{
    return x->ndim == 4 && w->ndim == 4 && y->ndim == 4 && x->dtype == w->dtype &&
           x->dtype == y->dtype && w->dim[1] == x->dim[1] && y->dim[0] == x->dim[0] &&
           y->dim[1] == c->shape.filters && y->dim[2] == c->shape.windows.out_h &&
           y->dim[3] == c->shape.windows.out_w;
}

/* What an unrolled image is multiplied by: y = w columns, columns = w^T dy, dw = dy columns^T. */
static cpu_gemm_shape product_of(cpu_conv_mode mode, const convolution *c)
{
    int64_t filters = c->shape.filters;
    switch (mode) {
    case CPU_CONV_FORWARD:
        return (cpu_gemm_shape){0, 0, filters, c->outputs, c->depth, 1.0, 0.0};
    case CPU_CONV_VJP_X:
        return (cpu_gemm_shape){1, 0, c->depth, c->outputs, filters, 1.0, 0.0};
    default:
        return (cpu_gemm_shape){0, 1, filters, c->depth, c->outputs, 1.0, 1.0};
    }
}

/* Tiles multiply unrolled images; with few channels or filters that costs more than it saves. */
static int32_t is_for_tiles(const cpu_device *d, cpu_conv_mode mode, const convolution *c,
                            uint32_t dtype)
{
    enum { FEWEST = 32 };
    const cpu_gemm_shape product = product_of(mode, c);
    return c->shape.filters >= FEWEST && c->shape.windows.channels >= FEWEST &&
           cpu_on_tiles(d, dtype, &product);
}

static const cpu_direct *direct_of(const cpu_device *d, uint32_t dtype)
{
    return dtype == ODEON_DTYPE_F32 ? d->f32->direct : d->f64->direct;
}

static cpu_way way_of(const cpu_device *d, cpu_conv_mode mode, const convolution *c, uint32_t dtype,
                      int32_t has_blas)
{
    cpu_multiplier by = is_for_tiles(d, mode, c, dtype) ? CPU_BY_TILES
                        : has_blas                      ? CPU_BY_BLAS
                                                        : CPU_BY_OWN;
    return cpu_way_choose(d->convolution, mode, &c->shape, direct_of(d, dtype), by);
}

static odeon_status begin(odeon_queue *queue, cpu_conv_mode mode, uint32_t flags, convolution *c,
                          const odeon_shape *x, const odeon_shape *w, const odeon_shape *y,
                          const void *scratch, const cpu_kernels **k)
{
    static const char *const names[] = {"conv2d", "conv2d_vjp_x", "conv2d_vjp_w"};
    const cpu_device *d = cpu_queue_of(queue)->device;
    ODEON_TRY(cpu_begin(queue, names[mode], flags, x->dtype, k));
    ODEON_TRY(cpu_require(queue, shapes_fit(c, x, w, y), names[mode],
                          "x[B,C,H,W], w[K,C,R,S], y[B,K,P,Q]"));
    c->way = way_of(d, mode, c, x->dtype, cpu_has_blas(d));
    int32_t idle =
        (c->in_place && c->way == CPU_WAY_UNROLL) || c->shape.batch * c->depth * c->outputs == 0;
    return cpu_require(queue, idle || scratch != NULL, names[mode],
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

/* ---- scratch ---- */

/* Bytes of scratch of one mode: the columns of one image, or what a direct way lays out. */
static int64_t bytes_of(const cpu_device *d, cpu_conv_mode mode, const convolution *c,
                        uint32_t dtype, int32_t has_blas)
{
    cpu_way way = way_of(d, mode, c, dtype, has_blas);
    return way != CPU_WAY_UNROLL
               ? direct_run_scratch(way, mode, &c->shape, direct_of(d, dtype), (int32_t)d->threads)
           : c->in_place ? 0
                         : c->depth * c->outputs * odeon_dtype_bytes(dtype);
}

/* The largest of the three modes, each by the way that it takes. OpenBLAS may be given up after a
 * network was planned, when a later worker finds no address space (cpu.c): what is taken without it
 * counts as well. */
static uint64_t cpu_conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                                   const odeon_shape *x, const odeon_shape *w)
{
    const cpu_device *d = device->handle;
    convolution c = describe(geometry, x, w);
    int64_t most = 0;
    for (int mode = CPU_CONV_FORWARD; mode <= CPU_CONV_VJP_W; mode++) {
        for (int32_t has_blas = 0; has_blas <= cpu_has_blas(d); has_blas++) {
            int64_t n = bytes_of(d, (cpu_conv_mode)mode, &c, x->dtype, has_blas);
            most = n > most ? n : most;
        }
    }
    return (uint64_t)most;
}

/* ---- forward ---- */

/* Adds bias and applies act to one image y [K, P*Q], while it is in the cache. */
static void finish(const cpu_kernels *k, const odeon_conv2d *call, const convolution *c, void *y)
{
    if (call->bias != NULL) {
        k->bias_rows(call->act, c->shape.filters, c->outputs, odeon_read(call->bias), y);
    } else if (call->act != ODEON_UNARY_IDENTITY) {
        k->unary(call->act, c->shape.filters * c->outputs, y, y);
    }
}

/* Per image y = w columns. */
static void forward_unrolled(odeon_queue *queue, const cpu_kernels *k, const odeon_conv2d *call,
                             const convolution *c)
{
    const cpu_windows *v = &c->shape.windows;
    const cpu_gemm_shape product = product_of(CPU_CONV_FORWARD, c);
    cpu_left w = cpu_left_of(queue, call->x->shape.dtype, &product, odeon_read(call->w));
    int64_t image = v->channels * v->height * v->width, out = c->shape.filters * c->outputs;
    for (int64_t b = 0; b < c->shape.batch && out > 0; b++) {
        const void *columns = c->in_place ? image_read(call->x, b, image) : call->scratch;
        void *y = image_write(call->y, b, out);
        if (!c->in_place) {
            k->im2col(v, image_read(call->x, b, image), call->scratch);
        }
        cpu_multiply_left(queue, k, &w, columns, y);
        finish(k, call, c, y);
    }
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]. */
static odeon_status cpu_conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->x->shape, &call->w->shape);
    ODEON_TRY(begin(queue, CPU_CONV_FORWARD, call->flags, &c, &call->x->shape, &call->w->shape,
                    &call->y->view.shape, call->scratch, &k));
    if (c.way != CPU_WAY_UNROLL) {
        direct_run(&(direct_call){.kernels = k,
                                  .threads = cpu_queue_of(queue)->threads,
                                  .shape = &c.shape,
                                  .way = c.way,
                                  .mode = CPU_CONV_FORWARD,
                                  .act = call->act,
                                  .x = odeon_read(call->x),
                                  .w = odeon_read(call->w),
                                  .bias = read_or_null(call->bias),
                                  .out = odeon_write(call->y),
                                  .scratch = call->scratch});
    } else {
        forward_unrolled(queue, k, call, &c);
    }
    return ODEON_OK;
}

/* ---- by x ---- */

/* Per image columns = w^T dy, then added up where windows overlap. */
static void vjp_x_unrolled(odeon_queue *queue, const cpu_kernels *k, const odeon_conv2d_vjp_x *call,
                           const convolution *c)
{
    const cpu_windows *v = &c->shape.windows;
    const cpu_gemm_shape product = product_of(CPU_CONV_VJP_X, c);
    cpu_left w = cpu_left_of(queue, call->dy->shape.dtype, &product, odeon_read(call->w));
    int64_t image = v->channels * v->height * v->width;
    for (int64_t b = 0; b < c->shape.batch && image > 0; b++) {
        void *out = image_write(call->dx, b, image);
        void *columns = c->in_place ? out : call->scratch;
        cpu_multiply_left(queue, k, &w, image_read(call->dy, b, c->shape.filters * c->outputs),
                          columns);
        if (!c->in_place) {
            memset(out, 0, (size_t)(image * odeon_dtype_bytes(call->dx->view.shape.dtype)));
            k->col2im(v, call->scratch, out);
        }
    }
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]. */
static odeon_status cpu_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->dx->view.shape, &call->w->shape);
    ODEON_TRY(begin(queue, CPU_CONV_VJP_X, call->flags, &c, &call->dx->view.shape, &call->w->shape,
                    &call->dy->shape, call->scratch, &k));
    if (c.way != CPU_WAY_UNROLL) {
        direct_run(&(direct_call){.kernels = k,
                                  .threads = cpu_queue_of(queue)->threads,
                                  .shape = &c.shape,
                                  .way = c.way,
                                  .mode = CPU_CONV_VJP_X,
                                  .x = odeon_read(call->dy),
                                  .w = odeon_read(call->w),
                                  .out = odeon_write(call->dx),
                                  .scratch = call->scratch});
    } else {
        vjp_x_unrolled(queue, k, call, &c);
    }
    return ODEON_OK;
}

/* ---- by w ---- */

/* Adds dy columns^T, image by image in a fixed order. */
static void vjp_w_unrolled(odeon_queue *queue, const cpu_kernels *k, const odeon_conv2d_vjp_w *call,
                           const convolution *c)
{
    const cpu_windows *v = &c->shape.windows;
    const cpu_gemm_shape product = product_of(CPU_CONV_VJP_W, c);
    int64_t image = v->channels * v->height * v->width;
    for (int64_t b = 0; b < c->shape.batch && c->outputs > 0; b++) {
        const void *columns = c->in_place ? image_read(call->x, b, image) : call->scratch;
        if (!c->in_place) {
            k->im2col(v, image_read(call->x, b, image), call->scratch);
        }
        cpu_multiply(queue, k, call->x->shape.dtype, &product,
                     image_read(call->dy, b, c->shape.filters * c->outputs), columns,
                     odeon_write(call->dw));
    }
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds to dw [K,C,R,S]. */
static odeon_status cpu_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    const cpu_kernels *k;
    convolution c = describe(&call->geometry, &call->x->shape, &call->dw->view.shape);
    ODEON_TRY(begin(queue, CPU_CONV_VJP_W, call->flags, &c, &call->x->shape, &call->dw->view.shape,
                    &call->dy->shape, call->scratch, &k));
    if (c.way != CPU_WAY_UNROLL) {
        direct_run(&(direct_call){.kernels = k,
                                  .threads = cpu_queue_of(queue)->threads,
                                  .shape = &c.shape,
                                  .way = c.way,
                                  .mode = CPU_CONV_VJP_W,
                                  .x = odeon_read(call->x),
                                  .w = odeon_read(call->dy),
                                  .out = odeon_write(call->dw),
                                  .scratch = call->scratch});
    } else {
        vjp_w_unrolled(queue, k, call, &c);
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
