/* The losses mse, l1 and smooth_l1 beyond their values: slices, weights, masks, what they refuse;
 * training with them. */
#include "support_session.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/loss.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { B = 6, SIZE = 4, N = B * SIZE };

static const char *const losses[] = {"mse", "l1", "smooth_l1", "smooth_l1(beta=0.25)"};
enum { N_LOSSES = sizeof losses / sizeof losses[0] };

static registry *plugins;
static support_device device, device_f32;

static int open_devices(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    device_f32 = support_device_open(plugins, "reference", ODEON_DTYPE_F32);
    return 0;
}

static int close_devices(void **state)
{
    (void)state;
    support_device_close(&device);
    support_device_close(&device_f32);
    registry_destroy(plugins);
    return 0;
}

typedef struct outcome {
    double loss, distance, gradient[N];
} outcome;

/* Samples first to first + n - 1 of fixed numbers. */
static outcome evaluate(support_device *d, const char *expression, int64_t first, int64_t n)
{
    const int64_t shape[] = {n, SIZE}, two = 2;
    double output[N], label[N], mask[N];
    for (uint64_t i = 0; i < N; i++) {
        output[i] = support_random(1, i);
        label[i] = support_random(2, i);
        mask[i] = i % 3 == 1 ? 0.0 : 1.0;
    }
    instance *loss = support_instance(plugins, ODEON_KIND_LOSS, expression, 0, 0);
    const odeon_loss_ops *ops = loss->component->ops;
    odeon_tensor x = support_upload(d, &output[first * SIZE], 2, shape);
    odeon_tensor y = support_upload(d, &label[first * SIZE], 2, shape);
    odeon_tensor m = support_upload(d, &mask[first * SIZE], 2, shape);
    odeon_tensor dx = support_upload(d, NULL, 2, shape);
    odeon_tensor sums = support_upload_as(d, ODEON_DTYPE_F64, NULL, 1, &two);
    odeon_loss_call call = {.struct_size = sizeof call,
                            .queue = d->queue,
                            .device = d->device,
                            .output = &x.view,
                            .label = &y.view,
                            .mask = &m.view,
                            .weight = 1.0 / 16.0,
                            .sums = &sums,
                            .d_output = &dx};
    assert_int_equal(ops->eval(loss->self, &call), ODEON_OK);
    double *values = support_download(d, &sums.view), *gradient = support_download(d, &dx.view);
    outcome out = {.loss = values[0], .distance = values[1]};
    memcpy(out.gradient, gradient, (size_t)(n * SIZE) * sizeof *gradient);
    mem_free(values);
    mem_free(gradient);
    odeon_tensor *all[] = {&x, &y, &m, &dx, &sums};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        support_release(d, all[i]);
    }
    instance_destroy(loss);
    return out;
}

static void test_loss_of_slices_adds_up_to_that_of_the_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_LOSSES; i++) {
        outcome whole = evaluate(&device, losses[i], 0, B),
                first = evaluate(&device, losses[i], 0, 2);
        outcome rest = evaluate(&device, losses[i], 2, B - 2);
        outcome none = evaluate(&device, losses[i], 0, 0);
        assert_true(none.loss == 0.0 && none.distance == 0.0);
        assert_true(fabs(first.loss + rest.loss - whole.loss) <= 1e-15 * N); /* order of a sum */
        assert_true(fabs(first.distance + rest.distance - whole.distance) <= 1e-15 * N);
        assert_memory_equal(&whole.gradient[2 * SIZE], rest.gradient,
                            (B - 2) * SIZE * sizeof(double));
    }
}

/* A quarter is exact. */
static void test_weight_multiplies_the_loss_and_not_the_metric(void **state)
{
    (void)state;
    static const char *const weighted[] = {"mse(weight=0.25)", "l1(weight=0.25)",
                                           "smooth_l1(weight=0.25)",
                                           "smooth_l1(weight=0.25, beta=0.25)"};
    for (size_t i = 0; i < N_LOSSES; i++) {
        outcome plain = evaluate(&device, losses[i], 0, B),
                light = evaluate(&device, weighted[i], 0, B);
        assert_true(light.loss == 0.25 * plain.loss);
        assert_true(light.distance == plain.distance);
        for (int k = 0; k < N; k++) {
            assert_true(light.gradient[k] == 0.25 * plain.gradient[k]);
        }
    }
}

