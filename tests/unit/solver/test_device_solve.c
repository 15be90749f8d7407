/* Adaptive solves that the device carries out alone: the same bits, and what is declined. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/device_solve.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static void test_captured_loops_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        inside_compare_captured(devices[i], "tsit5", bench_adaptive, DENSE_UNUSED, true, 2);
        inside_compare_captured(devices[i], "dopri5", bench_passing, DENSE_REQUIRED, true, 2);
    }
}

enum { PASSES = 5 };

/* A field with running state has it put aside while a loop may have to be undone; the memory for
 * that goes with the solver, which bench_close sees. */
static void test_running_state_is_put_aside_and_freed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 2, 1.5);
    b->f.host.moves_state = true;
    b->f.host.running = (odeon_tensor){.view.data = b->f.grad,
                                       .view.shape.dim = {2},
                                       .view.shape.ndim = 1,
                                       .view.shape.dtype = ODEON_DTYPE_F64};
    double y[2 * SAMPLES];
    for (int pass = 0; pass < PASSES; pass++) {
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
    }
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], bench_start[0] * cos(1.5) + bench_start[SAMPLES] * sin(1.5), 1e-6);
    bench_close(b);
}

static const double unit_span[] = {0.0, 1.0};

/* The field's calls tell whether a solve was made call by call. */
static int64_t calls_of(bench *b, int32_t n_times, const double *times, int32_t keep)
{
    int64_t before = b->f.calls;
    bench_require(bench_solve(b, n_times, times, keep));
    return b->f.calls - before;
}

static void test_third_solve_makes_no_call_of_the_field(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    double first[SAMPLES], third[SAMPLES];
    assert_true(calls_of(b, 2, unit_span, ODEON_KEEP_NONE) > 20); /* eager, and fits the memory */
    int64_t evals = b->f.evals;
    bench_get(b, &b->y[1].view, first);
    for (int i = 0; i < 3; i++) { /* memory was fitted; then recorded, then replayed */
        (void)calls_of(b, 2, unit_span, ODEON_KEEP_NONE);
    }
    int64_t before = b->f.evals;
    assert_int_equal(calls_of(b, 2, unit_span, ODEON_KEEP_NONE), 0);
    assert_int_equal(b->f.evals - before, evals); /* counted all the same */
    assert_int_equal(b->solve->memory.n_free_vectors, b->solve->memory.n_vectors);
    bench_get(b, &b->y[1].view, third);
    assert_memory_equal(first, third, sizeof first);
    bench_close(b);
}

/* Another span is other numbers in slots, not another recording. */
static void test_recording_serves_other_times(void **state)
{
    (void)state;
    static const double longer[] = {0.0, 1.5};
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    double y[SAMPLES];
    for (int i = 0; i < 4; i++) {
        (void)calls_of(b, 2, unit_span, ODEON_KEEP_NONE);
    }
    assert_int_equal(calls_of(b, 2, longer, ODEON_KEEP_NONE), 0);
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], exp(-1.5), 1e-7);
    bench_close(b);
}

/* A solve of more steps than the device logs would be captured in vain: its key is declined, so
 * that no later question is answered with "record". */
static void test_solve_of_too_many_steps_is_declined(void **state)
{
    (void)state;
    odeon_ode_spec fine = bench_adaptive;
    fine.max_steps = 4 * SOLVER_LOG_ROWS;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, fine, 1, 1.0);
    b->control.h_max = 1.0 / (SOLVER_LOG_ROWS + 8);
    solver *s = b->solve;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_true(solver_stats(s).accepted > SOLVER_LOG_ROWS);
    assert_non_null(s->device.key);
    assert_null(s->device.seen); /* no memory was fitted for it either */
    for (int i = 0; i < 3; i++) {
        recorded *x;
        assert_int_equal(capture_cache_ask(s->captures, s->key.bytes, s->key.n, &x),
                         CAPTURE_CACHE_RUN);
    }
    bench_close(b);
}

/* The same key is recorded where the solve is short enough. */
static void test_solve_of_few_steps_is_not_declined(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    recorded *x;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    (void)capture_cache_ask(s->captures, s->key.bytes, s->key.n, &x);
    assert_int_equal(capture_cache_ask(s->captures, s->key.bytes, s->key.n, &x),
                     CAPTURE_CACHE_TAKE);
    bench_close(b);
}

/* Host memory that is missing after a solve declines it, and the solve itself stands. */
static void test_missing_memory_declines_and_does_not_fail(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    mem_free(s->device.seen);
    s->device.seen = NULL;
    mem_fail_at(1);
    device_solve_prepare(s);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "");
    assert_null(s->device.seen);
    recorded *x;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(capture_cache_ask(s->captures, s->key.bytes, s->key.n, &x),
                         CAPTURE_CACHE_RUN);
    }
    s->device.key = NULL; /* without a key there is nothing to prepare */
    device_solve_prepare(s);
    assert_null(s->device.seen);
    bench_close(b);
}

