#include "norm.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "ops.h"

/* A tensor of one number a channel, or none. */
static odeon_status expect_channels(odeon_queue *queue, const char *what, const odeon_view *v,
                                    const odeon_view *x)
{
    return v == NULL ? ODEON_OK
                     : expect_shape(queue, what, &v->shape, x->shape.dtype, 1, &x->shape.dim[1]);
}

/* Two F64 numbers a channel. */
static odeon_status expect_pair(odeon_queue *queue, const char *what, const odeon_view *v,
                                const odeon_view *x)
{
    const int64_t dim[] = {2, x->shape.dim[1]};
    return expect_shape(queue, what, &v->shape, ODEON_DTYPE_F64, 2, dim);
}

/* shape_sums with two sums a thread. */
static kernel_shape shape_pairs(int64_t blocks, int64_t elements)
{
    kernel_shape shape = shape_sums(blocks, elements);
    shape.shared_bytes *= 2;
    return shape;
}

/* ---- sums over channels ---- */

/* Channels of fewer numbers in a row than a line of memory holds are read side by side. A part has
 * work for a block, there are no more of them than fill any GPU, and their sums fit into the
 * scratch: MOST_BLOCKS * MOST_LANES pairs. */
enum { SHORT_ROW = 32, MOST_LANES = 32, LEAST_ROWS = 2048, MOST_BLOCKS = 512 };

static void divide_channels(channel_args *a)
{
    a->lanes = 1;
    while (a->space.by < SHORT_ROW && a->lanes < MOST_LANES && a->lanes < a->channels) {
        a->lanes *= 2;
        a->lane_bits++;
    }
    int64_t tiles = (a->channels + a->lanes - 1) / a->lanes;
    int64_t wanted = a->rows / LEAST_ROWS, room = tiles > 0 ? MOST_BLOCKS / tiles : 1;
    int64_t parts = wanted < room ? wanted : room;
    a->part_rows = parts > 1 ? (a->rows + parts - 1) / parts : a->rows;
    a->parts = kernel_divisor_of(parts > 1 ? (a->rows + a->part_rows - 1) / a->part_rows : 1);
}

/* What is read, how it is divided, and the shape of that. */
static kernel_shape take_channels(odeon_queue *queue, const odeon_view *x, channel_args *a)
{
    a->x = odeon_read(x);
    a->channels = x->shape.dim[1];
    a->space = kernel_divisor_of(x->shape.dim[2]);
    a->rows = x->shape.dim[0] * x->shape.dim[2];
    divide_channels(a);
    a->partial = a->parts.by > 1 ? queue_scratch(queue) : NULL;
    int64_t tiles = (a->channels + a->lanes - 1) / a->lanes;
    return shape_pairs(tiles * a->parts.by, a->part_rows * a->lanes);
}

/* a: what to sum and where to. */
static odeon_status sum_channels(odeon_queue *queue, const odeon_view *x, channel_args *a)
{
    kernel_shape shape = take_channels(queue, x, a);
    ODEON_TRY(launch(queue, kernel_of(KERNEL_channel_sums_f32, x->shape.dtype), a, shape));
    if (a->parts.by == 1) {
        return ODEON_OK;
    }
    return launch(queue, kernel_of(KERNEL_channel_finish_f32, x->shape.dtype), a,
                  shape_each(a->channels));
}

odeon_status ops_channel_sum(odeon_queue *queue, const odeon_channel_sum *call)
{
    ODEON_TRY(expect_flags(queue, "channel_sum", call->flags));
    ODEON_TRY(expect_real(queue, "channel_sum: x", &call->x->shape, 3));
    ODEON_TRY(expect_shape(queue, "channel_sum: bias", &call->bias->view.shape,
                           call->x->shape.dtype, 1, &call->x->shape.dim[1]));
    channel_args a = {.kind = CHANNEL_PLAIN, .add_one = odeon_write(call->bias)};
    return sum_channels(queue, call->x, &a);
}

