/* Newton's iteration on the host: what converges, what does not, what is left alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "solver/newton.h"

#include <cmocka.h>

static const double tolerance[1] = {1e-6};

/* Samples of one number each, from y0, with J as given. */
static newton *begin(bool tight, int64_t samples, const double *y0, const double *jacobian,
                     double gh)
{
    static newton x;
    x = (newton){.is_wide = true, .is_tight = tight};
    assert_true(newton_fit(&x, samples, 1));
    newton_begin_step(&x, y0, 1, tolerance, 1, tolerance);
    memcpy(x.jacobian, jacobian, (size_t)samples * sizeof *jacobian);
    memcpy(x.base, y0, (size_t)samples * sizeof *y0);
    assert_true(newton_factor(&x, gh));
    memset(x.z, 0, (size_t)samples * sizeof *x.z);
    newton_begin_stage(&x);
    return &x;
}

/* f(y) = a y + c y^2 of every sample; how many iterations until the answer. */
static int32_t run(newton *x, const double *a, const double *c, int *iterations)
{
    int32_t answer = NEWTON_GOES_ON;
    for (*iterations = 0; answer == NEWTON_GOES_ON; ++*iterations) {
        for (int64_t b = 0; b < x->samples; b++) {
            double y = x->base[b] + x->z[b];
            x->slope[b] = a[b] * y + c[b] * y * y;
        }
        answer = newton_iterate(x);
    }
    return answer;
}

/* z = gh a (y0 + z): one correction solves it, a second finds nothing to correct. */
static void test_a_linear_field_takes_one_correction(void **state)
{
    (void)state;
    const double y0[2] = {1.0, -2.0}, a[2] = {-1e6, 3.0}, none[2] = {0.0, 0.0};
    int iterations;
    newton *x = begin(false, 2, y0, a, 0.1);
    assert_int_equal(run(x, a, none, &iterations), NEWTON_CONVERGED);
    assert_int_equal(iterations, 2);
    for (int b = 0; b < 2; b++) {
        double exact = 0.1 * a[b] * y0[b] / (1.0 - 0.1 * a[b]);
        assert_true(fabs(x->z[b] - exact) <= 1e-15 * fabs(exact) + 1e-15);
    }
    newton_fini(x);
}

/* The second sample needs more iterations; the first keeps its bits meanwhile. */
static void test_a_sample_that_has_converged_stays(void **state)
{
    (void)state;
    const double y0[2] = {1.0, 1.0}, a[2] = {-1.0, -1.0}, c[2] = {1e-9, 0.02}, c_alone[1] = {1e-9};
    for (int tight = 0; tight < 2; tight++) {
        int both, alone;
        newton *x = begin(tight != 0, 1, y0, a, 0.5);
        assert_int_equal(run(x, a, c_alone, &alone), NEWTON_CONVERGED);
        double z = x->z[0];
        newton_fini(x);
        x = begin(tight != 0, 2, y0, a, 0.5);
        assert_int_equal(run(x, a, c, &both), NEWTON_CONVERGED);
        assert_true(both > alone);
        assert_true(x->z[0] == z);
        newton_fini(x);
    }
}

/* To rounding where it is to be. */
static void test_tight_is_tighter(void **state)
{
    (void)state;
    const double y0[1] = {1.0}, a[1] = {-1.0}, c[1] = {0.03};
    double error[2];
    for (int tight = 0; tight < 2; tight++) {
        int iterations;
        newton *x = begin(tight != 0, 1, y0, a, 0.5);
        assert_int_equal(run(x, a, c, &iterations), NEWTON_CONVERGED);
        double y = 1.0 + x->z[0];
        error[tight] = fabs(x->z[0] - 0.5 * (a[0] * y + c[0] * y * y));
        newton_fini(x);
    }
    assert_true(error[0] < 1e-7 && error[0] > 1e-14);
    assert_true(error[1] < 1e-15);
}

/* y = 1 + y^2 has no solution; the second sample is named. */
static void test_what_does_not_converge_is_named(void **state)
{
    (void)state;
    const double y0[2] = {1.0, 1.0}, a[2] = {0.0, 0.0}, c[2] = {0.0, 1.0};
    for (int tight = 0; tight < 2; tight++) {
        int iterations;
        newton *x = begin(tight != 0, 2, y0, a, 1.0);
        assert_int_equal(run(x, a, c, &iterations), NEWTON_FAILED);
        assert_int_equal(x->failed, 1);
        assert_true(iterations <= 100);
        newton_fini(x);
    }
}

static void test_a_singular_matrix_is_named(void **state)
{
    (void)state;
    const double y0[2] = {1.0, 1.0}, a[2] = {1.0, 4.0};
    newton *x = begin(false, 2, y0, a, 0.5);
    assert_false(newton_factor(x, 0.25));
    assert_int_equal(x->failed, 1);
    assert_true(newton_factor(x, 0.125));
    newton_fini(x);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    (void)state;
    newton x = {0};
    int64_t blocks = mem_live_blocks();
    assert_true(newton_fit(&x, 2, 2));
    mem_fail_at(1);
    assert_false(newton_fit(&x, 20, 20));
    mem_fail_at(0);
    assert_true(newton_fit(&x, 0, 0));
    newton_fini(&x);
    assert_int_equal(mem_live_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_linear_field_takes_one_correction),
        cmocka_unit_test(test_a_sample_that_has_converged_stays),
        cmocka_unit_test(test_tight_is_tighter),
        cmocka_unit_test(test_what_does_not_converge_is_named),
        cmocka_unit_test(test_a_singular_matrix_is_named),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
