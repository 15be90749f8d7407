/* The plain loops themselves, which other devices are held against: values worked out by hand, and
 * every derivative against central differences of the function that it belongs to. */
#include "support.h"

#include <math.h>
#include <stdbool.h>

#include "base/mem.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

typedef struct bench {
    registry *plugins;
    support_device d;
    odeon_queue *queue;
    uint64_t drawn;
} bench;

static int open_bench(void **state)
{
    bench *b = mem_zalloc(1, sizeof *b);
    assert_non_null(b);
    b->plugins = support_registry();
    b->d = support_device_open(b->plugins, "reference", ODEON_DTYPE_F64);
    b->queue = b->d.queue;
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    support_device_close(&b->d);
    registry_destroy(b->plugins);
    mem_free(b);
    return 0;
}

/* ---- tensors ---- */

static odeon_tensor vector(bench *b, int64_t n, const double *values)
{
    return support_upload(&b->d, values, 1, &n);
}

static odeon_tensor matrix(bench *b, int64_t rows, int64_t cols, const double *values)
{
    return support_upload(&b->d, values, 2, (int64_t[]){rows, cols});
}

static odeon_tensor draw(bench *b, int32_t ndim, const int64_t *dim)
{
    odeon_tensor x = support_upload(&b->d, NULL, ndim, dim);
    double *values = odeon_write(&x);
    for (int64_t i = 0; i < odeon_count(&x.view.shape); i++) {
        values[i] = support_random(3, b->drawn++);
    }
    return x;
}

/* Compares and releases. */
static void assert_holds(bench *b, odeon_tensor *x, const double *expected)
{
    double *values = support_download(&b->d, &x->view);
    support_assert_close("result", odeon_count(&x->view.shape), values, expected, 1e-15);
    mem_free(values);
    support_release(&b->d, x);
}

static void release(bench *b, int32_t n, odeon_tensor *const *x)
{
    for (int32_t i = 0; i < n; i++) {
        support_release(&b->d, x[i]);
    }
}

/* ---- values by hand ---- */

static void test_gemm_multiplies_matrices(void **state)
{
    bench *b = *state;
    odeon_tensor a = matrix(b, 2, 3, (double[]){1, 2, 3, 4, 5, 6});
    odeon_tensor w = matrix(b, 3, 2, (double[]){1, 0, -1, 2, 3, 1});
    odeon_tensor c = matrix(b, 2, 2, (double[]){1, 1, 1, 1});
    assert_int_equal(ODEON_DO(b->d.device, product, gemm, b->queue, .alpha = 2.0, .a = &a.view,
                              .b = &w.view, .beta = 10.0, .c = &c),
                     ODEON_OK);
    assert_holds(b, &c, (double[]){26, 24, 44, 42});
    release(b, 2, (odeon_tensor *const[]){&a, &w});
}

static void test_gemm_transposes_either_side(void **state)
{
    bench *b = *state;
    odeon_tensor a = matrix(b, 3, 2, (double[]){1, 4, 2, 5, 3, 6});
    odeon_tensor w = matrix(b, 2, 3, (double[]){1, -1, 3, 0, 2, 1});
    odeon_tensor c = matrix(b, 2, 2, NULL);
    assert_int_equal(ODEON_DO(b->d.device, product, gemm, b->queue, .trans_a = 1, .trans_b = 1,
                              .alpha = 1.0, .a = &a.view, .b = &w.view, .c = &c),
                     ODEON_OK);
    assert_holds(b, &c, (double[]){8, 7, 17, 16});
    release(b, 2, (odeon_tensor *const[]){&a, &w});
}

