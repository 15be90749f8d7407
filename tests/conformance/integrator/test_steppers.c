/* Methods that say their steps in verbs: orders, gradients of the steps that were made, and what
 * makes each of them worth having. By the engine alone, on fields of two numbers a sample. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"
#include "solver/state.h"
#include "solver/step.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

enum { PAIR = 2, NUMBERS = PAIR * SAMPLES, MOST_STEPS = 4096 };

/* A field of one parameter a: f, its Jacobian by rows, and df/da. */
typedef struct problem {
    double a;
    void (*f)(double a, double t, const double *y, double *dy);
    void (*jacobian)(double a, double t, const double *y, double *j);
    void (*by_a)(double a, double t, const double *y, double *dy);
    double grad; /* dL/da */
    int64_t evals;
} problem;

/* q' = p, p' = -a sin q */
static void pendulum(double a, double t, const double *y, double *dy)
{
    (void)t;
    dy[0] = y[1];
    dy[1] = -a * sin(y[0]);
}

static void pendulum_jacobian(double a, double t, const double *y, double *j)
{
    (void)t;
    j[0] = 0.0, j[1] = 1.0;
    j[2] = -a * cos(y[0]), j[3] = 0.0;
}

static void pendulum_by_a(double a, double t, const double *y, double *dy)
{
    (void)a;
    (void)t;
    dy[0] = 0.0;
    dy[1] = -sin(y[0]);
}

/* y' = -a (y - sin t) + cos t + (z - cos t), z' = -sin t - (z^2 - cos^2 t): (sin t, cos t) from (0,
 * 1), however stiff a makes it. */
static void chase(double a, double t, const double *y, double *dy)
{
    dy[0] = -a * (y[0] - sin(t)) + cos(t) + (y[1] - cos(t));
    dy[1] = -sin(t) - (y[1] * y[1] - cos(t) * cos(t));
}

static void chase_jacobian(double a, double t, const double *y, double *j)
{
    (void)t;
    j[0] = -a, j[1] = 1.0;
    j[2] = 0.0, j[3] = -2.0 * y[1];
}

static void chase_by_a(double a, double t, const double *y, double *dy)
{
    (void)a;
    dy[0] = -(y[0] - sin(t));
    dy[1] = 0.0;
}

/* Van der Pol's oscillator, y'' = a (1 - y^2) y' - y. */
static void oscillator(double a, double t, const double *y, double *dy)
{
    (void)t;
    dy[0] = y[1];
    dy[1] = a * (1.0 - y[0] * y[0]) * y[1] - y[0];
}

static void oscillator_jacobian(double a, double t, const double *y, double *j)
{
    (void)t;
    j[0] = 0.0, j[1] = 1.0;
    j[2] = -2.0 * a * y[0] * y[1] - 1.0, j[3] = a * (1.0 - y[0] * y[0]);
}

static void oscillator_by_a(double a, double t, const double *y, double *dy)
{
    (void)a;
    (void)t;
    dy[0] = 0.0;
    dy[1] = (1.0 - y[0] * y[0]) * y[1];
}

static const problem swing = {1.5, pendulum, pendulum_jacobian, pendulum_by_a, 0.0, 0};
static const problem follow = {2.0, chase, chase_jacobian, chase_by_a, 0.0, 0};
static const problem stiff = {1e3, chase, chase_jacobian, chase_by_a, 0.0, 0};
static const problem relax = {1e3, oscillator, oscillator_jacobian, oscillator_by_a, 0.0, 0};

static const double *numbers(const odeon_view *x)
{
    return odeon_read(x);
}

static odeon_status problem_eval(void *self, const odeon_field_eval *call)
{
    problem *x = self;
    const double *y = numbers(call->y);
    double *dy = odeon_write(call->dy);
    x->evals++;
    if (call->keep != NULL) {
        memcpy(call->keep->memory, y, NUMBERS * sizeof *y);
    }
    for (int b = 0; b < NUMBERS; b += PAIR) {
        x->f(x->a, *numbers(call->t), y + b, dy + b);
    }
    return ODEON_OK;
}

