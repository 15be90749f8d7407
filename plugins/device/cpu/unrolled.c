/* The windows of an image are unrolled into scratch as the columns of a matrix (im2col). A 1x1
 * kernel with stride 1 needs no unrolling, as the image is that matrix already. Image by image, the
 * matrix stays in the cache and even thin products run at full speed. The channel of the time is
 * rows of the matrix, which are written once where all images have one time. */
#include "unrolled.h"

#include <string.h>

#include "cpu.h"
#include "odeon/device_pointwise.h"

/* w [filters, depth] times columns [depth, outputs] = y [filters, outputs] for each image. */
typedef struct matrices {
    const cpu_conv_call *call;
    cpu_gemm_shape product;
    int64_t outputs, image, out, bytes; /* P*Q; numbers of an image, of its outputs; of a number */
    char *columns, *x_columns, *t_columns; /* NULL: in place */
    void *room, *x_room; /* of cotangents before act; of an image after what is applied to it */
} matrices;

static int32_t is_in_place(const cpu_convolution *c)
{
    const cpu_windows *v = &c->windows;
    return v->kernel_h == 1 && v->kernel_w == 1 && v->stride_h == 1 && v->stride_w == 1 &&
           v->pad_h == 0 && v->pad_w == 0 && c->weight_channels == v->channels;
}

cpu_gemm_shape unrolled_product(cpu_conv_mode mode, const cpu_convolution *c)
{
    const cpu_windows *v = &c->windows;
    int64_t filters = c->filters, outputs = v->out_h * v->out_w;
    int64_t depth = c->weight_channels * v->kernel_h * v->kernel_w;
    switch (mode) {
    case CPU_CONV_FORWARD:
        return (cpu_gemm_shape){0, 0, filters, outputs, depth, 1.0, 0.0};
    case CPU_CONV_VJP_X:
        return (cpu_gemm_shape){1, 0, depth, outputs, filters, 1.0, 0.0};
    default:
        return (cpu_gemm_shape){0, 1, filters, depth, outputs, 1.0, 1.0};
    }
}

static int64_t columns_bytes(const cpu_convolution *c, uint32_t dtype)
{
    const cpu_gemm_shape p = unrolled_product(CPU_CONV_FORWARD, c);
    return is_in_place(c) ? 0 : (p.k * p.n * odeon_dtype_bytes(dtype) + 63) / 64 * 64;
}

/* Where the room of an image begins: behind columns and cotangents. */
static int64_t image_at(const cpu_convolution *c, uint32_t dtype, int32_t rooms)
{
    int64_t out = c->filters * c->windows.out_h * c->windows.out_w * odeon_dtype_bytes(dtype);
    return columns_bytes(c, dtype) +
           ((rooms & CPU_ROOM_COTANGENTS) != 0 ? (out + 63) / 64 * 64 : 0);
}

int64_t unrolled_scratch(const cpu_convolution *c, uint32_t dtype, int32_t rooms)
{
    const cpu_windows *v = &c->windows;
    int64_t image = v->channels * v->height * v->width * odeon_dtype_bytes(dtype);
    return image_at(c, dtype, rooms) + ((rooms & CPU_ROOM_IMAGES) != 0 ? image : 0);
}

static matrices matrices_of(const cpu_conv_call *call)
{
    const cpu_convolution *c = call->shape;
    const cpu_windows *v = &c->windows;
    matrices m = {.call = call,
                  .product = unrolled_product(call->mode, c),
                  .outputs = v->out_h * v->out_w,
                  .image = v->channels * v->height * v->width,
                  .bytes = odeon_dtype_bytes(call->dtype)};
    m.out = c->filters * m.outputs;
    int64_t channel = v->kernel_h * v->kernel_w * m.outputs * m.bytes;
    if (!is_in_place(c)) {
        m.columns = call->scratch;
        m.x_columns = m.columns + c->first_channel * channel;
        m.t_columns = m.columns + (c->first_channel > 0 ? 0 : v->channels) * channel;
    }
    if (call->kept != NULL) {
        m.room = (char *)call->scratch + columns_bytes(c, call->dtype);
    }
    if (call->before != NULL) {
        m.x_room = (char *)call->scratch + image_at(c, call->dtype, cpu_rooms_of(call));
    }
    return m;
}

static const void *read_image(const matrices *m, const void *from, int64_t b, int64_t numbers)
{
    return (const char *)from + b * numbers * m->bytes;
}

static void *write_image(const matrices *m, void *to, int64_t b, int64_t numbers)
{
    return (char *)to + b * numbers * m->bytes;
}

