/* Integrators through the whole engine: a field made of layers whose solution is known. The state
 * is [B, 2]; the head is the identity, so that the model's output is the state at the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "support_session.h"

/* y' = W y: W = -1 decays, W = (0 -1; 1 0) rotates. */
static const char linear[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2, classes=2)\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\ngradient = direct\n"
    "[model.ode.a]\nlayer = dense(units=state, bias=no)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* y' = tanh(W (y, t) + b) */
static const char driven[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2, classes=2)\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time\n"
    "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* y' = tanh(W y + b) */
static const char autonomous[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=2, classes=2)\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\ngradient = direct\n"
    "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static const double decay[] = {-1.0, 0.0, 0.0, -1.0}, rotation[] = {0.0, -1.0, 1.0, 0.0};
static const double driven_weight[] = {1.0, -3.0, 2.0, 2.4, 0.6, -1.4};
static const double field_weight[] = {1.0, -3.0, 2.4, 0.6}, field_bias[] = {0.2, -0.1};
static const double start[] = {1.0, 0.5};

enum { MAX_OVERRIDES = 8, N = 2, STARTS = 16 };

typedef struct solved {
    double y[N];
    ode_counters block;
} solved;

/* The problem with its numbers in place. settings: overrides of model.ode, ending with NULL. */
static support_session prepare(const char *ini, const double *weight, int64_t samples,
                               const char *const *settings)
{
    char *overrides[MAX_OVERRIDES + 1] = {NULL};
    for (size_t i = 0; settings[i] != NULL && i < MAX_OVERRIDES; i++) {
        overrides[i] = mem_printf("model.ode.%s", settings[i]);
    }
    support_session s = support_session_open(ini, samples, (const char *const *)overrides);
    for (size_t i = 0; i < MAX_OVERRIDES; i++) {
        mem_free(overrides[i]);
    }
    support_require(session_parameter_set(s.session, 0, weight), "weight");
    if (session_parameters(s.session) > 1) {
        support_require(session_parameter_set(s.session, 1, field_bias), "bias");
    }
    memcpy(s.x, start, sizeof start);
    return s;
}

static solved run(support_session *s)
{
    solved out;
    out.block = support_differentiate(s, out.y, NULL).blocks[0];
    return out;
}

static solved solve(const char *ini, const double *weight, const char *const *settings)
{
    support_session s = prepare(ini, weight, 1, settings);
    solved out = run(&s);
    support_session_close(&s);
    return out;
}

static double error_of(const solved *a, const double *exact)
{
    return support_distance(N, a->y, exact);
}

static void rotate(const double *y, double angle, double *out)
{
    out[0] = cos(angle) * y[0] - sin(angle) * y[1];
    out[1] = sin(angle) * y[0] + cos(angle) * y[1];
}

static solved solve_steps(const char *ini, const double *weight, const char *integrator,
                          int64_t steps, const char *span)
{
    char *by = mem_printf("integrator=%s", integrator);
    char *count = mem_printf("steps=%lld", (long long)steps);
    solved out = solve(ini, weight, (const char *[]){by, count, span, NULL});
    mem_free(by);
    mem_free(count);
    return out;
}

/* ---- orders ---- */

typedef struct method {
    const char *integrator;
    int order;
    int64_t
        steps; /* coarse ones, where the error is clear of rounding when they are halved twice */
} method;

static const method methods[] = {
    {"euler", 1, 64},
    {"midpoint", 2, 64},
    {"rk4", 4, 32},
    {"tsit5", 5, 32},
    {"dopri5", 5, 32},
    {"scripted", 2, 64},
    {"adams_bashforth(order=2)", 2, 96},
    {"adams_bashforth(order=3)", 3, 96},
    {"adams_bashforth(order=4)", 4, 96},
    {"adams_bashforth(order=5)", 5, 96},
};

