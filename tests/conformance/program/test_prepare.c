/* Layers that keep something derived from their parameters (prepare) and gather gradients there
 * (finish): a layer that does must train as one that does not. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

#define NETWORK(layer)                                                                             \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 3, classes=4)\n"                               \
    "[model.flat]\nlayer = flatten\n"                                                              \
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"                   \
    "[model.ode.f]\nlayer = " layer "\nthen = tanh\n"                                              \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

enum { SAMPLES = 5 };

/* b gets a's parameters; the names are the same. */
static void copy_parameters(support_session *a, support_session *b)
{
    for (size_t i = 0; i < session_parameters(a->session); i++) {
        session_parameter p = session_parameter_at(a->session, i);
        double *values = mem_zalloc((size_t)p.count, sizeof *values);
        assert_string_equal(p.path, session_parameter_at(b->session, i).path);
        assert_int_equal(session_parameter_get(a->session, i, values), ODEON_OK);
        assert_int_equal(session_parameter_set(b->session, i, values), ODEON_OK);
        mem_free(values);
    }
}

static void check_same(const char *const *overrides)
{
    int64_t n;
    support_session plain =
        support_session_open(NETWORK("dense(units=state, bias=no)"), SAMPLES, overrides);
    support_session packed = support_session_open(NETWORK("packed"), SAMPLES, overrides);
    copy_parameters(&plain, &packed);
    for (int round = 0; round < 2; round++) { /* what was gathered must not be gathered twice */
        session_result a = support_differentiate(&plain, NULL, NULL);
        session_result b = support_differentiate(&packed, NULL, NULL);
        double *g = support_gradients(&plain, &n), *h = support_gradients(&packed, &n);
        assert_true(fabs(a.loss - b.loss) <= 1e-14 * fabs(a.loss));
        support_assert_close("gradients", n, h, g, 1e-13);
        mem_free(g);
        mem_free(h);
    }
    support_session_close(&plain);
    support_session_close(&packed);
}

static void test_set_parameters_reach_a_layer_that_prepares(void **state)
{
    (void)state;
    check_same(NULL);
}

static void test_gathered_gradients_of_several_workers_add_up(void **state)
{
    (void)state;
    check_same((const char *[]){"run.workers=2", NULL});
}

/* There every evaluation's share has a weight of its own. */
static void test_gathered_gradients_go_through_an_adjoint(void **state)
{
    (void)state;
    check_same((const char *[]){"model.ode.gradient=adjoint", "model.ode.steps=3", NULL});
}

/* The state is read off the forward's steps, and the field is not evaluated slice by slice. */
static void test_gathered_gradients_go_through_an_adjoint_along_a_path(void **state)
{
    (void)state;
    check_same((const char *[]){"model.ode.gradient=adjoint(y=dense)", "model.ode.steps=3", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_parameters_reach_a_layer_that_prepares),
        cmocka_unit_test(test_gathered_gradients_of_several_workers_add_up),
        cmocka_unit_test(test_gathered_gradients_go_through_an_adjoint),
        cmocka_unit_test(test_gathered_gradients_go_through_an_adjoint_along_a_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
