/* The engine alone, eager and captured: the same bits and counts from call by call and from
 * replays.
 */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* ---- eager and captured ---- */

enum { PASSES = 5 };

typedef struct trace {
    double y[PASSES][MAX_TIMES][2 * SAMPLES], d_y0[PASSES][2 * SAMPLES], d_theta[PASSES];
    int64_t evals[PASSES], accepted[PASSES], rejected[PASSES];
    double attempts[PASSES][MAX_STEPS][4]; /* t, h, error, accepted */
    size_t n_attempts[PASSES];
    int64_t calls;
} trace;

/* The times differ from pass to pass where shifts is set, so that what is replayed are other steps
 * than those recorded. */
static void take_trace(bench *b, bool shifts, int32_t n_times, trace *t)
{
    static const bool counts[] = {false, true, true};
    for (int pass = 0; pass < PASSES; pass++) {
        double times[] = {0.0, 1.0, 2.5};
        times[n_times - 1] += shifts ? 0.3 * pass : 0.0;
        b->f.evals = 0;
        bench_require(bench_solve(b, n_times, times, ODEON_KEEP_FRAMES));
        bench_reverse(b, n_times, counts, t->d_y0[pass], &t->d_theta[pass]);
        for (int32_t i = 0; i < n_times; i++) {
            bench_get(b, &b->y[i], t->y[pass][i]);
        }
        solve_stats stats = solver_stats(b->solve);
        const solve_attempt *attempts = solver_attempts(b->solve, &t->n_attempts[pass]);
        assert_true(t->n_attempts[pass] <= MAX_STEPS);
        for (size_t i = 0; i < t->n_attempts[pass]; i++) {
            const solve_attempt *a = &attempts[i];
            const double row[] = {a->t, a->h, a->error, a->accepted};
            memcpy(t->attempts[pass][i], row, sizeof row);
        }
        t->evals[pass] = b->f.evals;
        t->accepted[pass] = stats.accepted;
        t->rejected[pass] = stats.rejected;
    }
    t->calls = b->f.calls;
}

static void compare(const char *device, const char *method, odeon_ode_spec spec, int32_t dense,
                    bool shifts, int32_t n_times)
{
    trace *traces[2];
    for (int i = 0; i < 2; i++) {
        traces[i] = mem_zalloc(1, sizeof *traces[i]);
        assert_non_null(traces[i]);
        bench *b = bench_open(device, i == 1, method, dense, spec, 2, 1.5);
        take_trace(b, shifts, n_times, traces[i]);
        bench_close(b);
    }
    assert_true(traces[1]->calls < traces[0]->calls); /* a replay does not call the field */
    traces[1]->calls = traces[0]->calls;
    if (spec.mode == ODEON_STEPS_ADAPTIVE) { /* rows are made again in reverse, frames are not */
        memset(traces[0]->evals, 0, sizeof traces[0]->evals);
        memset(traces[1]->evals, 0, sizeof traces[1]->evals);
    }
    assert_memory_equal(traces[0], traces[1], sizeof *traces[0]);
    mem_free(traces[0]);
    mem_free(traces[1]);
}

static void test_captured_operations_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    compare("remote", "rk4", bench_ten_steps, DENSE_UNUSED, false, 3);
    compare("remote", "adams_bashforth(order=3)", bench_ten_steps, DENSE_UNUSED, false, 3);
}

static void test_captured_loops_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        compare(devices[i], "tsit5", bench_adaptive, DENSE_UNUSED, true, 2);
        compare(devices[i], "dopri5", bench_passing, DENSE_REQUIRED, true, 2);
    }
}

/* A field with running state has it put aside while a loop may have to be undone; the memory for
 * that goes with the solver, which bench_close sees. */
static void test_running_state_is_put_aside_and_freed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 2, 1.5);
    b->f.host.moves_state = true;
    b->f.host.running =
        (odeon_tensor){.data = b->f.grad, .dim = {2}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    double y[2 * SAMPLES];
    for (int pass = 0; pass < PASSES; pass++) {
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
    }
    bench_get(b, &b->y[1], y);
    bench_assert_close(y[0], bench_start[0] * cos(1.5) + bench_start[SAMPLES] * sin(1.5), 1e-6);
    bench_close(b);
}

/* Other times are other calls for steps known beforehand: nothing is replayed for them. */
static void test_other_times_are_not_replayed(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    double y[SAMPLES];
    for (int pass = 0; pass < 6; pass++) {
        double times[] = {0.0, pass < 4 ? 1.0 : 2.0};
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
        bench_get(b, &b->y[1], y);
        bench_assert_close(y[0], exp(-times[1]), 1e-5 /* of ten steps of order 4 */);
    }
    bench_close(b);
}

/* A field that has changed says so by its identity: another recording is made for it. */
static void test_other_identities_are_not_replayed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    static const bool counts[] = {false, true};
    static const odeon_ode_spec *const specs[] = {&bench_ten_steps, &bench_adaptive};
    for (int i = 0; i < 2; i++) {
        double y[SAMPLES], d_y0[SAMPLES], d_theta;
        bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, *specs[i], 1, 1.0);
        for (int pass = 0; pass < 8; pass++) {
            b->f.theta = pass < 4 ? 1.0 : 0.5;
            b->f.host.identity.bytes[3] = pass < 4;
            bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
            bench_reverse(b, 2, counts, d_y0, &d_theta);
            bench_get(b, &b->y[1], y);
            bench_assert_close(y[0], exp(-b->f.theta), 1e-6);
            bench_assert_close(d_y0[0], bench_cotangents[0] * exp(-b->f.theta), 1e-6);
        }
        bench_close(b);
    }
}

enum { MANY = 30 }; /* passes, in which a vector that is not given back would be missing */

/* In reverse the steps of an bench_adaptive solve on the device are made again, each once. */
static void test_evaluations_are_counted_where_they_are_replayed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 4.0};
    static const bool counts[] = {false, true};
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        bench *b = bench_open(devices[i], true, "tsit5", DENSE_UNUSED, bench_adaptive, 2, 1.5);
        double d_y0[2 * SAMPLES], d_theta;
        int64_t evals[MANY], reversed[MANY];
        for (int pass = 0; pass < MANY; pass++) {
            b->f.evals = 0;
            bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
            evals[pass] = b->f.evals;
            bench_reverse(b, 2, counts, d_y0, &d_theta);
            reversed[pass] = b->f.evals - evals[pass];
        }
        int64_t steps = solver_stats(b->solve).accepted;
        assert_int_equal(reversed[0], 0); /* frames were kept */
        for (int pass = 1; pass < MANY; pass++) {
            assert_int_equal(evals[pass], evals[0]);
            assert_int_equal(reversed[pass], 6 * steps + 1); /* tsit5, and its start */
        }
        bench_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captured_operations_give_the_same_bits_and_counts),
        cmocka_unit_test(test_captured_loops_give_the_same_bits_and_counts),
        cmocka_unit_test(test_running_state_is_put_aside_and_freed),
        cmocka_unit_test(test_other_times_are_not_replayed),
        cmocka_unit_test(test_other_identities_are_not_replayed),
        cmocka_unit_test(test_evaluations_are_counted_where_they_are_replayed),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
