/* The loss cross_entropy: value, gradient, accuracy, and what it refuses. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/loss.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { B = 6, K = 4 };

static registry *plugins;
static support_device device, device_f32;
static instance *loss;
static const odeon_loss_ops *ops;
static const double labels[B] = {0, 3, 1, 2, 3, 0};

static int open_loss(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    device_f32 = support_device_open(plugins, "reference", ODEON_DTYPE_F32);
    loss = support_instance(plugins, ODEON_KIND_LOSS, "cross_entropy", 0, 0);
    ops = loss->component->ops;
    return 0;
}

static int close_loss(void **state)
{
    (void)state;
    instance_destroy(loss);
    support_device_close(&device);
    support_device_close(&device_f32);
    registry_destroy(plugins);
    return 0;
}

typedef struct outcome {
    double loss, correct;
} outcome;

/* n samples of classes logits; gradient [n * classes] may be NULL. */
static outcome evaluate(support_device *d, int64_t n, int64_t classes, const double *logits,
                        const double *label, double weight, double *gradient)
{
    const double nothing[2] = {(double)NAN, (double)NAN};
    const int64_t shape[] = {n, classes}, two = 2;
    odeon_tensor x = support_upload(d, logits, 2, shape);
    odeon_tensor y = support_upload_as(d, ODEON_DTYPE_I64, label, 1, &n);
    odeon_tensor sums = support_upload_as(d, ODEON_DTYPE_F64, nothing, 1, &two);
    odeon_tensor dx = support_upload(d, NULL, 2, shape);
    odeon_loss_call call = {.struct_size = sizeof call,
                            .queue = d->queue,
                            .device = d->device,
                            .output = &x.view,
                            .label = &y.view,
                            .weight = weight,
                            .sums = &sums,
                            .d_output = gradient != NULL ? &dx : NULL};
    assert_int_equal(ops->eval(loss->self, &call), ODEON_OK);
    double *result = support_download(d, &sums.view);
    outcome out = {result[0], result[1]};
    mem_free(result);
    if (gradient != NULL) {
        double *values = support_download(d, &dx.view);
        memcpy(gradient, values, (size_t)(n * classes) * sizeof *gradient);
        mem_free(values);
    }
    odeon_tensor *all[] = {&x, &y, &sums, &dx};
    for (size_t i = 0; i < 4; i++) {
        support_release(d, all[i]);
    }
    return out;
}

static void random_logits(double *logits)
{
    for (uint64_t i = 0; i < (uint64_t)(B * K); i++) {
        logits[i] = 3.0 * support_random(4, i);
    }
}

static void test_cross_entropy_agrees_with_another_implementation(void **state)
{
    (void)state;
    safetensors *file = support_fixture("layers.safetensors");
    double *x = support_tensor(file, "crossentropy/x", NULL);
    double *label = support_tensor(file, "crossentropy/labels", NULL);
    double *value = support_tensor(file, "crossentropy/out", NULL);
    double *their_gradient = support_tensor(file, "crossentropy/grad_x", NULL);
    double gradient[6 * 10];
    outcome ours = evaluate(&device, 6, 10, x, label, 1.0 / 6.0, gradient);
    /* sums of 60 terms of size 1, in another order */
    assert_true(fabs(ours.loss - value[0]) <= 1e-14 * fabs(value[0]) * 60.0);
    support_assert_close("gradient", 60, gradient, their_gradient, 1e-12);
    mem_free(x);
    mem_free(label);
    mem_free(value);
    mem_free(their_gradient);
    safetensors_destroy(file);
}

static void test_cross_entropy_gradient_is_the_derivative(void **state)
{
    (void)state;
    const double step = 1e-5;
    double logits[B * K], gradient[B * K], measured[B * K];
    random_logits(logits);
    (void)evaluate(&device, B, K, logits, labels, 1.0 / B, gradient);
    for (int i = 0; i < B * K; i++) {
        double value = logits[i];
        logits[i] = value + step;
        double above = evaluate(&device, B, K, logits, labels, 1.0 / B, NULL).loss;
        logits[i] = value - step;
        double below = evaluate(&device, B, K, logits, labels, 1.0 / B, NULL).loss;
        measured[i] = (above - below) / (2.0 * step);
        logits[i] = value;
    }
    /* truncation step^2 / 6, rounding 1e-16 / step, gradients of some 0.1 */
    support_assert_close("gradient", B * K, gradient, measured, 1e-9);
}

