/* Convolutions, directly (direct.h) where way.c has them so, else as products (unrolled.h). What
 * conv2d and its two gradients do, the fused operators do as well, and more: all are calls of the
 * same. */
#include <string.h>

#include "cpu.h"
#include "direct_run.h"
#include "least.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"
#include "unrolled.h"
#include "way.h"

enum { LINE = 64 }; /* alignment of the parts of scratch */

/* Weights and sums of so many bytes leave room in L2 for both gradients at a time. */
enum { BOTH_BYTES = 128 << 10 };

static int64_t lines(int64_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

/* ---- what is asked ---- */

/* Number of outputs along one edge, 0 if the kernel does not fit. */
static int64_t outputs_along(int64_t size, int64_t padding, int64_t kernel, int64_t stride)
{
    int64_t span = size + 2 * padding - kernel;
    return span < 0 ? 0 : span / stride + 1;
}

/* Derives sizes from x [B,C,H,W] and w [K,C,R,S], or [K,C+1,R,S] with the time's channel first or
 * last. */
static cpu_convolution describe(const odeon_conv_geometry *g, const odeon_shape *x,
                                const odeon_shape *w, int32_t time_first)
{
    cpu_convolution c = {.windows = {.channels = x->dim[1],
                                     .height = x->dim[2],
                                     .width = x->dim[3],
                                     .kernel_h = w->dim[2],
                                     .kernel_w = w->dim[3],
                                     .stride_h = g->stride_h,
                                     .stride_w = g->stride_w,
                                     .pad_h = g->padding_h,
                                     .pad_w = g->padding_w},
                         .batch = x->dim[0],
                         .filters = w->dim[0],
                         .weight_channels = w->dim[1],
                         .first_channel = w->dim[1] > x->dim[1] && time_first ? 1 : 0};
    cpu_windows *v = &c.windows;
    v->out_h = outputs_along(v->height, v->pad_h, v->kernel_h, v->stride_h);
    v->out_w = outputs_along(v->width, v->pad_w, v->kernel_w, v->stride_w);
    return c;
}

static int64_t outputs_of(const cpu_convolution *c)
{
    return c->windows.out_h * c->windows.out_w;
}

/* x [B,C,H,W], w [K,C,R,S] or [K,C+1,R,S], y [B,K,P,Q] of one dtype. */
static int32_t shapes_fit(const cpu_convolution *c, const odeon_shape *x, const odeon_shape *w,
                          const odeon_shape *y, const odeon_view *t)
{
    return x->ndim == 4 && w->ndim == 4 && y->ndim == 4 && x->dtype == w->dtype &&
           x->dtype == y->dtype && w->dim[1] == x->dim[1] + (t != NULL) && y->dim[0] == x->dim[0] &&
           y->dim[1] == c->filters && y->dim[2] == c->windows.out_h &&
           y->dim[3] == c->windows.out_w;
}

static int32_t is_time(const odeon_view *t, int64_t batch)
{
    return t == NULL || (t->shape.dtype == ODEON_DTYPE_F64 &&
                         (odeon_count(&t->shape) == 1 || odeon_count(&t->shape) == batch));
}

/* ---- the way ---- */

/* Tiles multiply unrolled images; with few channels or filters that costs more than it saves. */
static int32_t is_for_tiles(const cpu_device *d, cpu_conv_mode mode, const cpu_convolution *c,
                            uint32_t dtype)
{
    enum { FEWEST = 32 };
    const cpu_gemm_shape product = unrolled_product(mode, c);
    return c->filters >= FEWEST && c->windows.channels >= FEWEST &&
           cpu_on_tiles(d, dtype, &product);
}

static const cpu_direct *direct_of(const cpu_device *d, uint32_t dtype)
{
    return dtype == ODEON_DTYPE_F32 ? d->f32->direct : d->f64->direct;
}

static cpu_way way_of(const cpu_device *d, cpu_conv_mode mode, const cpu_convolution *c,
                      uint32_t dtype, int32_t has_blas)
{
    cpu_multiplier by = is_for_tiles(d, mode, c, dtype) ? CPU_BY_TILES
                        : has_blas                      ? CPU_BY_BLAS
                                                        : CPU_BY_OWN;
    return cpu_way_choose(d->convolution, mode, c, direct_of(d, dtype), by);
}

/* ---- scratch ---- */

/* Bytes of scratch of one call: the columns of one image, or what a direct way lays out. */
static int64_t bytes_of(const cpu_device *d, cpu_way way, cpu_conv_mode mode,
                        const cpu_convolution *c, uint32_t dtype, int32_t rooms)
{
    return way == CPU_WAY_UNROLL
               ? unrolled_scratch(c, dtype, rooms)
               : direct_run_scratch(way, mode, c, direct_of(d, dtype), (int32_t)d->threads, rooms);
}

/* The rooms that a fused operator may need. */
static int32_t rooms_of(cpu_conv_mode mode)
{
    return (mode != CPU_CONV_FORWARD ? CPU_ROOM_COTANGENTS : 0) |
           (mode != CPU_CONV_VJP_X ? CPU_ROOM_IMAGES : 0);
}

static int64_t time_sums_bytes(const cpu_convolution *c, uint32_t dtype)
{
    return c->weight_channels > c->windows.channels
               ? lines(c->filters * outputs_of(c) * odeon_dtype_bytes(dtype))
               : 0;
}

/* The largest of the three modes, each by the way that it takes, alone or in a fused operator:
 * there sums of the time's weights come first, and two gradients may lie one behind the other. */
static int64_t largest(const cpu_device *d, const cpu_convolution *c, uint32_t dtype,
                       int32_t has_blas, int32_t fused)
{
    int64_t n[3], image = lines(c->filters * outputs_of(c) * odeon_dtype_bytes(dtype));
    for (int mode = CPU_CONV_FORWARD; mode <= CPU_CONV_VJP_W; mode++) {
        cpu_way way = way_of(d, (cpu_conv_mode)mode, c, dtype, has_blas);
        int32_t rooms = fused ? rooms_of((cpu_conv_mode)mode) : 0;
        n[mode] = lines(bytes_of(d, way, (cpu_conv_mode)mode, c, dtype, rooms));
    }
    if (!fused) {
        return most(n[0], most(n[1], n[2]));
    }
    return time_sums_bytes(c, dtype) + most(image, most(n[0], n[1] + n[2]));
}

/* OpenBLAS may be given up after a network was planned, when a later worker finds no address space
 * (cpu.c): what is taken without it counts as well. */
static uint64_t scratch_of(const odeon_device *device, const odeon_conv_geometry *geometry,
                           const odeon_shape *x, const odeon_shape *w, int32_t fused)
{
    const cpu_device *d = device->handle;
    cpu_convolution c = describe(geometry, x, w, 0);
    int64_t bytes = largest(d, &c, x->dtype, 0, fused);
    return (uint64_t)(cpu_has_blas(d) ? most(bytes, largest(d, &c, x->dtype, 1, fused)) : bytes);
}

static uint64_t cpu_conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                                   const odeon_shape *x, const odeon_shape *w)
{
    return scratch_of(device, geometry, x, w, 0);
}