/* The ends of many solutions at once: on a single one the leading error may happen to vanish. */
static double *ends(const char *ini, const double *weight, const char *integrator, int64_t steps,
                    const char *span)
{
    char *by = mem_printf("integrator=%s", integrator);
    char *count = mem_printf("steps=%lld", (long long)steps);
    support_session s = prepare(ini, weight, STARTS, (const char *[]){by, count, span, NULL});
    double *y = mem_alloc(STARTS * N * sizeof *y);
    (void)support_differentiate(&s, y, NULL);
    support_session_close(&s);
    mem_free(by);
    mem_free(count);
    return y;
}

/* log2 of the errors' ratio when steps are halved: less than the order is a wrong method, much more
 * a measurement that says nothing. */
static void check_order(const method *m, const char *ini, const double *weight, const char *span)
{
    double *fine = ends(ini, weight, "dopri5", 2000, span); /* 1e-14 */
    double *coarse = ends(ini, weight, m->integrator, m->steps, span);
    double *halved = ends(ini, weight, m->integrator, 2 * m->steps, span);
    double error = support_distance(STARTS * N, halved, fine);
    double order = log2(support_distance(STARTS * N, coarse, fine) / error);
    print_message("%s, %s: order %.2f, error %.1e\n", m->integrator, span, order, error);
    assert_true(error > 1e-12);
    assert_true(order >= m->order - 0.25 && order < m->order + 0.95);
    mem_free(fine);
    mem_free(coarse);
    mem_free(halved);
}

static void check_orders(const char *ini, const double *weight, const char *span)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        check_order(&methods[i], ini, weight, span);
    }
}

static void test_orders_of_an_autonomous_field(void **state)
{
    (void)state;
    check_orders(autonomous, field_weight, "span=0 2");
}

static void test_orders_of_a_field_that_depends_on_time(void **state)
{
    (void)state;
    check_orders(driven, driven_weight, "span=-0.5 1.5");
}

static void test_orders_backward_in_time(void **state)
{
    (void)state;
    check_orders(driven, driven_weight, "span=1.5 -0.5");
}

/* There and back again is where one came from. */
static void test_backward_undoes_forward(void **state)
{
    (void)state;
    const char *there[] = {"integrator=dopri5", "rtol=1e-10", "atol=1e-10", "span=0.3 1.7", NULL};
    const char *back[] = {"integrator=dopri5", "rtol=1e-10", "atol=1e-10", "span=1.7 0.3", NULL};
    solved end = solve(driven, driven_weight, there);
    support_session s = prepare(driven, driven_weight, 1, back);
    memcpy(s.x, end.y, sizeof end.y);
    solved again = run(&s);
    support_session_close(&s);
    assert_true(support_distance(N, end.y, start) > 0.1);
    support_assert_close("y(t0)", N, again.y, start, 1e-8);
}

/* ---- known solutions ---- */

static void test_linear_fields_reach_their_exact_end(void **state)
{
    (void)state;
    safetensors *file = support_fixture("solvers.safetensors");
    static const struct {
        const char *name, *span;
        const double *weight;
    } cases[] = {{"decay", "span=0 1", decay}, {"rotation", "span=0 6.283185307179586", rotation}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *name = mem_printf("end/%s/y0", cases[i].name);
        char *end = mem_printf("end/%s/y1", cases[i].name);
        double *y0 = support_tensor(file, name, NULL), *y1 = support_tensor(file, end, NULL);
        const char *settings[] = {"integrator=dopri5", "rtol=1e-10", "atol=1e-12", cases[i].span,
                                  NULL};
        support_session s = prepare(linear, cases[i].weight, 1, settings);
        memcpy(s.x, y0, N * sizeof *y0);
        solved out = run(&s);
        support_assert_close(end, N, out.y, y1, 1e-9);
        support_session_close(&s);
        mem_free(y0);
        mem_free(y1);
        mem_free(name);
        mem_free(end);
    }
    safetensors_destroy(file);
}

/* torchdiffeq's own run of the same problem: its controller takes its steps, evaluation by
 * evaluation, and reads the end off the same dense output. Cut at the end instead, the last step of
 * the rotation is not rejected, as it is once when it reaches beyond. */
