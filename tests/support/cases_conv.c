#include <math.h>

#include "device_cases.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"

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

const device_case conv_cases[] = {
    {"conv2d", run_conv},
    {"conv2d with an epilogue", run_conv_epilogue},
    {"conv2d_vjp_x", run_conv_vjp_x},
    {"conv2d_vjp_w", run_conv_vjp_w},
    {"conv2d of what is not finite", run_conv_passes_on},
    {NULL, NULL},
};