static void test_loss_in_float32_is_near_float64(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_LOSSES; i++) {
        outcome wide = evaluate(&device, losses[i], 0, B),
                narrow = evaluate(&device_f32, losses[i], 0, B);
        assert_true(fabs(narrow.loss - wide.loss) <= 1e-6); /* numbers of 1 rounded to 6e-8 */
        support_assert_close(losses[i], N, narrow.gradient, wide.gradient, 1e-6);
    }
}

static void test_loss_names_its_metric_and_refuses_classes(void **state)
{
    (void)state;
    const odeon_shape output = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, 3}};
    const odeon_shape label = {.ndim = 1, .dtype = ODEON_DTYPE_I64, .dim = {1}};
    const odeon_loss_shapes numbers = {
        .struct_size = sizeof numbers, .output = &output, .label = &output, .mask = &output};
    const odeon_loss_shapes classes = {
        .struct_size = sizeof classes, .output = &output, .label = &label, .classes = 10};
    for (size_t i = 0; i < N_LOSSES; i++) {
        instance *loss = support_instance(plugins, ODEON_KIND_LOSS, losses[i], 0, 0);
        const odeon_loss_ops *ops = loss->component->ops;
        assert_int_equal(ops->metric_count(loss->self), 1);
        assert_string_equal(ops->metric_name(loss->self, 0), "mae");
        assert_int_equal(ops->check(loss->self, &numbers), ODEON_OK);
        diag_clear();
        assert_int_equal(ops->check(loss->self, &classes), ODEON_ERR_CONFIG);
        assert_non_null(
            strstr(diag_message(), "labels are 10 classes, this loss compares numbers"));
        instance_destroy(loss);
    }
}

/* ---- a network that learns numbers ---- */

#define NETWORK                                                                                    \
    "[run]\nname = test\ndtype = float64\ndevice = cpu\nworkers = 1\n"                             \
    "[data]\ndataset = measured(shape=3, label=2, mask=some)\n"                                    \
    "[model.hidden]\nlayer = dense(units=5)\nthen = tanh, dense(units=2)\n"                        \
    "[train]\noptimizer = rmsprop(lr=0.01)\n"

static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* Of each of so many steps; the metric of the last into *mae. */
static void train(const char *const *overrides, int64_t steps, double *path, double *mae)
{
    support_session s = support_session_open(NETWORK, 10, overrides);
    data_source *source = support_batch_source(&s);
    session_result result = {0};
    for (int64_t step = 1; step <= steps; step++) {
        support_require(session_train(s.session, source, 10, all, 1, step, 1.0, &result), "train");
        path[step - 1] = result.loss;
    }
    *mae = result.metrics[0];
    data_close(source);
    support_session_close(&s);
}

static void test_numbers_are_learnt(void **state)
{
    (void)state;
    static const char *const choices[] = {"train.loss=mse", "train.loss=l1",
                                          "train.loss=smooth_l1(beta=0.1)"};
    for (size_t i = 0; i < 3; i++) {
        double path[200], mae = 0.0;
        train((const char *[]){choices[i], NULL}, 200, path, &mae);
        assert_true(path[199] < 0.1 * path[0]); /* from some 0.1 down to the noise of the steps */
        assert_true(mae < 0.1);
    }
}

static void test_workers_learn_the_same_numbers(void **state)
{
    (void)state;
    double one[5], three[5], mae[2];
    train((const char *[]){"train.loss=smooth_l1", NULL}, 5, one, &mae[0]);
    train((const char *[]){"train.loss=smooth_l1", "run.workers=3", "run.device=remote", NULL}, 5,
          three, &mae[1]);
    support_assert_close("losses", 5, three, one, 1e-12); /* five steps of sums in another order */
    support_assert_close("mae", 1, &mae[1], &mae[0], 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_of_slices_adds_up_to_that_of_the_batch),
        cmocka_unit_test(test_weight_multiplies_the_loss_and_not_the_metric),
        cmocka_unit_test(test_loss_in_float32_is_near_float64),
        cmocka_unit_test(test_loss_names_its_metric_and_refuses_classes),
        cmocka_unit_test(test_numbers_are_learnt),
        cmocka_unit_test(test_workers_learn_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
