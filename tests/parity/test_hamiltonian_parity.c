/* The layer hamiltonian against PyTorch in float64 (make_hamiltonian.py): what its field solves to,
 * the loss and all gradients, which have second derivatives of the energy. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

enum { SAMPLES = 5, STATE = 4 };

static safetensors *fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture = support_fixture("hamiltonian.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(fixture);
    return 0;
}

#define ENERGY(device, steps)                                                                      \
    "[run]\nname = test\ndevice = " device "\ndtype = float64\nworkers = 2\n"                      \
    "[data]\ndataset = measured(shape=4, label=4, length=5)\n"                                     \
    "[model.ode]\nlayer = ode(span=0 1)\n" steps "[model.ode.f]\nlayer = hamiltonian\n"            \
    "[model.ode.f.t]\nlayer = concat_time(at=last)\n"                                              \
    "[model.ode.f.W1]\nlayer = dense(units=7)\nthen = tanh\n"                                      \
    "[model.ode.f.W2]\nlayer = dense(units=7)\nthen = tanh\n"                                      \
    "[model.ode.f.W3]\nlayer = dense(units=1)\n"                                                   \
    "[train]\noptimizer = sgd(lr=0.1)\nloss = mse\n"
#define STEPS "integrator = rk4\nsteps = 4\ngradient = direct\n"

static double *theirs(const char *name, int64_t *n)
{
    return support_tensor(fixture, name, n);
}

/* prefix and "W1" of "ode.f.W1.weight", or "b1" of its bias. */
static char *name_of(const char *prefix, const char *path)
{
    const char *last = strrchr(path, '.');
    return mem_printf("%s%c%c", prefix, strcmp(last, ".bias") == 0 ? 'b' : 'W', last[-1]);
}

static void fill(double *to, const char *name, int64_t n)
{
    int64_t count;
    double *x = theirs(name, &count);
    assert_int_equal(count, n);
    memcpy(to, x, (size_t)n * sizeof *x);
    mem_free(x);
}

/* Samples, labels and weights of the file. */
static support_session open_energy(const char *ini)
{
    support_session s = support_session_open(ini, SAMPLES, NULL);
    fill(s.x, "x", SAMPLES * STATE);
    fill(s.given[ODEON_ROLE_LABEL], "label", SAMPLES * STATE);
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        session_parameter p = session_parameter_at(s.session, i);
        char *name = name_of("", p.path);
        double *w = mem_zalloc((size_t)p.count, sizeof *w);
        fill(w, name, p.count);
        support_require(session_parameter_set(s.session, i, w), p.path);
        mem_free(w);
        mem_free(name);
    }
    return s;
}

static void assert_like(const char *name, int64_t n, const double *ours)
{
    int64_t count;
    double *expected = theirs(name, &count);
    assert_int_equal(count, n);
    print_message("%s: %.1e\n", name, support_distance(n, ours, expected));
    support_assert_close(name, n, ours, expected, 1e-12);
    mem_free(expected);
}

/* The last bias moves no force: its gradient is 0 to the bit. */
static void assert_gradients(support_session *s)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        session_parameter p = session_parameter_at(s->session, i);
        char *name = name_of("grad_", p.path);
        double *gradient = mem_zalloc((size_t)p.count, sizeof *gradient);
        support_require(session_gradient_get(s->session, i, gradient), p.path);
        if (strcmp(name, "grad_b3") == 0) {
            assert_true(gradient[0] == 0.0);
        } else {
            assert_like(name, p.count, gradient);
        }
        mem_free(gradient);
        mem_free(name);
    }
}

static void check_energy(const char *ini)
{
    double z[SAMPLES * STATE], d_x[SAMPLES * STATE];
    support_session s = open_energy(ini);
    session_result result = support_differentiate(&s, z, d_x);
    double *loss = theirs("loss", NULL);
    assert_like("z", SAMPLES * STATE, z);
    assert_true(fabs(result.loss - *loss) < 1e-12 * *loss);
    assert_gradients(&s);
    assert_like("grad_x", SAMPLES * STATE, d_x);
    mem_free(loss);
    support_session_close(&s);
}

static void test_solution_and_gradients(void **state)
{
    (void)state;
    check_energy(ENERGY("dual(base=reference)", STEPS));
    check_energy(ENERGY("dual(base=cpu)", STEPS));
}

