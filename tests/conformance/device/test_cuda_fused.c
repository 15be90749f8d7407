/* What the CUDA device does in one launch that is several operators elsewhere: bias and function by
 * its libraries, and device_fused.h, on its host side without a GPU. Launches are counted. Skipped
 * where the device is not built. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_fused.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "plugin/registry.h"

static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static void skip_where_not_built(void)
{
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) != 0) {
        support_not_covered("what the CUDA device does at once (no nvcc)");
    }
}

static int64_t launches_of(const support_device *d)
{
    const odeon_device_counters *counters = d->device->get_table(d->device, ODEON_DEVICE_COUNTERS);
    int64_t launches = 0, waits, allocs, live;
    if (counters != NULL) { /* the reference counts nothing */
        counters->read(d->device->handle, &launches, &waits, &allocs, &live);
    }
    return launches;
}

/* Random numbers, all but one of which may be NaN. */
static odeon_tensor numbers(support_device *d, uint64_t seed, int32_t ndim, const int64_t *dim,
                            bool has_nan)
{
    double values[1024];
    int64_t n = 1;
    for (int32_t i = 0; i < ndim; i++) {
        n *= dim[i];
    }
    assert_in_range(n, 1, 1024);
    for (int64_t i = 0; i < n; i++) {
        values[i] = support_random(seed, (uint64_t)i);
    }
    values[0] = has_nan ? (double)NAN : values[0];
    return support_upload(d, values, ndim, dim);
}

/* ---- bias and function ---- */

enum { B = 2, C = 3, H = 5, K = 4, R = 3, M = 6, N = 8, SIZE = B * K * H * H, SCRATCH = 1 << 14 };

typedef struct operation {
    bool is_conv, has_nan;
    int32_t act;
    double y[SIZE];
    int64_t n, launches; /* of the second time */
} operation;

static odeon_status convolve(support_device *d, const odeon_tensor *t, void *scratch, int32_t act)
{
    static const odeon_conv_geometry same = {1, 1, 1, 1};
    return ODEON_DO(d->device, conv, conv2d, d->queue, .geometry = same, .x = &t[0].view,
                    .w = &t[1].view, .bias = &t[2].view, .act = act, .y = &t[3],
                    .scratch = scratch);
}

static odeon_status multiply(support_device *d, const odeon_tensor *t, int32_t act)
{
    return ODEON_DO(d->device, product, gemm, d->queue, .alpha = 1.0, .a = &t[0].view,
                    .b = &t[1].view, .trans_b = 1, .bias = &t[2].view, .act = act, .c = &t[3]);
}

enum { OPERANDS = 4 }; /* x or a, w or b, bias, and what becomes of them */

static void make_operands(support_device *d, const operation *o, odeon_tensor *t)
{
    static const int64_t image[] = {B, C, H, H}, filter[] = {K, C, R, R}, filters[] = {K};
    static const int64_t out[] = {B, K, H, H}, a[] = {M, C}, b[] = {N, C}, c[] = {M, N}, n[] = {N};
    int32_t ndim = o->is_conv ? 4 : 2;
    t[0] = numbers(d, 1, ndim, o->is_conv ? image : a, o->has_nan);
    t[1] = numbers(d, 2, ndim, o->is_conv ? filter : b, false);
    t[2] = numbers(d, 3, 1, o->is_conv ? filters : n, false);
    t[3] = support_upload(d, NULL, ndim, o->is_conv ? out : c);
}

static void release_operands(support_device *d, odeon_tensor *t)
{
    for (int i = 0; i < OPERANDS; i++) {
        support_release(d, &t[i]);
    }
}

/* Twice: the first time finds out what the libraries can do. */
static void run_twice(support_device *d, const odeon_tensor *t, void *scratch, operation *o)
{
    for (int turn = 0; turn < 2; turn++) {
        int64_t before = launches_of(d);
        odeon_status status = o->is_conv ? convolve(d, t, scratch, o->act) : multiply(d, t, o->act);
        assert_int_equal(status, ODEON_OK);
        o->launches = launches_of(d) - before;
    }
}

static void run(const char *device, uint32_t dtype, operation *o)
{
    support_device d = support_device_open(plugins, device, dtype);
    const int64_t room = SCRATCH;
    odeon_tensor scratch = support_upload(&d, NULL, 1, &room), t[OPERANDS];
    make_operands(&d, o, t);
    if (o->is_conv) {
        assert_true(d.device->conv->conv2d_scratch(d.device, &(odeon_conv_geometry){1, 1, 1, 1},
                                                   &t[0].view.shape, &t[1].view.shape) <= SCRATCH);
    }
    run_twice(&d, t, odeon_write(&scratch), o);
    double *y = support_download(&d, &t[3].view);
    o->n = odeon_count(&t[3].view.shape);
    memcpy(o->y, y, (size_t)o->n * sizeof *y);
    mem_free(y);
    release_operands(&d, t);
    support_release(&d, &scratch);
    support_device_close(&d);
}

