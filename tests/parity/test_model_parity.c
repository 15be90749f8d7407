/* Two shipped networks in their full size, those of conf/fashion_mnist_conv_node.ini and
 * conf/mnist_odenet_groupnorm.ini, on three images against PyTorch and torchdiffeq: logits, loss
 * and the gradients of all parameters, of fixed steps, of tight solves and of the solve as shipped.
 */
#include "fixture_session.h"

#include <string.h>

#include "base/mem.h"

enum { SAMPLES = 3, MAX_CHOICES = 5 };

typedef struct model {
    const char *fixture, *ini;
    fixture_name names[8];
} model;

static const model conv_node = {"model_b.safetensors",
                                "conf/fashion_mnist_conv_node.ini",
                                {{"conv.", "0."},
                                 {"ode.in.", "3.f.l1."},
                                 {"ode.middle.", "3.f.l2."},
                                 {"ode.out.", "3.f.l3."},
                                 {"head.", "4."},
                                 {NULL, NULL}}};
static const model groupnorm = {"model_a.safetensors",
                                "conf/mnist_odenet_groupnorm.ini",
                                {{"conv.groupnorm.", "1."},
                                 {"conv.", "0."},
                                 {"ode.norm.", "3.f.gn."},
                                 {"ode.conv.", "3.f.conv."},
                                 {"head.", "6."},
                                 {NULL, NULL}}};

/* Devices and workers that a claim is tried on; long solves, without the last, which are slow,
 * unless ODEON_PARITY is set. */
static const char *const setups[][2] = {
    {"run.device=cpu", "run.workers=1"},
    {"run.device=cpu", "run.workers=2"},
    {"run.device=remote", "run.workers=1"},
    {"run.device=remote", "run.workers=2"},
    {"run.device=remote(late=yes)", "run.workers=2"},
    {"run.device=reference", "run.workers=2"},
    {"run.device=reference", "run.workers=1"},
    {"run.device=emulated", "run.workers=2"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0], N_FAST = 5 };

typedef struct allowance {
    double logits, loss, gradient; /* gradient: of each tensor; 0: the fixture has none */
} allowance;

/* Sums of up to 2028 rounded products, in another order. */
static const allowance rounding = {1e-12, 1e-12, 1e-12};
/* A unit of rounding is 6e-8; a few hundred of them. */
static const allowance rounding_float32 = {1e-5, 1e-5, 1e-4};
/* The same steps as torchdiffeq's forward and backward, and with them its error at the kinks of
 * ReLU, 8e-3 of a gradient: what is left is rounding. */
static const allowance same_steps = {1e-10, 1e-10, 1e-10};

#define TIGHT "model.ode.rtol=1e-6", "model.ode.atol=1e-6"

static support_session open_model(const model *m, const safetensors *file, size_t setup,
                                  const char *const *choices)
{
    const char *overrides[MAX_CHOICES + 3] = {setups[setup][0], setups[setup][1]};
    for (size_t i = 0; i < MAX_CHOICES && choices[i] != NULL; i++) {
        overrides[2 + i] = choices[i];
    }
    support_session s = support_session_file(m->ini, SAMPLES, overrides);
    fixture_set_parameters(&s, file, m->names);
    fixture_set_batch(&s, file, "x", "labels");
    return s;
}

/* Evaluations, forward and backward, against the tensor's two, where the fixture has them. */
static void check_evals(const safetensors *file, const char *tag, const session_result *result)
{
    char *name = mem_printf("%s/evals", tag);
    if (strcmp(tag, "adjoint_0.1") == 0) {
        double *expected = support_tensor(file, name, NULL);
        assert_int_equal(result->blocks[0].evals_forward, (int64_t)expected[0]);
        assert_int_equal(result->blocks[0].evals_backward, (int64_t)expected[1]);
        mem_free(expected);
    }
    mem_free(name);
}

static allowance measure(const model *m, size_t setup, const char *const *choices, const char *tag,
                         bool gradients)
{
    safetensors *file = support_fixture(m->fixture);
    support_session s = open_model(m, file, setup, choices);
    char *logits_name = mem_printf("%s/logits", tag), *loss_name = mem_printf("%s/loss", tag);
    char *prefix = mem_printf("%s/grad/", tag);
    int64_t n = SAMPLES * session_output_size(s.session);
    double *logits = mem_zalloc((size_t)n, sizeof *logits);
    session_result result = support_differentiate(&s, logits, NULL);
    check_evals(file, tag, &result);
    allowance gap = {.logits = fixture_distance(file, logits_name, n, logits),
                     .loss = fixture_distance(file, loss_name, 1, &result.loss)};
    if (gradients) {
        gap.gradient = fixture_gradients(&s, file, m->names, prefix, NULL, NULL).worst;
    }
    mem_free(logits);
    mem_free(prefix);
    mem_free(loss_name);
    mem_free(logits_name);
    support_session_close(&s);
    safetensors_destroy(file);
    return gap;
}

