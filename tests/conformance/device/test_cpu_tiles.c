/* Products of the CPU device on matrix tiles. Their instructions are emulated (device `tiled`), so
 * that all but their speed is tested on any processor. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device_cases.h"
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

enum { MOST = 140 * 140, PLACE = 77 };

/* Numbers of a few orders of magnitude; the one at PLACE is `special`, unless that is 0. */
static void fill(uint64_t seed, int64_t n, double special, double *values)
{
    for (int64_t i = 0; i < n; i++) {
        values[i] = support_random(seed, (uint64_t)i) *
                    pow(2.0, 6.0 * support_random(seed + 100, (uint64_t)i));
    }
    if (special != 0.0 && n > PLACE) {
        values[PLACE] = special;
    }
}

typedef struct shape {
    int64_t m, n, k;
    int32_t trans;
    double alpha, beta, special;
} shape;

/* c = alpha op(a) op(b) + beta c [M,N], downloaded; mem_free it. */
static double *product(support_device *d, const shape *s)
{
    double values[MOST];
    int32_t trans_a = s->trans & 1, trans_b = s->trans >> 1;
    int64_t a_dim[] = {trans_a ? s->k : s->m, trans_a ? s->m : s->k};
    int64_t b_dim[] = {trans_b ? s->n : s->k, trans_b ? s->k : s->n}, c_dim[] = {s->m, s->n};
    fill(1, s->m * s->k, s->special, values);
    odeon_tensor a = support_upload(d, values, 2, a_dim);
    fill(2, s->k * s->n, 0.0, values);
    odeon_tensor b = support_upload(d, values, 2, b_dim);
    fill(3, s->m * s->n, 0.0, values);
    odeon_tensor c = support_upload(d, values, 2, c_dim);
    assert_int_equal(ODEON_DO(d->device, product, gemm, d->queue, .trans_a = trans_a,
                              .trans_b = trans_b, .alpha = s->alpha, .beta = s->beta, .a = &a.view,
                              .b = &b.view, .c = &c),
                     ODEON_OK);
    double *result = support_download(d, &c.view);
    support_release(d, &a);
    support_release(d, &b);
    support_release(d, &c);
    return result;
}

/* The root of the mean square of the difference, relative to that of the values. */
static double distance(const double *x, const double *exact, int64_t n)
{
    double off = 0.0, size = 0.0;
    for (int64_t i = 0; i < n; i++) {
        off += (x[i] - exact[i]) * (x[i] - exact[i]);
        size += exact[i] * exact[i];
    }
    return sqrt(off / size);
}

static const shape shapes[] = {{16, 16, 32, 0, 1.0, 0.0, 0.0},   {17, 16, 33, 1, 1.0, 0.0, 0.0},
                               {64, 36, 128, 0, 1.0, 0.0, 0.0},  {31, 47, 95, 2, 0.5, 0.0, 0.0},
                               {33, 130, 64, 3, 1.0, 1.0, 0.0},  {128, 16, 140, 0, -1.5, 0.25, 0.0},
                               {139, 139, 139, 2, 1.0, 0.0, 0.0}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Errors are those of rounding the operands to 24, 16 and 8 bits. */
static const struct {
    const char *device;
    double most, least;
} ways[] = {{"tiled(math=bf16x6)", 3e-7, 0.0},
            {"tiled(math=bf16x3)", 2e-5, 1e-7},
            {"tiled(math=bf16)", 6e-3, 1e-4}};

static void test_errors_are_those_of_the_parts(void **state)
{
    (void)state;
    support_device exact = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    for (size_t way = 0; way < 3; way++) {
        support_device d = support_device_open(plugins, ways[way].device, ODEON_DTYPE_F32);
        for (size_t i = 0; i < SHAPES; i++) {
            double *on_tiles = product(&d, &shapes[i]), *right = product(&exact, &shapes[i]);
            double error = distance(on_tiles, right, shapes[i].m * shapes[i].n);
            if (!(error <= ways[way].most && error >= ways[way].least)) {
                fail_msg("%s, shape %zu: error %g", ways[way].device, i, error);
            }
            mem_free(on_tiles);
            mem_free(right);
        }
        support_device_close(&d);
    }
    support_device_close(&exact);
}

/* All cases of products and convolutions, at the tolerance of float32. */
static void test_six_products_are_as_good_as_float32(void **state)
{
    (void)state;
    static const device_case *const families[] = {product_cases, conv_cases};
    support_device plain = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    support_device d = support_device_open(plugins, "tiled(math=bf16x6)", ODEON_DTYPE_F32);
    for (size_t f = 0; f < 2; f++) {
        for (const device_case *c = families[f]; c->name != NULL; c++) {
            case_run *on_tiles = case_execute(c, &d), *right = case_execute(c, &plain);
            case_compare(on_tiles, right, 1e-5);
            case_destroy(on_tiles);
            case_destroy(right);
        }
    }
    support_device_close(&d);
    support_device_close(&plain);
}

/* A row's bits depend neither on how many rows there are nor on the call. */
static void test_rows_do_not_depend_on_one_another(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "tiled(math=bf16x6)", ODEON_DTYPE_F32);
    shape all = {95, 33, 70, 0, 1.0, 0.0, 0.0}, few = all;
    double *whole = product(&d, &all), *again = product(&d, &all);
    assert_memory_equal(whole, again, (size_t)(all.m * all.n) * sizeof *whole);
    for (few.m = 1; few.m < all.m; few.m += 13) {
        double *part = product(&d, &few);
        assert_memory_equal(part, whole, (size_t)(few.m * few.n) * sizeof *part);
        mem_free(part);
    }
    mem_free(whole);
    mem_free(again);
    support_device_close(&d);
}