static uint64_t cpu_conv2d_fused_scratch(const odeon_device *device,
                                         const odeon_conv_geometry *geometry, const odeon_shape *x,
                                         const odeon_shape *w)
{
    return scratch_of(device, geometry, x, w, 1);
}

/* ---- a call ---- */

/* A fused operator that has begun. */
typedef struct operation {
    odeon_queue *queue;
    const cpu_device *device;
    const cpu_kernels *kernels;
    cpu_convolution shape;
    uint32_t dtype;
    const double *t;
    int64_t t_step;
    char *scratch; /* behind the sums of the time's weights */
    void *time_sums;
} operation;

static odeon_status check(odeon_queue *queue, const char *name, operation *f, const odeon_shape *x,
                          const odeon_shape *w, const odeon_shape *y, const odeon_view *t,
                          void *scratch)
{
    f->queue = queue;
    f->device = cpu_queue_of(queue)->device;
    f->dtype = x->dtype;
    ODEON_TRY(cpu_require(queue, shapes_fit(&f->shape, x, w, y, t), name,
                          "x[B,C,H,W], w[K,C,R,S], y[B,K,P,Q]"));
    ODEON_TRY(cpu_require(queue, is_time(t, x->dim[0]), name, "t[1] or t[B] in float64"));
    f->t = t != NULL ? odeon_read(t) : NULL;
    f->t_step = t != NULL && odeon_count(&t->shape) > 1 ? 1 : 0;
    f->time_sums = scratch;
    f->scratch = scratch != NULL ? (char *)scratch + time_sums_bytes(&f->shape, x->dtype) : NULL;
    return ODEON_OK;
}

static cpu_conv_call call_of(const operation *f, cpu_conv_mode mode)
{
    return (cpu_conv_call){
        .queue = f->queue,
        .kernels = f->kernels,
        .threads = cpu_queue_of(f->queue)->threads,
        .shape = &f->shape,
        .way = way_of(f->device, mode, &f->shape, f->dtype, cpu_has_blas(f->device)),
        .mode = mode,
        .dtype = f->dtype,
        .scratch = f->scratch};
}