static odeon_status ops_channel_moment(odeon_queue *queue, const odeon_channel_moment *call)
{
    ODEON_TRY(expect_flags(queue, "channel_moment", call->flags));
    ODEON_TRY(expect_real(queue, "channel_moment: x", &call->x->shape, 3));
    ODEON_TRY(expect_shape(queue, "channel_moment: out", &call->out->view.shape, ODEON_DTYPE_F64, 1,
                           &call->x->shape.dim[1]));
    channel_args a = {.kind = CHANNEL_PLAIN, .sums = odeon_write(call->out)};
    if (call->mean != NULL) {
        ODEON_TRY(expect_shape(queue, "channel_moment: mean", &call->mean->shape, ODEON_DTYPE_F64,
                               1, &call->x->shape.dim[1]));
        a.kind = CHANNEL_CENTRED;
        a.at = (norm_stats){odeon_read(call->mean), 0, 1, 1, 0};
    }
    return sum_channels(queue, call->x, &a);
}

/* ---- batch normalization ---- */

odeon_status ops_batch_statistics(odeon_queue *queue, const odeon_batch_statistics *call)
{
    const odeon_tensor *mean = call->running_mean, *variance = call->running_variance;
    ODEON_TRY(expect_flags(queue, "batch_statistics", call->flags));
    ODEON_TRY(expect_real(queue, "batch_statistics: x", &call->x->shape, 3));
    ODEON_TRY(expect_pair(queue, "batch_statistics: stats", &call->stats->view, call->x));
    ODEON_TRY(expect_channels(queue, "batch_statistics: mean", odeon_as_view(mean), call->x));
    ODEON_TRY(
        expect_channels(queue, "batch_statistics: variance", odeon_as_view(variance), call->x));
    ODEON_TRY(expect_true(queue,
                          (mean == NULL) == (variance == NULL) &&
                              call->x->shape.dim[0] * call->x->shape.dim[2] >= 2,
                          "batch_statistics: one running tensor of two, or fewer than two rows"));
    batch_stats_args a = {.stats = odeon_write(call->stats),
                          .running_mean = write_or_null(mean),
                          .running_variance = write_or_null(variance),
                          .momentum = call->momentum,
                          .epsilon = call->epsilon};
    kernel_shape shape = take_channels(queue, call->x, &a.of);
    shape.shared_bytes += (int32_t)sizeof(double);
    uint32_t dtype = call->x->shape.dtype;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_channel_stats_f32, dtype), &a, shape));
    return a.of.parts.by == 1 ? ODEON_OK
                              : launch(queue, kernel_of(KERNEL_stats_finish_f32, dtype), &a,
                                       shape_each(a.of.channels));
}

