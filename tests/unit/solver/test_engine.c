/* The engine alone: this program links the objects of the wings up to core/solver and nothing else
 * of the host, so that it could not even name a network, a session or an INI file. Equations are
 * solved on devices' plugins, forward and in reverse, against what is known of them. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* ---- fixed steps ---- */

/* The stability polynomial of a method of order 4 with 4 stages, and its derivative. */
static double rk4(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0)));
}

static double rk4_slope(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0));
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
        bench_get(b, &b->y[i], y);
        for (int k = 0; k < SAMPLES; k++) {
            bench_assert_close(y[k], pow(r, 10.0 * i) * bench_start[k], 1e-14);
        }
    }
    assert_int_equal(b->f.evals, 4 * 30);
    assert_int_equal(solver_stats(b->solve).accepted, 30);
    bench_assert_close(solver_stats(b->solve).h_max, 0.05, 1e-14);
    bench_close(b);
}

/* L = c . y_30 + c . y_10: dL/dy0 = (R^30 + R^10) c, dL/dtheta = (30 R^29 + 10 R^9) R' (-h) c . y0
 */
static void test_reverse_of_equal_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    static const bool counts[] = {false, true, false, true};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    double d_y0[SAMPLES], d_theta, z = -0.8 * 0.05, r = rk4(z), product = 0.0;
    bench_require(bench_solve(b, 4, times, ODEON_KEEP_FRAMES));
    assert_int_equal(b->f.copies, 30); /* of y0 alone: stages are computed in their frames */
    bench_reverse(b, 4, counts, d_y0, &d_theta);
    for (int k = 0; k < SAMPLES; k++) {
        bench_assert_close(d_y0[k], (pow(r, 30.0) + pow(r, 10.0)) * bench_cotangents[k], 1e-14);
        product += bench_cotangents[k] * bench_start[k];
    }
    double powers = 30.0 * pow(r, 29.0) + 10.0 * pow(r, 9.0);
    bench_assert_close(d_theta, powers * rk4_slope(z) * -0.05 * product, 1e-13);
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

/* ---- bench_adaptive steps ---- */

/* Position and velocity of every sample: a rotation by theta t. */
static void check_rotation(bench *b, int32_t i, double t)
{
    double y[2 * SAMPLES], c = cos(b->f.theta * t), s = sin(b->f.theta * t);
    bench_get(b, &b->y[i], y);
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

/* With these steps the solve is linear in its start: y_N = M y_0, where M comes of replaying them
 * from unit vectors. So dL/dy0 = M^T c, which the reverse gives to rounding. */
static void multiply_by_transposed(const bench *b, int32_t n_times, const double *times,
                                   const double *c, double *out)
{
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"};
    size_t n, n_steps = 0;
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    double(*steps)[2] = mem_zalloc(n, sizeof *steps);
    assert_non_null(steps);
    for (size_t i = 0; i < n; i++) {
        steps[n_steps][0] = attempts[i].t;
        steps[n_steps][1] = attempts[i].h;
        n_steps += attempts[i].accepted;
    }
    odeon_ode_spec spec = replay;
    spec.end = b->spec.end;
    int32_t dense = b->method->dense ? DENSE_REQUIRED : DENSE_UNUSED;
    bench *r = bench_open("cpu", false, "tsit5", dense, spec, 2, b->f.theta);
    solver_set_replay(r->solve, n_steps, (const double(*)[2])steps);
    for (int k = 0; k < 2 * SAMPLES; k++) {
        double unit[2 * SAMPLES] = {0.0}, end[2 * SAMPLES];
        unit[k] = 1.0;
        bench_put(r, &r->y[0], unit);
        bench_require(solver_solve(r->solve, &r->f.host, n_times, times, ODEON_KEEP_NONE, r->y));
        out[k] = 0.0;
        bench_get(r, &r->y[n_times - 1], end);
        for (int i = 0; i < 2 * SAMPLES; i++) {
            out[k] += end[i] * c[i];
        }
    }
    bench_close(r);
    mem_free(steps);
}

static void check_reverse(odeon_ode_spec spec, int32_t dense, const char *device, bool capture)
{
    static const double times[] = {0.0, 4.0};
    static const bool counts[] = {false, true};
    bench *b = bench_open(device, capture, "tsit5", dense, spec, 2, 1.5);
    double d_y0[2 * SAMPLES], expected[2 * SAMPLES], d_theta, slope = 0.0;
    for (int pass = 0; pass < 4; pass++) { /* eager, captured, replayed twice */
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
        bench_reverse(b, 2, counts, d_y0, &d_theta);
        multiply_by_transposed(b, 2, times, bench_cotangents, expected);
        for (int k = 0; k < 2 * SAMPLES; k++) {
            bench_assert_close(d_y0[k], expected[k], 1e-13);
        }
    }
    double y[2 * SAMPLES]; /* dL/dtheta = T c . A y(T), but for the solve's own error */
    bench_get(b, &b->y[1], y);
    for (int k = 0; k < SAMPLES; k++) {
        slope +=
            4.0 * (bench_cotangents[k] * y[SAMPLES + k] - bench_cotangents[SAMPLES + k] * y[k]);
    }
    bench_assert_close(d_theta, slope, 1e-5);
    bench_close(b);
}

static void test_reverse_of_adaptive_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    check_reverse(bench_adaptive, DENSE_UNUSED, "cpu", false);
    check_reverse(bench_passing, DENSE_REQUIRED, "cpu", false);
}

static void test_reverse_of_captured_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        check_reverse(bench_adaptive, DENSE_UNUSED, devices[i], true);
        check_reverse(bench_passing, DENSE_REQUIRED, devices[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decay_by_equal_steps_is_powers_of_a_polynomial),
        cmocka_unit_test(test_reverse_of_equal_steps_is_their_exact_derivative),
        cmocka_unit_test(test_steps_of_a_size_end_at_every_time),
        cmocka_unit_test(test_oscillator_turns_at_all_times),
        cmocka_unit_test(test_reverse_of_adaptive_steps_is_their_exact_derivative),
        cmocka_unit_test(test_reverse_of_captured_steps_is_their_exact_derivative),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
