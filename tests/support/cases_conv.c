#include <math.h>

#include "device_cases.h"
#include "odeon/device_conv.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* x[B,C,H,W], w[K,C,R,S], stride, padding. */
typedef struct conv_case {
    int64_t B, C, H, W, K, R, S;
    odeon_conv_geometry geometry;
} conv_case;

static const conv_case conv_sizes[] = {
    {1, 1, 1, 1, 1, 1, 1, {1, 1, 0, 0}},
    {2, 1, 12, 12, 6, 3, 3, {1, 1, 0, 0}},
    {2, 6, 7, 9, 6, 3, 3, {1, 1, 1, 1}},
    {2, 5, 13, 13, 4, 4, 4, {2, 2, 1, 1}},
    {3, 4, 5, 6, 7, 1, 1, {1, 1, 0, 0}},
    {1, 4, 6, 6, 3, 1, 1, {2, 2, 0, 0}},
    {2, 2, 9, 9, 3, 5, 5, {1, 1, 2, 2}},
    {1, 17, 6, 6, 33, 3, 3, {1, 1, 1, 1}},
    {2, 3, 11, 7, 2, 3, 3, {2, 2, 1, 1}},
    {2, 3, 8, 5, 4, 2, 3, {3, 1, 0, 2}}, /* nothing the same in both directions */
    {2, 2, 5, 8, 3, 1, 4, {1, 3, 2, 0}},
    {1, 2, 2, 2, 3, 4, 4, {1, 1, 1, 1}}, /* filter larger than the image */
    {1, 1, 3, 3, 2, 3, 3, {5, 5, 3, 3}}, /* windows that see padding alone */
    {1, 2, 7, 7, 2, 2, 2, {3, 3, 0, 0}}, /* pixels that no window sees */
    {0, 3, 6, 6, 4, 3, 3, {1, 1, 1, 1}},
    {2, 3, 6, 6, 0, 3, 3, {1, 1, 1, 1}},
    {1, 16, 9, 9, 16, 3, 3, {1, 1, 1, 1}},
    {6, 9, 6, 6, 17, 3, 3, {1, 1, 1, 1}}, /* more images than go through together */
    {5, 8, 9, 7, 20, 4, 4, {2, 2, 1, 1}},
};
enum { N_CONV = sizeof conv_sizes / sizeof *conv_sizes };

static case_shape x_shape(const conv_case *c)
{
    return shape4(c->B, c->C, c->H, c->W);
}

static case_shape w_shape(const conv_case *c)
{
    return shape4(c->K, c->C, c->R, c->S);
}

static case_shape y_shape(const conv_case *c)
{
    const odeon_conv_geometry *g = &c->geometry;
    return shape4(c->B, c->K, (c->H + 2 * g->padding_h - c->R) / g->stride_h + 1,
                  (c->W + 2 * g->padding_w - c->S) / g->stride_w + 1);
}

static const conv_case *start(case_run *run, int32_t i)
{
    const conv_case *c = &conv_sizes[i];
    const odeon_conv_geometry *g = &c->geometry;
    case_variant(run, "x %dx%dx%dx%d, w %dx%dx%d, stride %d %d, padding %d %d", (int)c->B,
                 (int)c->C, (int)c->H, (int)c->W, (int)c->K, (int)c->R, (int)c->S, (int)g->stride_h,
                 (int)g->stride_w, (int)g->padding_h, (int)g->padding_w);
    return c;
}

static void *scratch_for(case_run *run, const conv_case *c, const odeon_tensor *x,
                         const odeon_tensor *w)
{
    const odeon_device *device = case_device(run);
    return case_scratch(
        run, device->conv->conv2d_scratch(device, &c->geometry, &x->view.shape, &w->view.shape));
}

static void run_conv(case_run *run)
{
    for (int32_t i = 0; i < N_CONV; i++) {
        const conv_case *c = start(run, i);
        odeon_tensor x = case_random(run, x_shape(c)), w = case_random(run, w_shape(c));
        odeon_tensor y = case_output(run, y_shape(c));
        case_do(run, conv, conv2d, .geometry = c->geometry, .x = &x.view, .w = &w.view, .y = &y,
                .scratch = scratch_for(run, c, &x, &w));
        case_keep(run, "y", &y.view);
    }
}

