/* Output at many times against torchdiffeq, in float64 (make_torchdiffeq_times.py): the same values
 * at all times off the same steps, the same evaluations, the same gradients of a loss over all
 * outputs, by autograd through its steps and by its adjoint, interval by interval; with tolerances
 * for each component; of its fixed steps and their grid. */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "fixture_session.h"
#include "ode/ode.h"
#include "session/members.h"

/* Three dense layers, time the first input; y at all times comes out. */
static const char iris[] = "[run]\nname = test\ndtype = float64\nworkers = 1\n"
                           "[data]\ndataset = idx(path=/nowhere, shape=1 1 6, classes=5)\n"
                           "[model.flat]\nlayer = flatten\n"
                           "[model.ode]\nlayer = ode\ncontrol = torchdiffeq\n"
                           "[model.ode.time]\nlayer = concat_time(at=first)\n"
                           "[model.ode.fc1]\nlayer = dense(units=10)\nthen = softplus\n"
                           "[model.ode.fc2]\nlayer = dense(units=10)\nthen = softplus\n"
                           "[model.ode.fc3]\nlayer = dense(units=state)\n"
                           "[train]\noptimizer = sgd(lr=0.1)\n";

static const fixture_name names[] = {{"ode.", ""}, {NULL, NULL}};

enum { SAMPLES = 5, MAX_OVERRIDES = 12 };

typedef struct times_case {
    const char *name, *integrator;
    const char *how; /* a key of the block with its value, beside the tolerances */
    const char *rtol, *atol;
    const char *first_step; /* of `direct` (torchdiffeq differentiates its automatic one), or of
                               all: */
    bool first_step_for_all;
    bool full, seminorm; /* are recorded beside direct */
} times_case;

/* torchdiffeq's rk4 is the rule of 3/8; without a step size its methods take a step an interval. */
static const times_case cases[] = {
    {"even_1e-3", "dopri5", NULL, "1e-3", "1e-3", "0.05", false, true, true},
    {"many_1e-3", "dopri5", NULL, "1e-3", "1e-3", "0.05", false, true, true},
    {"many_1e-5", "dopri5", NULL, "1e-5", "1e-5", "0.05", false, true, true},
    {"falling_1e-4", "dopri5", NULL, "1e-4", "1e-4", "0.05", false, true, true},
    {"rejected_1e-8", "dopri5", NULL, "1e-8", "1e-8", "1", true, true, true},
    {"each", "dopri5", NULL, NULL, NULL, "0.05", false, false, false},
    {"euler", "euler", "steps=1", "1", "1", NULL, false, true, false},
    {"midpoint", "midpoint", "steps=1", "1", "1", NULL, false, true, false},
    {"rk4", "rk4_38", "steps=1", "1", "1", NULL, false, true, false},
    {"rk4_grid", "rk4_38", "step_size=0.125", "1", "1", NULL, false, true, false},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static const char *const setups[][2] = {{"run.device=reference", "run.workers=1"},
                                        {"run.device=cpu", "run.workers=2"},
                                        {"run.device=remote", "run.workers=3"},
                                        {"run.device=remote(late=yes)", "run.workers=3"}};
enum { N_SETUPS = sizeof setups / sizeof setups[0] };

/* Of a step's start and, relative, its size: see test_torchdiffeq_adjoint.c. */
static const double step_gap = 1e-8;

static safetensors *runs;

static int open_runs(void **state)
{
    (void)state;
    runs = support_fixture("torchdiffeq_times.safetensors");
    return 0;
}

static int close_runs(void **state)
{
    (void)state;
    safetensors_destroy(runs);
    return 0;
}

/* "KEY=1 2 3" with all numbers of a tensor, then end; mem_free it. */
static char *list_override(const char *key, const char *name, const char *end)
{
    int64_t n = 0;
    double *values = support_tensor(runs, name, &n);
    text_buffer text = {0};
    text_add(&text, key);
    for (int64_t i = 0; i < n; i++) {
        text_printf(&text, i > 0 ? " %.17g" : "%.17g", values[i]);
    }
    text_add(&text, end);
    mem_free(values);
    assert_false(text.failed);
    return text.data;
}

static char *tolerance_override(const char *key, const char *value)
{
    return value != NULL   ? mem_printf("model.ode.%s=%s", key, value)
           : key[0] == 'r' ? list_override("model.ode.rtol=", "rtol", "")
                           : list_override("model.ode.atol=", "atol", "");
}

static char *in_case(const times_case *c, const char *what)
{
    return mem_printf("%s/%s", c->name, what);
}

/* The key and value, unless value is NULL. */
static void add(char **overrides, int *n, const char *key, const char *value)
{
    if (value != NULL) {
        overrides[(*n)++] = mem_printf("%s%s", key, value);
    }
}

static support_session open_case(const times_case *c, const char *gradient, const char *first_step,
                                 const char *const *setup)
{
    char *overrides[MAX_OVERRIDES] = {NULL}, *cot = in_case(c, "cot"), *times = in_case(c, "times");
    int n = 0;
    overrides[n++] = list_override("train.loss=cotangent(values=", cot, ")");
    overrides[n++] = list_override("model.ode.times=", times, "");
    overrides[n++] = tolerance_override("rtol", c->rtol);
    overrides[n++] = tolerance_override("atol", c->atol);
    add(overrides, &n, "model.ode.gradient=", gradient);
    add(overrides, &n, "model.ode.integrator=", c->integrator);
    add(overrides, &n, "model.ode.first_step=", first_step);
    add(overrides, &n, "model.ode.", c->how);
    add(overrides, &n, "", setup[0]);
    add(overrides, &n, "", setup[1]);
    support_session s = support_session_open(iris, SAMPLES, (const char *const *)overrides);
    safetensors *file = support_fixture("d_iris_smooth.safetensors");
    fixture_set_parameters(&s, file, names);
    fixture_set_batch(&s, file, "y0", NULL);
    safetensors_destroy(file);
    for (int i = 0; i < n; i++) {
        mem_free(overrides[i]);
    }
    mem_free(cot);
    mem_free(times);
    return s;
}

static void check_evals(const char *tag, const char *what, int64_t evals)
{
    char *name = mem_printf("%s%s", tag, what);
    int64_t n = 0;
    double *expected = support_tensor(runs, name, &n);
    assert_int_equal(evals, (int64_t)expected[0]);
    mem_free(expected);
    mem_free(name);
}

/* Attempted steps against rows t, h, accepted; sizes there have no sign. Answers the worst relative
 * difference of one. */
static double check_steps(const char *tag, const char *what, const solver *s)
{
    char *name = mem_printf("%s%s", tag, what);
    int64_t n = 0;
    double *rows = support_tensor(runs, name, &n), worst = 0.0;
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
        worst = fmax(worst, gap);
    }
    mem_free(rows);
    mem_free(name);
    return worst;
}

