/* Implicit stages and their reverse, of the engine alone: on fields of two numbers a sample whose
 * solution is known. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"
#include "solver/implicit.h"
#include "solver/state.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* y' = -L (y - sin t) + cos t + (z - cos t)
 * z' = -sin t - m (z^2 - cos^2 t)
 *
 * whose solution from (0, 1) is (sin t, cos t), however stiff L makes it. Sample b has L (b + 1).
 */
typedef struct stiff {
    double rate, curve; /* L, m */
    double edge;        /* a value of y from which on there is none of the field; NAN: none */
    double kink;        /* added to y' where y > 0.5 */
    double grad_rate;   /* dL/d rate */
    int64_t evals, kept, plain_vjps, param_vjps;
} stiff;

enum { PAIR = 2, NUMBERS = PAIR * SAMPLES };

static const double *read_numbers(const odeon_view *x)
{
    return odeon_read(x);
}

static odeon_status stiff_eval(void *self, const odeon_field_eval *call)
{
    stiff *f = self;
    const double *y = read_numbers(call->y), t = *read_numbers(call->t);
    double *dy = odeon_write(call->dy);
    f->evals++;
    f->kept += call->keep != NULL;
    if (call->keep != NULL) {
        memcpy(call->keep->memory, y, NUMBERS * sizeof *y);
    }
    for (int b = 0; b < SAMPLES; b++, y += PAIR, dy += PAIR) {
        double rate = f->rate * (b + 1);
        if (y[0] > f->edge) {
            return diag_fail(ODEON_VOID_STEP, "no value at y = %g", y[0]);
        }
        dy[0] = -rate * (y[0] - sin(t)) + cos(t) + (y[1] - cos(t)) + (y[0] > 0.5 ? f->kink : 0.0);
        dy[1] = -sin(t) - f->curve * (y[1] * y[1] - cos(t) * cos(t));
    }
    return ODEON_OK;
}

static odeon_status stiff_vjp(void *self, const odeon_field_vjp *call)
{
    stiff *f = self;
    const double *w = read_numbers(call->dy_bar), t = *read_numbers(call->t);
    const double *y = (const double *)(const void *)call->kept->memory;
    double *y_bar = odeon_write(call->y_bar);
    bool plain = (call->flags & ODEON_CALL_NO_PARAM_GRAD) != 0;
    f->plain_vjps += plain;
    f->param_vjps += !plain;
    for (int b = 0; b < SAMPLES; b++, y += PAIR, w += PAIR, y_bar += PAIR) {
        double rate = f->rate * (b + 1);
        f->grad_rate += plain ? 0.0 : -(b + 1) * (y[0] - sin(t)) * w[0];
        y_bar[0] = -rate * w[0];
        y_bar[1] = w[0] - 2.0 * f->curve * y[1] * w[1];
    }
    return ODEON_OK;
}

/* The bench's own equation of as many numbers makes way for it. */
static bench *open(const char *method, odeon_ode_spec spec, stiff *f)
{
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, spec, PAIR, 1.0);
    host_field *host = &b->f.host;
    *f = (stiff){.rate = 1.0, .curve = 1.0, .edge = (double)NAN};
    host->evals = &f->evals;
    host->frame_in = -1;
    host->abi.self = f;
    host->abi.eval = stiff_eval;
    host->abi.vjp = stiff_vjp;
    return b;
}

static const double at_zero[NUMBERS] = {0.0, 1.0, 0.0, 1.0, 0.0, 1.0};

static odeon_status solve_from(bench *b, const double *y0, int32_t n_times, const double *times,
                               int32_t keep)
{
    bench_put(b, &b->y[0], y0);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

/* The largest error at the end, of all samples. */
static double error_at(bench *b, int32_t i, double t)
{
    double y[NUMBERS], largest = 0.0;
    bench_get(b, &b->y[i].view, y);
    for (int k = 0; k < NUMBERS; k += PAIR) {
        largest = fmax(largest, fmax(fabs(y[k] - sin(t)), fabs(y[k + 1] - cos(t))));
    }
    return largest;
}

static const struct {
    const char *id;
    double order;
    int stages; /* that solve equations */
} methods[] = {{"sdirk2", 2.0, 2},   {"trbdf2", 2.0, 2},   {"kvaerno3", 3.0, 3},
               {"kvaerno4", 4.0, 4}, {"kvaerno5", 5.0, 6}, {"esdirk54", 5.0, 6}};
enum { METHODS = sizeof methods / sizeof *methods };

static double error_of_equal_steps(const char *method, int64_t steps, double rate)
{
    static const double times[] = {0.0, 1.6};
    odeon_ode_spec spec = {.mode = ODEON_STEPS_COUNT, .steps = steps};
    stiff f;
    bench *b = open(method, spec, &f);
    f.rate = rate;
    bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE));
    double error = error_at(b, 1, times[1]);
    bench_close(b);
    return error;
}