static void test_epilogue_adds_bias_then_applies_its_function(void **state)
{
    bench *b = *state;
    odeon_tensor a = matrix(b, 1, 1, (double[]){1}), w = matrix(b, 1, 3, (double[]){1, 2, 3});
    odeon_tensor bias = vector(b, 3, (double[]){-2, -1, 4}), c = matrix(b, 1, 3, NULL);
    assert_int_equal(ODEON_DO(b->d.device, product, gemm, b->queue, .alpha = 1.0, .a = &a.view,
                              .b = &w.view, .c = &c, .bias = &bias.view, .act = ODEON_UNARY_RELU),
                     ODEON_OK);
    assert_holds(b, &c, (double[]){0, 1, 7});
    release(b, 3, (odeon_tensor *const[]){&a, &w, &bias});
}

static void test_conv2d_slides_its_filter_without_turning_it(void **state)
{
    bench *b = *state;
    odeon_conv_geometry geometry = {1, 1, 0, 1};
    odeon_tensor x = support_upload(&b->d, (double[]){1, 2, 3, 4}, 4, (int64_t[]){1, 1, 2, 2});
    odeon_tensor w = support_upload(&b->d, (double[]){1, 10}, 4, (int64_t[]){1, 1, 1, 2});
    odeon_tensor y = support_upload(&b->d, NULL, 4, (int64_t[]){1, 1, 2, 3});
    assert_int_equal(ODEON_DO(b->d.device, conv, conv2d, b->queue, .geometry = geometry,
                              .x = &x.view, .w = &w.view, .y = &y),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){10, 21, 2, 30, 43, 4});
    release(b, 2, (odeon_tensor *const[]){&x, &w});
}

static void test_pool2d_counts_padded_zeros(void **state)
{
    bench *b = *state;
    odeon_pool_geometry geometry = {ODEON_POOL_AVG, 2, 2, 2, 2, 1, 1, 0};
    odeon_tensor x = support_upload(&b->d, (double[]){4, 8, 12, 16}, 4, (int64_t[]){1, 1, 2, 2});
    odeon_tensor y = support_upload(&b->d, NULL, 4, (int64_t[]){1, 1, 2, 2});
    assert_int_equal(
        ODEON_DO(b->d.device, pool, pool2d, b->queue, .geometry = geometry, .x = &x.view, .y = &y),
        ODEON_OK);
    assert_holds(b, &y, (double[]){1, 2, 3, 4});
    support_release(&b->d, &x);
}

static void test_largest_of_a_window_is_the_first_and_never_padding(void **state)
{
    bench *b = *state;
    odeon_pool_geometry geometry = {ODEON_POOL_MAX, 2, 2, 1, 1, 1, 1, 0};
    odeon_tensor x = support_upload(&b->d, (double[]){-4, -1, -1, -9}, 4, (int64_t[]){1, 1, 2, 2});
    odeon_tensor y = support_upload(&b->d, NULL, 4, (int64_t[]){1, 1, 3, 3});
    odeon_tensor dy =
        support_upload(&b->d, (double[]){1, 0, 0, 0, 10, 0, 0, 0, 100}, 4, (int64_t[]){1, 1, 3, 3});
    odeon_tensor dx = support_upload(&b->d, NULL, 4, (int64_t[]){1, 1, 2, 2});
    assert_int_equal(
        ODEON_DO(b->d.device, pool, pool2d, b->queue, .geometry = geometry, .x = &x.view, .y = &y),
        ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, pool, pool2d_vjp, b->queue, .geometry = geometry,
                              .x = &x.view, .dy = &dy.view, .dx = &dx),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){-4, -1, -1, -1, -1, -1, -1, -1, -9});
    assert_holds(b, &dx, (double[]){1, 10, 0, 100});
    release(b, 2, (odeon_tensor *const[]){&x, &dy});
}