/* Infinities, NaN and what would overflow as a part are multiplied as float32. */
static void test_what_has_no_parts_is_multiplied_as_float32(void **state)
{
    (void)state;
    static const double specials[] = {(double)INFINITY, -(double)INFINITY, (double)NAN, 3.4e38};
    support_device d =
        support_device_open(plugins, "tiled(math=bf16x6, blas=own)", ODEON_DTYPE_F32);
    support_device plain = support_device_open(plugins, "cpu(blas=own)", ODEON_DTYPE_F32);
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        shape s = {33, 20, 64, 0, 1.0, 0.0, specials[i]};
        double *on_tiles = product(&d, &s), *right = product(&plain, &s);
        int64_t row = PLACE / s.k;
        assert_memory_equal(on_tiles, right, (size_t)(s.m * s.n) * sizeof *right);
        assert_true(isfinite(right[(row + 1) * s.n]));
        assert_true(i == 3 || !isfinite(right[row * s.n]));
        mem_free(on_tiles);
        mem_free(right);
    }
    support_device_close(&plain);
    support_device_close(&d);
}

/* float64 has no parts, and small products are not worth splitting. */
static void test_other_products_are_as_ever(void **state)
{
    (void)state;
    static const shape large = {33, 20, 64, 0, 1.0, 0.0, 0.0},
                       small = {40, 15, 64, 0, 1.0, 0.0, 0.0};
    const uint32_t dtypes[] = {ODEON_DTYPE_F64, ODEON_DTYPE_F32};
    const shape *const each[] = {&large, &small};
    for (size_t i = 0; i < 2; i++) {
        support_device d = support_device_open(plugins, "tiled(math=bf16, blas=own)", dtypes[i]);
        support_device plain = support_device_open(plugins, "cpu(blas=own)", dtypes[i]);
        double *a = product(&d, each[i]), *b = product(&plain, each[i]);
        assert_memory_equal(a, b, (size_t)(each[i]->m * each[i]->n) * sizeof *a);
        mem_free(a);
        mem_free(b);
        support_device_close(&plain);
        support_device_close(&d);
    }
}

int main(void)
{
    /* The device "tiled" has the kernels of this processor, and some bits are compared with it. */
    (void)unsetenv("ODEON_TEST_SIMD");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_those_of_the_parts),
        cmocka_unit_test(test_six_products_are_as_good_as_float32),
        cmocka_unit_test(test_rows_do_not_depend_on_one_another),
        cmocka_unit_test(test_what_has_no_parts_is_multiplied_as_float32),
        cmocka_unit_test(test_other_products_are_as_ever),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