static void test_steps_that_are_made_again(void **state)
{
    (void)state;
    check_energy(
        ENERGY("dual(base=cpu)", "integrator = rk4\nsteps = 4\ngradient = checkpoint(every=2)\n"));
}

/* The continuous adjoint goes to the same limit as backpropagation. */
static void test_adjoint_in_the_limit(void **state)
{
    (void)state;
#define TIGHT(gradient) "integrator = dopri5\nrtol = 1e-10\natol = 1e-10\ngradient = " gradient "\n"
    int64_t n, m;
    support_session s = open_energy(ENERGY("dual(base=cpu)", TIGHT("direct")));
    (void)support_differentiate(&s, NULL, NULL);
    double *direct = support_gradients(&s, &n);
    support_session_close(&s);
    s = open_energy(ENERGY("dual(base=cpu)", TIGHT("adjoint")));
    (void)support_differentiate(&s, NULL, NULL);
    double *adjoint = support_gradients(&s, &m);
    support_session_close(&s);
    assert_int_equal(n, m);
    support_assert_close("theta", n, adjoint, direct, 1e-7);
    mem_free(direct);
    mem_free(adjoint);
}

/* Of an energy T(p) + V(q), which leapfrog asks for. Central differences of the loss. */
static const char separable[] =
    "[run]\nname = test\ndevice = dual(base=cpu)\ndtype = float64\n"
    "[data]\ndataset = measured(shape=4, label=4, length=5)\n"
    "[model.ode]\nlayer = ode(span=0 1)\nintegrator = leapfrog\nsteps = 4\ngradient = direct\n"
    "[model.ode.f]\nlayer = hamiltonian\n"
    "[model.ode.f.H]\nlayer = sum\n"
    "[model.ode.f.H.V]\nlayer = select(channels=0 1)\nthen = dense(units=6), tanh, dense(units=1)\n"
    "[model.ode.f.H.T]\nlayer = select(channels=2 3)\nthen = dense(units=6), tanh, dense(units=1)\n"
    "[train]\noptimizer = sgd(lr=0.1)\nloss = mse\n";

static void test_separable_energy_by_leapfrog(void **state)
{
    (void)state;
    support_session s = support_session_open(separable, SAMPLES, NULL);
    double gap = support_gradient_gap(&s);
    print_message("%.1e\n", gap);
    assert_true(gap < 1e-7);
    support_session_close(&s);
}

/* Without second derivatives: a prediction takes any device. */
static void test_prediction_takes_any_device(void **state)
{
    (void)state;
    double z[SAMPLES * STATE];
    support_session s = open_energy(ENERGY("cpu", STEPS));
    const session_samples samples = {.n = SAMPLES, .given = {s.x}};
    support_require(session_predict(s.session, &samples, z, NULL), "predict");
    assert_like("z", SAMPLES * STATE, z);
    support_session_close(&s);
}

static void test_training_needs_second_derivatives(void **state)
{
    (void)state;
    session_result result;
    support_session s = open_energy(ENERGY("cpu", STEPS));
    assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "use run.device = dual(base=cpu)"));
    support_session_close(&s);
}

static void assert_refused(const char *shape, const char *body, const char *words)
{
    support_session s;
    char *ini = mem_printf("[run]\nname = test\n[data]\ndataset = measured(shape=%s, label=2)\n"
                           "[model.f]\nlayer = hamiltonian\n[model.f.H]\nlayer = %s\n"
                           "[train]\noptimizer = sgd(lr=0.1)\nloss = square\n",
                           shape, body);
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), ODEON_ERR_CONFIG);
    mem_free(ini);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' does not stand in '%s'", words, diag_message());
    }
}

static void test_refusals_say_what_is_wanted(void **state)
{
    (void)state;
    assert_refused("4", "dense(units=4)", "an energy is one number of a sample");
    assert_refused("3", "dense(units=1)", "an even number of channels [B,2n,...]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solution_and_gradients),
        cmocka_unit_test(test_steps_that_are_made_again),
        cmocka_unit_test(test_adjoint_in_the_limit),
        cmocka_unit_test(test_separable_energy_by_leapfrog),
        cmocka_unit_test(test_prediction_takes_any_device),
        cmocka_unit_test(test_training_needs_second_derivatives),
        cmocka_unit_test(test_refusals_say_what_is_wanted),
    };
    return cmocka_run_group_tests_name("hamiltonian", tests, open_fixture, close_fixture);
}
