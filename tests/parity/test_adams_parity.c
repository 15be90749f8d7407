/* The Adams-Bashforth methods against NumPy: started by rk4, started again when the step changes
 * (tests/parity/README.md). The ODEs are formulas. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "support_session.h"

#define INI(equations)                                                                             \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = idx(path=/nowhere, shape=1 1 2, classes=2)\n"                               \
    "[model.flat]\nlayer = flatten\n"                                                              \
    "[model.ode]\nlayer = ode\nintegrator = adams_bashforth\ngradient = direct\n"                  \
    "[model.ode.f]\nlayer = formula\nequations = " equations "\n"                                  \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

static const struct {
    const char *name, *ini;
    double y0[2];
} odes[] = {
    {"vanderpol", INI("x' = y | y' = (1 - x^2)*y - x"), {2.0, 0.0}},
    {"forced", INI("x' = cos(3*t) - x | y' = x*sin(t)"), {0.5, -0.3}},
};

static void check(const safetensors *file, int order, size_t ode, const char *what,
                  const char *span, const char *steps)
{
    char method[64], name[64];
    (void)snprintf(method, sizeof method, "model.ode.integrator=adams_bashforth(order=%d)", order);
    const char *overrides[] = {method, span, steps, NULL};
    support_session s = support_session_open(odes[ode].ini, 1, overrides);
    memcpy(s.x, odes[ode].y0, sizeof odes[ode].y0);
    double y[2];
    (void)support_differentiate(&s, y, NULL);
    (void)snprintf(name, sizeof name, "%d/%s/%s", order, odes[ode].name, what);
    double *expected = support_tensor(file, name, NULL);
    support_assert_close(name, 2, y, expected, 1e-13); /* 13 steps, weights up to 4 */
    mem_free(expected);
    support_session_close(&s);
}

static void test_adams_takes_the_steps_of_numpy(void **state)
{
    (void)state;
    safetensors *file = support_fixture("adams.safetensors");
    for (int order = 1; order <= 5; order++) {
        for (size_t ode = 0; ode < 2; ode++) {
            check(file, order, ode, "back", "model.ode.span=2 0.8", "model.ode.steps=12");
        }
    }
    safetensors_destroy(file);
}

static void test_adams_starts_again_when_the_step_changes(void **state)
{
    (void)state;
    safetensors *file = support_fixture("adams.safetensors");
    for (int order = 1; order <= 5; order++) {
        for (size_t ode = 0; ode < 2; ode++) {
            check(file, order, ode, "grid", "model.ode.span=0 1.25", "model.ode.step_size=0.1");
        }
    }
    safetensors_destroy(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adams_takes_the_steps_of_numpy),
        cmocka_unit_test(test_adams_starts_again_when_the_step_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
