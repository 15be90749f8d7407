/* The parts of a batch norm, and powers, on numbers that can be followed by hand, on every device;
 * and what devices refuse of them. */
#include "support.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

static const char *const ids[] = {"reference", "cpu", "remote", "emulated"};
enum { N_DEVICES = sizeof ids / sizeof ids[0], B = 2, C = 2, S = 2, SIZE = B * C * S };
static registry *plugins;
static support_device devices[N_DEVICES];

static int open_devices(void **state)
{
    (void)state;
    plugins = support_registry();
    for (size_t d = 0; d < N_DEVICES; d++) {
        devices[d] = support_device_open(plugins, ids[d], ODEON_DTYPE_F64);
    }
    return 0;
}

static int close_devices(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        support_device_close(&devices[d]);
    }
    registry_destroy(plugins);
    return 0;
}

/* x[B,C,S] of means 3 and 1; two numbers a channel; cotangents. */
typedef struct scene {
    support_device *d;
    odeon_tensor x, stats, w, b, dy, out, y, sums;
} scene;

static scene open_scene(support_device *d)
{
    static const int64_t image[] = {B, C, S}, pair[] = {2, C}, channels[] = {C};
    return (scene){
        .d = d,
        .x = support_upload(d, (const double[]){1, 5, 0, 0, 3, 3, 2, 2}, 3, image),
        .stats = support_upload(d, (const double[]){3, 1, 0.5, 1}, 2, pair),
        .w = support_upload(d, (const double[]){3, 2}, 1, channels),
        .b = support_upload(d, (const double[]){1, 7}, 1, channels),
        .dy = support_upload(d, (const double[]){1, 0, 1, 1, 2, 1, 0, -2}, 3, image),
        .out = support_upload(d, NULL, 1, channels),
        .y = support_upload(d, NULL, 3, image),
        .sums = support_upload(d, NULL, 2, pair),
    };
}

static void close_scene(scene *s)
{
    odeon_tensor *const all[] = {&s->x, &s->stats, &s->w, &s->b, &s->dy, &s->out, &s->y, &s->sums};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(s->d, all[i]);
    }
}

/* All numbers are exact in binary. */
static void assert_holds(scene *s, const odeon_view *x, const double *expected)
{
    double *values = support_download(s->d, x);
    support_assert_close("result", odeon_count(&x->shape), values, expected, 0.0);
    mem_free(values);
}

static void test_channel_moments_sum_over_samples_and_places(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        scene s = open_scene(&devices[d]);
        odeon_tensor mean = s.out;
        mean.view.data = s.stats.view.data;
        assert_int_equal(
            ODEON_DO(s.d->device, norm, channel_moment, s.d->queue, .x = &s.x.view, .out = &s.out),
            ODEON_OK);
        assert_holds(&s, &s.out.view, (const double[]){12, 4});
        assert_int_equal(ODEON_DO(s.d->device, norm, channel_moment, s.d->queue, .x = &s.x.view,
                                  .mean = &mean.view, .out = &s.out),
                         ODEON_OK);
        assert_holds(&s, &s.out.view, (const double[]){8, 4});
        close_scene(&s);
    }
}

static void test_batch_norm_centres_scales_shifts_and_cuts(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        scene s = open_scene(&devices[d]);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm, s.d->queue, .x = &s.x.view,
                                  .stats = &s.stats.view, .w = &s.w.view, .b = &s.b.view,
                                  .act = ODEON_UNARY_RELU, .y = &s.y),
                         ODEON_OK);
        assert_holds(&s, &s.y.view, (const double[]){0, 4, 5, 5, 1, 1, 9, 9});
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm, s.d->queue, .x = &s.x.view,
                                  .stats = &s.stats.view, .act = ODEON_UNARY_IDENTITY, .y = &s.y),
                         ODEON_OK);
        assert_holds(&s, &s.y.view, (const double[]){-1, 1, -1, -1, 0, 0, 1, 1});
        close_scene(&s);
    }
}