static void test_groupnorm_has_biased_variance_and_epsilon(void **state)
{
    bench *b = *state;
    odeon_tensor x = support_upload(&b->d, (double[]){1, 5, 3, 3}, 3, (int64_t[]){1, 2, 2});
    odeon_tensor y = support_upload(&b->d, NULL, 3, (int64_t[]){1, 2, 2});
    odeon_tensor w = vector(b, 2, (double[]){3, 2}), offset = vector(b, 2, (double[]){1, 7});
    odeon_tensor stats = support_upload(&b->d, NULL, 3, (int64_t[]){1, 1, 2});
    /* mean 3, variance 8/4, epsilon 2: standard deviation 2 */
    assert_int_equal(ODEON_DO(b->d.device, norm, group_norm, b->queue, .groups = 1, .epsilon = 2.0,
                              .x = &x.view, .w = &w.view, .b = &offset.view, .y = &y,
                              .stats = &stats),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){-2, 4, 7, 7});
    assert_holds(b, &stats, (double[]){3, 0.5});
    release(b, 3, (odeon_tensor *const[]){&x, &w, &offset});
}

static void test_cross_entropy_weighs_loss_and_counts_hits(void **state)
{
    bench *b = *state;
    odeon_tensor x = matrix(b, 2, 2, (double[]){0, 0, log(3.0), 0});
    odeon_tensor labels =
        support_upload_as(&b->d, ODEON_DTYPE_I64, (double[]){0, 1}, 1, (int64_t[]){2});
    odeon_tensor sums = vector(b, 2, NULL), dx = matrix(b, 2, 2, NULL);
    assert_int_equal(ODEON_DO(b->d.device, loss, softmax_cross_entropy, b->queue, .x = &x.view,
                              .labels = &labels.view, .weight = 0.5, .sums = &sums, .dx = &dx),
                     0);
    assert_holds(b, &sums, (double[]){0.5 * (log(2.0) + log(4.0)), 1});
    assert_holds(b, &dx, (double[]){-0.25, 0.25, 0.375, -0.375});
    release(b, 2, (odeon_tensor *const[]){&x, &labels});
}

static void test_lincomb_adds_scaled_vectors_to_its_base(void **state)
{
    bench *b = *state;
    odeon_tensor base = vector(b, 2, (double[]){1, 2}), y = vector(b, 2, NULL);
    odeon_tensor u = vector(b, 2, (double[]){10, 20}), v = vector(b, 2, (double[]){5, -5});
    const odeon_view *x[] = {&u.view, &v.view};
    odeon_scalar coefficients[] = {{.imm = 0.5, .slot = -1}, {.imm = 1.0, .scale = 2.0, .slot = 1}};
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_H] = 3.0};
    assert_int_equal(ODEON_DO(b->d.device, solver, lincomb, b->queue, .y = &y, .base = &base.view,
                              .n = 2, .x = x, .coefficient = coefficients, .slots = slots),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){41, -23});
    release(b, 3, (odeon_tensor *const[]){&base, &u, &v});
}

static void test_error_sum_takes_each_elements_own_tolerances(void **state)
{
    bench *b = *state;
    odeon_tensor rtol = vector(b, 2, (double[]){0.5, 1.0}), atol = vector(b, 2, (double[]){1, 3});
    odeon_control control = {.struct_size = sizeof control,
                             .n_each = 2,
                             .rtol_each = rtol.view.data,
                             .atol_each = atol.view.data};
    odeon_tensor y = vector(b, 3, (double[]){2, -4, 4}), e = vector(b, 3, (double[]){4, 14, 9});
    const odeon_view *x[] = {&e.view};
    odeon_scalar one = {.imm = 1.0, .slot = -1};
    double slots[ODEON_SLOTS] = {0};
    /* 4 / (1 + 1) = 2, 14 / (3 + 4) = 2, 9 / (1 + 2) = 3 */
    assert_int_equal(ODEON_DO(b->d.device, solver, error_sum, b->queue, .control = &control,
                              .y0 = &y.view, .y1 = &y.view, .n = 1, .x = x, .coefficient = &one,
                              .slots = slots, .slot = 20),
                     0);
    assert_true(slots[20] == 17.0);
    release(b, 4, (odeon_tensor *const[]){&rtol, &atol, &y, &e});
}