/* Image b, after what is applied to it first. */
static const void *read_input(const matrices *m, int64_t b)
{
    const cpu_conv_call *call = m->call;
    const cpu_windows *v = &call->shape->windows;
    const cpu_map *before = call->before;
    const cpu_groups g = {
        .batch = 1, .channels = v->channels, .space = v->height * v->width, .groups = 1};
    const void *x = read_image(m, call->x, b, m->image);
    if (before == NULL) {
        return x;
    }
    call->kernels->batch_norm(&g, x, before->stats, before->w, before->b, before->act, m->x_room);
    return m->x_room;
}

/* The columns of image b. */
static const void *unroll(const matrices *m, int64_t b)
{
    const cpu_conv_call *call = m->call;
    const cpu_windows *v = &call->shape->windows;
    const void *x = read_input(m, b);
    if (m->columns == NULL) {
        return x;
    }
    call->kernels->im2col(v, x, m->x_columns);
    if (call->t != NULL && (b == 0 || call->t_step != 0)) {
        call->kernels->time_rows(v, call->t[b * call->t_step], m->t_columns);
    }
    return m->columns;
}

/* The cotangents of image b before act. */
static const void *read_cotangents(const matrices *m, const void *dy, int64_t b)
{
    const cpu_conv_call *call = m->call;
    const void *from = read_image(m, dy, b, m->out);
    if (call->kept == NULL) {
        return from;
    }
    call->kernels->unary_vjp(call->act, m->out, read_image(m, call->kept, b, m->out), from,
                             m->room);
    return m->room;
}

/* Adds bias and applies act to one image y [K, P*Q], while it is in the cache. */
static void finish(const matrices *m, void *y)
{
    const cpu_conv_call *call = m->call;
    if (call->bias != NULL) {
        call->kernels->bias_rows(call->act, call->shape->filters, m->outputs, call->bias, y);
    } else if (call->act != ODEON_UNARY_IDENTITY) {
        call->kernels->unary(call->act, m->out, y, y);
    }
}

/* Per image y = w columns. */
static void run_forward(const matrices *m)
{
    const cpu_conv_call *call = m->call;
    cpu_left w = cpu_left_of(call->queue, call->dtype, &m->product, call->w);
    for (int64_t b = 0; b < call->shape->batch && m->out > 0; b++) {
        void *y = write_image(m, call->out, b, m->out);
        cpu_multiply_left(call->queue, call->kernels, &w, unroll(m, b), y);
        finish(m, y);
    }
}

/* Per image columns = w^T dy, then added up where windows overlap. */
static void run_vjp_x(const matrices *m)
{
    const cpu_conv_call *call = m->call;
    cpu_left w = cpu_left_of(call->queue, call->dtype, &m->product, call->w);
    for (int64_t b = 0; b < call->shape->batch && m->image > 0; b++) {
        void *out = write_image(m, call->out, b, m->image);
        cpu_multiply_left(call->queue, call->kernels, &w, read_cotangents(m, call->x, b),
                          m->columns != NULL ? m->columns : out);
        if (m->columns != NULL) {
            memset(out, 0, (size_t)(m->image * m->bytes));
            call->kernels->col2im(&call->shape->windows, m->x_columns, out);
        }
    }
}

/* Sums of n images' cotangents. */
static void add_bias(const matrices *m, int64_t n, const void *dy)
{
    const cpu_groups g = {
        .batch = n, .channels = m->call->shape->filters, .space = m->outputs, .groups = 1};
    if (m->call->dbias != NULL && n * m->out > 0) {
        m->call->kernels->channel_sum(&g, dy, m->call->dbias);
    }
}

/* Adds dy columns^T, image by image in a fixed order. */
static void run_vjp_w(const matrices *m)
{
    const cpu_conv_call *call = m->call;
    for (int64_t b = 0; b < call->shape->batch && m->out > 0; b++) {
        const void *dy = read_cotangents(m, call->w, b);
        if (call->out != NULL) {
            cpu_multiply(call->queue, call->kernels, call->dtype, &m->product, dy, unroll(m, b),
                         call->out);
        }
        if (call->kept != NULL) {
            add_bias(m, 1, dy);
        }
    }
    if (call->kept == NULL) {
        add_bias(m, call->shape->batch, call->w);
    }
}

void unrolled_run(const cpu_conv_call *call)
{
    const matrices m = matrices_of(call);
    if (call->mode == CPU_CONV_FORWARD) {
        run_forward(&m);
    } else if (call->mode == CPU_CONV_VJP_X) {
        run_vjp_x(&m);
    } else {
        run_vjp_w(&m);
    }
}