static odeon_status problem_vjp(void *self, const odeon_field_vjp *call)
{
    problem *x = self;
    const double *w = numbers(call->dy_bar), t = *numbers(call->t);
    const double *y = (const double *)(const void *)call->kept->memory;
    double *y_bar = odeon_write(call->y_bar), j[4], by[2];
    for (int b = 0; b < NUMBERS; b += PAIR) {
        x->jacobian(x->a, t, y + b, j);
        x->by_a(x->a, t, y + b, by);
        double w0 = w[b], w1 = w[b + 1];
        y_bar[b] = w0 * j[0] + w1 * j[2];
        y_bar[b + 1] = w0 * j[1] + w1 * j[3];
        x->grad += (call->flags & ODEON_CALL_NO_PARAM_GRAD) != 0 ? 0.0 : w0 * by[0] + w1 * by[1];
    }
    return ODEON_OK;
}

/* The bench's own equation of as many numbers makes way for it. */
static bench *open(const char *method, int32_t dense, odeon_ode_spec spec, problem *x)
{
    bench *b = bench_open("cpu", false, method, dense, spec, PAIR, 1.0);
    host_field *host = &b->f.host;
    host->evals = &x->evals;
    host->frame_in = -1;
    host->abi.self = x;
    host->abi.eval = problem_eval;
    host->abi.vjp = problem_vjp;
    b->spec.max_steps = 200000;
    return b;
}

