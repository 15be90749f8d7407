/* A whole network on memory that the host cannot touch and that is poisoned wherever nothing was
 * written: the same numbers as on the CPU device, which computes alike. */
#include <string.h>

#include "base/mem.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=1 8 8, classes=3, length=16)\n"
    "[data.crop]\nlayer = random_crop(padding=1)\nthen = horizontal_flip\n"
    "[model.stem]\nlayer = conv2d(filters=4, kernel=3, padding=1)\n"
    "then = groupnorm(groups=2), relu\n"
    "[model.down]\nlayer = conv2d(filters=4, kernel=4, stride=2, padding=1)\nthen = softplus\n"
    "[model.ode]\nlayer = ode(rtol=1e-4, atol=1e-4)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time(at=first)\n"
    "[model.ode.a]\nlayer = conv2d(filters=5, kernel=3, padding=1)\n"
    "then = groupnorm(groups=5), tanh\n"
    "[model.ode.b]\nlayer = conv2d(filters=state, kernel=1)\n"
    "[model.pool]\nlayer = avgpool(kernel=2)\n"
    "then = maxpool(kernel=2, stride=1), dropout(p=0.25), flatten\n"
    "[model.head]\nlayer = dense(units=8)\nthen = sigmoid, dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = adamw(lr=0.01)\nclip_norm = 0.3\n";

enum { SAMPLES = 5, STEPS = 3, OUTPUTS = SAMPLES * 3, INPUTS = SAMPLES * 64 };

/* All that a batch, and training, give. */
typedef struct outcome {
    session_result result, evaluated;
    double output[OUTPUTS], d_x[INPUTS];
    double *gradient, *trained;
    int64_t n_gradient, n_trained;
} outcome;

static outcome run(const char *device, const char *const *more)
{
    static const int64_t indices[SAMPLES] = {9, 1, 14, 3, 6};
    const char *overrides[8] = {device};
    outcome out;
    for (size_t i = 0; more[i] != NULL; i++) {
        overrides[i + 1] = more[i];
    }
    support_session s = support_session_open(network, SAMPLES, overrides);
    data_source *source = support_batch_source(&s);
    out.result = support_differentiate(&s, out.output, out.d_x);
    out.gradient = support_gradients(&s, &out.n_gradient);
    for (int64_t step = 1; step <= STEPS; step++) {
        support_require(
            session_train(s.session, source, SAMPLES, indices, 1, step, 1.0, &out.evaluated),
            "train");
    }
    support_require(session_evaluate(s.session, source, SAMPLES - 2, indices, &out.evaluated),
                    "evaluate");
    out.trained = support_parameters(&s, &out.n_trained);
    data_close(source);
    support_session_close(&s);
    return out;
}

static void check_device(const char *device, const char *const *overrides)
{
    outcome near = run("run.device=cpu", overrides), far = run(device, overrides);
    /* the same kernels in the same order: not even rounding differs */
    static const double relative = 1e-12;
    assert_true(near.result.blocks[0].accepted > 1);
    assert_int_equal(far.result.blocks[0].accepted, near.result.blocks[0].accepted);
    assert_int_equal(far.result.blocks[0].evals_backward, near.result.blocks[0].evals_backward);
    support_assert_close("loss", 1, &far.result.loss, &near.result.loss, relative);
    support_assert_close("evaluated", 1, &far.evaluated.loss, &near.evaluated.loss, relative);
    support_assert_close("output", OUTPUTS, far.output, near.output, relative);
    support_assert_close("d_x", INPUTS, far.d_x, near.d_x, relative);
    support_assert_close("gradients", near.n_gradient, far.gradient, near.gradient, relative);
    support_assert_close("parameters", near.n_trained, far.trained, near.trained, relative);
    mem_free(near.gradient);
    mem_free(near.trained);
    mem_free(far.gradient);
    mem_free(far.trained);
}

static void check(const char *const *overrides)
{
    check_device("run.device=remote", overrides);
    check_device("run.device=remote(late=yes)", overrides);
}

static void check_gradient(const char *gradient)
{
    static const char *const dtypes[] = {"run.dtype=float32", "run.dtype=float64"};
    static const char *const workers[] = {"run.workers=1", "run.workers=2"};
    for (int i = 0; i < 4; i++) {
        check((const char *[]){gradient, dtypes[i % 2], workers[i / 2], NULL});
        check((const char *[]){gradient, dtypes[i % 2], workers[i / 2],
                               "model.ode.control=torchdiffeq", NULL});
        check((const char *[]){gradient, dtypes[i % 2], workers[i / 2], "model.ode.integrator=rk4",
                               "model.ode.steps=3", NULL});
    }
}

static void test_direct_needs_no_reach(void **state)
{
    (void)state;
    check_gradient("model.ode.gradient=direct");
}

static void test_adjoint_needs_no_reach(void **state)
{
    (void)state;
    check_gradient("model.ode.gradient=adjoint");
    check_gradient("model.ode.gradient=adjoint(norm=full)");
}

static void test_multistep_method_needs_no_reach(void **state)
{
    (void)state;
    check((const char *[]){"model.ode.integrator=adams_bashforth", "model.ode.steps=6", NULL});
    check((const char *[]){"model.ode.integrator=adams_bashforth", "model.ode.steps=6",
                           "model.ode.gradient=adjoint", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_needs_no_reach),
        cmocka_unit_test(test_adjoint_needs_no_reach),
        cmocka_unit_test(test_multistep_method_needs_no_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