static void test_methods_have_their_orders(void **state)
{
    (void)state;
    for (int i = 0; i < METHODS; i++) {
        double coarse = error_of_equal_steps(methods[i].id, 16, 1.0);
        double fine = error_of_equal_steps(methods[i].id, 32, 1.0);
        double order = log2(coarse / fine);
        if (!(fabs(order - methods[i].order) < 0.35)) {
            fail_msg("%s has order %g (errors %g, %g)", methods[i].id, order, coarse, fine);
        }
    }
}

/* Steps 1e7 times as long as an explicit method could take. */
static void test_stiff_problems_need_no_small_steps(void **state)
{
    (void)state;
    for (int i = 0; i < METHODS; i++) {
        double error = error_of_equal_steps(methods[i].id, 16, 1e8);
        if (!(error < 5e-3)) {
            fail_msg("%s has error %g", methods[i].id, error);
        }
    }
}

static void test_adaptive_solves_keep_their_tolerance(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 2.0};
    for (int i = 0; i < METHODS; i++) {
        stiff f;
        bench *b = open(methods[i].id, bench_adaptive, &f);
        b->spec.max_steps = 20000;
        bench_set_tolerance(b, 1e-6);
        f.rate = 1e4;
        bench_require(solve_from(b, at_zero, 3, times, ODEON_KEEP_NONE));
        double error = fmax(error_at(b, 1, 0.5), error_at(b, 2, 2.0));
        if (!(error < 1e-4)) {
            fail_msg("%s has error %g", methods[i].id, error);
        }
        bench_close(b);
    }
}

/* ---- one sample and its company ---- */

/* The bits of the middle sample, whose company starts from other values. Steps are of one size
 * throughout, so that the company cannot reach it by step control. */
static void middle_of(const char *method, odeon_ode_spec spec, double company, double *out)
{
    static const double times[] = {0.0, 0.7};
    double y0[NUMBERS] = {company, 1.0 + company, 0.3, 0.8, -company, 1.0}, y[NUMBERS];
    stiff f;
    bench *b = open(method, spec, &f);
    b->control.h_max = 0.05;
    bench_set_tolerance(b, 1.0);
    b->rtol = b->atol = 1e-6; /* of Newton's iteration alone: no step is rejected */
    f.rate = 50.0;
    bench_require(solve_from(b, y0, 2, times, ODEON_KEEP_NONE));
    solve_stats stats = solver_stats(b->solve);
    assert_int_equal(stats.accepted, 14);
    assert_int_equal(stats.rejected, 0);
    bench_get(b, &b->y[1].view, y);
    memcpy(out, y + PAIR, PAIR * sizeof *out);
    bench_close(b);
}

static void test_bits_of_a_sample_do_not_depend_on_its_company(void **state)
{
    (void)state;
    const odeon_ode_spec specs[2] = {
        {.mode = ODEON_STEPS_COUNT, .steps = 14},
        {.mode = ODEON_STEPS_ADAPTIVE, .end = ODEON_END_CLIP, .first_step = 0.05}};
    for (int i = 0; i < METHODS; i++) {
        for (int k = 0; k < 2; k++) {
            double near[PAIR], far[PAIR];
            middle_of(methods[i].id, specs[k], 0.0, near);
            middle_of(methods[i].id, specs[k], 0.02, far);
            assert_memory_equal(near, far, sizeof near);
        }
    }
}

/* ---- reverse ---- */

