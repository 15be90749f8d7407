/* Why a solve cannot go on, in words. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/failure.h"

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

static const double unit_span[] = {0.0, 1.0};

static bench *open_adaptive(void)
{
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    return b;
}

static void expect(odeon_status status, const char *message)
{
    assert_int_equal(status, ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), message);
    diag_clear();
}

/* What a layer has said is the reason; numbers that are not there are left out. */
static void test_message_has_what_is_known(void **state)
{
    (void)state;
    bench *b = open_adaptive();
    solver *s = b->solve;
    s->log.evals = 12;
    s->log.stats.accepted = 3;
    s->log.stats.rejected = 1;
    expect(solve_fail(s, 0.25, 0.125, 2.5, "it stopped", "help it"),
           "equation: it stopped at t = 0.25, h = 0.125, scaled error 2.5, after 12 evaluations, 3 "
           "accepted and 1 rejected steps; help it");
    (void)diag_fail(ODEON_ERR_CONFIG, "too dark");
    expect(
        solve_fail(s, 0.25, (double)NAN, (double)NAN, "it stopped", "help it"),
        "equation: it stopped at t = 0.25, after 12 evaluations, 3 accepted and 1 rejected steps "
        "(too dark); help it");
    inside_finish(b);
    bench_close(b);
}

/* fail_underflow by a cause; part of the message. */
static void check_cause(bench *b, solve_cause cause, const char *words)
{
    b->solve->diagnosis.cause = cause;
    assert_int_equal(fail_underflow(b->solve, 0.5, 1e-17, 3.0), ODEON_ERR_NUMERIC);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), words);
    }
    diag_clear();
}

static void test_causes_have_their_words_and_remedies(void **state)
{
    (void)state;
    bench *b = open_adaptive();
    solver *s = b->solve;
    s->log.stats.accepted = 5;
    check_cause(b, (solve_cause){.kind = CAUSE_STATE},
                "the state at the start is not finite at t = 0.5, after 0 evaluations, 5 accepted "
                "and 0 rejected steps; what comes before the block makes it so");
    check_cause(b, (solve_cause){.kind = CAUSE_FIELD},
                "step size underflow: the field is not finite at t = 0.5, h = 1e-17, after");
    check_cause(b, (solve_cause){.kind = CAUSE_PROBE},
                "the first step cannot be chosen: the field is not finite near the start at t = "
                "0.5, after 0 evaluations, 5 accepted and 0 rejected steps; first_step gives its "
                "size");
    check_cause(b, (solve_cause){.kind = CAUSE_NONE, .size = 2.0, .start_size = 1.0},
                "step size underflow at t = 0.5, h = 1e-17, scaled error 3, after 0 evaluations, 5 "
                "accepted and 0 rejected steps; the solution is not smooth here");
    check_cause(b, (solve_cause){.kind = CAUSE_NONE, .size = 1e5, .start_size = 1.0},
                "the state has grown from 1 to 1e+05: the solution may not exist beyond here");
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE},
                "the field is too steep here for rtol = 1e-08, atol = 1e-10: larger ones may help");
    b->atol = 1e-30;
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE, .by_atol = 1, .size = 1.0},
                "atol = 1e-30 is too small for a value that passes 0: a larger atol will help");
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE, .size = 1.0},
                "the field is too steep here for rtol = 1e-08, atol = 1e-30");
    s->log.stats.accepted = 0;
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE, .by_atol = 1, .size = 1.0},
                "a value that starts at 0: a larger atol, or first_step, will help");
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE}, "larger ones, or first_step, may help");
    b->rtol = 1e-16;
    check_cause(b, (solve_cause){.kind = CAUSE_NONE},
                "rtol = 1e-16 is below the rounding of float64: a larger rtol or atol will help");
    inside_finish(b);
    bench_close(b);
}

/* Of a list the smallest tolerance counts. */
static void test_smallest_tolerance_of_a_list_is_shown(void **state)
{
    (void)state;
    static const double rtol[] = {1e-3, 1e-5, 1e-4};
    bench *b = open_adaptive();
    b->spec.rtol = rtol;
    b->spec.n_rtol = 3;
    check_cause(b, (solve_cause){.kind = CAUSE_TOLERANCE}, "rtol = 1e-05, atol = 1e-10");
    inside_finish(b);
    bench_close(b);
}