static odeon_status solve_from(bench *b, const double *y0, int32_t n_times, const double *times,
                               int32_t keep)
{
    bench_put(b, &b->y[0], y0);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

static const double start[NUMBERS] = {0.1, 1.2, 0.0, 1.0, -0.2, 0.7};
static const double span[] = {0.0, 2.0};

/* ---- steps ---- */

static double list[MOST_STEPS][2];

/* n steps over the span, every other one by `ratio` longer than the others. */
static void make_list(int n, double ratio)
{
    double t = span[0], h = (span[1] - span[0]) / ((double)n / 2.0 * (1.0 + ratio));
    for (int i = 0; i < n; i++) {
        list[i][0] = t;
        list[i][1] = i % 2 == 0 ? h : ratio * h;
        t += list[i][1];
    }
    list[n - 1][1] = span[1] - list[n - 1][0];
}

static bench *open_listed(const char *method, int32_t dense, int n, double ratio, problem *x)
{
    odeon_ode_spec spec = {
        .mode = ODEON_STEPS_REPLAY, .replay_path = "a list", .end = ODEON_END_CLIP};
    bench *b = open(method, dense, spec, x);
    make_list(n, ratio);
    solver_set_replay(b->solve, (size_t)n, (const double(*)[2])list);
    return b;
}

static void end_of(const char *method, int n, double ratio, const problem *from, double *y)
{
    problem x = *from;
    bench *b = open_listed(method, DENSE_UNUSED, n, ratio, &x);
    bench_require(solve_from(b, start, 2, span, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, y);
    bench_close(b);
}

static double distance(const double *x, const double *y)
{
    double largest = 0.0;
    for (int i = 0; i < NUMBERS; i++) {
        largest = fmax(largest, fabs(x[i] - y[i]));
    }
    return largest;
}

/* ---- orders ---- */

static void check_order(const char *method, double expected, int n, double ratio,
                        const problem *from)
{
    double exact[NUMBERS], coarse[NUMBERS], fine[NUMBERS];
    end_of("kvaerno5", 2000, 1.0, from, exact);
    end_of(method, n, ratio, from, coarse);
    end_of(method, 2 * n, ratio, from, fine);
    double order = log2(distance(coarse, exact) / distance(fine, exact));
    print_message("%s, ratio %g, a = %g: order %.2f\n", method, ratio, from->a, order);
    assert_true(fabs(order - expected) < 0.15);
}

static void test_methods_have_their_orders(void **state)
{
    (void)state;
    check_order("leapfrog", 2.0, 64, 1.0, &swing);
    check_order("leapfrog", 2.0, 64, 1.5, &swing);
    check_order("scripted", 2.0, 128, 1.0, &swing);
    check_order("adams_bashforth(order=2)", 2.0, 128, 1.0, &swing);
    check_order("adams_bashforth(order=4)", 4.0, 128, 1.0, &swing);
    static const problem *const of_bdf2[] = {&swing, &follow, &stiff};
    for (int i = 0; i < 3; i++) {
        check_order("bdf2", 2.0, 256, 1.0, of_bdf2[i]);
        check_order("bdf2", 2.0, 256, 1.3 / 0.7, of_bdf2[i]);
    }
}

/* ---- gradients ---- */

static const double seeds[NUMBERS] = {0.5, 1.0, -2.0, 1.0, -0.75, 0.5};

/* Within steps, and two within one of them; or the end alone. */
static const double within[] = {0.0, 0.77, 0.78, 1.31, 2.0};
enum { N_WITHIN = 5 };

static double loss(bench *b, const double *y0, int n, const double *times)
{
    double y[NUMBERS], sum = 0.0;
    bench_require(solve_from(b, y0, n, times, ODEON_KEEP_NONE));
    for (int i = 1; i < n; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < NUMBERS; k++) {
            sum += seeds[k] * y[k];
        }
    }
    return sum;
}

/* Central differences of fourth order, in y0[k] or, for k < 0, in a. */
static double difference(bench *b, problem *x, int n, const double *times, int k, double step)
{
    static const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0, moved[NUMBERS], a = x->a;
    for (int i = 0; i < 4; i++) {
        memcpy(moved, start, sizeof moved);
        x->a = k < 0 ? a + at[i] * step : a;
        moved[k < 0 ? 0 : k] += k < 0 ? 0.0 : at[i] * step;
        sum += weight[i] * loss(b, moved, n, times);
    }
    x->a = a;
    return sum / (12.0 * step);
}

/* Steps of two sizes, each held fixed. */
static void check_gradient_at(const char *method, double ratio, const problem *from, int n,
                              const double *times)
{
    problem x = *from;
    int32_t dense = n > 2 ? DENSE_REQUIRED : DENSE_UNUSED;
    double d_y0[NUMBERS], worst = 0.0;
    bench *b = open_listed(method, dense, 24, ratio, &x);
    bench_require(solve_from(b, start, n, times, ODEON_KEEP_FRAMES));
    b->cotangents[0].data = NULL;
    for (int i = 1; i < n; i++) {
        b->cotangents[i].data = b->d_y[i].view.data;
        bench_put(b, &b->d_y[i], seeds);
    }
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    bench_get(b, &b->d_y0.view, d_y0);
    double by_a = x.grad, exact = difference(b, &x, n, times, -1, 1e-3 * from->a);
    for (int k = 0; k < NUMBERS; k++) {
        double expected = difference(b, &x, n, times, k, 1e-3);
        worst = fmax(worst, fabs(d_y0[k] - expected) / fmax(1e-3, fabs(expected)));
    }
    worst = fmax(worst, fabs(by_a - exact) / fmax(1e-3, fabs(exact)));
    print_message("%s, ratio %g, a = %g: gradient off by %.1e\n", method, ratio, from->a, worst);
    assert_true(worst < 1e-8);
    bench_close(b);
}

static void check_gradient(const char *method, double ratio, const problem *from)
{
    check_gradient_at(method, ratio, from, 2, span);
}

static void test_reverse_is_the_derivative_of_the_steps(void **state)
{
    (void)state;
    check_gradient("leapfrog", 1.0, &swing);
    check_gradient("leapfrog", 1.7, &swing);
    check_gradient("scripted", 1.7, &swing);
    check_gradient("adams_bashforth(order=4)", 1.0, &swing);
    check_gradient("bdf2", 1.0, &swing);
    check_gradient("bdf2", 1.7, &swing);
    check_gradient("bdf2", 1.7, &follow);
    check_gradient("bdf2", 1.7, &stiff);
}

static void test_outputs_within_steps_have_gradients(void **state)
{
    (void)state;
    check_gradient_at("bdf2", 1.7, &swing, N_WITHIN, within);
    check_gradient_at("bdf2", 1.7, &stiff, N_WITHIN, within);
    check_gradient_at("tsit5", 1.7, &swing, N_WITHIN, within);
}

/* Between steps the error is that of the steps, and at most that of a cubic. */
static void test_outputs_within_steps_are_of_the_order_of_the_steps(void **state)
{
    (void)state;
    double y[NUMBERS], error[2] = {0.0, 0.0};
    for (int i = 0; i < 2; i++) {
        problem x = follow;
        static const double y0[NUMBERS] = {0.0, 1.0, 0.0, 1.0, 0.0, 1.0};
        bench *b = open_listed("bdf2", DENSE_REQUIRED, 128 << i, 1.7, &x);
        bench_require(solve_from(b, y0, N_WITHIN, within, ODEON_KEEP_NONE));
        for (int k = 1; k < N_WITHIN; k++) {
            const double exact[NUMBERS] = {sin(within[k]), cos(within[k]), sin(within[k]),
                                           cos(within[k]), sin(within[k]), cos(within[k])};
            bench_get(b, &b->y[k].view, y);
            error[i] = fmax(error[i], distance(y, exact));
        }
        bench_close(b);
    }
    print_message("bdf2 between steps: order %.2f\n", log2(error[0] / error[1]));
    assert_true(fabs(log2(error[0] / error[1]) - 2.0) < 0.2);
}

/* ---- bdf2 chooses its steps ---- */

static void solve_adaptive(const char *method, double tolerance, const problem *from, double *y,
                           solve_stats *stats)
{
    static const double y0[NUMBERS] = {2.0, 0.0, 2.0, 0.0, 2.0, 0.0}, times[] = {0.0, 400.0};
    problem x = *from;
    bench *b = open(method, DENSE_UNUSED, bench_adaptive, &x);
    b->control.factor_max = b->control.factor_max_first = 2.0;
    bench_set_tolerance(b, tolerance);
    bench_require(solve_from(b, y0, 2, times, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, y);
    *stats = solver_stats(b->solve);
    bench_close(b);
}

static void test_bdf2_keeps_its_tolerance_on_a_stiff_oscillator(void **state)
{
    (void)state;
    double exact[NUMBERS], y[NUMBERS];
    solve_stats stats;
    solve_adaptive("kvaerno5", 1e-9, &relax, exact, &stats);
    static const double tolerances[] = {1e-4, 1e-6};
    for (int i = 0; i < 2; i++) {
        solve_adaptive("bdf2", tolerances[i], &relax, y, &stats);
        print_message("bdf2, tolerance %g: %lld steps, %lld rejected, error %.1e\n", tolerances[i],
                      (long long)stats.accepted, (long long)stats.rejected, distance(y, exact));
        assert_true(distance(y, exact) < 100.0 * tolerances[i]);
        assert_true(stats.accepted < (i == 0 ? 400 : 1500));
    }
}

/* ---- leapfrog is what it is for ---- */

static double energy(const double *y)
{
    return 0.5 * y[1] * y[1] - swing.a * cos(y[0]);
}

/* Over many periods energy swings, by a constant times h^2, and does not drift. */
static void test_leapfrog_keeps_the_energy_of_a_pendulum(void **state)
{
    (void)state;
    static const double times[] = {0.0, 10.0, 100.0, 1000.0};
    problem x = swing;
    double y[NUMBERS], worst = 0.0;
    const odeon_ode_spec spec = {.mode = ODEON_STEPS_SIZE, .step_size = 0.05};
    bench *b = open("leapfrog", DENSE_UNUSED, spec, &x);
    bench_require(solve_from(b, start, 4, times, ODEON_KEEP_NONE));
    for (int i = 1; i < 4; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < NUMBERS; k += PAIR) {
            worst = fmax(worst, fabs(energy(y + k) - energy(start + k)));
        }
    }
    print_message("energy off by %.1e in 20000 steps\n", worst);
    assert_true(worst < 1e-3);
    bench_close(b);
}

/* Back through the steps that a solve has made. */
static void go_back(bench *b, size_t n, double *y)
{
    const program *p;
    solver *s = b->solve;
    bench_require(stepper_inverse(b->method, &p));
    s->task.keep = ODEON_KEEP_NONE;
    for (size_t i = n; i-- > 0;) {
        bench_put(b, &b->y[1], y);
        s->step.value[REG_Y0] = (bound_vector){.data = odeon_write(&b->y[1])};
        bench_require(step_reserve(s, p));
        bench_require(step_set_time(s, list[i][0], list[i][1]));
        bench_require(step_run(s, p));
        odeon_tensor end = vector_tensor(s, s->step.value[REG_Y1]);
        bench_get(b, &end.view, y);
        release_registers(s);
    }
}

static void test_leapfrog_goes_back_where_it_came_from(void **state)
{
    (void)state;
    problem x = swing;
    double y[NUMBERS];
    bench *b = open_listed("leapfrog", DENSE_UNUSED, 200, 1.5, &x);
    bench_require(solve_from(b, start, 2, span, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, y);
    go_back(b, 200, y);
    print_message("200 steps and back: off by %.1e\n", distance(y, start));
    assert_true(distance(y, start) < 1e-13);
    bench_close(b);
    b = open("bdf2", DENSE_UNUSED, bench_ten_steps, &x);
    const program *p;
    assert_int_equal(stepper_inverse(b->method, &p), ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "integrator bdf2 has no inverse"));
    bench_close(b);
}

/* ---- what is refused ---- */

static void expect(odeon_status status, odeon_status expected, const char *text)
{
    assert_int_equal(status, expected);
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, diag_message());
    }
    diag_clear();
}