static void test_torchdiffeq_control_takes_its_steps(void **state)
{
    (void)state;
    safetensors *file = support_fixture("solvers.safetensors");
    static const struct {
        const char *name, *span;
        const double *weight;
        int64_t evals, evals_cut;
    } cases[] = {{"decay", "span=0 1", decay, 32, 32},
                 {"rotation", "span=0 6.283185307179586", rotation, 230, 230 - 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *begin = mem_printf("end/%s/y0", cases[i].name);
        char *end = mem_printf("end/%s/torchdiffeq_dopri5_1e-6_1e-8", cases[i].name);
        double *y0 = support_tensor(file, begin, NULL), *y1 = support_tensor(file, end, NULL);
        for (int cut = 0; cut < 2; cut++) {
            const char *settings[] = {
                "integrator=dopri5", "control=torchdiffeq",        "rtol=1e-6", "atol=1e-8",
                cases[i].span,       cut != 0 ? "end=clip" : NULL, NULL};
            support_session s = prepare(linear, cases[i].weight, 1, settings);
            memcpy(s.x, y0, N * sizeof *y0);
            solved out = run(&s);
            print_message("%s, %s: off by %.1e\n", end, cut != 0 ? "cut" : "interpolated",
                          support_distance(N, out.y, y1));
            assert_int_equal(out.block.evals_forward,
                             cut != 0 ? cases[i].evals_cut : cases[i].evals);
            support_assert_close(end, N, out.y, y1,
                                 cut != 0 ? 1e-6 : 1e-12); /* rounding over 38 steps */
            support_session_close(&s);
        }
        mem_free(y0);
        mem_free(y1);
        mem_free(begin);
        mem_free(end);
    }
    safetensors_destroy(file);
}

/* ---- adaptive steps ---- */

/* A hundredth of the tolerance: about a hundredth of the error. */
static void test_error_follows_the_tolerance(void **state)
{
    (void)state;
    static const char *const by[] = {"integrator=tsit5", "integrator=dopri5"};
    static const char *const control[] = {"control=sciml", "control=torchdiffeq"};
    static const char *const rtol[] = {"rtol=1e-4", "rtol=1e-6", "rtol=1e-8"};
    static const char *const atol[] = {"atol=1e-4", "atol=1e-6", "atol=1e-8"};
    double exact[N];
    rotate(start, 6.0, exact);
    for (int i = 0; i < 4; i++) {
        double error[3];
        for (int k = 0; k < 3; k++) {
            const char *settings[] = {by[i % 2], control[i / 2], rtol[k],
                                      atol[k],   "span=0 6",     NULL};
            solved out = solve(linear, rotation, settings);
            error[k] = error_of(&out, exact);
        }
        print_message("%s, %s: %.1e %.1e %.1e\n", by[i % 2], control[i / 2], error[0], error[1],
                      error[2]);
        for (int k = 0; k < 3; k++) {
            double tolerance = pow(10.0, -4.0 - 2.0 * k);
            assert_true(error[k] <= 20.0 * tolerance && error[k] >= 1e-3 * tolerance);
        }
        assert_true(error[1] <= error[0] / 20.0 && error[2] <= error[1] / 20.0);
    }
}

/* y' = -y over steps whose list is written down: they begin at t0, end at t1, without a gap. */
static void check_ends(const char *const *settings, double t0, double t1, double first)
{
    support_session s = prepare(driven, driven_weight, 1, settings);
    solved out = run(&s);
    char path[] = "/tmp/odeon_steps_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    double(*steps)[2];
    size_t n;
    support_require(session_write_steps(s.session, 0, path), path);
    support_require(steps_read(path, &steps, &n), path);
    (void)unlink(path);
    assert_int_equal(n, out.block.accepted);
    assert_true(steps[0][0] == t0);
    assert_true(isnan(first) || steps[0][1] == first);
    double end = steps[n - 1][0] + steps[n - 1][1];
    assert_true(fabs(end - t1) <= 2e-16 * fabs(t1)); /* one rounding of the sum */
    double least = (double)INFINITY, most = 0.0;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, fabs(steps[i][1]));
        most = fmax(most, fabs(steps[i][1]));
    }
    assert_true(least == out.block.h_min && most == out.block.h_max);
    mem_free(steps);
    support_session_close(&s);
}

