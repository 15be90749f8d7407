/* The CPU device's own elementary functions, against the library's in a wider format: every 499th
 * float32, or all of them where ODEON_TEST_EVERY_FLOAT is set, and random float64. The same bits
 * come from all instruction sets. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_levels.h"
#include "device_cases.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

enum { BLOCK = 4096, STEP = 997, DOUBLE_BLOCKS = 100 };

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

/* ---- exact functions ---- */

static long double sigmoid(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

/* x itself above 20, as device_pointwise.h says. */
static long double softplus(long double x)
{
    return x > 20 ? x : x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

static double sigmoid_double(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double softplus_double(double x)
{
    return x > 20 ? x : x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

typedef struct function {
    int32_t id;
    double low, high; /* arguments of float64 at which it is neither constant nor x */
    long double (*exact)(long double x);
    double (*exact_double)(double x); /* exact enough for float32 */
} function;

static const function functions[] = {
    {ODEON_UNARY_EXP, -746.0, 710.0, expl, exp},
    {ODEON_UNARY_TANH, -20.0, 20.0, tanhl, tanh},
    {ODEON_UNARY_SIGMOID, -746.0, 40.0, sigmoid, sigmoid_double},
    {ODEON_UNARY_SOFTPLUS, -746.0, 21.0, softplus, softplus_double},
    {ODEON_UNARY_LOG, 0.0, 1e300, logl, log},
    {ODEON_UNARY_SIN, -1e6, 1e6, sinl, sin},
    {ODEON_UNARY_COS, -1e6, 1e6, cosl, cos},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* ---- errors in units of the last place ---- */

/* exact rounded to float32 decides where y or it is not finite. */
static double ulps_float(float y, double exact)
{
    int exponent;
    float rounded = (float)exact;
    if (isnan(rounded) || isinf(rounded) || isnan(y) || isinf(y)) {
        return (isnan(rounded) && isnan(y)) || rounded == y ? 0.0 : HUGE_VAL;
    }
    (void)frexp(exact, &exponent);
    return fabs((double)y - exact) / ldexp(1.0, exponent - 24 < -149 ? -149 : exponent - 24);
}

static double ulps_double(double y, long double exact)
{
    int exponent;
    double rounded = (double)exact;
    if (isnan(rounded) || isinf(rounded) || isnan(y) || isinf(y)) {
        return (isnan(rounded) && isnan(y)) || rounded == y ? 0.0 : HUGE_VAL;
    }
    (void)frexpl(exact, &exponent);
    return (double)(fabsl((long double)y - exact) /
                    ldexpl(1.0L, exponent - 53 < -1074 ? -1074 : exponent - 53));
}

/* ---- sweeps ---- */

static void call(support_device *d, int32_t id, const void *x, void *y)
{
    const odeon_shape shape = {.ndim = 1, .dtype = d->dtype, .dim = {BLOCK}};
    odeon_view in = odeon_view_at(x, shape);
    odeon_tensor out = odeon_tensor_at(y, shape);
    assert_int_equal(ODEON_DO(d->device, pointwise, unary, d->queue, .id = id, .x = &in, .y = &out),
                     ODEON_OK);
}

/* Fills x with the numbers whose bits are first, first + step, ...; returns the bits that follow.
 */
static uint64_t fill_floats(uint64_t first, uint64_t step, float *x)
{
    for (int i = 0; i < BLOCK; i++, first += step) {
        uint32_t bits = (uint32_t)first;
        memcpy(&x[i], &bits, sizeof bits);
    }
    return first;
}

/* The bound that elementary.h states, and that library functions keep beyond its range. */
static void test_float32_is_within_its_bound(void **state)
{
    (void)state;
    static float x[BLOCK], y[BLOCK];
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    uint64_t step = getenv("ODEON_TEST_EVERY_FLOAT") != NULL ? 1 : STEP;
    for (int f = 0; f < N_FUNCTIONS; f++) {
        double worst = 0.0, at = 0.0;
        for (uint64_t bits = 0; bits <= UINT32_MAX;) {
            bits = fill_floats(bits, step, x);
            call(&d, functions[f].id, x, y);
            for (int i = 0; i < BLOCK; i++) {
                double error = ulps_float(y[i], functions[f].exact_double((double)x[i]));
                at = error > worst ? (double)x[i] : at;
                worst = error > worst ? error : worst;
            }
        }
        print_message("unary %d: %.4f ulp at %.9g\n", (int)functions[f].id, worst, at);
        /* sinf and cosf of large arguments: 0.56 ulp */
        int32_t turns = functions[f].exact == sinl || functions[f].exact == cosl;
        assert_true(worst <= (turns ? 0.6 : 0.51));
    }
    support_device_close(&d);
}

/* A third spread over the range, a third within 4 of 0, a third of all magnitudes below it. */
static void fill_doubles(uint64_t block, const function *f, double *x)
{
    for (int i = 0; i < BLOCK; i++) {
        double u = support_random(7 + block, 2 * (uint64_t)i); /* [-1, 1) */
        double v = support_random(7 + block, 2 * (uint64_t)i + 1);
        double spread = f->low + (f->high - f->low) * (u + 1.0) / 2.0;
        x[i] = block % 3 == 0   ? spread
               : block % 3 == 1 ? 4.0 * u
                                : spread * ldexp(1.0, (int)(30.0 * (v - 1.0)));
    }
}

static void test_float64_is_within_its_bound(void **state)
{
    (void)state;
    static double x[BLOCK], y[BLOCK];
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F64);
    for (int f = 0; f < N_FUNCTIONS; f++) {
        double worst = 0.0, at = 0.0;
        for (uint64_t block = 0; block < DOUBLE_BLOCKS; block++) {
            fill_doubles(block, &functions[f], x);
            call(&d, functions[f].id, x, y);
            for (int i = 0; i < BLOCK; i++) {
                double error = ulps_double(y[i], functions[f].exact((long double)x[i]));
                at = error > worst ? x[i] : at;
                worst = error > worst ? error : worst;
            }
        }
        print_message("unary %d: %.4f ulp at %.17g\n", (int)functions[f].id, worst, at);
        assert_true(worst <= 1.0);
    }
    support_device_close(&d);
}

/* ---- special values ---- */

static void test_special_values(void **state)
{
    (void)state;
    static const double specials[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 0.0,    -0.0,
                                      1e-310,      -1e-310,  1e-40,     -1e-40, 5e6,
                                      -1e30,       3.3e38,   -3.3e38};
    enum { N_SPECIALS = sizeof specials / sizeof *specials };
    static float x[BLOCK], y[BLOCK];
    static double x_double[BLOCK], y_double[BLOCK];
    support_device single = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    support_device wide = support_device_open(plugins, "cpu", ODEON_DTYPE_F64);
    for (int i = 0; i < BLOCK; i++) {
        x_double[i] = specials[i % N_SPECIALS];
        x[i] = (float)x_double[i];
    }
    for (int f = 0; f < N_FUNCTIONS; f++) {
        call(&single, functions[f].id, x, y);
        call(&wide, functions[f].id, x_double, y_double);
        for (int i = 0; i < BLOCK; i++) {
            long double exact = functions[f].exact((long double)x[i]);
            assert_true(ulps_float(y[i], (double)exact) <= 1.0);
            assert_true(!signbit(y[i]) == !signbit(exact) || isnan(y[i]));
            exact = functions[f].exact((long double)x_double[i]);
            assert_true(ulps_double(y_double[i], exact) <= 1.0);
            assert_true(!signbit(y_double[i]) == !signbit(exact) || isnan(y_double[i]));
        }
    }
    support_device_close(&single);
    support_device_close(&wide);
}

/* ---- equal bits ---- */

/* 1 where a and b are the same number or both NaN. */
static int same(const float *a, const float *b)
{
    return (isnan(*a) && isnan(*b)) || memcmp(a, b, sizeof *a) == 0;
}

static void test_instruction_sets_give_the_same_floats(void **state)
{
    (void)state;
    static float x[BLOCK], first[BLOCK], y[BLOCK];
    const char *names[CPU_LEVELS];
    char expression[64];
    int n = cpu_levels(names);
    for (int level = 1; level < n; level++) {
        support_device plain = support_device_open(plugins, "cpu(simd=baseline)", ODEON_DTYPE_F32);
        (void)snprintf(expression, sizeof expression, "cpu(simd=%s)", names[level]);
        support_device d = support_device_open(plugins, expression, ODEON_DTYPE_F32);
        for (uint64_t bits = 0; bits <= UINT32_MAX;) {
            bits = fill_floats(bits, 25 * STEP, x);
            for (int f = 0; f < N_FUNCTIONS; f++) {
                call(&plain, functions[f].id, x, first);
                call(&d, functions[f].id, x, y);
                for (int i = 0; i < BLOCK; i++) {
                    assert_true(same(&first[i], &y[i]));
                }
            }
        }
        support_device_close(&d);
        support_device_close(&plain);
    }
}

/* One number alone, at the end of a row or beside a number that goes to the library. */
static void test_neighbours_do_not_change_a_result(void **state)
{
    (void)state;
    static float x[BLOCK], y[BLOCK];
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    for (int i = 0; i < BLOCK; i++) {
        x[i] = (float)(9.0 * support_random(3, (uint64_t)i));
    }
    for (int f = 0; f < N_FUNCTIONS; f++) {
        call(&d, functions[f].id, x, y);
        for (int i = 0; i < 100; i++) {
            float pair[] = {x[i], 3e7f};
            for (int64_t count = 1; count <= 2; count++) {
                const odeon_shape shape = {.ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {count}};
                float alone[2];
                odeon_view in = odeon_view_at(pair, shape);
                odeon_tensor out = odeon_tensor_at(alone, shape);
                assert_int_equal(ODEON_DO(d.device, pointwise, unary, d.queue,
                                          .id = functions[f].id, .x = &in, .y = &out),
                                 ODEON_OK);
                assert_true(same(&alone[0], &y[i]));
            }
        }
    }
    support_device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float32_is_within_its_bound),
        cmocka_unit_test(test_float64_is_within_its_bound),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_instruction_sets_give_the_same_floats),
        cmocka_unit_test(test_neighbours_do_not_change_a_result),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
