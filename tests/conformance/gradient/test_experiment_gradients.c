/* The networks of conf/ on a small batch: checkpoint has the bits of direct on all of them, in less
 * memory wherever there are steps to save. */
#include "base/mem.h"
#include "support_session.h"

typedef struct experiment {
    const char *ini;
    const char *overrides[4];
} experiment;

static const experiment experiments[] = {
    {"conf/cifar10_anode.ini", {NULL}},
    {"conf/cifar10_anode_node.ini", {NULL}},
    {"conf/cifar10_node.ini", {NULL}},
    {"conf/fashion_mnist_conv_node.ini", {NULL}},
    {"conf/iris_anode_time.ini", {NULL}},
    {"conf/mnist_anode.ini", {NULL}},
    {"conf/mnist_anode_conv.ini", {NULL}},
    {"conf/mnist_node.ini", {NULL}},
    {"conf/mnist_odenet.ini", {NULL}},
    {"conf/mnist_odenet_direct.ini", {NULL}},
    {"conf/mnist_odenet_groupnorm.ini", {NULL}},
    {"conf/mnist_rknet_euler.ini", {"model.ode.steps=6", NULL}},
    {"conf/mnist_rknet_modified_euler.ini", {"model.ode.steps=6", NULL}},
    {"conf/mnist_rknet_rk4.ini", {"model.ode.steps=6", NULL}},
    {"conf/spheres_anode.ini", {NULL}},
    {"conf/spheres_node.ini", {NULL}},
    {"conf/spiral.ini", {NULL}},
};

enum { SAMPLES = 2, N_EXPERIMENTS = sizeof experiments / sizeof *experiments };

/* What a batch gives: all gradients, and what the block did. */
typedef struct outcome {
    session_result result;
    double *gradients;
    int64_t n;
} outcome;

static outcome differentiate(const experiment *x, const char *gradient)
{
    const char *all[8] = {"run.device=cpu", "run.workers=1"};
    int n = 2;
    char *method = mem_printf("model.ode.gradient=%s", gradient);
    all[n++] = method;
    for (int i = 0; x->overrides[i] != NULL; i++) {
        all[n++] = x->overrides[i];
    }
    support_session s = support_session_file(x->ini, SAMPLES, all);
    outcome out = {.result = support_differentiate(&s, NULL, NULL)};
    out.gradients = support_gradients(&s, &out.n);
    support_session_close(&s);
    mem_free(method);
    return out;
}

static void check(const experiment *x)
{
    outcome direct = differentiate(x, "direct"), less = differentiate(x, "checkpoint");
    const ode_counters *d = &direct.result.blocks[0], *c = &less.result.blocks[0];
    print_message("%-38s %4lld steps, %5lld + %lld evaluations, %9lld bytes; checkpoint %5lld + "
                  "%lld, %9lld bytes\n",
                  x->ini + sizeof "conf", (long long)d->accepted, (long long)d->evals_forward,
                  (long long)d->evals_backward, (long long)d->bytes, (long long)c->evals_forward,
                  (long long)c->evals_backward, (long long)c->bytes);
    assert_int_equal(direct.n, less.n);
    assert_memory_equal(direct.gradients, less.gradients, (size_t)direct.n * sizeof(double));
    assert_int_equal(d->accepted, c->accepted);
    assert_int_equal(d->evals_forward, c->evals_forward);
    assert_true(d->accepted < 4 || c->bytes < d->bytes);
    mem_free(direct.gradients);
    mem_free(less.gradients);
}

static void test_checkpoint_is_direct(void **state)
{
    (void)state;
    for (int i = 0; i < N_EXPERIMENTS; i++) {
        check(&experiments[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint_is_direct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