static void run_conv_epilogue(case_run *run)
{
    for (int32_t i = 0; i < 2 * N_CONV; i++) {
        const conv_case *c = start(run, i / 2);
        odeon_tensor x = case_random(run, x_shape(c)), w = case_random(run, w_shape(c));
        odeon_tensor y = case_output(run, y_shape(c)), bias = case_random(run, shape1(c->K));
        case_do(run, conv, conv2d, .geometry = c->geometry, .x = &x.view, .w = &w.view,
                .bias = i % 2 == 0 ? &bias.view : NULL, .act = i % (ODEON_UNARY_LAST_EPILOGUE + 1),
                .y = &y, .scratch = scratch_for(run, c, &x, &w));
        case_keep(run, "y", &y.view);
    }
}

static void run_conv_vjp_x(case_run *run)
{
    for (int32_t i = 0; i < N_CONV; i++) {
        const conv_case *c = start(run, i);
        odeon_tensor w = case_random(run, w_shape(c)), dy = case_random(run, y_shape(c));
        odeon_tensor dx = case_output(run, x_shape(c));
        case_do(run, conv, conv2d_vjp_x, .geometry = c->geometry, .w = &w.view, .dy = &dy.view,
                .dx = &dx, .scratch = scratch_for(run, c, &dx, &w));
        case_keep(run, "dx", &dx.view);
    }
}

static void run_conv_vjp_w(case_run *run)
{
    for (int32_t i = 0; i < N_CONV; i++) {
        const conv_case *c = start(run, i);
        odeon_tensor x = case_random(run, x_shape(c)), dy = case_random(run, y_shape(c));
        odeon_tensor dw = case_random(run, w_shape(c));
        case_do(run, conv, conv2d_vjp_w, .geometry = c->geometry, .x = &x.view, .dy = &dy.view,
                .dw = &dw, .scratch = scratch_for(run, c, &x, &dw));
        case_keep(run, "dw", &dw.view);
    }
}

/* One pixel that is not finite reaches the windows that see it, and no other. */
static void run_conv_passes_on(case_run *run)
{
    static const int32_t which[] = {1, 2, 3, 4, 8};
    for (int32_t i = 0; i < 5; i++) {
        const conv_case *c = start(run, which[i]);
        double values[2048];
        for (int64_t k = 0; k < c->B * c->C * c->H * c->W; k++) {
            values[k] = case_number(run);
        }
        values[c->W + 1] = (double)NAN;
        case_expect_nonfinite(run);
        odeon_tensor x = case_values(run, x_shape(c), values), w = case_random(run, w_shape(c));
        odeon_tensor y = case_output(run, y_shape(c));
        case_do(run, conv, conv2d, .geometry = c->geometry, .x = &x.view, .w = &w.view, .y = &y,
                .scratch = scratch_for(run, c, &x, &w));
        case_keep(run, "y", &y.view);
    }
}

/* ---- fused operators, or what they stand for where a device does without them ---- */

/* One variant. There are w_channels - C times: none, or one for all samples or for each. */
typedef struct fused_case {
    const conv_case *c;
    int64_t w_channels;
    int32_t time_first, act, has_bias;
    int32_t has_map, x_act; /* of what is applied to x first */
    odeon_tensor x, w, bias, t, y, dy, x_stats, x_w, x_b;
} fused_case;

static bool is_fused(const case_run *run)
{
    return ODEON_HAS(case_device(run)->conv, odeon_conv_family, conv2d_fused_vjp);
}

/* Every size with no time, with the time first, and last; one time or as many as samples, functions
 * before and behind, and biases by turns. */
enum { N_FUSED = 3 * N_CONV };

static fused_case fused_start(case_run *run, int32_t i)
{
    fused_case f = {.c = start(run, i / 3), .time_first = i % 3 == 1, .has_bias = i % 4 != 3};
    f.w_channels = f.c->C + (i % 3 != 0);
    f.act = (i + i / 3) % (ODEON_UNARY_LAST_EPILOGUE + 1);
    f.x = case_random(run, x_shape(f.c));
    f.w = case_random(run, shape4(f.c->K, f.w_channels, f.c->R, f.c->S));
    f.bias = case_random(run, shape1(f.c->K));
    f.t = case_random_as(run, ODEON_DTYPE_F64, shape1(i % 2 == 0 && f.c->B > 0 ? f.c->B : 1));
    f.has_map = i / 3 % 2;
    f.x_act = (i + 2) % (ODEON_UNARY_LAST_EPILOGUE + 1);
    f.x_stats = case_random_as(run, ODEON_DTYPE_F64, shape2(2, f.c->C));
    f.x_w = case_random(run, shape1(f.c->C));
    f.x_b = case_random(run, shape1(f.c->C));
    return f;
}

