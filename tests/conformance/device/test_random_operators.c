/* What chance decides in the operators noise, dropout and window2d: the numbers are those of the
 * host's generator, which is another implementation of Philox (Random123), on every device. */
#include "support.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "odeon/device_move.h"
#include "odeon/device_random.h"
#include "plugin/registry.h"

static const char *const devices[] = {"reference", "cpu", "remote", "remote(late=yes)", "emulated"};
enum { N_DEVICES = sizeof devices / sizeof *devices };

typedef struct bench {
    registry *plugins;
    support_device d[N_DEVICES];
} bench;

static int open_bench(void **state)
{
    bench *b = mem_zalloc(1, sizeof *b);
    assert_non_null(b);
    b->plugins = support_registry();
    for (size_t i = 0; i < N_DEVICES; i++) {
        b->d[i] = support_device_open(b->plugins, devices[i], ODEON_DTYPE_F64);
    }
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        support_device_close(&b->d[i]);
    }
    registry_destroy(b->plugins);
    mem_free(b);
    return 0;
}

/* dropout of n ones; mem_free it. */
static double *drop(support_device *d, uint64_t key, int64_t first, int64_t n, double p)
{
    odeon_tensor x = support_upload(d, NULL, 1, &n);
    assert_int_equal(ODEON_DO(d->device, move, fill, d->queue, .y = &x, .value = odeon_imm(1.0)),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(d->device, random, dropout, d->queue, .key = key, .first = first,
                              .p = p, .x = &x.view, .y = &x),
                     ODEON_OK);
    double *values = support_download(d, &x.view);
    support_release(d, &x);
    return values;
}

static void test_dropout_follows_the_generator(void **state)
{
    bench *b = *state;
    enum { N = 2000 };
    const uint64_t key = rng_key(7, "mask", 1, 2);
    const int64_t first = 4294967000; /* passes 32 bits on the way */
    for (size_t i = 0; i < N_DEVICES; i++) {
        double *values = drop(&b->d[i], key, first, N, 0.25);
        for (int64_t k = 0; k < N; k++) {
            bool kept = rng_uniform(key, (uint64_t)(first + k)) >= 0.25;
            assert_true(values[k] == (kept ? 1.0 / 0.75 : 0.0));
        }
        mem_free(values);
    }
}

/* The mask of a batch is that of its slices, wherever they are cut. */
static void test_dropout_does_not_depend_on_the_slice(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        double *whole = drop(&b->d[i], 99, 0, 100, 0.5), *part = drop(&b->d[i], 99, 37, 63, 0.5);
        assert_memory_equal(whole + 37, part, 63 * sizeof *part);
        mem_free(whole);
        mem_free(part);
    }
}

static void test_dropout_keeps_everything_at_rate_0(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        double *values = drop(&b->d[i], 3, 0, 500, 0.0);
        for (int k = 0; k < 500; k++) {
            assert_true(values[k] == 1.0);
        }
        mem_free(values);
    }
}

/* Logarithm and cosine may be another library's, on a GPU. */
static void test_noise_follows_the_generator(void **state)
{
    bench *b = *state;
    enum { N = 1000 };
    const uint64_t key = rng_key(7, "noise", 1, 2);
    const int64_t first = 4294967000, n = N; /* passes 32 bits on the way */
    for (size_t i = 0; i < N_DEVICES * ODEON_NOISE_COUNT; i++) {
        support_device *d = &b->d[i / ODEON_NOISE_COUNT];
        int32_t id = (int32_t)(i % ODEON_NOISE_COUNT);
        odeon_tensor x = support_upload(d, NULL, 1, &n);
        assert_int_equal(ODEON_DO(d->device, random, noise, d->queue, .key = key, .first = first,
                                  .id = id, .y = &x),
                         ODEON_OK);
        double *values = support_download(d, &x.view);
        for (int64_t k = 0; k < N; k++) {
            uint64_t at = (uint64_t)(first + k);
            double u = rng_uniform(key, at), normal = rng_normal(key, at);
            assert_true(id != ODEON_NOISE_UNIFORM || values[k] == u);
            assert_true(id != ODEON_NOISE_SIGN || values[k] == (u < 0.5 ? -1.0 : 1.0));
            assert_true(id != ODEON_NOISE_NORMAL || fabs(values[k] - normal) < 1e-13);
        }
        mem_free(values);
        support_release(d, &x);
    }
}