static const double seeds[NUMBERS] = {0.5, 1.0, -2.0, 1.0, -0.75, 0.5};
static const double span[] = {0.0, 0.4, 1.0};

/* L = seeds . (y(0.4) + y(1)), 8 equal steps between two times. */
static double loss(bench *b, const double *y0)
{
    double y[NUMBERS], sum = 0.0;
    bench_require(solve_from(b, y0, 3, span, ODEON_KEEP_NONE));
    for (int i = 1; i < 3; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < NUMBERS; k++) {
            sum += seeds[k] * y[k];
        }
    }
    return sum;
}

/* Central differences of fourth order, in y0[k] or, for k < 0, in the rate. */
static double difference(bench *b, stiff *f, const double *y0, int k, double step)
{
    static const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0, moved[NUMBERS], rate = f->rate;
    for (int i = 0; i < 4; i++) {
        memcpy(moved, y0, sizeof moved);
        if (k < 0) {
            f->rate = rate + at[i] * step;
        } else {
            moved[k] += at[i] * step;
        }
        sum += weight[i] * loss(b, moved);
        f->rate = rate;
    }
    return sum / (12.0 * step);
}

static void check_gradient(const char *method, int stages, double rate)
{
    const double y0[NUMBERS] = {0.1, 1.2, 0.0, 1.0, -0.2, 0.7};
    double d_y0[NUMBERS];
    stiff f;
    bench *b = open(method, (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 8}, &f);
    f.rate = rate;
    bench_require(solve_from(b, y0, 3, span, ODEON_KEEP_FRAMES));
    f.plain_vjps = f.param_vjps = 0;
    b->cotangents[0].data = NULL;
    for (int i = 1; i < 3; i++) {
        b->cotangents[i].data = b->d_y[i].view.data;
        bench_put(b, &b->d_y[i], seeds);
    }
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    bench_get(b, &b->d_y0.view, d_y0);
    int64_t explicit_stages = strcmp(method, "sdirk2") == 0 ? 0 : 1; /* of the start */
    assert_int_equal(f.plain_vjps, 16 * stages * PAIR);
    assert_int_equal(f.param_vjps, 16 * stages + explicit_stages);
    for (int k = 0; k < NUMBERS; k++) {
        bench_assert_close(d_y0[k], difference(b, &f, y0, k, 1e-3), 1e-9);
    }
    double exact = difference(b, &f, y0, -1, 1e-3 * rate);
    if (!(fabs(f.grad_rate - exact) <= 1e-8 * fabs(exact))) {
        fail_msg("%s at %g: %.17g is not %.17g", method, rate, f.grad_rate, exact);
    }
    bench_close(b);
}

static void test_reverse_is_the_derivative_of_the_steps(void **state)
{
    (void)state;
    for (int i = 0; i < METHODS; i++) {
        check_gradient(methods[i].id, methods[i].stages, 2.0);
        check_gradient(methods[i].id, methods[i].stages, 1e3);
    }
}

/* A kept solve evaluates once more a stage, and is the same to the bit. */
static void test_keeping_changes_no_bit(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    double plain[NUMBERS], kept[NUMBERS];
    for (int i = 0; i < METHODS; i++) {
        stiff f;
        bench *b = open(methods[i].id, bench_adaptive, &f);
        b->spec.max_steps = 20000;
        bench_set_tolerance(b, 1e-5);
        f.rate = 100.0;
        bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE));
        bench_get(b, &b->y[1].view, plain);
        int64_t evals = f.evals;
        bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_FRAMES));
        bench_get(b, &b->y[1].view, kept);
        solve_stats stats = solver_stats(b->solve);
        int64_t tried = stats.accepted + stats.rejected;
        assert_memory_equal(plain, kept, sizeof plain);
        assert_int_equal(f.evals - 2 * evals, tried * methods[i].stages);
        bench_close(b);
    }
}

/* ---- what fails ---- */

static void expect_failure(bench *b, const double *times, const char *line)
{
    odeon_status status = solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE);
    assert_int_equal(status, ODEON_ERR_NUMERIC);
    if (strstr(diag_message(), line) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", line, diag_message());
    }
}

