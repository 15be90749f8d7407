/* Batch norms outside and inside an ODE block: workers with uneven and with empty slices have the
 * statistics of the whole batch, so outputs, gradients, parameters and running state are those of
 * one. Smooth fields, float64. */
#include <string.h>

#include "base/mem.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=1 5 4, classes=3)\n"
    "[model.stem]\nlayer = conv2d(filters=3, kernel=3, padding=1, bias=no)\n"
    "then = batchnorm, softplus\n"
    "[model.ode]\nlayer = ode(rtol=1e-5, atol=1e-5)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time\n"
    "[model.ode.a]\nlayer = conv2d(filters=state, kernel=3, padding=1, bias=no)\n"
    "then = batchnorm, tanh\n"
    "[model.flat]\nlayer = flatten\nthen = dense(units=4, bias=no), batchnorm(affine=no)\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* Sums over samples are taken in another order: 1e-16 a term, and conditioning of a few hundred. */
static const double rounding = 1e-12;

enum { SAMPLES = 5, STEPS = 3 };

/* The last: more workers than samples. */
static const int counts[] = {2, 3, 6};
enum { N_COUNTS = sizeof counts / sizeof counts[0] };

typedef struct setup {
    const char *device, *gradient, *steps, *integrator;
    /* of running state, which sees stages and so follows the size of a step at first order: an
     * adaptive one follows an error of 1e-5 of the state, whose rounding is 1e5 times larger */
    double state_tolerance;
} setup;

static const setup setups[] = {
    {"run.device=cpu", "model.ode.gradient=direct", NULL, NULL, 1e-10},
    {"run.device=remote", "model.ode.gradient=direct", "model.ode.steps=2",
     "model.ode.integrator=rk4", 1e-12},
    {"run.device=cpu", "model.ode.gradient=adjoint(norm=full)", NULL, NULL, 1e-10},
    {"run.device=remote", "model.ode.gradient=adjoint", "model.ode.steps=2",
     "model.ode.integrator=rk4", 1e-12},
    {"run.device=remote(late=yes)", "model.ode.gradient=direct", "model.ode.steps=2",
     "model.ode.integrator=rk4", 1e-12},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0] };

static support_session open_with(int workers, const setup *c)
{
    char *count = mem_printf("run.workers=%d", workers);
    const char *overrides[] = {count, c->device, c->gradient, c->steps, c->integrator, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(session_workers(s.session), workers);
    mem_free(count);
    return s;
}

/* What one batch gives. */
typedef struct outcome {
    session_result result;
    double output[SAMPLES * 3], d_x[SAMPLES * 20];
    double *gradient, *state; /* state: all parameters with it */
    int64_t n_gradient, n_state;
} outcome;

static outcome run(int workers, const setup *c)
{
    outcome out;
    support_session s = open_with(workers, c);
    out.result = support_differentiate(&s, out.output, out.d_x);
    out.gradient = support_gradients(&s, &out.n_gradient);
    out.state = support_parameters(&s, &out.n_state);
    support_session_close(&s);
    return out;
}

static void release(outcome *out)
{
    mem_free(out->gradient);
    mem_free(out->state);
}

static void test_workers_have_the_statistics_of_one(void **state)
{
    (void)state;
    for (int i = 0; i < N_SETUPS; i++) {
        outcome one = run(1, &setups[i]);
        assert_true(one.n_state > one.n_gradient);
        for (int k = 0; k < N_COUNTS; k++) {
            outcome many = run(counts[k], &setups[i]);
            support_assert_close("loss", 1, &many.result.loss, &one.result.loss, rounding);
            support_assert_close("output", SAMPLES * 3, many.output, one.output, rounding);
            support_assert_close("d_x", SAMPLES * 20, many.d_x, one.d_x, rounding);
            support_assert_close("gradients", one.n_gradient, many.gradient, one.gradient,
                                 rounding);
            support_assert_close("state", one.n_state, many.state, one.state,
                                 setups[i].state_tolerance);
            release(&many);
        }
        release(&one);
    }
}

/* Running state counts evaluations forward alone: the gradient method does not matter to it. */
static void test_backward_passes_leave_the_running_state_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        outcome direct = run(2, &setups[i]), adjoint = run(2, &setups[i + 2]);
        assert_int_equal(direct.n_state, adjoint.n_state);
        assert_memory_equal(direct.state, adjoint.state,
                            (size_t)direct.n_state * sizeof *direct.state);
        release(&direct);
        release(&adjoint);
    }
}

/* Parameters and state after some steps on whole batches and a short last one. */
static double *train(int workers, const setup *c, int64_t *n)
{
    static const int64_t indices[SAMPLES] = {4, 0, 2, 1, 3};
    support_session s = open_with(workers, c);
    data_source *source = support_batch_source(&s);
    for (int64_t step = 1; step <= STEPS; step++) {
        int64_t samples = step == STEPS ? SAMPLES - 1 : SAMPLES;
        support_require(session_train(s.session, source, samples, indices, 1, step, 1.0, NULL),
                        "train");
    }
    double *out = support_parameters(&s, n);
    data_close(source);
    support_session_close(&s);
    return out;
}

static void test_workers_train_as_one(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t n;
        double *one = train(1, &setups[i], &n), *several = train(3, &setups[i], &n);
        support_assert_close("parameters", n, several, one, setups[i].state_tolerance);
        mem_free(several);
        mem_free(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_have_the_statistics_of_one),
        cmocka_unit_test(test_backward_passes_leave_the_running_state_alone),
        cmocka_unit_test(test_workers_train_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
