/* One training step's two solves against torchdiffeq's odeint_adjoint with dopri5, in float64
 * (make_torchdiffeq_runs.py): the forward solve and the adjoint one, its error norm with the
 * parameters in it and without. The same evaluations, the same accepted and rejected steps, and
 * with them the same gradients, though tolerances of 0.1 and 1e-3 leave those far from the exact
 * ones. */
#include "fixture_session.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "ode/ode.h"
#include "session/members.h"

#define HEAD    "[run]\nname = test\ndtype = float64\n"
#define SOLVE   "[model.ode]\nlayer = ode\nintegrator = dopri5\ncontrol = torchdiffeq\n"
#define FURTHER "gradient = adjoint\n"
#define TRAIN   "[train]\noptimizer = sgd(lr=0.1)\n"

typedef struct run_case {
    const char *fixture; /* of parameters, y0 and cot */
    const char *name;    /* of the recorded runs */
    int64_t samples;
    const char *ini;
} run_case;

/* Norm, softplus, convolution, the same norm again: shared parameters count once in the norm. */
static const run_case norms = {
    "a_smooth.safetensors", "a_smooth", 2,
    HEAD "[data]\ndataset = idx(path=/nowhere, shape=3 8 8, classes=2)\n" SOLVE FURTHER
         "[model.ode.gn]\nlayer = groupnorm(groups=3)\nthen = softplus\n"
         "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
         "[model.ode.again]\nshare = model.ode.gn\n"
         "[model.flat]\nlayer = flatten\n" TRAIN};

/* Three dense layers, time the first input. */
static const run_case iris = {"d_iris_smooth.safetensors", "d_iris_smooth", 5,
                              HEAD "[data]\ndataset = idx(path=/nowhere, shape=1 1 6, classes=5)\n"
                                   "[model.flat]\nlayer = flatten\n" SOLVE FURTHER
                                   "[model.ode.time]\nlayer = concat_time(at=first)\n"
                                   "[model.ode.fc1]\nlayer = dense(units=10)\nthen = softplus\n"
                                   "[model.ode.fc2]\nlayer = dense(units=10)\nthen = softplus\n"
                                   "[model.ode.fc3]\nlayer = dense(units=state)\n" TRAIN};

static const fixture_name names[] = {{"ode.", ""}, {NULL, NULL}};

static const char *const setups[][2] = {
    {"run.device=reference", "run.workers=1"}, {"run.device=reference", "run.workers=2"},
    {"run.device=cpu", "run.workers=1"},       {"run.device=cpu", "run.workers=2"},
    {"run.device=remote", "run.workers=2"},    {"run.device=remote(late=yes)", "run.workers=2"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0] };

/* Of a step's start and, relative, its size. A size follows from the error of the step before, a
 * sum that cancels down to error times tolerance: at 1e-5 that was 3e-10 once, and rounding 1e-8 of
 * it. Devices and numbers of workers differ by 5e-9 there, to both sides of the recorded size. */
static const double step_gap = 1e-8;

static safetensors *runs;

static int open_runs(void **state)
{
    (void)state;
    runs = support_fixture("torchdiffeq_runs.safetensors");
    return 0;
}

static int close_runs(void **state)
{
    (void)state;
    safetensors_destroy(runs);
    return 0;
}

static support_session open_session(const run_case *c, const char *tolerance, const char *norm,
                                    const char *const *setup)
{
    safetensors *file = support_fixture(c->fixture);
    char *loss = fixture_cotangent(file);
    char *rtol = mem_printf("model.ode.rtol=%s", tolerance);
    char *atol = mem_printf("model.ode.atol=%s", tolerance);
    char *gradient = mem_printf("model.ode.gradient=adjoint(norm=%s, count_time=yes)", norm);
    const char *overrides[] = {loss, rtol, atol, gradient, setup[0], setup[1], NULL};
    support_session s = support_session_open(c->ini, c->samples, overrides);
    fixture_set_parameters(&s, file, names);
    fixture_set_batch(&s, file, "y0", NULL);
    mem_free(gradient);
    mem_free(atol);
    mem_free(rtol);
    mem_free(loss);
    safetensors_destroy(file);
    return s;
}