static void test_error_sum_scales_by_the_larger_state(void **state)
{
    bench *b = *state;
    odeon_control control = {.struct_size = sizeof control, .rtol = 0.5, .atol = 1.0};
    odeon_tensor y0 = vector(b, 2, (double[]){2, -4}), y1 = vector(b, 2, (double[]){-6, 2});
    odeon_tensor e = vector(b, 2, (double[]){8, 18});
    const odeon_view *x[] = {&e.view};
    odeon_scalar one = {.imm = 1.0, .slot = -1};
    double slots[ODEON_SLOTS] = {0};
    /* 8 / (1 + 3) = 2 and 18 / (1 + 2) = 6 */
    control.norm = ODEON_NORM_RMS;
    assert_int_equal(ODEON_DO(b->d.device, solver, error_sum, b->queue, .control = &control,
                              .y0 = &y0.view, .y1 = &y1.view, .n = 1, .x = x, .coefficient = &one,
                              .slots = slots, .slot = 20),
                     0);
    control.norm = ODEON_NORM_MAX;
    assert_int_equal(ODEON_DO(b->d.device, solver, error_sum, b->queue, .control = &control,
                              .y0 = &y0.view, .y1 = &y1.view, .n = 1, .x = x, .coefficient = &one,
                              .slots = slots, .slot = 21),
                     0);
    assert_true(slots[20] == 40.0);
    assert_true(slots[21] == 6.0);
    release(b, 3, (odeon_tensor *const[]){&y0, &y1, &e});
}

static void test_rows_are_filled_and_summed_at_their_place(void **state)
{
    bench *b = *state;
    odeon_tensor y = vector(b, 6, (double[]){1, 2, 3, 4, 5, 6});
    odeon_tensor v = vector(b, 2, (double[]){-7, -8}), total = vector(b, 1, (double[]){100});
    assert_int_equal(ODEON_DO(b->d.device, move, rows_fill, b->queue, .y = &y, .rows = 2, .cols = 1,
                              .pitch = 3, .at = 1, .v = &v.view),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, move, rows_sum, b->queue, .x = &y.view, .rows = 2,
                              .cols = 2, .pitch = 3, .at = 1, .v = &total),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){1, -7, 3, 4, -8, 6});
    assert_holds(b, &total, (double[]){94});
    support_release(&b->d, &v);
}

static void test_copy2d_moves_a_rectangle(void **state)
{
    bench *b = *state;
    odeon_tensor x = vector(b, 6, (double[]){1, 2, 3, 4, 5, 6});
    odeon_tensor y = vector(b, 5, (double[]){0, 0, 0, 0, 0});
    assert_int_equal(ODEON_DO(b->d.device, move, copy2d, b->queue, .x = &x.view, .y = &y, .rows = 2,
                              .cols = 2, .x_pitch = 3, .x_at = 1, .y_pitch = 2, .y_at = 1),
                     ODEON_OK);
    assert_holds(b, &y, (double[]){0, 2, 3, 5, 6});
    support_release(&b->d, &x);
}