static void test_solves_begin_and_end_where_they_should(void **state)
{
    (void)state;
    check_ends((const char *[]){"integrator=tsit5", "span=0.3 1.7", NULL}, 0.3, 1.7, (double)NAN);
    check_ends((const char *[]){"integrator=tsit5", "span=1.7 0.3", NULL}, 1.7, 0.3, (double)NAN);
    check_ends((const char *[]){"integrator=rk4", "steps=7", "span=0.3 1.7", NULL}, 0.3, 1.7,
               (1.7 - 0.3) / 7.0);
    check_ends((const char *[]){"integrator=rk4", "step_size=0.3", "span=1.7 0.3", NULL}, 1.7, 0.3,
               -0.3);
}

static void test_first_step_is_taken_as_given(void **state)
{
    (void)state;
    const char *given[] = {"integrator=tsit5", "first_step=0.0125", "span=0.5 2", NULL};
    const char *back[] = {"integrator=tsit5", "first_step=0.0125", "span=2 0.5", NULL};
    const char *beyond[] = {"integrator=tsit5", "first_step=50", "span=0.5 0.75", NULL};
    check_ends(given, 0.5, 2.0, 0.0125);
    check_ends(back, 2.0, 0.5, -0.0125);
    check_ends(beyond, 0.5, 0.75, 0.25); /* cut to the end */
}

/* The automatic first step takes two evaluations, of which one is the first stage; a given one
 * takes that alone; each step, accepted or not, six more. */
static void test_evaluations_are_counted(void **state)
{
    (void)state;
    static const char *const tolerances[] = {"rtol=1e-3", "rtol=1e-6", "rtol=1e-9"};
    int64_t rejected = 0;
    for (int i = 0; i < 3; i++) {
        for (int given = 0; given < 2; given++) {
            const char *settings[] = {"integrator=tsit5",
                                      tolerances[i],
                                      "atol=1e-9",
                                      "span=0 9",
                                      given != 0 ? "first_step=2" : NULL,
                                      NULL};
            solved out = solve(autonomous, field_weight, settings);
            int64_t steps = out.block.accepted + out.block.rejected;
            rejected += out.block.rejected;
            assert_int_equal(out.block.evals_forward, (given != 0 ? 1 : 2) + 6 * steps);
        }
    }
    assert_true(rejected > 0);
}

static void test_evaluations_of_other_methods_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *integrator;
        int64_t evals; /* of 10 steps */
    } cases[] = {{"euler", 10},   {"midpoint", 20}, {"rk4", 40},
                 {"dopri5", 61},  {"tsit5", 61},    {"adams_bashforth(order=4)", 3 * 4 + 7},
                 {"scripted", 21}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        solved out = solve_steps(autonomous, field_weight, cases[i].integrator, 10, "span=0 1");
        assert_int_equal(out.block.evals_forward, cases[i].evals);
        assert_int_equal(out.block.accepted, 10);
    }
}

/* ---- fixed steps ---- */

static void test_count_and_size_of_steps_say_the_same(void **state)
{
    (void)state;
    static const char *const by[] = {"integrator=rk4", "integrator=tsit5",
                                     "integrator=adams_bashforth"};
    for (int i = 0; i < 3; i++) {
        solved a = solve(driven, driven_weight, (const char *[]){by[i], "steps=8", NULL});
        solved b = solve(driven, driven_weight, (const char *[]){by[i], "step_size=0.125", NULL});
        assert_memory_equal(a.y, b.y, sizeof a.y); /* 1/8 is exact */
        assert_int_equal(a.block.evals_forward, b.block.evals_forward);
        solved c = solve(driven, driven_weight, (const char *[]){by[i], "steps=10", NULL});
        solved d = solve(driven, driven_weight, (const char *[]){by[i], "step_size=0.1", NULL});
        assert_int_equal(d.block.accepted, 10); /* 0.1 rounds: no eleventh step of 1e-17 */
        support_assert_close("y", N, d.y, c.y, 1e-14);
    }
}