/* "FIELD/TOLERANCE/" or "FIELD/TOLERANCE/NORM/", then what. */
static const char *tensor_name(const run_case *c, const char *tolerance, const char *norm,
                               const char *what)
{
    static _Thread_local char name[96];
    (void)snprintf(name, sizeof name, "%s/%s/%s%s%s", c->name, tolerance, norm,
                   norm[0] != '\0' ? "/" : "", what);
    return name;
}

static void check_evals(const char *name, int64_t evals)
{
    int64_t n = 0;
    double *expected = support_tensor(runs, name, &n);
    assert_int_equal(evals, (int64_t)expected[0]);
    mem_free(expected);
}

/* Attempted steps against rows t, h, accepted; backward ones are negative here and positive there.
 * The worst relative difference of a size goes to *worst. */
static void check_steps(const char *name, const solver *s, double *worst)
{
    int64_t n = 0;
    double *rows = support_tensor(runs, name, &n);
    size_t n_ours;
    const solve_attempt *attempts = solver_attempts(s, &n_ours);
    assert_int_equal(n_ours, n / 3);
    for (size_t i = 0; i < n_ours; i++) {
        const solve_attempt *ours = &attempts[i];
        const double *theirs = &rows[3 * i];
        double gap = fabs(fabs(ours->h) - theirs[1]) / theirs[1];
        assert_true(fabs(ours->t - theirs[0]) <= step_gap);
        assert_true(gap <= step_gap);
        assert_int_equal(ours->accepted, theirs[2] != 0.0);
        *worst = fmax(*worst, gap);
    }
    mem_free(rows);
}

static void check(const run_case *c, const char *tolerance, const char *norm,
                  const char *const *setup)
{
    support_session s = open_session(c, tolerance, norm, setup);
    const odeon_ode *block = s.session->workers[0].site.odes[0];
    int64_t n = s.n * s.input_size;
    double *y1 = mem_zalloc((size_t)n, sizeof *y1), *d_y0 = mem_zalloc((size_t)n, sizeof *d_y0);
    double worst = 0.0;
    session_result result = support_differentiate(&s, y1, d_y0);
    const ode_counters *counters = &result.blocks[0];
    check_evals(tensor_name(c, tolerance, "", "evals"), counters->evals_forward);
    check_evals(tensor_name(c, tolerance, norm, "evals"), counters->evals_backward);
    check_steps(tensor_name(c, tolerance, "", "steps"), block->forward, &worst);
    check_steps(tensor_name(c, tolerance, norm, "steps"), block->backward, &worst);
    double value = fixture_distance(runs, tensor_name(c, tolerance, "", "y1"), n, y1);
    char *y0_name = mem_strdup(tensor_name(c, tolerance, norm, "grad_y0"));
    double gradient =
        fixture_gradients(&s, runs, names, tensor_name(c, tolerance, norm, "grad_param/"), d_y0,
                          y0_name)
            .worst;
    print_message("%s at %s, %s, %s %s: %lld and %lld evaluations, steps %.1e, value %.1e, "
                  "gradients %.1e\n",
                  c->name, tolerance, norm, setup[0], setup[1], (long long)counters->evals_forward,
                  (long long)counters->evals_backward, worst, value, gradient);
    assert_true(value <= 1e-9);
    assert_true(gradient <= 1e-9);
    mem_free(y0_name);
    mem_free(d_y0);
    mem_free(y1);
    support_session_close(&s);
}

static void check_all(const char *norm)
{
    for (size_t setup = 0; setup < N_SETUPS; setup++) {
        check(&norms, "0.1", norm, setups[setup]);
        check(&norms, "0.001", norm, setups[setup]);
        check(&norms, "1e-05", norm, setups[setup]);
        check(&iris, "0.001", norm, setups[setup]);
        check(&iris, "1e-05", norm, setups[setup]);
    }
}

static void test_adjoint_with_the_full_norm_agrees(void **state)
{
    (void)state;
    check_all("full");
}

static void test_adjoint_with_the_seminorm_agrees(void **state)
{
    (void)state;
    check_all("seminorm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjoint_with_the_full_norm_agrees),
        cmocka_unit_test(test_adjoint_with_the_seminorm_agrees),
    };
    return cmocka_run_group_tests(tests, open_runs, close_runs);
}