/* As the reference, NaN where it has one. */
static void assert_like_reference(uint32_t dtype, const operation *o)
{
    operation reference = *o;
    run("reference", dtype, &reference);
    /* sums of some thirty numbers, in another order */
    if (!o->has_nan) {
        support_assert_close("y", o->n, o->y, reference.y, dtype == ODEON_DTYPE_F32 ? 1e-6 : 1e-14);
    }
    for (int64_t k = 0; k < o->n; k++) {
        assert_int_equal(isnan(o->y[k]), isnan(reference.y[k]));
    }
}

/* The bits of a library that has no epilogue, and of a launch behind it. */
static void assert_fused_as(uint32_t dtype, operation o, int64_t launches)
{
    operation plain = o;
    run("mocked", dtype, &o);
    assert_int_equal(o.launches, launches);
    assert_int_equal(setenv("ODEON_MOCKED_NO_EPILOGUE", "1", 1), 0);
    run("mocked", dtype, &plain);
    assert_int_equal(unsetenv("ODEON_MOCKED_NO_EPILOGUE"), 0);
    assert_int_equal(plain.launches, 2);
    assert_memory_equal(o.y, plain.y, (size_t)o.n * sizeof *o.y);
    assert_like_reference(dtype, &o);
}

static void assert_fused(operation o, int64_t launches)
{
    assert_fused_as(ODEON_DTYPE_F32, o, launches);
    assert_fused_as(ODEON_DTYPE_F64, o, launches);
}

static void test_libraries_add_bias_and_apply_relu(void **state)
{
    (void)state;
    skip_where_not_built();
    for (int i = 0; i < 8; i++) {
        assert_fused((operation){.is_conv = i & 1,
                                 .has_nan = (i & 2) != 0,
                                 .act = i & 4 ? ODEON_UNARY_RELU : ODEON_UNARY_IDENTITY},
                     1);
    }
}

static void test_other_functions_come_behind(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_fused((operation){.is_conv = true, .act = ODEON_UNARY_TANH}, 2);
    assert_fused((operation){.is_conv = false, .act = ODEON_UNARY_SIGMOID}, 2);
}

/* A ReLU that made 0 of NaN is found out, and not used. */
static void test_relu_that_hides_nan_is_not_used(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_int_equal(setenv("ODEON_MOCKED_HIDES_NAN", "1", 1), 0);
    for (int i = 0; i < 4; i++) {
        int32_t act = i & 2 ? ODEON_UNARY_RELU : ODEON_UNARY_IDENTITY;
        assert_fused((operation){.is_conv = i & 1, .has_nan = true, .act = act}, i & 2 ? 2 : 1);
    }
    assert_int_equal(unsetenv("ODEON_MOCKED_HIDES_NAN"), 0);
}

/* Records a product with ReLU, and has it done. */
static void replay_relu(support_device *d, const odeon_tensor *t)
{
    const odeon_device_capture *capture = d->device->get_table(d->device, ODEON_DEVICE_CAPTURE);
    odeon_recording *recording = NULL;
    assert_int_equal(capture->begin(d->queue), ODEON_OK);
    assert_int_equal(multiply(d, t, ODEON_UNARY_RELU), ODEON_OK);
    assert_int_equal(capture->end(d->queue, &recording), ODEON_OK);
    assert_int_equal(capture->replay(d->queue, recording), ODEON_OK);
    double *y = support_download(d, &t[3].view);
    for (int64_t i = 0; i < (int64_t)M * N; i++) {
        assert_true(y[i] >= 0.0);
    }
    mem_free(y);
    capture->destroy(recording);
}

/* To try one takes a wait, which a recording cannot have. */
static void test_recordings_hold_epilogues_that_are_known(void **state)
{
    (void)state;
    skip_where_not_built();
    const operation product = {.is_conv = false};
    support_device d = support_device_open(plugins, "mocked", ODEON_DTYPE_F32);
    odeon_tensor t[OPERANDS];
    make_operands(&d, &product, t);
    assert_int_equal(multiply(&d, t, ODEON_UNARY_IDENTITY), ODEON_OK); /* opens the libraries */
    for (int known = 0; known < 2; known++) {
        replay_relu(&d, t);
        assert_int_equal(multiply(&d, t, ODEON_UNARY_RELU), ODEON_OK);
    }
    release_operands(&d, t);
    support_device_close(&d);
}

/* ---- device_fused.h ---- */

static const char *const devices[] = {"emulated", "mocked"};

static const odeon_device_fused *fused_of(const support_device *d)
{
    const odeon_device_fused *fused = d->device->get_table(d->device, ODEON_DEVICE_FUSED);
    assert_non_null(fused);
    return fused;
}

