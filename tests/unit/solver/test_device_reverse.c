/* The reverse of solves that the device has carried out alone. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/device_reverse.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static void test_reverse_of_captured_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        inside_check_reverse(bench_adaptive, DENSE_UNUSED, devices[i], true);
        inside_check_reverse(bench_passing, DENSE_REQUIRED, devices[i], true);
    }
}

enum { MANY = 30 }; /* passes, in which a vector that is not given back would be missing */

/* In reverse the steps of an adaptive solve on the device are made again, each once. */
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

/* Rows are used up by their reverse; the next one is that of a tape. */
static void test_rows_serve_one_reverse(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    static const bool counts[] = {true, true}, end[] = {false, true}, none[] = {false, false};
    bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    double both[SAMPLES], alone[SAMPLES], nothing[SAMPLES], d_theta;
    for (int pass = 0; pass < 4; pass++) {
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
        assert_true((b->solve->device.kept > 0) == (b->solve->tape.n_records == 0));
        bench_reverse(b, 2, end, alone, &d_theta);
        assert_int_equal(b->solve->device.kept, 0);
        bench_assert_close(alone[1], bench_cotangents[1] * exp(-1.0), 1e-7);
    }
    bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
    assert_true(b->solve->device.kept > 0);
    bench_reverse(b, 2, counts, both, &d_theta); /* the start is an output, too */
    for (int k = 0; k < SAMPLES; k++) {
        bench_assert_close(both[k], alone[k] + bench_cotangents[k], 1e-14);
    }
    bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
    bench_reverse(b, 2, none, nothing, &d_theta);
    for (int k = 0; k < SAMPLES; k++) {
        assert_true(nothing[k] == 0.0);
    }
    assert_true(d_theta == 0.0);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reverse_of_captured_steps_is_their_exact_derivative),
        cmocka_unit_test(test_evaluations_are_counted_where_they_are_replayed),
        cmocka_unit_test(test_rows_serve_one_reverse),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