typedef struct bounds {
    double value, gradient;
} bounds;

static void check(const times_case *c, const char *kind, const char *gradient,
                  const char *first_step, bounds allowed, const char *const *setup)
{
    support_session s = open_case(c, gradient, first_step, setup);
    const odeon_ode *block = s.session->workers[0].site.odes[0];
    int64_t n_y = s.n * session_output_size(s.session), n_x = s.n * s.input_size;
    double *y = mem_zalloc((size_t)n_y, sizeof *y), *d_x = mem_zalloc((size_t)n_x, sizeof *d_x);
    char *tag = mem_printf("%s/%s/", c->name, kind), *value_name = mem_printf("%sy", tag);
    char *x_name = mem_printf("%sgrad_y0", tag), *prefix = mem_printf("%sgrad_param/", tag);
    session_result result = support_differentiate(&s, y, d_x);
    const ode_counters *counters = &result.blocks[0];
    check_evals(tag, "evals", counters->evals_forward);
    check_evals(tag, "evals_backward", counters->evals_backward);
    double steps = 0.0;
    if (c->how == NULL) {
        steps = check_steps(tag, "steps", block->forward);
    }
    if (c->how == NULL && counters->evals_backward > 0) {
        steps = fmax(steps, check_steps(tag, "steps_backward", block->backward));
    }
    double value = fixture_distance(runs, value_name, n_y, y);
    double worst = fixture_gradients(&s, runs, names, prefix, d_x, x_name).worst;
    print_message("%s%s %s: %lld and %lld evaluations, steps %.1e, values %.1e, gradients %.1e\n",
                  tag, setup[0], setup[1], (long long)counters->evals_forward,
                  (long long)counters->evals_backward, steps, value, worst);
    assert_true(value <= allowed.value);
    assert_true(worst <= allowed.gradient);
    mem_free(tag);
    mem_free(value_name);
    mem_free(x_name);
    mem_free(prefix);
    mem_free(y);
    mem_free(d_x);
    support_session_close(&s);
}

/* Steps given: rounding alone. */
static void test_direct_gradients_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES * N_SETUPS; i++) {
        const times_case *c = &cases[i / N_SETUPS];
        check(c, "direct", "direct", c->first_step, (bounds){1e-12, 1e-10}, setups[i % N_SETUPS]);
    }
}

static void check_adjoint(const times_case *c, const char *kind, const char *const *setup)
{
    char *gradient = mem_printf("adjoint(norm=%s, count_time=yes)", kind);
    const char *first_step = c->first_step_for_all ? c->first_step : NULL;
    check(c, kind, gradient, first_step, (bounds){1e-12, 1e-10}, setup);
    mem_free(gradient);
}

static void test_adjoint_with_the_full_norm_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES * N_SETUPS; i++) {
        if (cases[i / N_SETUPS].full) {
            check_adjoint(&cases[i / N_SETUPS], "full", setups[i % N_SETUPS]);
        }
    }
}

static void test_adjoint_with_the_seminorm_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES * N_SETUPS; i++) {
        if (cases[i / N_SETUPS].seminorm) {
            check_adjoint(&cases[i / N_SETUPS], "seminorm", setups[i % N_SETUPS]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_gradients_agree),
        cmocka_unit_test(test_adjoint_with_the_full_norm_agrees),
        cmocka_unit_test(test_adjoint_with_the_seminorm_agrees),
    };
    return cmocka_run_group_tests(tests, open_runs, close_runs);
}