static const odeon_view *stats_of(const fused_case *f)
{
    return f->has_map ? &f->x_stats.view : NULL;
}

/* What the convolution is of. */
static odeon_tensor mapped(case_run *run, const fused_case *f)
{
    odeon_shape flat = f->x.view.shape;
    flat.ndim = 3;
    flat.dim[2] *= flat.dim[3];
    if (!f->has_map) {
        return f->x;
    }
    odeon_view x = f->x.view;
    x.shape = flat;
    odeon_tensor y = odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(&flat)), flat);
    case_do(run, norm, batch_norm, .x = &x, .stats = &f->x_stats.view, .w = &f->x_w.view,
            .b = &f->x_b.view, .act = f->x_act, .y = &y);
    y.view.shape = f->x.view.shape;
    return y;
}

static void *fused_scratch(case_run *run, const fused_case *f)
{
    const odeon_device *device = case_device(run);
    return case_scratch(run, device->conv->conv2d_fused_scratch(
                                 device, &f->c->geometry, &f->x.view.shape, &f->w.view.shape));
}

/* The image with its time channel, in memory that may hold anything. */
static odeon_tensor joined(case_run *run, const fused_case *f)
{
    odeon_shape shape = f->x.view.shape;
    shape.dim[1] = f->w_channels;
    return odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(&shape)), shape);
}

/* Where the channels of x, and of t, begin in a row of a joined image. */
static int64_t x_at(const fused_case *f)
{
    return f->time_first ? f->c->H * f->c->W : 0;
}

static int64_t t_at(const fused_case *f)
{
    return f->time_first ? 0 : f->c->C * f->c->H * f->c->W;
}

static odeon_tensor join(case_run *run, const fused_case *f)
{
    int64_t plane = f->c->H * f->c->W, pitch = f->w_channels * plane;
    odeon_tensor x = joined(run, f), before = mapped(run, f);
    case_do(run, move, copy2d, .x = &before.view, .y = &x, .rows = f->c->B, .cols = f->c->C * plane,
            .x_pitch = f->c->C * plane, .y_pitch = pitch, .y_at = x_at(f));
    if (f->w_channels > f->c->C) {
        case_do(run, move, rows_fill, .y = &x, .rows = f->c->B, .cols = plane, .pitch = pitch,
                .at = t_at(f), .v = &f->t.view);
    }
    return x;
}

static void run_conv_fused(case_run *run)
{
    for (int32_t i = 0; i < N_FUSED; i++) {
        fused_case f = fused_start(run, i);
        const odeon_view *bias = f.has_bias ? &f.bias.view : NULL;
        odeon_tensor y = case_output(run, y_shape(f.c));
        if (is_fused(run)) {
            case_do(run, conv, conv2d_fused, .geometry = f.c->geometry, .x = &f.x.view,
                    .w = &f.w.view, .bias = bias, .t = f.w_channels > f.c->C ? &f.t.view : NULL,
                    .time_first = f.time_first, .act = f.act, .x_stats = stats_of(&f),
                    .x_w = &f.x_w.view, .x_b = &f.x_b.view, .x_act = f.x_act, .y = &y,
                    .scratch = fused_scratch(run, &f));
        } else {
            odeon_tensor x = join(run, &f);
            case_do(run, conv, conv2d, .geometry = f.c->geometry, .x = &x.view, .w = &f.w.view,
                    .bias = bias, .act = f.act, .y = &y,
                    .scratch = scratch_for(run, f.c, &x, &f.w));
        }
        case_keep(run, "y", &y.view);
    }
}

/* What is wanted of a variant; NULL: it is not. */
typedef struct fused_grads {
    const odeon_tensor *dx, *dw, *dbias, *d_t;
} fused_grads;