static void test_fields_that_leapfrog_cannot_take_are_refused(void **state)
{
    (void)state;
    problem x = follow;
    bench *b = open("leapfrog", DENSE_UNUSED, bench_ten_steps, &x);
    expect(solve_from(b, start, 2, span, ODEON_KEEP_NONE), ODEON_ERR_CONFIG,
           "evaluates the slope of q without the whole state, but here it depends on all of it");
    bench_close(b);
    b = bench_open("cpu", false, "leapfrog", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    expect(bench_solve(b, 2, span, ODEON_KEEP_NONE), ODEON_ERR_CONFIG,
           "divides the state of a sample into 2 parts of one length (q, ...), but it has 1 "
           "features");
    bench_close(b);
}

/* Parts are of each sample: a field that says nothing of samples cannot be taken apart. */
static void test_states_without_samples_are_refused(void **state)
{
    (void)state;
    problem x = swing;
    bench *b = open("leapfrog", DENSE_UNUSED, bench_ten_steps, &x);
    b->f.host.samples = 0;
    expect(solve_from(b, start, 2, span, ODEON_KEEP_NONE), ODEON_ERR_UNSUPPORTED,
           "treats parts of the state apart");
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_have_their_orders),
        cmocka_unit_test(test_reverse_is_the_derivative_of_the_steps),
        cmocka_unit_test(test_outputs_within_steps_have_gradients),
        cmocka_unit_test(test_outputs_within_steps_are_of_the_order_of_the_steps),
        cmocka_unit_test(test_bdf2_keeps_its_tolerance_on_a_stiff_oscillator),
        cmocka_unit_test(test_leapfrog_keeps_the_energy_of_a_pendulum),
        cmocka_unit_test(test_leapfrog_goes_back_where_it_came_from),
        cmocka_unit_test(test_fields_that_leapfrog_cannot_take_are_refused),
        cmocka_unit_test(test_states_without_samples_are_refused),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