static odeon_status ops_batch_norm(odeon_queue *queue, const odeon_batch_norm *call)
{
    ODEON_TRY(expect_flags(queue, "batch_norm", call->flags));
    ODEON_TRY(expect_real(queue, "batch_norm: x", &call->x->shape, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm: stats", call->stats, call->x));
    ODEON_TRY(expect_channels(queue, "batch_norm: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "batch_norm: b", call->b, call->x));
    ODEON_TRY(expect_like(queue, "batch_norm: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(expect_true(queue, call->act >= 0 && call->act <= ODEON_UNARY_LAST_EPILOGUE,
                          "batch_norm: the function cannot be an epilogue"));
    const batch_norm_args a = {
        .x = odeon_read(call->x),
        .w = read_or_null(call->w),
        .b = read_or_null(call->b),
        .y = odeon_write(call->y),
        .stats = odeon_read(call->stats),
        .count = odeon_count(&call->x->shape),
        .channels = kernel_divisor_of(call->x->shape.dim[1]),
        .space = kernel_divisor_of(call->x->shape.dim[2]),
        .act = call->act,
        .aligned = is_aligned(odeon_read(call->x)) && is_aligned(odeon_write(call->y)),
    };
    return launch(queue, kernel_of(KERNEL_batch_norm_f32, call->x->shape.dtype), &a,
                  shape_vectors(&call->x->shape));
}

static odeon_status ops_batch_norm_vjp_sums(odeon_queue *queue,
                                            const odeon_batch_norm_vjp_sums *call)
{
    ODEON_TRY(expect_flags(queue, "batch_norm_vjp_sums", call->flags));
    ODEON_TRY(expect_real(queue, "batch_norm_vjp_sums: x", &call->x->shape, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: stats", call->stats, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: sums", &call->sums->view, call->x));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp_sums: dy", &call->dy->shape, &call->x->shape));
    channel_args a = {
        .dy = odeon_read(call->dy),
        .at = {odeon_read(call->stats), 0, 1, 1, call->x->shape.dim[1]},
        .kind = CHANNEL_NORMAL,
        .sums = odeon_write(call->sums),
    };
    return sum_channels(queue, call->x, &a);
}

static odeon_status ops_batch_norm_vjp(odeon_queue *queue, const odeon_batch_norm_vjp *call)
{
    ODEON_TRY(expect_flags(queue, "batch_norm_vjp", call->flags));
    ODEON_TRY(expect_real(queue, "batch_norm_vjp: x", &call->x->shape, 3));
    ODEON_TRY(expect_channels(queue, "batch_norm_vjp: w", call->w, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: stats", call->stats, call->x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: sums", call->sums, call->x));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp: dy", &call->dy->shape, &call->x->shape));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp: dx", &call->dx->view.shape, &call->x->shape));
    const batch_norm_vjp_args a = {
        .x = odeon_read(call->x),
        .w = read_or_null(call->w),
        .dy = odeon_read(call->dy),
        .dx = odeon_write(call->dx),
        .stats = odeon_read(call->stats),
        .sums = odeon_read(call->sums),
        .elements = odeon_count(&call->x->shape),
        .channels = kernel_divisor_of(call->x->shape.dim[1]),
        .space = kernel_divisor_of(call->x->shape.dim[2]),
        .per = 1.0 / call->count,
        .aligned = is_aligned(odeon_read(call->x)) && is_aligned(odeon_read(call->dy)) &&
                   is_aligned(odeon_write(call->dx)),
    };
    return launch(queue, kernel_of(KERNEL_batch_norm_vjp_f32, call->x->shape.dtype), &a,
                  shape_vectors(&call->x->shape));
}

/* ---- group normalization ---- */

/* Two sums by kernel_warps_store over vectors of a group's n numbers. */
static kernel_shape shape_groups(int64_t blocks, int64_t n, uint32_t dtype)
{
    int64_t bytes = n * odeon_dtype_bytes(dtype);
    kernel_shape shape = shape_sums(blocks, (bytes + VECTOR_BYTES - 1) / VECTOR_BYTES);
    shape.shared_bytes = 2 * KERNEL_SUM_DOUBLES(shape.threads) * (int32_t)sizeof(double);
    return shape;
}

/* Groups of so many bytes lie where vectors may if the first does. */
static int32_t groups_are_aligned(const void *x, int64_t bytes)
{
    return is_aligned(x) && bytes % VECTOR_BYTES == 0;
}

static odeon_status expect_groups(odeon_queue *queue, int32_t groups, const odeon_shape *x,
                                  const odeon_shape *stats)
{
    ODEON_TRY(expect_real(queue, "group_norm: x", x, 3));
    ODEON_TRY(expect_true(queue, groups > 0 && x->dim[1] % groups == 0,
                          "group_norm: groups do not divide the channels"));
    const int64_t dim[] = {x->dim[0], groups, 2};
    return expect_shape(queue, "group_norm: stats", stats, ODEON_DTYPE_F64, 3, dim);
}

/* So that several blocks have room on a multiprocessor. */
enum { MOST_HELD_BYTES = 16 << 10 };

static odeon_status ops_group_norm(odeon_queue *queue, const odeon_group_norm *call)
{
    ODEON_TRY(expect_flags(queue, "group_norm", call->flags));
    ODEON_TRY(expect_groups(queue, call->groups, &call->x->shape, &call->stats->view.shape));
    ODEON_TRY(expect_channels(queue, "group_norm: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "group_norm: b", call->b, call->x));
    ODEON_TRY(expect_like(queue, "group_norm: y", &call->y->view.shape, &call->x->shape));
    ODEON_TRY(expect_true(queue, call->act >= 0 && call->act <= ODEON_UNARY_LAST_EPILOGUE,
                          "group_norm: the function cannot be an epilogue"));
    group_norm_args a = {
        .x = odeon_read(call->x),
        .w = read_or_null(call->w),
        .b = read_or_null(call->b),
        .y = odeon_write(call->y),
        .stats = odeon_write(call->stats),
        .groups = kernel_divisor_of(call->groups),
        .each = call->x->shape.dim[1] / call->groups,
        .space = kernel_divisor_of(call->x->shape.dim[2]),
        .n = call->x->shape.dim[1] / call->groups * call->x->shape.dim[2],
        .epsilon = call->epsilon,
        .act = call->act,
    };
    int64_t bytes = a.n * odeon_dtype_bytes(call->x->shape.dtype);
    kernel_shape shape =
        shape_groups(a.n > 0 ? call->x->shape.dim[0] * call->groups : 0, a.n, call->x->shape.dtype);
    a.aligned = groups_are_aligned(a.x, bytes) && is_aligned(a.y);
    a.held = bytes <= MOST_HELD_BYTES;
    shape.shared_bytes += a.held ? (int32_t)bytes : 0;
    return launch(queue, kernel_of(KERNEL_group_norm_f32, call->x->shape.dtype), &a, shape);
}

static odeon_status group_parameters(odeon_queue *queue, const odeon_group_norm_vjp *call)
{
    if ((call->dw == NULL && call->db == NULL) || odeon_count(&call->x->shape) == 0) {
        return ODEON_OK;
    }
    channel_args a = {
        .dy = odeon_read(call->dy),
        .at = {odeon_read(call->stats), 2 * (int64_t)call->groups,
               call->x->shape.dim[1] / call->groups, 2, 1},
        .kind = CHANNEL_NORMAL,
        .add_one = write_or_null(call->db),
        .add_two = write_or_null(call->dw),
    };
    return sum_channels(queue, call->x, &a);
}

static odeon_status ops_group_norm_vjp(odeon_queue *queue, const odeon_group_norm_vjp *call)
{
    ODEON_TRY(expect_flags(queue, "group_norm_vjp", call->flags));
    ODEON_TRY(expect_groups(queue, call->groups, &call->x->shape, &call->stats->shape));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: w", call->w, call->x));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: dw", odeon_as_view(call->dw), call->x));
    ODEON_TRY(expect_channels(queue, "group_norm_vjp: db", odeon_as_view(call->db), call->x));
    ODEON_TRY(expect_like(queue, "group_norm_vjp: dy", &call->dy->shape, &call->x->shape));
    ODEON_TRY(
        expect_optional(queue, "group_norm_vjp: dx", odeon_as_view(call->dx), &call->x->shape));
    ODEON_TRY(group_parameters(queue, call));
    group_norm_vjp_args a = {
        .x = odeon_read(call->x),
        .w = read_or_null(call->w),
        .dy = odeon_read(call->dy),
        .dx = write_or_null(call->dx),
        .stats = odeon_read(call->stats),
        .groups = kernel_divisor_of(call->groups),
        .each = call->x->shape.dim[1] / call->groups,
        .space = kernel_divisor_of(call->x->shape.dim[2]),
        .n = call->x->shape.dim[1] / call->groups * call->x->shape.dim[2],
    };
    int64_t blocks = call->dx != NULL && a.n > 0 ? call->x->shape.dim[0] * call->groups : 0;
    a.aligned = groups_are_aligned(a.x, a.n * odeon_dtype_bytes(call->x->shape.dtype)) &&
                is_aligned(a.dy) && is_aligned(a.dx);
    return launch(queue, kernel_of(KERNEL_group_norm_vjp_f32, call->x->shape.dtype), &a,
                  shape_groups(blocks, a.n, call->x->shape.dtype));
}

/* ---- softmax of rows ---- */

/* mask [M,K,...], lengths [M], M dividing N of x [N,Q,K]. */
static odeon_status softmax_keys(odeon_queue *queue, const odeon_softmax *call,
                                 softmax_rows_args *a)
{
    const odeon_shape *x = &call->x->shape;
    const odeon_shape *mask = call->mask != NULL ? &call->mask->shape : NULL;
    a->sets = mask != NULL ? mask->dim[0] : call->lengths != NULL ? call->lengths->shape.dim[0] : 1;
    a->each = 1;
    ODEON_TRY(expect_true(queue, a->sets > 0 ? x->dim[0] % a->sets == 0 : x->dim[0] == 0,
                          "softmax: mask or lengths do not divide the matrices"));
    ODEON_TRY(expect_true(
        queue,
        mask == NULL || (mask->dtype == x->dtype && mask->ndim >= 2 && mask->dim[1] == x->dim[2]),
        "softmax: mask is not [M,K,...] of the dtype of x"));
    for (int32_t i = 2; mask != NULL && i < mask->ndim; i++) {
        a->each *= mask->dim[i];
    }
    return call->lengths == NULL ? ODEON_OK
                                 : expect_shape(queue, "softmax: lengths", &call->lengths->shape,
                                                x->dtype, 1, &a->sets);
}

static odeon_status ops_softmax(odeon_queue *queue, const odeon_softmax *call)
{
    const odeon_shape *x = &call->x->shape;
    ODEON_TRY(expect_flags(queue, "softmax", call->flags));
    ODEON_TRY(expect_real(queue, "softmax: x", x, 3));
    ODEON_TRY(expect_like(queue, "softmax: y", &call->y->view.shape, x));
    softmax_rows_args a = {.x = odeon_read(call->x),
                           .mask = read_or_null(call->mask),
                           .lengths = read_or_null(call->lengths),
                           .y = odeon_write(call->y),
                           .Q = x->dim[1],
                           .K = x->dim[2],
                           .causal = call->causal};
    ODEON_TRY(softmax_keys(queue, call, &a));
    kernel_shape shape = shape_sums(a.K > 0 ? x->dim[0] * x->dim[1] : 0, a.K);
    shape.shared_bytes *= SOFTMAX_ROWS_DOUBLES;
    return launch(queue, kernel_of(KERNEL_softmax_rows_f32, x->dtype), &a, shape);
}

static odeon_status ops_softmax_vjp(odeon_queue *queue, const odeon_softmax_vjp *call)
{
    const odeon_shape *y = &call->y->shape;
    ODEON_TRY(expect_flags(queue, "softmax_vjp", call->flags));
    ODEON_TRY(expect_real(queue, "softmax_vjp: y", y, 3));
    ODEON_TRY(expect_like(queue, "softmax_vjp: dy", &call->dy->shape, y));
    ODEON_TRY(expect_like(queue, "softmax_vjp: dx", &call->dx->view.shape, y));
    const softmax_rows_vjp_args a = {.y = odeon_read(call->y),
                                     .dy = odeon_read(call->dy),
                                     .dx = odeon_write(call->dx),
                                     .K = y->dim[2]};
    return launch(queue, kernel_of(KERNEL_softmax_rows_vjp_f32, y->dtype), &a,
                  shape_sums(a.K > 0 ? y->dim[0] * y->dim[1] : 0, a.K));
}

const odeon_norm_family ops_norm = {
    .struct_size = sizeof(odeon_norm_family),
    .group_norm = ops_group_norm,
    .group_norm_vjp = ops_group_norm_vjp,
    .channel_moment = ops_channel_moment,
    .batch_norm = ops_batch_norm,
    .batch_norm_vjp_sums = ops_batch_norm_vjp_sums,
    .batch_norm_vjp = ops_batch_norm_vjp,
    .softmax = ops_softmax,
    .softmax_vjp = ops_softmax_vjp,
};
