/* The network of conf/mnist_odenet_groupnorm.ini on three images against another implementation
 * (PyTorch and torchdiffeq): logits, loss and the gradients of all parameters. */
#include "fixture_session.h"

#include "mem.h"

#define INI "conf/mnist_odenet_groupnorm.ini"
enum { SAMPLES = 3, MAX_CHOICES = 5 };

static const fixture_name names[] = {
    {"conv.groupnorm.", "1."},  {"conv.", "0."}, {"ode.norm.", "3.f.gn."},
    {"ode.conv.", "3.f.conv."}, {"head.", "6."}, {NULL, NULL},
};

/* Devices and workers that every claim is tried on, long solves without the last, which is slow. */
static const char *const setups[][2] = {
    {"run.device=cpu", "run.workers=1"},
    {"run.device=remote", "run.workers=2"},
    {"run.device=cpu", "run.workers=2"},
    {"run.device=reference", "run.workers=1"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0], N_FAST = N_SETUPS - 1 };

static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    file = support_fixture("model_a.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    return 0;
}

typedef struct allowance {
    double logits, loss, gradient; /* gradient: of each tensor; 0: the fixture has none */
} allowance;

static allowance measure(size_t setup, const char *const *choices, const char *tag, bool gradients)
{
    const char *overrides[MAX_CHOICES + 3] = {setups[setup][0], setups[setup][1]};
    for (size_t i = 0; i < MAX_CHOICES && choices[i] != NULL; i++) {
        overrides[2 + i] = choices[i];
    }
    support_session s = support_session_file(INI, SAMPLES, overrides);
    char *logits_name = mem_printf("%s/logits", tag), *loss_name = mem_printf("%s/loss", tag);
    char *prefix = mem_printf("%s/grad/", tag);
    int64_t n = SAMPLES * session_output_size(s.session);
    double *logits = mem_zalloc((size_t)n, sizeof *logits);
    fixture_set_parameters(&s, file, names);
    fixture_set_batch(&s, file, "x", "labels");
    session_result result = support_differentiate(&s, logits, NULL);
    allowance gap = {.logits = fixture_distance(file, logits_name, n, logits),
                     .loss = fixture_distance(file, loss_name, 1, &result.loss)};
    if (gradients) {
        gap.gradient = fixture_gradients(&s, file, names, prefix, NULL, NULL).worst;
    }
    mem_free(logits);
    mem_free(prefix);
    mem_free(loss_name);
    mem_free(logits_name);
    support_session_close(&s);
    return gap;
}

static void check(size_t n_setups, const char *const *choices, const char *tag, allowance allowed)
{
    for (size_t setup = 0; setup < n_setups; setup++) {
        allowance gap = measure(setup, choices, tag, allowed.gradient > 0.0);
        print_message("%s, %s %s: logits %.2e, loss %.2e, gradients %.2e\n", tag, setups[setup][0],
                      setups[setup][1], gap.logits, gap.loss, gap.gradient);
        assert_true(gap.logits <= allowed.logits);
        assert_true(gap.loss <= allowed.loss);
        assert_true(gap.gradient <= allowed.gradient);
    }
}

/* sums of up to 1014 rounded products, in another order, and divisions by deviations */
static const allowance rounding = {1e-12, 1e-12, 1e-12};

static void test_one_step_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.integrator=rk4", "model.ode.steps=1",
                             "model.ode.gradient=direct", NULL};
    check(N_SETUPS, choices, "rk4x1", rounding);
}

static void test_four_steps_agree(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.integrator=rk4", "model.ode.steps=4",
                             "model.ode.gradient=direct", NULL};
    check(N_SETUPS, choices, "rk4x4", rounding);
}

static void test_one_step_agrees_in_float32(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float32", "model.ode.integrator=rk4", "model.ode.steps=1",
                             "model.ode.gradient=direct", NULL};
    /* a unit of rounding is 6e-8; a few hundred of them */
    check(N_SETUPS, choices, "rk4x1", (allowance){1e-5, 1e-5, 1e-4});
}

/* The same steps as torchdiffeq's forward and backward, and with them its error at the kinks of
 * ReLU, 8e-3 of a gradient: what is left is rounding. */
static const allowance same_steps = {1e-10, 1e-10, 1e-10};

static void test_adaptive_adjoint_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.rtol=1e-6", "model.ode.atol=1e-6",
                             NULL};
    check(N_FAST, choices, "adjoint_1e-06", same_steps);
}

static void test_adaptive_direct_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.rtol=1e-6", "model.ode.atol=1e-6",
                             "model.ode.gradient=direct", NULL};
    check(N_FAST, choices, "direct_1e-06", same_steps);
}

static void test_shipped_solve_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", NULL};
    check(N_SETUPS, choices, "adjoint_0.1", same_steps);
}

/* Evaluations of the shipped solve, forward and backward, against the tensor's two. */
static void check_evals(const char *dtype, const char *name)
{
    int64_t n = 0;
    double *expected = support_tensor(file, name, &n);
    for (size_t setup = 0; setup < N_SETUPS; setup++) {
        const char *overrides[] = {dtype, setups[setup][0], setups[setup][1], NULL};
        support_session s = support_session_file(INI, SAMPLES, overrides);
        fixture_set_parameters(&s, file, names);
        fixture_set_batch(&s, file, "x", "labels");
        session_result result = support_differentiate(&s, NULL, NULL);
        assert_int_equal(result.blocks[0].evals_forward, (int64_t)expected[0]);
        assert_int_equal(result.blocks[0].evals_backward, (int64_t)expected[1]);
        support_session_close(&s);
    }
    mem_free(expected);
}

static void test_shipped_solve_takes_as_many_evaluations(void **state)
{
    (void)state;
    check_evals("run.dtype=float64", "adjoint_0.1/evals");
    check_evals("run.dtype=float32", "adjoint_0.1/evals_float32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_step_agrees),
        cmocka_unit_test(test_four_steps_agree),
        cmocka_unit_test(test_one_step_agrees_in_float32),
        cmocka_unit_test(test_adaptive_adjoint_agrees),
        cmocka_unit_test(test_adaptive_direct_agrees),
        cmocka_unit_test(test_shipped_solve_agrees),
        cmocka_unit_test(test_shipped_solve_takes_as_many_evaluations),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
