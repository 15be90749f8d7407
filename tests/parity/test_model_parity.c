/* The network of conf/fashion_mnist_conv_node.ini on three images against another implementation
 * (PyTorch and torchdiffeq): logits, loss and the gradients of all parameters. */
#include "fixture_session.h"

#include "mem.h"

enum { SAMPLES = 3, MAX_CHOICES = 5 };

static const fixture_name names[] = {
    {"conv.", "0."},         {"ode.in.", "3.f.l1."}, {"ode.middle.", "3.f.l2."},
    {"ode.out.", "3.f.l3."}, {"head.", "4."},        {NULL, NULL},
};

/* Devices and workers that every claim is tried on. */
static const char *const setups[][2] = {
    {"run.device=reference", "run.workers=1"}, {"run.device=reference", "run.workers=2"},
    {"run.device=cpu", "run.workers=1"},       {"run.device=cpu", "run.workers=2"},
    {"run.device=remote", "run.workers=1"},    {"run.device=remote", "run.workers=2"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0] };

static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    file = support_fixture("model_b.safetensors");
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
    support_session s =
        support_session_file("conf/fashion_mnist_conv_node.ini", SAMPLES, overrides);
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

static void check(const char *const *choices, const char *tag, allowance allowed)
{
    for (size_t setup = 0; setup < N_SETUPS; setup++) {
        allowance gap = measure(setup, choices, tag, allowed.gradient > 0.0);
        print_message("%s, %s %s: logits %.2e, loss %.2e, gradients %.2e\n", tag, setups[setup][0],
                      setups[setup][1], gap.logits, gap.loss, gap.gradient);
        assert_true(gap.logits <= allowed.logits);
        assert_true(gap.loss <= allowed.loss);
        assert_true(gap.gradient <= allowed.gradient);
    }
}

static void test_one_step_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.integrator=rk4", "model.ode.steps=1",
                             "model.ode.gradient=direct", NULL};
    /* sums of up to 2028 rounded products, in another order */
    check(choices, "rk4x1", (allowance){1e-12, 1e-12, 1e-12});
}

static void test_one_step_agrees_in_float32(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float32", "model.ode.integrator=rk4", "model.ode.steps=1",
                             "model.ode.gradient=direct", NULL};
    /* a unit of rounding is 6e-8; a few hundred of them */
    check(choices, "rk4x1", (allowance){1e-5, 1e-5, 1e-4});
}

/* Two solvers whose steps differ, and with them their errors at the kinks of ReLU. Against 4000
 * steps of rk4 the fixture is off by 7.4e-5 in the logits and by 5.1e-3 in a tensor of the
 * gradient; this solve by 2.5e-5 and 8.2e-3. */
static void test_adaptive_adjoint_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.integrator=dopri5",
                             "model.ode.rtol=1e-6", "model.ode.atol=1e-6", NULL};
    check(choices, "adjoint_1e-06", (allowance){1e-4, 1e-5, 1.5e-2});
}

/* What the solve above has in common with the fixture is not its error. */
static void test_tighter_solve_approaches_the_exact_one(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64",         "model.ode.integrator=dopri5",
                             "model.ode.rtol=1e-8",       "model.ode.atol=1e-8",
                             "model.ode.gradient=direct", NULL};
    check(choices, "rk4x2000", (allowance){.logits = 1e-5, .loss = 1e-6});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_step_agrees),
        cmocka_unit_test(test_one_step_agrees_in_float32),
        cmocka_unit_test(test_adaptive_adjoint_agrees),
        cmocka_unit_test(test_tighter_solve_approaches_the_exact_one),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