static void test_broken_shapes_are_refused(void **state)
{
    bench *b = *state;
    odeon_tensor x = vector(b, 3, (double[]){1, 2, 3}), y = vector(b, 4, NULL);
    odeon_tensor a = matrix(b, 2, 3, NULL), w = matrix(b, 2, 3, NULL), c = matrix(b, 2, 3, NULL);
    assert_int_equal(ODEON_DO(b->d.device, move, copy, b->queue, .x = &x.view, .y = &y),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(ODEON_DO(b->d.device, move, copy2d, b->queue, .x = &x.view, .y = &y, .rows = 2,
                              .cols = 2, .x_pitch = 2, .y_pitch = 2),
                     ODEON_ERR_INTERNAL);
    assert_int_equal(ODEON_DO(b->d.device, product, gemm, b->queue, .alpha = 1.0, .a = &a.view,
                              .b = &w.view, .c = &c),
                     ODEON_ERR_INTERNAL);
    x.view.shape.dtype = ODEON_DTYPE_I64;
    assert_int_equal(ODEON_DO(b->d.device, pointwise, unary, b->queue, .id = ODEON_UNARY_TANH,
                              .x = &x.view, .y = &x),
                     ODEON_ERR_UNSUPPORTED);
    release(b, 5, (odeon_tensor *const[]){&x, &y, &a, &w, &c});
}

/* ---- derivatives ---- */

/* A function of tensors and the sum of its results times given numbers. */
typedef struct objective {
    bench *b;
    odeon_status (*forward)(const struct objective *f);
    odeon_conv_geometry conv;
    odeon_pool_geometry pool;
    int32_t id;
    odeon_tensor x, w, offset, stats, y, dy;
} objective;

static double evaluate(const objective *f)
{
    assert_int_equal(f->forward(f), ODEON_OK);
    const double *y = f->y.view.data, *dy = f->dy.view.data;
    double sum = 0.0;
    for (int64_t i = 0; i < odeon_count(&f->y.view.shape); i++) {
        sum += y[i] * dy[i];
    }
    return sum;
}

/* Holds a gradient with respect to one of f's tensors against central differences, and releases it.
 * Their error is h^2 times a third derivative of a few units, 1e-10, and rounding over h, 1e-11. */
static void assert_gradient(const objective *f, const odeon_tensor *argument,
                            odeon_tensor *gradient)
{
    const double h = 1e-5;
    int64_t n = odeon_count(&argument->view.shape);
    double *values = odeon_write(argument),
           *differences = mem_zalloc((size_t)n, sizeof *differences);
    assert_non_null(differences);
    for (int64_t i = 0; i < n; i++) {
        double at = values[i];
        values[i] = at + h;
        double above = evaluate(f);
        values[i] = at - h;
        double below = evaluate(f);
        values[i] = at;
        differences[i] = (above - below) / (2.0 * h);
    }
    support_assert_close("gradient", n, gradient->view.data, differences, 1e-8);
    mem_free(differences);
    support_release(&f->b->d, gradient);
}

static odeon_tensor zeros_like(bench *b, const odeon_view *model)
{
    odeon_tensor x = support_upload(&b->d, NULL, model->shape.ndim, model->shape.dim);
    double *values = odeon_write(&x);
    for (int64_t i = 0; i < odeon_count(&x.view.shape); i++) {
        values[i] = 0.0;
    }
    return x;
}

static odeon_status unary_forward(const objective *f)
{
    return ODEON_DO(f->b->d.device, pointwise, unary, f->b->queue, .id = f->id, .x = &f->x.view,
                    .y = &f->y);
}

/* Points on either side of 0, or above it where the function wants that; none near a kink. */
static void test_unary_vjp_is_the_slope(void **state)
{
    bench *b = *state;
    static const double anywhere[] = {-2.5, -0.75, 0.3, 1.7, 3.1}, positive[] = {0.2, 0.5, 1, 2, 5};
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        bool above = id == ODEON_UNARY_SQRT || id == ODEON_UNARY_LOG;
        bool keeps_x = id >= ODEON_UNARY_LOG;
        objective f = {.b = b, .forward = unary_forward, .id = id};
        f.x = vector(b, 5, above ? positive : anywhere);
        f.y = vector(b, 5, NULL);
        f.dy = vector(b, 5, (double[]){1, -2, 0.5, 3, -1});
        odeon_tensor dx = vector(b, 5, NULL);
        assert_int_equal(f.forward(&f), ODEON_OK);
        assert_int_equal(ODEON_DO(b->d.device, pointwise, unary_vjp, b->queue, .id = id,
                                  .kept = &(keeps_x ? &f.x : &f.y)->view, .dy = &f.dy.view,
                                  .dx = &dx),
                         0);
        assert_gradient(&f, &f.x, &dx);
        release(b, 3, (odeon_tensor *const[]){&f.x, &f.y, &f.dy});
    }
}

static odeon_status conv_forward(const objective *f)
{
    return ODEON_DO(f->b->d.device, conv, conv2d, f->b->queue, .geometry = f->conv, .x = &f->x.view,
                    .w = &f->w.view, .y = &f->y);
}

