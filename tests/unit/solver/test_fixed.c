/* Steps known beforehand, of the engine alone, against what is known of the equation. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* The stability polynomial of a method of order 4 with 4 stages, and its derivative. */
static double rk4(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0)));
}

/* 30 steps over three intervals: y_k = R(-theta h)^k y_0, to rounding. */
static void test_decay_by_equal_steps_is_powers_of_a_polynomial(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    double y[SAMPLES], r = rk4(-0.8 * 0.05);
    bench_require(bench_solve(b, 4, times, ODEON_KEEP_NONE));
    for (int i = 1; i < 4; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < SAMPLES; k++) {
            bench_assert_close(y[k], pow(r, 10.0 * i) * bench_start[k], 1e-14);
        }
    }
    assert_int_equal(b->f.evals, 4 * 30);
    assert_int_equal(solver_stats(b->solve).accepted, 30);
    bench_assert_close(solver_stats(b->solve).h_max, 0.05, 1e-14);
    bench_close(b);
}

/* Steps at 0.4, 0.8, and one that is cut to 1; then on the grid again. */
static void test_steps_of_a_size_end_at_every_time(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0, 1.6};
    static const odeon_ode_spec sized = {.mode = ODEON_STEPS_SIZE, .step_size = 0.4};
    static const double ends[] = {0.4, 0.8, 1.0, 1.2, 1.6};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, sized, 1, 1.0);
    size_t n;
    bench_require(bench_solve(b, 3, times, ODEON_KEEP_NONE));
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        assert_true(attempts[i].accepted && isnan(attempts[i].error));
        bench_assert_close(attempts[i].t + attempts[i].h, ends[i], 1e-14);
    }
    bench_close(b);
}

static void test_list_of_another_span_is_refused(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0}, steps[][2] = {{0.0, 0.25}, {0.25, 0.5}};
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "list.csv"};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    solver_set_replay(b->solve, 2, steps);
    assert_int_equal(bench_solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "equation: list.csv lists steps from 0 to 0.75, but the "
                                        "span is 0 to 1");
    diag_clear();
    bench_close(b);
}

static const double unit_span[] = {0.0, 1.0};
static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "list.csv"};

static void check_steps(bench *b, const double (*expected)[2], size_t count)
{
    size_t n;
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++) {
        assert_true(attempts[i].accepted);
        bench_assert_close(attempts[i].t, expected[i][0], 1e-14);
        bench_assert_close(attempts[i].h, expected[i][1], 1e-14);
    }
}

/* The grid goes on behind a stop; a stop within rounding of a point of it makes no sliver. */
static void test_steps_of_a_size_end_at_stops(void **state)
{
    (void)state;
    static const double stops[] = {0.5, 0.8 + 1e-12, 7.0};
    static const double expected[][2] = {
        {0.0, 0.4}, {0.4, 0.1}, {0.5, 0.3 + 1e-12}, {0.8 + 1e-12, 0.2 - 1e-12}};
    odeon_ode_spec sized = {
        .mode = ODEON_STEPS_SIZE, .step_size = 0.4, .n_stops = 3, .stops = stops};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, sized, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    check_steps(b, expected, 4);
    bench_close(b);
}

static void test_steps_of_a_size_go_backward(void **state)
{
    (void)state;
    static const double back[] = {1.0, 0.0};
    static const double expected[][2] = {{1.0, -0.4}, {0.6, -0.4}, {0.2, -0.2}};
    odeon_ode_spec sized = {.mode = ODEON_STEPS_SIZE, .step_size = 0.4};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, sized, 1, 1.0);
    double y[SAMPLES];
    bench_require(bench_solve(b, 2, back, ODEON_KEEP_NONE));
    check_steps(b, expected, 3);
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], exp(1.0) * bench_start[0], 1e-3);
    bench_close(b);
}

/* A multistep method starts anew where the size changes, but not for the rounding of times: its
 * first steps of order 3 evaluate more often. */
