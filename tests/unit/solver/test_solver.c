/* The engine as others see it: created, asked, told about. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

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

static const double unit_span[] = {0.0, 1.0};

static void test_steps_of_such_a_field_cannot_be_kept(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    b->f.host.frame_bytes = 0;
    assert_int_equal(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES), ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(), "equation: this field's steps cannot be kept");
    diag_clear();
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    b->f.host.frame_bytes = SAMPLES * sizeof(double);
    assert_int_equal(bench_solve(b, 2, unit_span, 77), ODEON_ERR_UNSUPPORTED);
    diag_clear();
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES));
    bench_close(b);
}

/* Counts are those of the last solve; attempts go back to the last forget. */
static void test_counts_and_attempts_of_solves(void **state)
{
    (void)state;
    size_t n;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    bench_put(b, &b->y[0], bench_start);
    bench_require(solver_solve(b->solve, &b->f.host, 2, unit_span, ODEON_KEEP_NONE, b->y));
    assert_int_equal(solver_stats(b->solve).accepted, 10);
    bench_assert_close(solver_stats(b->solve).h_min, 0.1, 1e-15);
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 20);
    b->solve->diagnosis.failed = true;
    solver_forget(b->solve);
    (void)solver_attempts(b->solve, &n);
    assert_int_equal(n, 0);
    assert_false(solver_diagnosis(b->solve)->failed);
    bench_close(b);
}

/* The peak is of the solves since the reset, whatever is allocated. */
static void test_peak_can_be_reset(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES));
    int64_t kept = solver_peak_bytes(b->solve);
    solver_reset_peak(b->solve);
    assert_int_equal(solver_peak_bytes(b->solve), 0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    int64_t plain = solver_peak_bytes(b->solve);
    assert_true(plain > 0 && plain < kept);
    assert_true(kept >= 40 * 64); /* a frame for each evaluation */
    bench_close(b);
}

static void test_solver_has_slots_and_is_destroyed_with_them(void **state)
{
    (void)state;
    solver *s = NULL;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    assert_non_null(solver_slots(b->solve));
    bench_require(solver_create(&b->lane, b->method, &b->spec, "other", &s));
    assert_ptr_not_equal(solver_slots(s), solver_slots(b->solve));
    solver_destroy(s);
    solver_destroy(NULL);
    bench_close(b); /* which finds no block of it */
}

/* A list of steps is borrowed, and may be another for the next solve. */
static void test_replay_takes_the_list_that_was_set_last(void **state)
{
    (void)state;
    static const double one[][2] = {{0.0, 1.0}}, two[][2] = {{0.0, 0.5}, {0.5, 0.5}};
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "list.csv"};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    solver_set_replay(b->solve, 1, one);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_int_equal(solver_stats(b->solve).accepted, 1);
    solver_set_replay(b->solve, 2, two);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_int_equal(solver_stats(b->solve).accepted, 2);
    bench_close(b);
}

/* What a solve did not keep leaves nothing to go back through. */
static void test_reverse_of_nothing_kept_is_that_of_the_start(void **state)
{
    (void)state;
    static const bool counts[] = {true, false};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    double d_y0[SAMPLES], d_theta;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    bench_reverse(b, 2, counts, d_y0, &d_theta);
    assert_memory_equal(d_y0, bench_cotangents, sizeof d_y0);
    assert_true(d_theta == 0.0);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creation_and_solves_report_allocations_that_fail),
        cmocka_unit_test(test_steps_of_such_a_field_cannot_be_kept),
        cmocka_unit_test(test_counts_and_attempts_of_solves),
        cmocka_unit_test(test_peak_can_be_reset),
        cmocka_unit_test(test_solver_has_slots_and_is_destroyed_with_them),
        cmocka_unit_test(test_replay_takes_the_list_that_was_set_last),
        cmocka_unit_test(test_reverse_of_nothing_kept_is_that_of_the_start),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