static void check_conv_gradients(bench *b, const odeon_conv_geometry *geometry,
                                 const int64_t *x_dim, const int64_t *w_dim, const int64_t *y_dim)
{
    objective f = {.b = b, .forward = conv_forward, .conv = *geometry};
    f.x = draw(b, 4, x_dim);
    f.w = draw(b, 4, w_dim);
    f.y = draw(b, 4, y_dim);
    f.dy = draw(b, 4, y_dim);
    odeon_tensor dx = zeros_like(b, &f.x.view), dw = zeros_like(b, &f.w.view);
    assert_int_equal(ODEON_DO(b->d.device, conv, conv2d_vjp_x, b->queue, .geometry = *geometry,
                              .w = &f.w.view, .dy = &f.dy.view, .dx = &dx),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, conv, conv2d_vjp_w, b->queue, .geometry = *geometry,
                              .x = &f.x.view, .dy = &f.dy.view, .dw = &dw),
                     ODEON_OK);
    assert_gradient(&f, &f.x, &dx);
    assert_gradient(&f, &f.w, &dw);
    release(b, 4, (odeon_tensor *const[]){&f.x, &f.w, &f.y, &f.dy});
}

static void test_conv2d_vjps_are_the_slopes(void **state)
{
    bench *b = *state;
    static const odeon_conv_geometry plain = {1, 1, 1, 1}, uneven = {2, 3, 1, 0};
    check_conv_gradients(b, &plain, (int64_t[]){2, 2, 4, 5}, (int64_t[]){3, 2, 3, 3},
                         (int64_t[]){2, 3, 4, 5});
    check_conv_gradients(b, &uneven, (int64_t[]){1, 2, 6, 8}, (int64_t[]){2, 2, 3, 2},
                         (int64_t[]){1, 2, 3, 3});
}

static odeon_status pool_forward(const objective *f)
{
    return ODEON_DO(f->b->d.device, pool, pool2d, f->b->queue, .geometry = f->pool, .x = &f->x.view,
                    .y = &f->y);
}

static void check_pool_gradient(bench *b, const odeon_pool_geometry *geometry)
{
    objective f = {.b = b, .forward = pool_forward, .pool = *geometry};
    f.x = draw(b, 4, (int64_t[]){2, 2, 5, 4});
    f.y = draw(b, 4, (int64_t[]){2, 2, 3, 3});
    f.dy = draw(b, 4, (int64_t[]){2, 2, 3, 3});
    odeon_tensor dx = zeros_like(b, &f.x.view);
    assert_int_equal(ODEON_DO(b->d.device, pool, pool2d_vjp, b->queue, .geometry = *geometry,
                              .x = &f.x.view, .dy = &f.dy.view, .dx = &dx),
                     ODEON_OK);
    assert_gradient(&f, &f.x, &dx);
    release(b, 3, (odeon_tensor *const[]){&f.x, &f.y, &f.dy});
}

static void test_pool2d_vjp_is_the_slope(void **state)
{
    static const odeon_pool_geometry average = {ODEON_POOL_AVG, 3, 2, 2, 1, 1, 0, 0};
    static const odeon_pool_geometry largest = {ODEON_POOL_MAX, 3, 2, 2, 1, 1, 0, 0};
    check_pool_gradient(*state, &average);
    check_pool_gradient(*state, &largest);
}

static odeon_status groupnorm_forward(const objective *f)
{
    return ODEON_DO(f->b->d.device, norm, group_norm, f->b->queue, .groups = f->id, .epsilon = 1e-5,
                    .x = &f->x.view, .w = &f->w.view, .b = &f->offset.view, .y = &f->y,
                    .stats = &f->stats);
}