static void vjp_of_parts(case_run *run, const fused_case *f, const fused_grads *g)
{
    const conv_case *c = f->c;
    int64_t plane = c->H * c->W, pitch = f->w_channels * plane;
    odeon_tensor x = join(run, f), dx = joined(run, f);
    odeon_tensor d = odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(&f->dy.view.shape)),
                                     f->dy.view.shape);
    void *scratch = scratch_for(run, c, &x, &f->w);
    case_do(run, pointwise, unary_vjp, .id = f->act, .kept = &f->y.view, .dy = &f->dy.view,
            .dx = &d);
    case_do(run, conv, conv2d_vjp_x, .geometry = c->geometry, .w = &f->w.view, .dy = &d.view,
            .dx = &dx, .scratch = scratch);
    if (g->dx != NULL) {
        case_do(run, move, copy2d, .x = &dx.view, .y = g->dx, .rows = c->B, .cols = c->C * plane,
                .x_pitch = pitch, .x_at = x_at(f), .y_pitch = c->C * plane);
    }
    if (g->d_t != NULL) {
        case_do(run, move, rows_sum, .x = &dx.view, .rows = c->B, .cols = plane, .pitch = pitch,
                .at = t_at(f), .v = g->d_t);
    }
    if (g->dw != NULL) {
        case_do(run, conv, conv2d_vjp_w, .geometry = c->geometry, .x = &x.view, .dy = &d.view,
                .dw = g->dw, .scratch = scratch);
    }
    if (g->dbias != NULL) {
        odeon_view flat = d.view;
        flat.shape.ndim = 3;
        flat.shape.dim[2] *= flat.shape.dim[3];
        case_do(run, product, channel_sum, .x = &flat, .bias = g->dbias);
    }
}

static void run_conv_fused_vjp(case_run *run)
{
    for (int32_t i = 0; i < N_FUSED; i++) {
        fused_case f = fused_start(run, i);
        bool timed = f.w_channels > f.c->C;
        odeon_tensor dx = case_output(run, x_shape(f.c)), dbias = case_random(run, shape1(f.c->K));
        odeon_tensor dw = case_random(run, shape4(f.c->K, f.w_channels, f.c->R, f.c->S));
        odeon_tensor d_t = case_random_as(run, ODEON_DTYPE_F64, shape1(f.t.view.shape.dim[0]));
        fused_grads g = {.dx = i % 5 == 3 ? NULL : &dx,
                         .dw = i % 7 == 3 ? NULL : &dw,
                         .dbias = f.has_bias && i % 7 != 3 ? &dbias : NULL,
                         .d_t = timed && i % 4 != 2 ? &d_t : NULL};
        f.y = case_between(run, y_shape(f.c), -0.9, 0.9);
        f.dy = case_random(run, y_shape(f.c));
        if (is_fused(run)) {
            case_do(run, conv, conv2d_fused_vjp, .geometry = f.c->geometry, .x = &f.x.view,
                    .w = &f.w.view, .t = timed ? &f.t.view : NULL, .time_first = f.time_first,
                    .act = f.act, .x_stats = stats_of(&f), .x_w = &f.x_w.view, .x_b = &f.x_b.view,
                    .x_act = f.x_act, .y = &f.y.view, .dy = &f.dy.view, .dx = g.dx, .dw = g.dw,
                    .dbias = g.dbias, .d_t = g.d_t, .scratch = fused_scratch(run, &f));
        } else {
            vjp_of_parts(run, &f, &g);
        }
        const odeon_tensor *all[] = {g.dx, g.dw, g.dbias, g.d_t};
        static const char *const names[] = {"dx", "dw", "dbias", "d_t"};
        for (int k = 0; k < 4; k++) {
            if (all[k] != NULL) {
                case_keep(run, names[k], &all[k]->view);
            }
        }
    }
}

const device_case conv_cases[] = {
    {"conv2d", run_conv},
    {"conv2d with an epilogue", run_conv_epilogue},
    {"conv2d_vjp_x", run_conv_vjp_x},
    {"conv2d_vjp_w", run_conv_vjp_w},
    {"conv2d of what is not finite", run_conv_passes_on},
    {"conv2d_fused", run_conv_fused},
    {"conv2d_fused_vjp", run_conv_fused_vjp},
    {NULL, NULL},
};
