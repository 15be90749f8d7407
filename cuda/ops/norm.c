#include "ops.h"

/* A tensor of one number a channel, or none. */
static odeon_status expect_channels(odeon_queue *queue, const char *what, const odeon_tensor *v,
                                    const odeon_tensor *x)
{
    return v == NULL ? ODEON_OK : expect_shape(queue, what, v, x->dtype, 1, &x->dim[1]);
}

/* Two F64 numbers a channel. */
static odeon_status expect_pair(odeon_queue *queue, const char *what, const odeon_tensor *v,
                                const odeon_tensor *x)
{
    const int64_t dim[] = {2, x->dim[1]};
    return expect_shape(queue, what, v, ODEON_DTYPE_F64, 2, dim);
}

static void *data_of(const odeon_tensor *x)
{
    return x == NULL ? NULL : x->data;
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
    while (a->space < SHORT_ROW && a->lanes < MOST_LANES && a->lanes < a->channels) {
        a->lanes *= 2;
    }
    int64_t tiles = (a->channels + a->lanes - 1) / a->lanes;
    int64_t wanted = a->rows / LEAST_ROWS, room = tiles > 0 ? MOST_BLOCKS / tiles : 1;
    int64_t parts = wanted < room ? wanted : room;
    a->part_rows = parts > 1 ? (a->rows + parts - 1) / parts : a->rows;
    a->parts = parts > 1 ? (a->rows + a->part_rows - 1) / a->part_rows : 1;
}

/* a: what to sum and where to. */
static odeon_status sum_channels(odeon_queue *queue, const odeon_tensor *x, channel_args *a)
{
    a->x = x->data;
    a->channels = x->dim[1];
    a->space = x->dim[2];
    a->rows = x->dim[0] * x->dim[2];
    divide_channels(a);
    a->partial = a->parts > 1 ? queue_scratch(queue) : NULL;
    int64_t tiles = (a->channels + a->lanes - 1) / a->lanes;
    ODEON_TRY(launch(queue, kernel_of(KERNEL_channel_sums_f32, x->dtype), a,
                     shape_pairs(tiles * a->parts, a->part_rows * a->lanes)));
    if (a->parts == 1) {
        return ODEON_OK;
    }
    return launch(queue, kernel_of(KERNEL_channel_finish_f32, x->dtype), a,
                  shape_each(a->channels));
}

odeon_status ops_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias)
{
    ODEON_TRY(expect_real(queue, "channel_sum: x", x, 3));
    ODEON_TRY(expect_shape(queue, "channel_sum: bias", bias, x->dtype, 1, &x->dim[1]));
    channel_args a = {.kind = CHANNEL_PLAIN, .add_one = bias->data};
    return sum_channels(queue, x, &a);
}

odeon_status ops_channel_moment(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *mean,
                                const odeon_tensor *out)
{
    ODEON_TRY(expect_real(queue, "channel_moment: x", x, 3));
    ODEON_TRY(expect_shape(queue, "channel_moment: out", out, ODEON_DTYPE_F64, 1, &x->dim[1]));
    channel_args a = {.kind = CHANNEL_PLAIN, .sums = out->data};
    if (mean != NULL) {
        ODEON_TRY(
            expect_shape(queue, "channel_moment: mean", mean, ODEON_DTYPE_F64, 1, &x->dim[1]));
        a.kind = CHANNEL_CENTRED;
        a.at = (norm_stats){mean->data, 0, 1, 1, 0};
    }
    return sum_channels(queue, x, &a);
}

/* ---- batch normalization ---- */

odeon_status ops_batch_norm(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *stats,
                            const odeon_tensor *w, const odeon_tensor *b, int32_t act,
                            const odeon_tensor *y)
{
    ODEON_TRY(expect_real(queue, "batch_norm: x", x, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm: stats", stats, x));
    ODEON_TRY(expect_channels(queue, "batch_norm: w", w, x));
    ODEON_TRY(expect_channels(queue, "batch_norm: b", b, x));
    ODEON_TRY(expect_like(queue, "batch_norm: y", y, x));
    ODEON_TRY(expect_true(queue, act >= 0 && act <= ODEON_UNARY_LAST_EPILOGUE,
                          "batch_norm: the function cannot be an epilogue"));
    const batch_norm_args a = {
        .x = x->data,
        .w = data_of(w),
        .b = data_of(b),
        .y = y->data,
        .stats = stats->data,
        .count = odeon_count(x),
        .channels = x->dim[1],
        .space = x->dim[2],
        .act = act,
    };
    return launch(queue, kernel_of(KERNEL_batch_norm_f32, x->dtype), &a, shape_each(a.count));
}

odeon_status ops_batch_norm_vjp_sums(odeon_queue *queue, const odeon_tensor *x,
                                     const odeon_tensor *stats, const odeon_tensor *dy,
                                     const odeon_tensor *sums)
{
    ODEON_TRY(expect_real(queue, "batch_norm_vjp_sums: x", x, 3));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: stats", stats, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp_sums: sums", sums, x));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp_sums: dy", dy, x));
    channel_args a = {
        .dy = dy->data,
        .at = {stats->data, 0, 1, 1, x->dim[1]},
        .kind = CHANNEL_NORMAL,
        .sums = sums->data,
    };
    return sum_channels(queue, x, &a);
}