static void test_method_for_equal_steps_starts_anew_where_they_change(void **state)
{
    (void)state;
    static const double even[] = {0.0, 0.3, 0.6, 0.9}, uneven[] = {0.0, 1.0, 3.0};
    bench *b =
        bench_open("cpu", false, "adams_bashforth(order=3)", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    bench_require(bench_solve(b, 4, even, ODEON_KEEP_NONE)); /* 0.3 and 0.30000000000000004 */
    assert_int_equal(b->solve->step.index, 30);
    assert_int_equal(b->solve->outputs.next, 4);
    bench_require(bench_solve(b, 3, uneven, ODEON_KEEP_NONE));
    assert_int_equal(b->solve->step.index, 10);
    bench_close(b);
}

static void test_listed_steps_are_made_as_they_stand(void **state)
{
    (void)state;
    static const double steps[][2] = {{0.0, 0.25}, {0.25, 0.5}, {0.75, 0.25}};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    double y[SAMPLES];
    solver_set_replay(b->solve, 3, steps);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    check_steps(b, steps, 3);
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], rk4(-0.25) * rk4(-0.5) * rk4(-0.25), 1e-14);
    bench_close(b);
}

/* Backward through a list, also from its middle, cut at both ends. */
static void test_list_is_gone_through_backward(void **state)
{
    (void)state;
    static const double steps[][2] = {{0.0, 0.25}, {0.25, 0.5}, {0.75, 0.25}};
    static const double whole[] = {1.0, 0.0}, part[] = {0.5, 0.1};
    static const double all[][2] = {{1.0, -0.25}, {0.75, -0.5}, {0.25, -0.25}};
    static const double cut[][2] = {{0.5, -0.25}, {0.25, -0.15}};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    solver_set_replay(b->solve, 3, steps);
    bench_require(bench_solve(b, 2, whole, ODEON_KEEP_NONE));
    check_steps(b, all, 3);
    bench_require(bench_solve(b, 2, part, ODEON_KEEP_NONE));
    check_steps(b, cut, 2);
    bench_close(b);
}

static void test_time_within_a_listed_step_needs_dense_output(void **state)
{
    (void)state;
    static const double steps[][2] = {{0.0, 0.5}, {0.5, 0.5}}, times[] = {0.0, 0.7, 1.0};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    double y[SAMPLES];
    solver_set_replay(b->solve, 2, steps);
    assert_int_equal(bench_solve(b, 3, times, ODEON_KEEP_NONE), ODEON_ERR_DATA);
    assert_string_equal(diag_message(),
                        "equation: list.csv has no step that ends at 0.69999999999999996, and "
                        "integrator rk4 no dense output to read a time within a step from");
    diag_clear();
    bench_close(b);
    b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, replay, 1, 1.0);
    solver_set_replay(b->solve, 2, steps);
    bench_require(bench_solve(b, 3, times, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], exp(-0.7), 1e-4);
    bench_close(b);
}

/* A list of steps that passed the end serves a solve that may pass it, and no other. */
static void test_list_may_pass_the_end_where_steps_may(void **state)
{
    (void)state;
    static const double steps[][2] = {{0.0, 0.6}, {0.6, 0.6}};
    odeon_ode_spec passing = replay;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, passing, 1, 1.0);
    solver_set_replay(b->solve, 2, steps);
    assert_int_equal(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE), ODEON_ERR_DATA);
    diag_clear();
    bench_close(b);
    passing.end = ODEON_END_INTERPOLATE;
    b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, passing, 1, 1.0);
    solver_set_replay(b->solve, 2, steps);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    check_steps(b, steps, 2);
    bench_close(b);
}

static void test_step_that_cannot_be_evaluated_ends_the_solve(void **state)
{
    (void)state;
    size_t n;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    b->f.wall = 0.25;
    assert_int_equal(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "a layer cannot be evaluated at t = 0.2, h = 0.1"));
    assert_non_null(strstr(diag_message(), "with fixed steps there is no smaller one to try"));
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_int_equal(n, 3);
    assert_false(attempts[2].accepted);
    assert_int_equal(solver_stats(b->solve).rejected, 0); /* it is listed, and not counted */
    diag_clear();
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decay_by_equal_steps_is_powers_of_a_polynomial),
        cmocka_unit_test(test_steps_of_a_size_end_at_every_time),
        cmocka_unit_test(test_list_of_another_span_is_refused),
        cmocka_unit_test(test_steps_of_a_size_end_at_stops),
        cmocka_unit_test(test_steps_of_a_size_go_backward),
        cmocka_unit_test(test_method_for_equal_steps_starts_anew_where_they_change),
        cmocka_unit_test(test_listed_steps_are_made_as_they_stand),
        cmocka_unit_test(test_list_is_gone_through_backward),
        cmocka_unit_test(test_time_within_a_listed_step_needs_dense_output),
        cmocka_unit_test(test_list_may_pass_the_end_where_steps_may),
        cmocka_unit_test(test_step_that_cannot_be_evaluated_ends_the_solve),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
