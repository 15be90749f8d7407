/* Ten steps of training conf/fashion_mnist_conv_node.ini on Fashion-MNIST against another
 * implementation (PyTorch in float64; make_fashion_losses.py): the loss of every batch. */
#include "fixture_session.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data/data.h"

enum { BATCH = 128, STEPS = 10 };

static const fixture_name names[] = {{"", ""}, {NULL, NULL}};

static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    file = support_fixture("fashion_losses.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    return 0;
}

static data_source *open_data(const config *c)
{
    data_source *source = NULL;
    if (data_open(c, ODEON_SPLIT_TRAIN, &source) != ODEON_OK) {
        fail_msg(
            "%s\nthis test needs Fashion-MNIST: apt-get install dataset-fashion-mnist (Debian, "
            "non-free)",
            diag_message());
    }
    return source;
}

/* The order of the fixture's samples, STEPS batches; mem_free it. */
static int64_t *read_order(void)
{
    int64_t n = 0;
    double *values = support_tensor(file, "order", &n);
    assert_int_equal(n, STEPS * BATCH);
    int64_t *order = mem_zalloc((size_t)n, sizeof *order);
    for (int64_t i = 0; i < n; i++) {
        order[i] = (int64_t)values[i];
    }
    mem_free(values);
    return order;
}

/* The largest relative difference of a loss from the fixture's. */
static double worst_loss(const char *workers, const char *dtype)
{
    const char *overrides[] = {workers,
                               dtype,
                               "model.ode.integrator=rk4",
                               "model.ode.steps=2",
                               "model.ode.gradient=direct",
                               NULL};
    support_session s = support_session_file("conf/fashion_mnist_conv_node.ini", BATCH, overrides);
    data_source *source = open_data(s.config);
    int64_t *order = read_order(), n = 0;
    double *losses = support_tensor(file, "losses", &n), worst = 0.0;
    assert_int_equal(n, STEPS);
    fixture_set_parameters(&s, file, names);
    for (int64_t step = 0; step < STEPS; step++) {
        session_result result;
        if (session_train(s.session, source, BATCH, order + step * BATCH, 1, step + 1, 1.0,
                          &result) != ODEON_OK) {
            fail_msg("step %lld: %s", (long long)step + 1, diag_message());
        }
        double gap = fabs(result.loss - losses[step]) / losses[step];
        worst = isnan(gap) || gap > worst ? gap : worst; /* once NaN it stays */
    }
    mem_free(losses);
    mem_free(order);
    data_close(source);
    support_session_close(&s);
    print_message("%s %s: losses within %.2e\n", workers, dtype, worst);
    return worst;
}

/* A step of AdamW divides by the square root of the gradient's square: what rounding leaves of a
 * gradient that should be 0 moves a weight by up to its size over 1e-8, the method's epsilon. */
static void test_losses_agree_with_one_worker(void **state)
{
    (void)state;
    assert_true(worst_loss("run.workers=1", "run.dtype=float64") <= 1e-10);
}

static void test_losses_agree_with_two_workers(void **state)
{
    (void)state;
    assert_true(worst_loss("run.workers=2", "run.dtype=float64") <= 1e-10);
}

/* What the INI trains in: rounding of 6e-8, made larger by ten steps at a large learning rate. */
static void test_losses_agree_in_float32(void **state)
{
    (void)state;
    assert_true(worst_loss("run.workers=2", "run.dtype=float32") <= 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_agree_with_one_worker),
        cmocka_unit_test(test_losses_agree_with_two_workers),
        cmocka_unit_test(test_losses_agree_in_float32),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