static void test_last_step_of_a_size_is_shorter(void **state)
{
    (void)state;
    const char *settings[] = {"integrator=rk4", "step_size=0.3", NULL};
    solved out = solve(driven, driven_weight, settings);
    assert_int_equal(out.block.accepted, 4);
    assert_true(fabs(out.block.h_min - 0.1) <= 1e-15 && out.block.h_max == 0.3);
    const char *long_step[] = {"integrator=rk4", "step_size=1e12", NULL};
    out = solve(driven, driven_weight, long_step);
    solved one = solve(driven, driven_weight, (const char *[]){"integrator=rk4", "steps=1", NULL});
    assert_int_equal(out.block.accepted, 1);
    assert_memory_equal(out.y, one.y, sizeof one.y);
}

/* A method for equal steps starts anew at the shorter last one: 3 starting steps, and 1. */
static void test_multistep_method_restarts_for_the_last_step(void **state)
{
    (void)state;
    const char *settings[] = {"integrator=adams_bashforth(order=4)", "step_size=0.15", NULL};
    solved out = solve(driven, driven_weight, settings);
    assert_int_equal(out.block.accepted, 7);
    assert_int_equal(out.block.evals_forward, 3 * 4 + 3 + 4);
}

/* ---- methods in verbs ---- */

/* A derivative that start leaves in work, not in carry, cannot be taken over; it is asked again. */
static void test_start_may_go_through_work(void **state)
{
    (void)state;
    const char *plain[] = {"integrator=scripted", "rtol=1e-5", NULL};
    const char *by_work[] = {"integrator=scripted(rule=start_by_work)", "rtol=1e-5", NULL};
    solved a = solve(driven, driven_weight, plain), b = solve(driven, driven_weight, by_work);
    assert_memory_equal(a.y, b.y, sizeof a.y);
    assert_int_equal(a.block.accepted, b.block.accepted);
    assert_int_equal(a.block.evals_forward + 1, b.block.evals_forward);
}

/* Index 20 needs twelve more vectors than any step before; forward and in the walk back. */
static void test_late_step_may_need_more_room(void **state)
{
    (void)state;
    static const char *const gradients[] = {"gradient=direct", "gradient=adjoint"};
    for (int i = 0; i < 2; i++) {
        const char *plain[] = {"integrator=scripted", "steps=30", gradients[i], NULL};
        const char *late[] = {"integrator=scripted(rule=late)", "steps=30", gradients[i], NULL};
        support_session a = prepare(driven, driven_weight, 1, plain);
        support_session b = prepare(driven, driven_weight, 1, late);
        solved x = run(&a), y = run(&b);
        int64_t n;
        double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
        assert_int_equal(y.block.evals_forward, x.block.evals_forward + 12);
        support_assert_close("y", N, y.y, x.y, 1e-13); /* the mean of twelve equal numbers */
        support_assert_close("gradients", n, h, g, 1e-12);
        mem_free(g);
        mem_free(h);
        support_session_close(&a);
        support_session_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_of_an_autonomous_field),
        cmocka_unit_test(test_orders_of_a_field_that_depends_on_time),
        cmocka_unit_test(test_orders_backward_in_time),
        cmocka_unit_test(test_backward_undoes_forward),
        cmocka_unit_test(test_linear_fields_reach_their_exact_end),
        cmocka_unit_test(test_torchdiffeq_control_takes_its_steps),
        cmocka_unit_test(test_error_follows_the_tolerance),
        cmocka_unit_test(test_solves_begin_and_end_where_they_should),
        cmocka_unit_test(test_first_step_is_taken_as_given),
        cmocka_unit_test(test_evaluations_are_counted),
        cmocka_unit_test(test_evaluations_of_other_methods_are_counted),
        cmocka_unit_test(test_count_and_size_of_steps_say_the_same),
        cmocka_unit_test(test_last_step_of_a_size_is_shorter),
        cmocka_unit_test(test_multistep_method_restarts_for_the_last_step),
        cmocka_unit_test(test_start_may_go_through_work),
        cmocka_unit_test(test_late_step_may_need_more_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