static void test_batch_norm_vjp_takes_away_what_statistics_hide(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        scene s = open_scene(&devices[d]);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm_vjp_sums, s.d->queue,
                                  .x = &s.x.view, .stats = &s.stats.view, .dy = &s.dy.view,
                                  .sums = &s.sums),
                         ODEON_OK);
        assert_holds(&s, &s.sums.view, (const double[]){4, 0, -1, -4});
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm_vjp, s.d->queue, .x = &s.x.view,
                                  .w = &s.w.view, .stats = &s.stats.view, .dy = &s.dy.view,
                                  .sums = &s.sums.view, .count = B * S, .dx = &s.y),
                         ODEON_OK);
        assert_holds(&s, &s.y.view, (const double[]){-0.375, -1.125, 0, 0, 1.5, 0, 2, -2});
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm_vjp, s.d->queue, .x = &s.x.view,
                                  .w = &s.w.view, .stats = &s.stats.view, .dy = &s.dy.view,
                                  .sums = &s.sums.view, .count = HUGE_VAL, .dx = &s.y),
                         ODEON_OK);
        assert_holds(&s, &s.y.view, (const double[]){1.5, 0, 2, 2, 3, 1.5, 0, -4});
        close_scene(&s);
    }
}

static void test_powers_of_whole_and_other_exponents(void **state)
{
    (void)state;
    static const struct {
        double scale, exponent, x[2], y[2];
    } cases[] = {
        {8, -2, {2, -4}, {2, 0.5}},    {1, 3, {-2, 0.5}, {-8, 0.125}},
        {-1, 0.5, {4, 9}, {-2, -3}},   {3, 0, {0, -7}, {3, 3}},
        {1, 64, {-1, 2}, {1, 0x1p64}}, {1, 65, {-1, 2}, {-1, 0x1p65}}, /* products; pow */
    };
    for (size_t i = 0; i < N_DEVICES * sizeof cases / sizeof cases[0]; i++) {
        size_t k = i / N_DEVICES;
        scene s = open_scene(&devices[i % N_DEVICES]);
        odeon_tensor x = support_upload(s.d, cases[k].x, 1, (const int64_t[]){2});
        assert_int_equal(ODEON_DO(s.d->device, pointwise, power, s.d->queue,
                                  .scale = cases[k].scale, .exponent = cases[k].exponent,
                                  .x = &x.view, .y = &s.out),
                         ODEON_OK);
        assert_holds(&s, &s.out.view, cases[k].y);
        support_release(s.d, &x);
        close_scene(&s);
    }
}

static void test_broken_shapes_are_refused(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        scene s = open_scene(&devices[d]);
        odeon_queue *queue = s.d->queue;
        odeon_tensor flat = s.x; /* [B,C*S] */
        flat.view.shape.ndim = 2;
        flat.view.shape.dim[1] *= flat.view.shape.dim[2];
        assert_int_equal(
            ODEON_DO(s.d->device, norm, channel_moment, queue, .x = &flat.view, .out = &s.out),
            ODEON_ERR_INTERNAL);
        assert_int_equal(
            ODEON_DO(s.d->device, norm, channel_moment, queue, .x = &s.x.view, .out = &s.sums),
            ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm, queue, .x = &s.x.view,
                                  .stats = &s.out.view, .y = &s.y),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm, queue, .x = &s.x.view,
                                  .stats = &s.stats.view, .act = ODEON_UNARY_SQUARE, .y = &s.y),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm_vjp_sums, queue, .x = &s.x.view,
                                  .stats = &s.stats.view, .dy = &s.w.view, .sums = &s.sums),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(s.d->device, norm, batch_norm_vjp, queue, .x = &s.x.view,
                                  .w = &s.x.view, .stats = &s.stats.view, .dy = &s.dy.view,
                                  .sums = &s.sums.view, .count = 4.0, .dx = &s.y),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(s.d->device, pointwise, power, queue, .scale = 1.0,
                                  .exponent = 2.0, .x = &s.x.view, .y = &s.out),
                         ODEON_ERR_INTERNAL);
        close_scene(&s);
    }
}

static void test_wrong_dtypes_are_unsupported(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        scene s = open_scene(&devices[d]);
        s.x.view.shape.dtype = ODEON_DTYPE_I64;
        assert_int_equal(
            ODEON_DO(s.d->device, norm, channel_moment, s.d->queue, .x = &s.x.view, .out = &s.out),
            ODEON_ERR_UNSUPPORTED);
        assert_int_equal(ODEON_DO(s.d->device, pointwise, power, s.d->queue, .scale = 1.0,
                                  .exponent = 2.0, .x = &s.x.view, .y = &s.y),
                         ODEON_ERR_UNSUPPORTED);
        close_scene(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_moments_sum_over_samples_and_places),
        cmocka_unit_test(test_batch_norm_centres_scales_shifts_and_cuts),
        cmocka_unit_test(test_batch_norm_vjp_takes_away_what_statistics_hide),
        cmocka_unit_test(test_powers_of_whole_and_other_exponents),
        cmocka_unit_test(test_broken_shapes_are_refused),
        cmocka_unit_test(test_wrong_dtypes_are_unsupported),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