/* 1 - gh J = 0 for the middle sample: gamma 0.5, h 0.5, J = 4. */
static void test_a_singular_step_fails_and_names_the_sample(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5};
    stiff f;
    bench *b =
        open("implicit_midpoint", (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 1}, &f);
    f.rate = -2.0;
    expect_failure(b, times,
                   "a stage cannot be solved at t = 0, h = 0.5, after 1 evaluations, 0 "
                   "accepted and 0 rejected steps (I - gamma h J is singular); with "
                   "fixed steps there is no smaller one to try");
    const solve_diagnosis *d = solver_diagnosis(b->solve);
    assert_true(d->failed);
    assert_string_equal(d->worst.part, "y");
    assert_int_equal(d->worst.sample, 1);
    assert_true(d->worst.error == WORST_UNSOLVED);
    bench_close(b);
}

/* y' jumps by more than any slope that leads over the jump. */
static void test_a_field_without_a_solution_fails(void **state)
{
    (void)state;
    static const double times[] = {0.0, 4.0};
    stiff f;
    bench *b = open("kvaerno3", (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 4}, &f);
    f.kink = -1e6;
    expect_failure(b, times, "(Newton's iteration does not converge)");
    bench_close(b);
    b = open("kvaerno3", bench_adaptive, &f);
    bench_set_tolerance(b, 1e-3);
    b->spec.max_steps = 100000;
    f.kink = -1e6;
    expect_failure(b, times, "equation: ");
    bench_close(b);
}

/* The steps become smaller before the edge, and the line says what the field has said. */
static void test_a_layer_that_rejects_makes_the_step_smaller(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0}, shorter[] = {0.0, 0.4};
    stiff f;
    bench *b = open("kvaerno5", bench_adaptive, &f);
    f.edge = 0.5;
    expect_failure(b, times, "step size underflow: a stage cannot be solved at t = 0.52");
    assert_non_null(strstr(diag_message(), "(no value at y = 0.5"));
    bench_set_tolerance(b, 1e-2);
    b->spec.first_step = 0.4;
    b->control.h_max = 0.4;
    f.edge = 0.41;
    bench_require(solve_from(b, at_zero, 2, shorter, ODEON_KEEP_NONE));
    bench_close(b);
}

static void expect_refusal(bench *b, const char *why)
{
    static const double times[] = {0.0, 1.0};
    diag_clear();
    assert_int_equal(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE), ODEON_ERR_UNSUPPORTED);
    if (strstr(diag_message(), why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, diag_message());
    }
}

static void test_fields_that_are_refused(void **state)
{
    (void)state;
    stiff f;
    bench *b = open("sdirk2", bench_ten_steps, &f);
    host_field given = b->f.host;
    b->f.host.is_alone = false;
    expect_refusal(b, "equation: integrator sdirk2 solves equations in its stages: the samples of "
                      "a batch must not depend on one another");
    b->f.host = given;
    b->f.host.moves_state = true;
    expect_refusal(b, "the field has a layer that changes with every evaluation");
    b->f.host = given;
    b->f.host.abi.vjp = NULL;
    expect_refusal(b, "this field has no vector-Jacobian product to do so by");
    bench_close(b);
}

/* A run of Newton's counts for nothing in a method without equations. */
static void test_explicit_methods_have_no_part_in_it(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    stiff f;
    bench *b = open("rk4", bench_ten_steps, &f);
    bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE));
    assert_int_equal(f.evals, 40);
    assert_int_equal(f.plain_vjps, 0);
    assert_null(b->solve->newton.jacobian);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_have_their_orders),
        cmocka_unit_test(test_stiff_problems_need_no_small_steps),
        cmocka_unit_test(test_adaptive_solves_keep_their_tolerance),
        cmocka_unit_test(test_bits_of_a_sample_do_not_depend_on_its_company),
        cmocka_unit_test(test_reverse_is_the_derivative_of_the_steps),
        cmocka_unit_test(test_keeping_changes_no_bit),
        cmocka_unit_test(test_a_singular_step_fails_and_names_the_sample),
        cmocka_unit_test(test_a_field_without_a_solution_fails),
        cmocka_unit_test(test_a_layer_that_rejects_makes_the_step_smaller),
        cmocka_unit_test(test_fields_that_are_refused),
        cmocka_unit_test(test_explicit_methods_have_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
