/* Several workers do what one does: the same steps, and numbers apart by rounding alone; and the
 * same run has the same bits. Smooth fields, float64. */
#include <string.h>

#include "base/mem.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = drawn(shape=1 5 4, classes=3)\n"
    "[model.stem]\nlayer = conv2d(filters=2, kernel=3, padding=1)\nthen = softplus\n"
    "[model.ode]\nlayer = ode(rtol=1e-5, atol=1e-5)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.time]\nlayer = concat_time\n"
    "[model.ode.a]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
    "then = groupnorm(groups=1), tanh\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.01)\nclip_norm = 0.5\n";

/* Every gradient is far from 0 (a bias before its own norm would not be, and adam would show its
 * rounding). Sums over samples are taken in another order: 1e-16 a term, and conditioning of a few
 * hundred. */
static const double rounding = 1e-12;

enum { SAMPLES = 5, STEPS = 3, MANY = 7 }; /* more workers than samples: empty slices */

static const char *const devices[] = {"run.device=cpu", "run.device=remote",
                                      "run.device=remote(late=yes)"};
static const char *const gradients[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint",
                                        "model.ode.gradient=adjoint(norm=full)"};
enum { N_DEVICES = 3, N_GRADIENTS = 3 };

/* What one batch gives. */
typedef struct outcome {
    session_result result;
    double output[SAMPLES * 3], d_x[SAMPLES * 20];
    double *gradient;
    int64_t n;
} outcome;

static support_session open_with(int workers, const char *device, const char *gradient,
                                 const char *steps)
{
    char *count = mem_printf("run.workers=%d", workers);
    const char *overrides[] = {count, device, gradient, steps, NULL, NULL};
    if (steps != NULL && strstr(steps, "steps=") != NULL) {
        overrides[4] = "model.ode.integrator=rk4";
    }
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(session_workers(s.session), workers);
    mem_free(count);
    return s;
}

static outcome run(int workers, const char *device, const char *gradient, const char *steps)
{
    outcome out;
    support_session s = open_with(workers, device, gradient, steps);
    out.result = support_differentiate(&s, out.output, out.d_x);
    out.gradient = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

static void check_same_steps(const ode_counters *a, const ode_counters *b)
{
    assert_int_equal(a->accepted, b->accepted);
    assert_int_equal(a->rejected, b->rejected);
    assert_int_equal(a->accepted_backward, b->accepted_backward);
    assert_int_equal(a->rejected_backward, b->rejected_backward);
    assert_int_equal(a->evals_forward, b->evals_forward);
    assert_int_equal(a->evals_backward, b->evals_backward);
}

/* Returns the larger distance of the gradients. */
static double check_same(const outcome *a, const outcome *b)
{
    check_same_steps(&a->result.blocks[0], &b->result.blocks[0]);
    support_assert_close("loss", 1, &a->result.loss, &b->result.loss, rounding);
    support_assert_close("grad_norm", 1, &a->result.grad_norm, &b->result.grad_norm, rounding);
    support_assert_close("correct", 1, a->result.metrics, b->result.metrics, 0.0);
    support_assert_close("output", SAMPLES * 3, a->output, b->output, rounding);
    support_assert_close("d_x", SAMPLES * 20, a->d_x, b->d_x, rounding);
    support_assert_close("gradients", b->n, a->gradient, b->gradient, rounding);
    return support_distance(b->n, a->gradient, b->gradient);
}

/* Two, three and more workers than samples against one. */
static void check_workers(const char *steps)
{
    static const int counts[] = {2, 3, MANY};
    double worst = 0.0;
    for (int i = 0; i < N_DEVICES * N_GRADIENTS; i++) {
        const char *device = devices[i % N_DEVICES], *gradient = gradients[i / N_DEVICES];
        outcome one = run(1, device, gradient, steps);
        assert_true(one.result.blocks[0].accepted > 1);
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            outcome several = run(counts[k], device, gradient, steps);
            double distance = check_same(&several, &one);
            worst = distance > worst ? distance : worst;
            mem_free(several.gradient);
        }
        mem_free(one.gradient);
    }
    print_message("gradients of several workers to those of one: at most %.2e\n", worst);
}

static void test_workers_do_as_one_adaptively(void **state)
{
    (void)state;
    check_workers(NULL);
}

/* The end is read off a step that reaches beyond it. */
static void test_workers_do_as_one_with_an_interpolated_end(void **state)
{
    (void)state;
    check_workers("model.ode.control=torchdiffeq");
}

static void test_workers_do_as_one_with_fixed_steps(void **state)
{
    (void)state;
    check_workers("model.ode.steps=4");
}

/* ---- training ---- */

/* Parameters one after the other, after some steps on whole batches and a short last one. */
static double *train(int workers, const char *device, const char *gradient, const char *steps,
                     int64_t *n)
{
    static const int64_t indices[SAMPLES] = {4, 0, 2, 1, 3};
    support_session s = open_with(workers, device, gradient, steps);
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

static void check_training(const char *steps)
{
    static const int counts[] = {2, 3, MANY};
    for (int i = 0; i < N_DEVICES * N_GRADIENTS; i++) {
        const char *device = devices[i % N_DEVICES], *gradient = gradients[i / N_DEVICES];
        int64_t n;
        double *one = train(1, device, gradient, steps, &n);
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            double *several = train(counts[k], device, gradient, steps, &n);
            support_assert_close("parameters", n, several, one, rounding);
            mem_free(several);
        }
        mem_free(one);
    }
}

static void test_workers_train_as_one_adaptively(void **state)
{
    (void)state;
    check_training(NULL);
}

static void test_workers_train_as_one_with_fixed_steps(void **state)
{
    (void)state;
    check_training("model.ode.steps=4");
}

/* ---- bits ---- */

static void check_bits(const char *steps)
{
    for (int workers = 1; workers <= 3; workers++) {
        for (int g = 0; g < N_GRADIENTS; g++) {
            outcome a = run(workers, devices[0], gradients[g], steps);
            outcome b = run(workers, devices[0], gradients[g], steps);
            assert_memory_equal(a.gradient, b.gradient, (size_t)a.n * sizeof *a.gradient);
            assert_memory_equal(a.output, b.output, sizeof a.output);
            assert_memory_equal(a.d_x, b.d_x, sizeof a.d_x);
            assert_memory_equal(&a.result.loss, &b.result.loss, sizeof a.result.loss);
            mem_free(a.gradient);
            mem_free(b.gradient);
        }
    }
}

static void test_equal_runs_have_equal_bits(void **state)
{
    (void)state;
    check_bits(NULL);
    check_bits("model.ode.control=torchdiffeq");
    check_bits("model.ode.steps=4");
}

static void test_equal_training_has_equal_bits(void **state)
{
    (void)state;
    for (int workers = 1; workers <= 3; workers++) {
        int64_t n;
        double *a = train(workers, devices[0], gradients[0], NULL, &n);
        double *b = train(workers, devices[0], gradients[0], NULL, &n);
        assert_memory_equal(a, b, (size_t)n * sizeof *a);
        mem_free(a);
        mem_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_do_as_one_adaptively),
        cmocka_unit_test(test_workers_do_as_one_with_an_interpolated_end),
        cmocka_unit_test(test_workers_do_as_one_with_fixed_steps),
        cmocka_unit_test(test_workers_train_as_one_adaptively),
        cmocka_unit_test(test_workers_train_as_one_with_fixed_steps),
        cmocka_unit_test(test_equal_runs_have_equal_bits),
        cmocka_unit_test(test_equal_training_has_equal_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