static void test_steps_that_pass_the_end_are_told_apart(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_passing, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    b->solve->diagnosis.cause.kind = CAUSE_FIELD;
    assert_int_equal(fail_underflow(b->solve, 1.0 - 1e-8, 1e-17, 3.0), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "the field is not finite behind the end of the span"));
    assert_non_null(strstr(diag_message(), "; end = clip lets them end there"));
    diag_clear();
    assert_int_equal(fail_underflow(b->solve, 0.9, 1e-17, 3.0), ODEON_ERR_NUMERIC);
    assert_null(strstr(diag_message(), "behind the end"));
    inside_finish(b);
    bench_close(b);
}

/* Few steps are left, or most were rejected: no eigenvalue is looked for. */
static void test_stiffness_is_looked_for_where_many_steps_are_left(void **state)
{
    (void)state;
    bench *b = open_adaptive();
    solver *s = b->solve;
    b->f.theta = 1e4;
    inside_set_slot(b, ODEON_SLOT_T, 0.0);
    s->log.stats.accepted = 10;
    int64_t calls = b->f.calls;
    assert_int_equal(fail_max_steps(s, 0.0, 0.02, 0.5), ODEON_ERR_NUMERIC); /* 50 are left */
    assert_int_equal(b->f.calls, calls);
    assert_non_null(strstr(diag_message(), "; raise max_steps, or rtol and atol"));
    diag_clear();
    s->log.stats.rejected = 10;
    assert_int_equal(fail_max_steps(s, 0.0, 1e-3, 0.5), ODEON_ERR_NUMERIC);
    assert_int_equal(b->f.calls, calls);
    diag_clear();
    s->log.stats.rejected = 0;
    b->f.host.is_alone = false; /* a collective that the others do not join */
    assert_int_equal(fail_max_steps(s, 0.0, 1e-3, 0.5), ODEON_ERR_NUMERIC);
    assert_int_equal(b->f.calls, calls);
    diag_clear();
    b->f.host.is_alone = true;
    int64_t evals = b->f.evals;
    assert_int_equal(fail_max_steps(s, 0.0, 1e-3, 0.5), ODEON_ERR_NUMERIC);
    assert_true(b->f.calls > calls);
    assert_int_equal(b->f.evals, evals); /* the solve has made none of them */
    assert_non_null(strstr(diag_message(), "max_steps reached: the problem is stiff"));
    assert_non_null(strstr(diag_message(), "|h lambda| is 10, so that stability"));
    diag_clear();
    b->rtol = 1e-16; /* where nothing is stiff, rounding may be the reason */
    b->f.theta = 1.0;
    assert_int_equal(fail_max_steps(s, 0.0, 1e-3, 0.5), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "rtol = 1e-16 is below the rounding of float64"));
    inside_finish(b);
    bench_close(b);
}

/* Eigenvalues of +-i theta have a size, but no share along any direction. */
static void test_oscillation_is_not_called_stiff(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 2, 1e4);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    inside_set_slot(b, ODEON_SLOT_T, 0.0);
    b->solve->log.stats.accepted = 10;
    assert_int_equal(fail_max_steps(b->solve, 0.0, 1e-3, 0.5), ODEON_ERR_NUMERIC);
    assert_null(strstr(diag_message(), "stiff"));
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_are_named_and_can_be_gone_on_from),
        cmocka_unit_test(test_stiff_decay_is_named),
        cmocka_unit_test(test_message_has_what_is_known),
        cmocka_unit_test(test_causes_have_their_words_and_remedies),
        cmocka_unit_test(test_smallest_tolerance_of_a_list_is_shown),
        cmocka_unit_test(test_steps_that_pass_the_end_are_told_apart),
        cmocka_unit_test(test_stiffness_is_looked_for_where_many_steps_are_left),
        cmocka_unit_test(test_oscillation_is_not_called_stiff),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