static void check(const model *m, size_t n_setups, const char *const *choices, const char *tag,
                  allowance allowed)
{
    for (size_t setup = 0; setup < n_setups; setup++) {
        allowance gap = measure(m, setup, choices, tag, allowed.gradient > 0.0);
        print_message("%s, %s, %s %s: logits %.2e, loss %.2e, gradients %.2e\n", m->ini, tag,
                      setups[setup][0], setups[setup][1], gap.logits, gap.loss, gap.gradient);
        assert_true(gap.logits <= allowed.logits);
        assert_true(gap.loss <= allowed.loss);
        assert_true(gap.gradient <= allowed.gradient);
    }
}

/* ---- fixed steps ---- */

/* How many of the setups a long solve is tried on. */
static size_t of_long_solves(void)
{
    return fixture_is_whole() ? N_SETUPS : N_FAST;
}

static void check_steps(const model *m, const char *dtype, const char *steps, const char *tag,
                        allowance allowed)
{
    const char *choices[] = {dtype, "model.ode.integrator=rk4", steps, "model.ode.gradient=direct",
                             NULL};
    check(m, N_SETUPS, choices, tag, allowed);
}

static void test_steps_agree(void **state)
{
    (void)state;
    check_steps(&conv_node, "run.dtype=float64", "model.ode.steps=1", "rk4x1", rounding);
    check_steps(&groupnorm, "run.dtype=float64", "model.ode.steps=1", "rk4x1", rounding);
    check_steps(&groupnorm, "run.dtype=float64", "model.ode.steps=4", "rk4x4", rounding);
}

static void test_steps_agree_in_float32(void **state)
{
    (void)state;
    check_steps(&conv_node, "run.dtype=float32", "model.ode.steps=1", "rk4x1", rounding_float32);
    check_steps(&groupnorm, "run.dtype=float32", "model.ode.steps=1", "rk4x1", rounding_float32);
}

/* ---- solves ---- */

/* Two solvers whose steps differ, and with them their errors at the kinks of ReLU. Against 4000
 * steps of rk4 the fixture is off by 7.4e-5 in the logits and by 5.1e-3 in a tensor of the
 * gradient; this solve by 2.5e-5 and 8.2e-3. */
static void test_adjoint_of_other_steps_is_near(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", "model.ode.integrator=dopri5", TIGHT, NULL};
    check(&conv_node, of_long_solves(), choices, "adjoint_1e-06", (allowance){1e-4, 1e-5, 1.5e-2});
}

/* What the solve above has in common with the fixture is not its error. */
static void test_tighter_solve_approaches_the_exact_one(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64",         "model.ode.integrator=dopri5",
                             "model.ode.rtol=1e-8",       "model.ode.atol=1e-8",
                             "model.ode.gradient=direct", NULL};
    check(&conv_node, of_long_solves(), choices, "rk4x2000",
          (allowance){.logits = 1e-5, .loss = 1e-6});
}

static void test_adaptive_solves_agree(void **state)
{
    (void)state;
    const char *adjoint[] = {"run.dtype=float64", TIGHT, NULL};
    const char *direct[] = {"run.dtype=float64", TIGHT, "model.ode.gradient=direct", NULL};
    check(&groupnorm, of_long_solves(), adjoint, "adjoint_1e-06", same_steps);
    check(&groupnorm, of_long_solves(), direct, "direct_1e-06", same_steps);
}

/* ---- the solve as shipped ---- */

/* And takes as many evaluations, in float64. */
static void test_shipped_solve_agrees(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float64", NULL};
    check(&groupnorm, N_SETUPS, choices, "adjoint_0.1", same_steps);
}

static void test_shipped_solve_takes_as_many_evaluations_in_float32(void **state)
{
    (void)state;
    const char *choices[] = {"run.dtype=float32", NULL};
    safetensors *file = support_fixture(groupnorm.fixture);
    double *expected = support_tensor(file, "adjoint_0.1/evals_float32", NULL);
    for (size_t setup = 0; setup < N_SETUPS; setup++) {
        support_session s = open_model(&groupnorm, file, setup, choices);
        session_result result = support_differentiate(&s, NULL, NULL);
        assert_int_equal(result.blocks[0].evals_forward, (int64_t)expected[0]);
        assert_int_equal(result.blocks[0].evals_backward, (int64_t)expected[1]);
        support_session_close(&s);
    }
    mem_free(expected);
    safetensors_destroy(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_agree),
        cmocka_unit_test(test_steps_agree_in_float32),
        cmocka_unit_test(test_adjoint_of_other_steps_is_near),
        cmocka_unit_test(test_tighter_solve_approaches_the_exact_one),
        cmocka_unit_test(test_adaptive_solves_agree),
        cmocka_unit_test(test_shipped_solve_agrees),
        cmocka_unit_test(test_shipped_solve_takes_as_many_evaluations_in_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