/* What cannot be captured asks for no key: stops, a method whose steps differ, a field that is not
 * known so well, several outputs that are to be kept. */
static void test_solves_that_do_not_suit_have_no_key(void **state)
{
    (void)state;
    static const double three[] = {0.0, 0.5, 1.0}, stops[] = {0.5};
    odeon_ode_spec stopping = bench_adaptive;
    stopping.n_stops = 1;
    stopping.stops = stops;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, stopping, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_null(b->solve->device.key);
    bench_close(b);
    b = bench_open("remote", true, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    bench_require(bench_solve(b, 3, three, ODEON_KEEP_FRAMES));
    assert_null(b->solve->device.key);
    bench_require(bench_solve(b, 3, three, ODEON_KEEP_NONE));
    assert_non_null(b->solve->device.key); /* outputs alone are read off rows */
    b->f.host.is_recordable = false;
    bench_require(bench_solve(b, 3, three, ODEON_KEEP_NONE));
    assert_null(b->solve->device.key);
    bench_close(b);
    b = bench_open("remote(loops=no)", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_non_null(b->solve->device.key);
    b->f.host.moves_state = true; /* chunks evaluate for nothing behind the end */
    b->f.host.running = (odeon_tensor){.view.data = b->f.grad,
                                       .view.shape.dim = {2},
                                       .view.shape.ndim = 1,
                                       .view.shape.dtype = ODEON_DTYPE_F64};
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_NONE));
    assert_null(b->solve->device.key);
    bench_close(b);
}

/* Outputs within steps are read off the rows of a replayed solve. */
static void test_outputs_are_read_off_rows(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.2, 0.21, 0.9, 1.0};
    for (int pass = 0; pass < 2; pass++) { /* the end within the last step, and as its own */
        bench *b = bench_open("remote", true, "tsit5", DENSE_REQUIRED,
                              pass == 0 ? bench_passing : bench_adaptive, 1, 1.0);
        double y[SAMPLES];
        for (int i = 0; i < 4; i++) {
            (void)calls_of(b, 5, times, ODEON_KEEP_NONE);
        }
        assert_int_equal(calls_of(b, 5, times, ODEON_KEEP_NONE), 0);
        for (int k = 1; k < 5; k++) {
            bench_get(b, &b->y[k].view, y);
            bench_assert_close(y[0], exp(-times[k]), 1e-6);
        }
        bench_close(b);
    }
}

/* A solve that fails on the device is done again step by step, which names the failure, and counts
 * as if the device had not been asked. */
static void test_failure_of_a_replay_is_named_as_step_by_step(void **state)
{
    (void)state;
    static const char *const devices[] = {"cpu", "remote", "remote(loops=no)"};
    static const double broken[] = {1.0, (double)NAN, 1.0};
    char said[DIAG_MESSAGE_BYTES] = "";
    for (int i = 0; i < 3; i++) {
        bench *b = bench_open(devices[i], i > 0, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
        for (int pass = 0; pass < 4; pass++) {
            (void)calls_of(b, 2, unit_span, ODEON_KEEP_NONE);
        }
        bench_put(b, &b->y[0], broken);
        assert_int_equal(solver_solve(b->solve, &b->f.host, 2, unit_span, ODEON_KEEP_NONE, b->y),
                         ODEON_ERR_NUMERIC);
        assert_non_null(strstr(diag_message(), "the state at the start is not finite"));
        assert_int_equal(solver_diagnosis(b->solve)->worst.sample, 1);
        if (i > 0) {
            assert_string_equal(diag_message(), said);
        }
        (void)snprintf(said, sizeof said, "%s", diag_message());
        diag_clear();
        bench_close(b);
    }
}

/* The recorded calls have the control in them. */
static void test_other_control_is_another_recording(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    for (int i = 0; i < 5; i++) {
        (void)calls_of(b, 2, unit_span, ODEON_KEEP_NONE);
    }
    assert_true(solver_stats(b->solve).h_max > 0.01);
    b->control.h_max = 0.01;
    for (int i = 0; i < 5; i++) {
        (void)calls_of(b, 2, unit_span, ODEON_KEEP_NONE);
        assert_true(solver_stats(b->solve).h_max <= 0.01 * (1.0 + 1e-12));
    }
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captured_loops_give_the_same_bits_and_counts),
        cmocka_unit_test(test_running_state_is_put_aside_and_freed),
        cmocka_unit_test(test_third_solve_makes_no_call_of_the_field),
        cmocka_unit_test(test_recording_serves_other_times),
        cmocka_unit_test(test_solve_of_too_many_steps_is_declined),
        cmocka_unit_test(test_solve_of_few_steps_is_not_declined),
        cmocka_unit_test(test_missing_memory_declines_and_does_not_fail),
        cmocka_unit_test(test_solves_that_do_not_suit_have_no_key),
        cmocka_unit_test(test_outputs_are_read_off_rows),
        cmocka_unit_test(test_failure_of_a_replay_is_named_as_step_by_step),
        cmocka_unit_test(test_other_control_is_another_recording),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
