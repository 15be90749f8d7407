/* Steps chosen by their error, of the engine alone. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/adaptive.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* Position and velocity of every sample: a rotation by theta t. */
static void check_rotation(bench *b, int32_t i, double t)
{
    double y[2 * SAMPLES], c = cos(b->f.theta * t), s = sin(b->f.theta * t);
    bench_get(b, &b->y[i].view, y);
    for (int k = 0; k < SAMPLES; k++) {
        double q = bench_start[k], p = bench_start[SAMPLES + k];
        bench_assert_close(y[k], c * q + s * p, 1e-6); /* rtol 1e-8, some dozens of steps */
        bench_assert_close(y[SAMPLES + k], c * p - s * q, 1e-6);
    }
}

static void test_oscillator_turns_at_all_times(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.3, 2.0, 2.1, 5.0}, back[] = {5.0, 1.0, 0.0};
    static const int32_t dense[] = {DENSE_UNUSED, DENSE_IF_OFFERED};
    for (int i = 0; i < 2; i++) {
        bench *b = bench_open("cpu", false, "tsit5", dense[i], bench_adaptive, 2, 1.5);
        bench_require(bench_solve(b, 5, times, ODEON_KEEP_NONE));
        for (int k = 1; k < 5; k++) {
            check_rotation(b, k, times[k]);
        }
        size_t n;
        const solve_stats stats = solver_stats(b->solve);
        (void)solver_attempts(b->solve, &n);
        assert_int_equal(stats.accepted + stats.rejected, n);
        assert_true(stats.accepted > 10 && stats.h_min <= stats.h_max);
        bench_require(bench_solve(b, 3, back, ODEON_KEEP_NONE));
        check_rotation(b, 2, -5.0);
        bench_close(b);
    }
}

/* Not one void step is counted twice, nor the last one, which ends the solve. */
static void test_attempts_and_counts_agree_on_void_steps(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    size_t n, rejected = 0;
    b->f.wall = 0.42;
    assert_int_equal(bench_solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    for (size_t i = 0; i < n; i++) {
        rejected += !attempts[i].accepted;
    }
    assert_false(attempts[n - 1].accepted);
    assert_int_equal(solver_stats(b->solve).rejected, rejected - 1);
    assert_int_equal(solver_stats(b->solve).accepted, n - rejected);
    diag_clear();
    bench_close(b);
}

/* The rule's own probe lies behind the wall, nearer ones do not; each gives its vectors back. */
static void test_probe_comes_nearer_where_there_is_no_value(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1e-3};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    double y[SAMPLES];
    b->f.wall = 1e-3;
    for (int pass = 0; pass < 30; pass++) {
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
        bench_get(b, &b->y[1].view, y);
        bench_assert_close(y[2], bench_start[2] * exp(-1e-3), 1e-12);
    }
    bench_close(b);
}

static const double unit_span[] = {0.0, 1.0};

static void expect_failure(bench *b, const double *times, const char *words)
{
    odeon_status status = bench_solve(b, 2, times, ODEON_KEEP_NONE);
    if (status != ODEON_ERR_NUMERIC || strstr(diag_message(), words) == NULL) {
        fail_msg("%d '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    diag_clear();
}

/* The block's own limit has another message than rounding. */
static void test_least_step_of_the_block_is_named(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 100.0);
    b->control.h_min = 0.2;
    b->spec.first_step = 0.5;
    expect_failure(b, unit_span, "the error asks for a step below h_min = 0.2");
    bench_close(b);
}

static void test_pass_has_so_many_steps(void **state)
{
    (void)state;
    size_t n;
    odeon_ode_spec few = bench_adaptive;
    few.max_steps = 4;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, few, 1, 1.0);
    expect_failure(b, unit_span, "max_steps reached");
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 4);
    solver_set_steps_before(b->solve, 3); /* of an earlier solve of the same pass */
    solver_forget(b->solve);
    b->solve->log.steps_before = 3;
    expect_failure(b, unit_span, "max_steps reached");
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 1);
    solver_set_steps_before(b->solve, 4); /* none is left */
    expect_failure(b, unit_span, "max_steps reached");
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 0);
    bench_close(b);
}

