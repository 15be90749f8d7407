/* dop853 against SciPy's DOP853, which is Hairer's code in Python: sizes of steps by the joined
 * estimate, and dense output, of van der Pol's oscillator (mu = 1) from (2, 0), first step 0.05.
 *
 * Sizes are those up to the first rejection, behind which SciPy's control has a rule of its own.
 * Made by scipy.integrate.DOP853(f, 0, [2, 0], 6, rtol=tol, atol=tol, first_step=0.05), version
 * 1.17: t - t_old after each step, and dense_output() at the times below. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "solver/controller.h"
#include "solver/state.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

enum { NUMBERS = 2 * SAMPLES, TIMES = 4 };

static odeon_status eval(void *self, const odeon_field_eval *call)
{
    const double *y = odeon_read(call->y);
    double *dy = odeon_write(call->dy);
    (void)self;
    for (int b = 0; b < NUMBERS; b += 2) {
        dy[b] = y[b + 1];
        dy[b + 1] = (1.0 - y[b] * y[b]) * y[b + 1] - y[b];
    }
    return ODEON_OK;
}

/* The control of SciPy's Runge-Kutta methods. */
static bench *open(double tolerance, double first_step)
{
    odeon_ode_spec spec = {.mode = ODEON_STEPS_ADAPTIVE,
                           .end = ODEON_END_CLIP,
                           .first_step = first_step,
                           .max_steps = 1000,
                           .exponents_per_order = 1};
    bench *b = bench_open("cpu", false, "dop853", DENSE_IF_OFFERED, spec, 2, 1.0);
    odeon_control *c = &b->control;
    bench_set_tolerance(b, tolerance);
    c->safety = 0.9;
    c->factor_min = c->factor_min_accept = 0.2;
    c->factor_max = c->factor_max_first = 10.0;
    c->beta[0] = c->beta_reject = 1.0;
    c->beta[1] = c->beta[2] = 0.0;
    c->history_start = c->history_floor = 1.0;
    b->f.host.frame_in = -1;
    b->f.host.abi.eval = eval;
    return b;
}

static void solve(bench *b, const double *times)
{
    static const double start[NUMBERS] = {2.0, 0.0, 2.0, 0.0, 2.0, 0.0};
    bench_put(b, &b->y[0], start);
    solver_forget(b->solve);
    bench_require(solver_solve(b->solve, &b->f.host, TIMES + 1, times, ODEON_KEEP_NONE, b->y));
}

static void expect_steps(double tolerance, int n, const double *sizes, const double (*values)[2])
{
    static const double times[TIMES + 1] = {0.0, 0.3, 0.9, 1.4, 6.0};
    size_t attempts;
    double y[NUMBERS];
    bench *b = open(tolerance, 0.05);
    solve(b, times);
    const solve_attempt *list = solver_attempts(b->solve, &attempts);
    for (int i = 0; i < n; i++) {
        assert_true(list[i].accepted);
        bench_assert_close(list[i].h, sizes[i], 1e-7);
    }
    for (int i = 0; i < TIMES - 1; i++) {
        bench_get(b, &b->y[i + 1].view, y);
        bench_assert_close(y[0], values[i][0], 1e-11);
        bench_assert_close(y[1], values[i][1], 1e-11);
    }
    bench_close(b);
}

static void test_steps_and_dense_output_are_those_of_scipy(void **state)
{
    (void)state;
    static const double coarse[] = {0.05, 0.21234218294642682, 0.309726513688199,
                                    0.42014640816938187, 0.4379327255727693};
    static const double coarse_values[3][2] = {{1.9318321381490768, -0.3973953690140767},
                                               {1.5836572389159844, -0.7305711815021423},
                                               {1.148856729019535, -1.0363172327742156}};
    static const double fine[] = {0.05,
                                  0.08954395607890052,
                                  0.12005984625322152,
                                  0.1857538823086033,
                                  0.18536314167477008,
                                  0.17507997785866103,
                                  0.19063018399768294,
                                  0.21076077016900352,
                                  0.2748717683746178};
    static const double fine_values[3][2] = {{1.931832133151426, -0.3973953575270374},
                                             {1.5836572039132009, -0.7305711398184843},
                                             {1.1488567187380174, -1.0363172201932556}};
    expect_steps(1e-6, 5, coarse, coarse_values);
    expect_steps(1e-9, 9, fine, fine_values);
}

/* The sums of a second estimate stand behind those of the first. */
static void test_as_many_sums_as_estimates_and_parts_are_needed(void **state)
{
    (void)state;
    static const double times[TIMES + 1] = {0.0, 0.3, 0.9, 1.4, 6.0};
    odeon_part parts[33];
    bench *b = open(1e-6, 0.05);
    solve(b, times);
    assert_int_equal(b->solve->control.n_estimates, 2);
    for (int i = 0; i < 33; i++) {
        parts[i] = (odeon_part){.name = "theta"};
    }
    b->f.host.abi.n_parts = 33;
    b->f.host.abi.parts = parts;
    diag_clear();
    assert_int_equal(solver_solve(b->solve, &b->f.host, TIMES + 1, times, ODEON_KEEP_NONE, b->y),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(),
                           "equation: integrator dop853 estimates an error in 2 ways, "
                           "each for 33 parts of the state, and there is room for 64"));
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_and_dense_output_are_those_of_scipy),
        cmocka_unit_test(test_as_many_sums_as_estimates_and_parts_are_needed),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
