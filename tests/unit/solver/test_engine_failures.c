/* The engine alone where a solve cannot go on: what is said, found, counted and given back. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static void check_failure(odeon_ode_spec spec, const char *method, double wall, double tolerance,
                          const char *words)
{
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, spec, 1, 1.0);
    b->f.wall = wall;
    bench_set_tolerance(b, tolerance);
    odeon_status status = bench_solve(b, 2, times, ODEON_KEEP_FRAMES);
    if (status != ODEON_ERR_NUMERIC || strstr(diag_message(), words) == NULL) {
        fail_msg("status %d: '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    assert_true(solver_diagnosis(b->solve)->failed);
    diag_clear();
    b->f.wall = (double)NAN; /* the solver serves on */
    bench_set_tolerance(b, 1e-3);
    b->spec.max_steps = MAX_STEPS;
    bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
    assert_false(solver_diagnosis(b->solve)->failed);
    bench_close(b);
}

static void test_failures_are_named_and_can_be_gone_on_from(void **state)
{
    (void)state;
    odeon_ode_spec few = bench_adaptive;
    few.max_steps = 3;
    check_failure(bench_ten_steps, "rk4", 0.42, 1e-3,
                  "a layer cannot be evaluated at t = 0.4, h = 0.1, after 18 evaluations, 4 "
                  "accepted and 0 rejected steps (no value at 0.45)");
    check_failure(bench_adaptive, "tsit5", 0.42, 1e-3,
                  "step size underflow: a layer cannot be evaluated");
    check_failure(few, "tsit5", (double)NAN, 1e-12, "max_steps reached");
    check_failure(bench_adaptive, "tsit5", (double)NAN, 1e-18,
                  "rtol = 1e-18 is below the rounding of float64");
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
        bench_get(b, &b->y[1], y);
        bench_assert_close(y[2], bench_start[2] * exp(-1e-3), 1e-12);
    }
    bench_close(b);
}

static void check_cause(bench *b, const double *y0, double theta, int32_t kind, int64_t sample)
{
    static const double times[] = {0.0, 1.0};
    bench_put(b, &b->y[0], y0);
    b->f.theta = theta;
    assert_int_equal(solver_solve(b->solve, &b->f.host, 2, times, ODEON_KEEP_NONE, b->y),
                     ODEON_ERR_NUMERIC);
    const solve_diagnosis *d = solver_diagnosis(b->solve);
    assert_true(d->failed);
    assert_int_equal(d->cause.kind, kind);
    assert_string_equal(d->worst.part, "y");
    assert_int_equal(d->worst.sample, sample);
    assert_true(isnan(d->worst.error));
    diag_clear();
    solver_forget(b->solve);
    assert_null(solver_diagnosis(b->solve)->worst.part);
}

/* A state that is not finite, a field that is not where the state is: 2e200 * 1e200 overflows. */
static void test_cause_and_sample_are_found(void **state)
{
    (void)state;
    static const double broken[] = {1.0, (double)NAN, (double)INFINITY}, huge[] = {1.0, 2.0, 2e200};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    check_cause(b, broken, 1.0, CAUSE_STATE, 1);
    check_cause(b, huge, 1e200, CAUSE_FIELD, 2);
    bench_close(b);
}

/* y' = -1e4 y: stability keeps the steps near 3.3e-4. */
static void test_stiff_decay_is_named(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    odeon_ode_spec few = bench_adaptive;
    few.max_steps = 200;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, few, 1, 1e4);
    bench_set_tolerance(b, 1e-3);
    assert_int_equal(bench_solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "max_steps reached: the problem is stiff"));
    assert_non_null(strstr(diag_message(), "|h lambda| is "));
    assert_int_equal(b->f.evals, 6 * 200 + 2); /* those of the diagnosis do not count */
    diag_clear();
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

static void test_creation_and_solves_report_allocations_that_fail(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.7, 1.0};
    static const bool counts[] = {true, true, true};
    double first[SAMPLES], d_y0[SAMPLES], d_theta;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver_destroy(b->solve);
    b->solve = NULL;
    int64_t live = mem_live_blocks();
    for (int64_t n = 1; b->solve == NULL && n < 100; n++) {
        mem_fail_at(n);
        odeon_status status = solver_create(&b->lane, b->method, &b->spec, "equation", &b->solve);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_true(status == ODEON_OK || mem_live_blocks() == live);
    }
    int failures = 0;
    for (int64_t n = 1; n < 100; n++) { /* each is the first solve that gets so far */
        mem_fail_at(n);
        odeon_status status = bench_solve(b, 3, times, ODEON_KEEP_FRAMES);
        mem_fail_at(0);
        failures += status != ODEON_OK;
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
    }
    assert_true(failures >= 5); /* vectors, frames, records, attempts, times */
    bench_reverse(b, 3, counts, d_y0, &d_theta);
    memcpy(first, d_y0, sizeof first);
    bench_require(bench_solve(b, 3, times, ODEON_KEEP_FRAMES));
    bench_reverse(b, 3, counts, d_y0, &d_theta);
    assert_memory_equal(first, d_y0, sizeof first);
    diag_clear();
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_are_named_and_can_be_gone_on_from),
        cmocka_unit_test(test_attempts_and_counts_agree_on_void_steps),
        cmocka_unit_test(test_probe_comes_nearer_where_there_is_no_value),
        cmocka_unit_test(test_cause_and_sample_are_found),
        cmocka_unit_test(test_stiff_decay_is_named),
        cmocka_unit_test(test_list_of_another_span_is_refused),
        cmocka_unit_test(test_creation_and_solves_report_allocations_that_fail),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