odeon_status ops_batch_norm_vjp(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *w,
                                const odeon_tensor *stats, const odeon_tensor *dy,
                                const odeon_tensor *sums, double count, const odeon_tensor *dx)
{
    ODEON_TRY(expect_real(queue, "batch_norm_vjp: x", x, 3));
    ODEON_TRY(expect_channels(queue, "batch_norm_vjp: w", w, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: stats", stats, x));
    ODEON_TRY(expect_pair(queue, "batch_norm_vjp: sums", sums, x));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp: dy", dy, x));
    ODEON_TRY(expect_like(queue, "batch_norm_vjp: dx", dx, x));
    const batch_norm_vjp_args a = {
        .x = x->data,
        .w = data_of(w),
        .dy = dy->data,
        .dx = dx->data,
        .stats = stats->data,
        .sums = sums->data,
        .elements = odeon_count(x),
        .channels = x->dim[1],
        .space = x->dim[2],
        .count = count,
    };
    return launch(queue, kernel_of(KERNEL_batch_norm_vjp_f32, x->dtype), &a,
                  shape_each(a.elements));
}

/* ---- group normalization ---- */

static odeon_status expect_groups(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                  const odeon_tensor *stats)
{
    ODEON_TRY(expect_real(queue, "groupnorm: x", x, 3));
    ODEON_TRY(expect_true(queue, groups > 0 && x->dim[1] % groups == 0,
                          "groupnorm: groups do not divide the channels"));
    const int64_t dim[] = {x->dim[0], groups, 2};
    return expect_shape(queue, "groupnorm: stats", stats, ODEON_DTYPE_F64, 3, dim);
}

odeon_status ops_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                            const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                            const odeon_tensor *y, const odeon_tensor *stats)
{
    ODEON_TRY(expect_groups(queue, groups, x, stats));
    ODEON_TRY(expect_channels(queue, "groupnorm: w", w, x));
    ODEON_TRY(expect_channels(queue, "groupnorm: b", b, x));
    ODEON_TRY(expect_like(queue, "groupnorm: y", y, x));
    const group_norm_args a = {
        .x = x->data,
        .w = data_of(w),
        .b = data_of(b),
        .y = y->data,
        .stats = stats->data,
        .groups = groups,
        .each = x->dim[1] / groups,
        .space = x->dim[2],
        .n = x->dim[1] / groups * x->dim[2],
        .epsilon = epsilon,
    };
    int64_t blocks = a.n > 0 ? x->dim[0] * groups : 0;
    return launch(queue, kernel_of(KERNEL_group_norm_f32, x->dtype), &a, shape_pairs(blocks, a.n));
}

static odeon_status group_parameters(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                     const odeon_tensor *stats, const odeon_tensor *dy,
                                     const odeon_tensor *dw, const odeon_tensor *db)
{
    if ((dw == NULL && db == NULL) || odeon_count(x) == 0) {
        return ODEON_OK;
    }
    channel_args a = {
        .dy = dy->data,
        .at = {stats->data, 2 * (int64_t)groups, x->dim[1] / groups, 2, 1},
        .kind = CHANNEL_NORMAL,
        .add_one = data_of(db),
        .add_two = data_of(dw),
    };
    return sum_channels(queue, x, &a);
}

odeon_status ops_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                const odeon_tensor *w, const odeon_tensor *stats,
                                const odeon_tensor *dy, const odeon_tensor *dx,
                                const odeon_tensor *dw, const odeon_tensor *db)
{
    ODEON_TRY(expect_groups(queue, groups, x, stats));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: w", w, x));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: dw", dw, x));
    ODEON_TRY(expect_channels(queue, "groupnorm_vjp: db", db, x));
    ODEON_TRY(expect_like(queue, "groupnorm_vjp: dy", dy, x));
    ODEON_TRY(expect_like(queue, "groupnorm_vjp: dx", dx != NULL ? dx : x, x));
    ODEON_TRY(group_parameters(queue, groups, x, stats, dy, dw, db));
    const group_norm_vjp_args a = {
        .x = x->data,
        .w = data_of(w),
        .dy = dy->data,
        .dx = data_of(dx),
        .stats = stats->data,
        .groups = groups,
        .each = x->dim[1] / groups,
        .space = x->dim[2],
        .n = x->dim[1] / groups * x->dim[2],
    };
    int64_t blocks = dx != NULL && a.n > 0 ? x->dim[0] * groups : 0;
    return launch(queue, kernel_of(KERNEL_group_norm_vjp_f32, x->dtype), &a,
                  shape_pairs(blocks, a.n));
}