enum { ROWS = 4, COLS = 6, TIMES = 3, PITCH = COLS + TIMES };

static const double join_times[] = {0.1, 0.2, 0.3, 0.4};

static void assert_joined(support_device *d, const odeon_join_rows *all)
{
    double *got = support_download(d, &all->y->view), *from = support_download(d, all->x);
    for (int64_t i = 0; i < (int64_t)ROWS * PITCH; i++) {
        int64_t r = i / PITCH, k = i % PITCH - all->x_at;
        double time = join_times[r / all->each];
        time = d->dtype == ODEON_DTYPE_F32 ? (double)(float)time : time;
        assert_true(got[i] == (k >= 0 && k < COLS ? from[r * COLS + k] : time));
    }
    mem_free(got);
    mem_free(from);
}

/* y[r] = x[r] and t, first or last; one t for all rows, for two each, or a row its own. */
static void join(support_device *d, int64_t each, bool first)
{
    static const int64_t of_x[] = {ROWS, COLS}, of_y[] = {ROWS, PITCH};
    const int64_t n_times = ROWS / each;
    odeon_tensor x = numbers(d, 1, 2, of_x, false), y = support_upload(d, NULL, 2, of_y);
    odeon_tensor t = support_upload_as(d, ODEON_DTYPE_F64, join_times, 1, &n_times);
    const odeon_join_rows all = {.struct_size = sizeof all,
                                 .x = &x.view,
                                 .v = &t.view,
                                 .y = &y,
                                 .rows = ROWS,
                                 .each = each,
                                 .x_cols = COLS,
                                 .x_at = first ? TIMES : 0,
                                 .t_cols = TIMES,
                                 .t_at = first ? 0 : COLS,
                                 .pitch = PITCH};
    int64_t before = launches_of(d);
    assert_int_equal(fused_of(d)->join_rows(d->queue, &all), ODEON_OK);
    assert_int_equal(launches_of(d), before + 1);
    assert_joined(d, &all);
    support_release(d, &x);
    support_release(d, &y);
    support_release(d, &t);
}

static void test_rows_are_joined_with_times(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        if (i % 2 == 1) {
            skip_where_not_built();
        }
        support_device d =
            support_device_open(plugins, devices[i % 2], i < 2 ? ODEON_DTYPE_F32 : ODEON_DTYPE_F64);
        for (int64_t each = 1; each <= ROWS; each *= 2) {
            join(&d, each, true);
            join(&d, each, false);
        }
        support_device_close(&d);
    }
}

enum { MOST_CHANNELS = 5 };
static const double momentum = 0.125, epsilon = 1e-5;
static const double running_before[MOST_CHANNELS] = {0.5, 0.25, -1.0, 2.0, 3.0};

/* A batch [b,c,s] and what is known of it. */
typedef struct batch {
    int64_t b, c, s;
    odeon_tensor x, stats, mean, variance;
} batch;

/* Far from 0, where a single pass would lose digits. */
static batch make_batch(support_device *d, int64_t b, int64_t c, int64_t s)
{
    const int64_t image[] = {b, c, s}, pair[] = {2, c};
    batch all = {.b = b, .c = c, .s = s};
    double *values = mem_alloc((size_t)(b * c * s) * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < b * c * s; i++) {
        values[i] = 1000.0 * (double)(i / s % c + 1) + support_random(5, (uint64_t)i);
    }
    all.x = support_upload(d, values, 3, image);
    all.stats = support_upload_as(d, ODEON_DTYPE_F64, NULL, 2, pair);
    all.mean = support_upload(d, running_before, 1, &c);
    all.variance = support_upload(d, running_before, 1, &c);
    mem_free(values);
    return all;
}

static void release_batch(support_device *d, batch *all)
{
    support_release(d, &all->x);
    support_release(d, &all->stats);
    support_release(d, &all->mean);
    support_release(d, &all->variance);
}

/* Mean of channel k, and the sum of squares about it. */
static double moments(const batch *all, const double *x, int64_t k, double *squares)
{
    double sum = 0.0, n = (double)(all->b * all->s);
    *squares = 0.0;
    for (int64_t i = 0; i < all->b * all->c * all->s; i++) {
        sum += i / all->s % all->c == k ? x[i] : 0.0;
    }
    for (int64_t i = 0; i < all->b * all->c * all->s; i++) {
        *squares += i / all->s % all->c == k ? (x[i] - sum / n) * (x[i] - sum / n) : 0.0;
    }
    return sum / n;
}