static odeon_status run(const char *name, const cpu_conv_call *call)
{
    const cpu_device *d = cpu_queue_of(call->queue)->device;
    int64_t bytes =
        bytes_of(d, call->way, call->mode, call->shape, call->dtype, cpu_rooms_of(call));
    int32_t empty = call->shape->batch * call->shape->filters * outputs_of(call->shape) *
                        call->shape->weight_channels ==
                    0;
    ODEON_TRY(cpu_require(call->queue, empty || bytes == 0 || call->scratch != NULL, name,
                          "the scratch that conv2d_scratch asks"));
    if (call->way == CPU_WAY_UNROLL) {
        unrolled_run(call);
    } else {
        direct_run(call);
    }
    return ODEON_OK;
}

/* ---- what is applied to images first ---- */

static int32_t per_channel(const odeon_view *w, const odeon_shape *x)
{
    return w == NULL || (w->shape.dtype == x->dtype && odeon_count(&w->shape) == x->dim[1]);
}

/* stats NULL: nothing is. */
static odeon_status read_map(odeon_queue *queue, const char *name, const odeon_shape *x,
                             const odeon_view *stats, const odeon_view *w, const odeon_view *b,
                             int32_t act, cpu_map *out)
{
    if (stats == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(cpu_require(queue,
                          stats->shape.dtype == ODEON_DTYPE_F64 &&
                              odeon_count(&stats->shape) == 2 * x->dim[1] && per_channel(w, x) &&
                              per_channel(b, x) && act >= 0 && act <= ODEON_UNARY_LAST_EPILOGUE,
                          name, "x_stats F64 [2,C], x_w, x_b[C]"));
    *out = (cpu_map){
        .stats = odeon_read(stats), .w = read_or_null(w), .b = read_or_null(b), .act = act};
    return ODEON_OK;
}

/* ---- forward ---- */

static odeon_status forward(odeon_queue *queue, const char *name, const odeon_conv2d_fused *call)
{
    const odeon_shape *x = &call->x->shape, *w = &call->w->shape;
    operation f = {.shape = describe(&call->geometry, x, w, call->time_first)};
    ODEON_TRY(cpu_begin(queue, name, call->flags, x->dtype, &f.kernels));
    ODEON_TRY(check(queue, name, &f, x, w, &call->y->view.shape, call->t, call->scratch));
    cpu_map before = {.stats = NULL};
    ODEON_TRY(read_map(queue, name, x, call->x_stats, call->x_w, call->x_b, call->x_act, &before));
    cpu_conv_call c = call_of(&f, CPU_CONV_FORWARD);
    c.before = call->x_stats != NULL ? &before : NULL;
    c.act = call->act;
    c.x = odeon_read(call->x);
    c.w = odeon_read(call->w);
    c.bias = read_or_null(call->bias);
    c.t = f.t;
    c.t_step = f.t_step;
    c.out = odeon_write(call->y);
    if (f.t != NULL && c.way != CPU_WAY_UNROLL) {
        f.kernels->direct->time_sums(&f.shape, c.w, f.time_sums);
        c.time_sums = f.time_sums;
    }
    return run(name, &c);
}

static odeon_status cpu_conv2d_fused(odeon_queue *queue, const odeon_conv2d_fused *call)
{
    return forward(queue, "conv2d_fused", call);
}

/* x [B,C,H,W], w [K,C,R,S] -> y [B,K,P,Q]. */
static odeon_status cpu_conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    const odeon_conv2d_fused as = {.struct_size = sizeof as,
                                   .flags = call->flags,
                                   .geometry = call->geometry,
                                   .x = call->x,
                                   .w = call->w,
                                   .bias = call->bias,
                                   .y = call->y,
                                   .scratch = call->scratch,
                                   .act = call->act};
    return forward(queue, "conv2d", &as);
}

/* ---- gradients ---- */

/* Adds to d_t what a time adds to y, times the cotangents; image by image, in double. */
static void add_d_t(const operation *f, const odeon_conv2d_fused_vjp *call)
{
    int64_t n = f->shape.filters * outputs_of(&f->shape), bytes = odeon_dtype_bytes(f->dtype);
    double *d_t = odeon_write(call->d_t);
    f->kernels->direct->time_sums(&f->shape, odeon_read(call->w), f->time_sums);
    for (int64_t b = 0; b < f->shape.batch; b++) {
        const void *dy = (const char *)odeon_read(call->dy) + b * n * bytes;
        if (call->act != ODEON_UNARY_IDENTITY) {
            const void *y = (const char *)odeon_read(call->y) + b * n * bytes;
            f->kernels->unary_vjp(call->act, n, y, dy, f->scratch);
            dy = f->scratch;
        }
        d_t[b * f->t_step] += f->kernels->dot(n, f->time_sums, dy);
    }
}