static void test_noise_of_another_kind_is_refused(void **state)
{
    bench *b = *state;
    const int64_t n = 1;
    for (size_t i = 0; i < 2; i++) { /* a remote one says so later, and is of no use then */
        support_device *d = &b->d[i];
        odeon_tensor x = support_upload(d, NULL, 1, &n);
        assert_true(ODEON_DO(d->device, random, noise, d->queue, .y = &x,
                             .id = ODEON_NOISE_COUNT) != ODEON_OK);
        support_release(d, &x);
    }
}

enum { SAMPLES = 4000, EDGE = 5, PADDING = 2, PLACES = 2 * PADDING + 1 };

/* Images whose only pixel that is not 0 is the one in the middle. */
static double *window_of_dots(support_device *d, uint64_t key, double flip_probability)
{
    const odeon_window_geometry geometry = {PADDING, 1, flip_probability};
    const int64_t shape[] = {SAMPLES, 1, EDGE, EDGE};
    double *dots = mem_zalloc(SAMPLES * EDGE * EDGE, sizeof *dots);
    assert_non_null(dots);
    for (size_t b = 0; b < SAMPLES; b++) {
        dots[b * EDGE * EDGE + EDGE * (EDGE / 2) + EDGE / 2] = 1.0;
    }
    odeon_tensor x = support_upload(d, dots, 4, shape), y = support_upload(d, NULL, 4, shape);
    assert_int_equal(ODEON_DO(d->device, random, window2d, d->queue, .geometry = geometry,
                              .key = key, .x = &x.view, .y = &y),
                     ODEON_OK);
    double *values = support_download(d, &y.view);
    mem_free(dots);
    support_release(d, &x);
    support_release(d, &y);
    return values;
}

/* Each of the 25 places is as likely: 4000 samples give 160 each, deviation 12.4. */
static void test_window_stands_everywhere_equally_often(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        int count[EDGE * EDGE] = {0};
        double *values = window_of_dots(&b->d[i], 11, 0.0);
        for (size_t k = 0; k < (size_t)SAMPLES * EDGE * EDGE; k++) {
            count[k % (EDGE * EDGE)] += values[k] == 1.0;
        }
        for (int k = 0; k < EDGE * EDGE; k++) {
            assert_in_range(count[k], 160 - 5 * 13, 160 + 5 * 13); /* five deviations */
        }
        mem_free(values);
    }
}

/* The host's 64 bits are v[1] : v[0]; v[0] chooses the row. The dot then stands PADDING - offset
 * below the middle. */
static void test_window_follows_the_generator(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        double *values = window_of_dots(&b->d[i], 21, 0.0);
        for (size_t k = 0; k < SAMPLES; k++) {
            uint64_t bits = rng_bits(21, k);
            uint64_t row = 2 * PADDING - ((bits & UINT32_MAX) * PLACES >> 32);
            uint64_t column = 2 * PADDING - ((bits >> 32) * PLACES >> 32);
            assert_true(values[k * EDGE * EDGE + row * EDGE + column] == 1.0);
        }
        mem_free(values);
    }
}

/* The place does not change with the flip; of 4000 samples 1000 are mirrored, deviation 27. */
static void test_window_is_mirrored_as_often_as_asked(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        double *plain = window_of_dots(&b->d[i], 5, 0.0), *some = window_of_dots(&b->d[i], 5, 0.25);
        double *all = window_of_dots(&b->d[i], 5, 1.0);
        int mirrored = 0, unlike = 0;
        for (size_t k = 0; k < SAMPLES; k++) {
            const size_t at = k * EDGE * EDGE, bytes = EDGE * EDGE * sizeof *some;
            bool symmetric = memcmp(&plain[at], &all[at], bytes) == 0;
            unlike += !symmetric;
            mirrored += !symmetric && memcmp(&some[at], &all[at], bytes) == 0;
        }
        assert_in_range(unlike, 3200 - 5 * 26, 3200 + 5 * 26); /* four columns of five */
        assert_in_range(mirrored, 800 - 5 * 26, 800 + 5 * 26);
        mem_free(plain);
        mem_free(some);
        mem_free(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout_follows_the_generator),
        cmocka_unit_test(test_dropout_does_not_depend_on_the_slice),
        cmocka_unit_test(test_dropout_keeps_everything_at_rate_0),
        cmocka_unit_test(test_noise_follows_the_generator),
        cmocka_unit_test(test_noise_of_another_kind_is_refused),
        cmocka_unit_test(test_window_stands_everywhere_equally_often),
        cmocka_unit_test(test_window_follows_the_generator),
        cmocka_unit_test(test_window_is_mirrored_as_often_as_asked),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