static void test_groupnorm_vjp_is_the_slope(void **state)
{
    bench *b = *state;
    for (int32_t groups = 1; groups <= 4; groups *= 2) {
        objective f = {.b = b, .forward = groupnorm_forward, .id = groups};
        f.x = draw(b, 3, (int64_t[]){2, 4, 5});
        f.y = draw(b, 3, (int64_t[]){2, 4, 5});
        f.dy = draw(b, 3, (int64_t[]){2, 4, 5});
        f.w = draw(b, 1, (int64_t[]){4});
        f.offset = draw(b, 1, (int64_t[]){4});
        f.stats = draw(b, 3, (int64_t[]){2, groups, 2});
        odeon_tensor dx = zeros_like(b, &f.x.view), dw = zeros_like(b, &f.w.view),
                     db = zeros_like(b, &f.w.view);
        assert_int_equal(f.forward(&f), ODEON_OK);
        assert_int_equal(ODEON_DO(b->d.device, norm, group_norm_vjp, b->queue, .groups = groups,
                                  .x = &f.x.view, .w = &f.w.view, .stats = &f.stats.view,
                                  .dy = &f.dy.view, .dx = &dx, .dw = &dw, .db = &db),
                         ODEON_OK);
        assert_gradient(&f, &f.x, &dx);
        assert_gradient(&f, &f.w, &dw);
        assert_gradient(&f, &f.offset, &db);
        release(b, 6, (odeon_tensor *const[]){&f.x, &f.y, &f.dy, &f.w, &f.offset, &f.stats});
    }
}

/* The objective is the loss alone: y is its two sums, of which the second does not count. */
static odeon_status loss_forward(const objective *f)
{
    return ODEON_DO(f->b->d.device, loss, softmax_cross_entropy, f->b->queue, .x = &f->x.view,
                    .labels = &f->w.view, .weight = 0.25, .sums = &f->y);
}

static void test_cross_entropy_dx_is_the_slope(void **state)
{
    bench *b = *state;
    objective f = {.b = b, .forward = loss_forward};
    f.x = draw(b, 2, (int64_t[]){4, 5});
    f.w = support_upload_as(&b->d, ODEON_DTYPE_I64, (double[]){0, 4, 2, 2}, 1, (int64_t[]){4});
    f.y = vector(b, 2, NULL);
    f.dy = vector(b, 2, (double[]){1, 0});
    odeon_tensor dx = zeros_like(b, &f.x.view);
    assert_int_equal(ODEON_DO(b->d.device, loss, softmax_cross_entropy, b->queue, .x = &f.x.view,
                              .labels = &f.w.view, .weight = 0.25, .sums = &f.y, .dx = &dx),
                     0);
    assert_gradient(&f, &f.x, &dx);
    release(b, 4, (odeon_tensor *const[]){&f.x, &f.w, &f.y, &f.dy});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_multiplies_matrices),
        cmocka_unit_test(test_gemm_transposes_either_side),
        cmocka_unit_test(test_epilogue_adds_bias_then_applies_its_function),
        cmocka_unit_test(test_conv2d_slides_its_filter_without_turning_it),
        cmocka_unit_test(test_pool2d_counts_padded_zeros),
        cmocka_unit_test(test_largest_of_a_window_is_the_first_and_never_padding),
        cmocka_unit_test(test_groupnorm_has_biased_variance_and_epsilon),
        cmocka_unit_test(test_cross_entropy_weighs_loss_and_counts_hits),
        cmocka_unit_test(test_lincomb_adds_scaled_vectors_to_its_base),
        cmocka_unit_test(test_error_sum_scales_by_the_larger_state),
        cmocka_unit_test(test_error_sum_takes_each_elements_own_tolerances),
        cmocka_unit_test(test_rows_are_filled_and_summed_at_their_place),
        cmocka_unit_test(test_copy2d_moves_a_rectangle),
        cmocka_unit_test(test_broken_shapes_are_refused),
        cmocka_unit_test(test_unary_vjp_is_the_slope),
        cmocka_unit_test(test_conv2d_vjps_are_the_slopes),
        cmocka_unit_test(test_pool2d_vjp_is_the_slope),
        cmocka_unit_test(test_groupnorm_vjp_is_the_slope),
        cmocka_unit_test(test_cross_entropy_dx_is_the_slope),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