/* Do weights and sums of both leave room in L2? */
static int32_t is_small(const operation *f)
{
    const cpu_windows *v = &f->shape.windows;
    return f->shape.weight_channels * v->kernel_h * v->kernel_w * f->shape.filters *
               odeon_dtype_bytes(f->dtype) * 2 <=
           BOTH_BYTES;
}

/* By x, by w, or both in one, where dy is read once. Images are grouped alike either way, and so
 * for any number of threads. */
static odeon_status run_gradients(const char *name, const operation *f, cpu_conv_call *by_x,
                                  cpu_conv_call *by_w, int32_t wants_x, int32_t wants_w)
{
    int32_t direct = by_x->way != CPU_WAY_UNROLL && by_w->way != CPU_WAY_UNROLL;
    int32_t both = direct && wants_x && wants_w && is_small(f);
    if (both && by_x->threads == NULL && f->scratch != NULL) {
        by_w->scratch = f->scratch + lines(bytes_of(f->device, by_x->way, by_x->mode, &f->shape,
                                                    f->dtype, cpu_rooms_of(by_x)));
        by_w->group = direct_run_group(by_x, by_w);
        direct_run_both(by_x, by_w);
        return ODEON_OK;
    }
    by_w->group = both ? direct_run_group(by_x, by_w) : 0;
    ODEON_TRY(wants_x ? run(name, by_x) : ODEON_OK);
    return wants_w ? run(name, by_w) : ODEON_OK;
}

static odeon_status gradients(odeon_queue *queue, const char *name,
                              const odeon_conv2d_fused_vjp *call, const odeon_shape *x,
                              const odeon_shape *w)
{
    operation f = {.shape = describe(&call->geometry, x, w, call->time_first)};
    ODEON_TRY(cpu_begin(queue, name, call->flags, x->dtype, &f.kernels));
    ODEON_TRY(check(queue, name, &f, x, w, &call->dy->shape, call->t, call->scratch));
    cpu_map before = {.stats = NULL};
    ODEON_TRY(read_map(queue, name, x, call->x_stats, call->x_w, call->x_b, call->x_act, &before));
    cpu_conv_call by_x = call_of(&f, CPU_CONV_VJP_X), by_w = call_of(&f, CPU_CONV_VJP_W);
    by_x.act = by_w.act = call->act;
    by_x.kept = by_w.kept = call->act != ODEON_UNARY_IDENTITY ? odeon_read(call->y) : NULL;
    by_x.x = by_w.w = odeon_read(call->dy);
    by_x.w = read_or_null(call->w);
    by_x.out = write_or_null(call->dx);
    by_w.x = read_or_null(call->x);
    by_w.before = call->x_stats != NULL ? &before : NULL;
    by_w.t = f.t;
    by_w.t_step = f.t_step;
    by_w.out = write_or_null(call->dw);
    by_w.dbias = write_or_null(call->dbias);
    if (call->d_t != NULL && f.t != NULL) {
        add_d_t(&f, call);
    }
    return run_gradients(name, &f, &by_x, &by_w, call->dx != NULL,
                         call->dw != NULL || call->dbias != NULL);
}

static odeon_status cpu_conv2d_fused_vjp(odeon_queue *queue, const odeon_conv2d_fused_vjp *call)
{
    return gradients(queue, "conv2d_fused_vjp", call, &call->x->shape, &call->w->shape);
}

/* w [K,C,R,S], dy [B,K,P,Q] -> dx [B,C,H,W]. */
static odeon_status cpu_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    const odeon_conv2d_fused_vjp as = {.struct_size = sizeof as,
                                       .flags = call->flags,
                                       .geometry = call->geometry,
                                       .w = call->w,
                                       .dy = call->dy,
                                       .dx = call->dx,
                                       .scratch = call->scratch};
    return gradients(queue, "conv2d_vjp_x", &as, &call->dx->view.shape, &call->w->shape);
}

/* x [B,C,H,W], dy [B,K,P,Q]; adds to dw [K,C,R,S]. */
static odeon_status cpu_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    const odeon_conv2d_fused_vjp as = {.struct_size = sizeof as,
                                       .flags = call->flags,
                                       .geometry = call->geometry,
                                       .x = call->x,
                                       .dy = call->dy,
                                       .dw = call->dw,
                                       .scratch = call->scratch};
    return gradients(queue, "conv2d_vjp_w", &as, &call->x->shape, &call->dw->view.shape);
}

const odeon_conv_family cpu_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = cpu_conv2d_scratch,
    .conv2d = cpu_conv2d,
    .conv2d_vjp_x = cpu_conv2d_vjp_x,
    .conv2d_vjp_w = cpu_conv2d_vjp_w,
    .conv2d_fused_scratch = cpu_conv2d_fused_scratch,
    .conv2d_fused = cpu_conv2d_fused,
    .conv2d_fused_vjp = cpu_conv2d_fused_vjp,
};
