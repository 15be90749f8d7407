/* The network of conf/fashion_mnist_conv_node.ini with integrator, gradient and device exchanged by
 * overrides alone: the same numbers on every device. */
#include "fixture_session.h"

#include <math.h>

#include "base/mem.h"

enum { SAMPLES = 8 };

static const char *const devices[] = {"run.device=reference", "run.device=cpu", "run.device=remote",
                                      "run.device=remote(late=yes)", "run.device=emulated"};
enum { N_DEVICES = sizeof devices / sizeof devices[0] };

static const char *const methods[][2] = {
    {"model.ode.integrator=euler", "model.ode.steps=3"},
    {"model.ode.integrator=midpoint", "model.ode.steps=2"},
    {"model.ode.integrator=rk4", "model.ode.steps=2"},
    {"model.ode.integrator=dopri5", "model.ode.steps=2"},
    {"model.ode.integrator=tsit5", "model.ode.step_size=0.4"},
    {"model.ode.integrator=adams_bashforth", "model.ode.steps=4"},
    {"model.ode.integrator=dopri5", "model.ode.rtol=1e-3"},
    {"model.ode.integrator=tsit5", "model.ode.rtol=1e-3"},
};
enum { N_METHODS = sizeof methods / sizeof methods[0] };

typedef struct outcome {
    session_result result;
    double *gradients; /* [n] */
    int64_t n;
} outcome;

static outcome run(const char *device, const char *const method[2], const char *gradient)
{
    const char *overrides[] = {"run.dtype=float64", device, method[0], method[1], gradient, NULL};
    outcome out;
    support_session s =
        support_session_file("conf/fashion_mnist_conv_node.ini", SAMPLES, overrides);
    out.result = support_differentiate(&s, NULL, NULL);
    out.gradients = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

static void assert_finite(const outcome *x)
{
    assert_true(isfinite(x->result.loss));
    assert_true(isfinite(x->result.grad_norm));
    for (int64_t i = 0; i < x->n; i++) {
        assert_true(isfinite(x->gradients[i]));
    }
}

/* sums of up to 2028 rounded products, in another order on each device */
static const double loss_rounding = 1e-12, gradient_rounding = 1e-11;

/* The last device is slow: each method goes there with one gradient, turn of three, with all of
 * them where ODEON_PARITY is set. */
static size_t devices_for(size_t method, size_t turn)
{
    return fixture_is_whole() || method % 3 == turn ? N_DEVICES : N_DEVICES - 1;
}

static void check_methods(const char *gradient, size_t turn)
{
    for (size_t m = 0; m < N_METHODS; m++) {
        outcome first = run(devices[0], methods[m], gradient);
        assert_finite(&first);
        for (size_t d = 1; d < devices_for(m, turn); d++) {
            outcome other = run(devices[d], methods[m], gradient);
            assert_finite(&other);
            double loss = fabs(other.result.loss - first.result.loss) / first.result.loss;
            double gap = support_distance(first.n, other.gradients, first.gradients);
            print_message("%s %s %s: %s: loss %.2e, gradients %.2e\n", methods[m][0], methods[m][1],
                          gradient, devices[d], loss, gap);
            assert_int_equal(other.result.blocks[0].evals_forward,
                             first.result.blocks[0].evals_forward);
            assert_int_equal(other.result.blocks[0].evals_backward,
                             first.result.blocks[0].evals_backward);
            assert_true(loss <= loss_rounding);
            assert_true(gap <= gradient_rounding);
            mem_free(other.gradients);
        }
        mem_free(first.gradients);
    }
}

static void test_direct_gradients_are_the_same_on_all_devices(void **state)
{
    (void)state;
    check_methods("model.ode.gradient=direct", 1);
}

static void test_adjoint_gradients_are_the_same_on_all_devices(void **state)
{
    (void)state;
    check_methods("model.ode.gradient=adjoint", 2);
}

static void test_checkpointed_gradients_are_the_same_on_all_devices(void **state)
{
    (void)state;
    check_methods("model.ode.gradient=checkpoint", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpointed_gradients_are_the_same_on_all_devices),
        cmocka_unit_test(test_direct_gradients_are_the_same_on_all_devices),
        cmocka_unit_test(test_adjoint_gradients_are_the_same_on_all_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