static void assert_batch(support_device *d, const batch *all, double rounding)
{
    double *x = support_download(d, &all->x.view), *stats = support_download(d, &all->stats.view);
    double *means = support_download(d, &all->mean.view);
    double *variances = support_download(d, &all->variance.view);
    double n = (double)(all->b * all->s), unit = d->dtype == ODEON_DTYPE_F32 ? 1e-6 : 1e-12;
    for (int64_t k = 0; k < all->c; k++) {
        double squares, mean = moments(all, x, k, &squares), before = running_before[k];
        double want[] = {(1.0 - momentum) * before + momentum * mean,
                         (1.0 - momentum) * before + momentum * squares / (n - 1.0)};
        /* rounding of sums of thousands of numbers of size 1000 */
        assert_true(fabs(stats[k] - mean) <= rounding * fabs(mean));
        assert_true(fabs(stats[all->c + k] * sqrt(squares / n + epsilon) - 1.0) <= rounding);
        assert_true(fabs(means[k] - want[0]) <= unit * fabs(want[0]));
        assert_true(fabs(variances[k] - want[1]) <= unit * fabs(want[1]) + unit * 0.5);
    }
    double *const made[] = {x, stats, means, variances};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        mem_free(made[i]);
    }
}

/* Running statistics become a batch's; of a variance that began below 0 there is none. */
static void assert_running(support_device *d, const batch *all)
{
    const odeon_running_statistics call = {.struct_size = sizeof call,
                                           .mean = &all->mean.view,
                                           .variance = &all->variance.view,
                                           .stats = &all->stats,
                                           .epsilon = epsilon};
    int64_t before = launches_of(d);
    assert_int_equal(fused_of(d)->running_statistics(d->queue, &call), ODEON_OK);
    assert_int_equal(launches_of(d), before + 1);
    double *means = support_download(d, &all->mean.view);
    double *variances = support_download(d, &all->variance.view);
    double *stats = support_download(d, &all->stats.view);
    for (int64_t k = 0; k < all->c; k++) {
        double variance = variances[k] < 0.0 ? (double)NAN : variances[k], rstd = stats[all->c + k];
        assert_true(stats[k] == means[k]);
        assert_true(rstd == 1.0 / sqrt(variance + epsilon) || (isnan(rstd) && isnan(variance)));
    }
    mem_free(means);
    mem_free(variances);
    mem_free(stats);
}

/* Statistics of [b,c,s] against sums in two passes, and what becomes of the running ones. */
static void assert_statistics(support_device *d, int64_t b, int64_t c, int64_t s, int64_t launches,
                              double rounding)
{
    batch all = make_batch(d, b, c, s);
    const odeon_batch_statistics call = {.struct_size = sizeof call,
                                         .x = &all.x.view,
                                         .stats = &all.stats,
                                         .running_mean = &all.mean,
                                         .running_variance = &all.variance,
                                         .momentum = momentum,
                                         .epsilon = epsilon};
    int64_t before = launches_of(d);
    assert_int_equal(fused_of(d)->batch_statistics(d->queue, &call), ODEON_OK);
    assert_int_equal(launches_of(d), before + launches);
    assert_batch(d, &all, rounding);
    assert_running(d, &all);
    release_batch(d, &all);
}

/* Little is one launch; what several blocks have a part of is two. */
static void test_statistics_of_batches(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        if (i % 2 == 1) {
            skip_where_not_built();
        }
        support_device d =
            support_device_open(plugins, devices[i % 2], i < 2 ? ODEON_DTYPE_F32 : ODEON_DTYPE_F64);
        assert_statistics(&d, 2, 3, 40, 1, 1e-12);
        assert_statistics(&d, 5, 5, 1, 1, 1e-12);
        assert_statistics(&d, 3, 2, 2100, 2, 1e-12);
        support_device_close(&d);
    }
}

/* The processor's own, which adds up to 64 terms in float32. */
static void test_statistics_and_rows_on_the_host(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        support_device d =
            support_device_open(plugins, "cpu", i == 0 ? ODEON_DTYPE_F32 : ODEON_DTYPE_F64);
        double rounding = i == 0 ? 1e-6 : 1e-12;
        assert_statistics(&d, 2, 3, 40, 1, rounding);
        assert_statistics(&d, 5, 5, 1, 1, rounding);
        assert_statistics(&d, 3, 2, 2100, 1, rounding);
        for (int64_t each = 1; each <= ROWS; each *= 2) {
            join(&d, each, true);
            join(&d, each, false);
        }
        support_device_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_and_rows_on_the_host),
        cmocka_unit_test(test_libraries_add_bias_and_apply_relu),
        cmocka_unit_test(test_other_functions_come_behind),
        cmocka_unit_test(test_relu_that_hides_nan_is_not_used),
        cmocka_unit_test(test_recordings_hold_epilogues_that_are_known),
        cmocka_unit_test(test_rows_are_joined_with_times),
        cmocka_unit_test(test_statistics_of_batches),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