/* A first step as given, a rejected one made smaller, and the last clipped to the end. */
static void test_first_step_is_tried_as_given(void **state)
{
    (void)state;
    size_t n;
    odeon_ode_spec first = bench_adaptive;
    first.first_step = 0.75;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, first, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_true(attempts[0].t == 0.0 && attempts[0].h == 0.75 && !attempts[0].accepted);
    assert_true(attempts[0].error > 1.0);
    assert_true(attempts[1].t == 0.0 && attempts[1].h < 0.75);
    assert_true(attempts[n - 1].accepted);
    bench_assert_close(attempts[n - 1].t + attempts[n - 1].h, 1.0, 1e-15);
    assert_true(solver_stats(b->solve).rejected >= 1);
    bench_close(b);
}

/* The wall is shifted by the step: what cannot be evaluated is tried with h * factor_min. */
static void test_void_step_is_tried_again_smaller(void **state)
{
    (void)state;
    size_t n;
    odeon_ode_spec first = bench_adaptive;
    static const double times[] = {0.0, 0.25};
    first.first_step = 1.0;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, first, 1, 1e-3);
    b->f.wall = 0.25;
    b->spec.end = ODEON_END_CLIP;
    bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
    (void)solver_attempts(b->solve, &n);
    assert_true(n >= 1);
    b->f.wall = 0.2; /* before the end, which no step then reaches */
    expect_failure(b, times, "step size underflow: a layer cannot be evaluated");
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_true(isnan(attempts[0].error) && !attempts[0].accepted);
    bench_assert_close(attempts[1].h, 0.2 * attempts[0].h, 1e-14);
    bench_close(b);
}

/* Times between steps are read off the dense output, so steps are no shorter for them. */
static void test_outputs_within_steps_need_no_step_of_their_own(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.3, 0.30001, 0.30002, 2.0};
    static const double ends[] = {0.0, 2.0};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_IF_OFFERED, bench_adaptive, 1, 1.0);
    double y[SAMPLES];
    bench_require(bench_solve(b, 5, times, ODEON_KEEP_NONE));
    int64_t steps = solver_stats(b->solve).accepted;
    bench_get(b, &b->y[2].view, y);
    bench_assert_close(y[0], exp(-0.30001), 1e-7);
    bench_require(bench_solve(b, 2, ends, ODEON_KEEP_NONE));
    assert_int_equal(solver_stats(b->solve).accepted, steps);
    bench_close(b);
}

/* A first step that passes the end, to where there is no value: the next one is factor_min of it,
 * and nothing of the refusal is left when the solve has succeeded. */
static void test_step_beyond_the_field_is_tried_again_smaller(void **state)
{
    (void)state;
    size_t n;
    odeon_ode_spec first = bench_passing;
    first.first_step = 1.2;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, first, 1, 1e-3);
    b->f.wall = 1.15;
    bench_set_tolerance(b, 1e-3);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_string_equal(diag_message(), "");
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_true(n >= 2 && isnan(attempts[0].error) && !attempts[0].accepted);
    bench_assert_close(attempts[1].h, 0.24, 1e-14);
    b->control.h_min = 0.5; /* which the smaller step may not be below */
    assert_int_equal(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 1);
    diag_clear();
    bench_close(b);
}

/* One short step before an output does not make those behind it short. */
static void test_step_behind_a_clipped_one_is_as_long_as_before(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0, 1.001, 3.0};
    size_t n, i = 0;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    bench_require(bench_solve(b, 4, times, ODEON_KEEP_NONE));
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    while (i < n && attempts[i].t < 1.001) {
        i++;
    }
    assert_true(i > 1 && i < n);
    assert_true(attempts[i - 1].h < 0.0011);
    assert_true(attempts[i].h > 0.05); /* of the short one, 0.01 at most */
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oscillator_turns_at_all_times),
        cmocka_unit_test(test_attempts_and_counts_agree_on_void_steps),
        cmocka_unit_test(test_probe_comes_nearer_where_there_is_no_value),
        cmocka_unit_test(test_least_step_of_the_block_is_named),
        cmocka_unit_test(test_pass_has_so_many_steps),
        cmocka_unit_test(test_first_step_is_tried_as_given),
        cmocka_unit_test(test_void_step_is_tried_again_smaller),
        cmocka_unit_test(test_outputs_within_steps_need_no_step_of_their_own),
        cmocka_unit_test(test_step_beyond_the_field_is_tried_again_smaller),
        cmocka_unit_test(test_step_behind_a_clipped_one_is_as_long_as_before),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