static void test_cross_entropy_of_slices_adds_up_to_that_of_the_batch(void **state)
{
    (void)state;
    double logits[B * K];
    random_logits(logits);
    outcome whole = evaluate(&device, B, K, logits, labels, 1.0 / B, NULL);
    outcome first = evaluate(&device, 2, K, logits, labels, 1.0 / B, NULL);
    outcome rest = evaluate(&device, B - 2, K, &logits[2 * K], &labels[2], 1.0 / B, NULL);
    outcome empty = evaluate(&device, 0, K, logits, labels, 1.0 / B, NULL);
    assert_true(empty.loss == 0.0 && empty.correct == 0.0);
    assert_true(fabs(first.loss + rest.loss - whole.loss) <= 1e-15 * B); /* order of a sum */
    assert_true(first.correct + rest.correct == whole.correct);
}

static void test_accuracy_counts_the_first_largest(void **state)
{
    (void)state;
    static const double logits[4 * 3] = {3, 1, 2, 1, 1, 0, 1, 1, 0, 0, 0, 9};
    static const double label[4] = {0, 0, 1, 1};
    /* right; a tie for the first; the same tie, but the label is the second; wrong */
    assert_true(evaluate(&device, 4, 3, logits, label, 0.25, NULL).correct == 2.0);
}

static void test_cross_entropy_in_float32_is_near_float64(void **state)
{
    (void)state;
    double logits[B * K], wide[B * K], narrow[B * K];
    random_logits(logits);
    outcome w = evaluate(&device, B, K, logits, labels, 1.0 / B, wide);
    outcome n = evaluate(&device_f32, B, K, logits, labels, 1.0 / B, narrow);
    assert_true(fabs(w.loss - n.loss) <= 1e-6); /* logits of 3 rounded to 6e-8 of that */
    support_assert_close("gradient", B * K, narrow, wide, 1e-6);
}

static void test_cross_entropy_survives_huge_logits(void **state)
{
    (void)state;
    static const double logits[2] = {1e4, -1e4}, right = 0, wrong = 1;
    assert_true(evaluate(&device, 1, 2, logits, &right, 1.0, NULL).loss == 0.0);
    assert_true(evaluate(&device, 1, 2, logits, &wrong, 1.0, NULL).loss == 2e4);
}

static void test_cross_entropy_names_its_metric(void **state)
{
    (void)state;
    assert_int_equal(ops->metric_count(loss->self), 1);
    assert_string_equal(ops->metric_name(loss->self, 0), "accuracy");
}

static void test_cross_entropy_refuses_outputs_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        int32_t ndim;
        int64_t dim[ODEON_MAX_DIMS], classes;
        const char *message; /* a part of it; NULL: fits */
    } cases[] = {
        {2, {8, 10}, 10, NULL},
        {2, {8, 12}, 10, "the network has 12 outputs, the data set 10 classes"},
        {4, {8, 10, 1, 1}, 10, "3 dimensions besides the batch"},
        {2, {8, 10}, 0, "labels are not classes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_shape output = {.ndim = cases[i].ndim, .dtype = ODEON_DTYPE_F64};
        const odeon_shape label = {.ndim = 1, .dtype = ODEON_DTYPE_I64, .dim = {8}};
        const odeon_loss_shapes shapes = {.struct_size = sizeof shapes,
                                          .output = &output,
                                          .label = &label,
                                          .classes = cases[i].classes};
        memcpy(output.dim, cases[i].dim, sizeof output.dim);
        diag_clear();
        odeon_status status = ops->check(loss->self, &shapes);
        assert_int_equal(status, cases[i].message == NULL ? ODEON_OK : ODEON_ERR_CONFIG);
        assert_true(cases[i].message == NULL || strstr(diag_message(), cases[i].message) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy_agrees_with_another_implementation),
        cmocka_unit_test(test_cross_entropy_gradient_is_the_derivative),
        cmocka_unit_test(test_cross_entropy_of_slices_adds_up_to_that_of_the_batch),
        cmocka_unit_test(test_accuracy_counts_the_first_largest),
        cmocka_unit_test(test_cross_entropy_in_float32_is_near_float64),
        cmocka_unit_test(test_cross_entropy_survives_huge_logits),
        cmocka_unit_test(test_cross_entropy_names_its_metric),
        cmocka_unit_test(test_cross_entropy_refuses_outputs_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, open_loss, close_loss);
}
