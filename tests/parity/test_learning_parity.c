/* Layers without parameters, losses of numbers and RMSprop against PyTorch in float64
 * (make_learning.py), on every device that computes on the host. */
#include "layer_harness.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/device_pointwise.h"
#include "odeon/loss.h"
#include "odeon/optimizer.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static const char *const device_ids[] = {"reference", "cpu"};
enum { N_DEVICES = sizeof device_ids / sizeof device_ids[0] };

static registry *plugins;
static support_device devices[N_DEVICES];
static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    plugins = support_registry();
    for (size_t d = 0; d < N_DEVICES; d++) {
        devices[d] = support_device_open(plugins, device_ids[d], ODEON_DTYPE_F64);
    }
    file = support_fixture("learning.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    for (size_t d = 0; d < N_DEVICES; d++) {
        support_device_close(&devices[d]);
    }
    registry_destroy(plugins);
    return 0;
}

/* "NAME/WHAT" of the fixture; mem_free it. */
static double *theirs(const char *name, const char *what, int64_t *n)
{
    char *path = mem_printf("%s/%s", name, what);
    double *values = support_tensor(file, path, n);
    mem_free(path);
    return values;
}

static void set(layer_harness *h, const char *name, const char *what, const odeon_tensor *x)
{
    int64_t n = 0;
    double *values = theirs(name, what, &n);
    assert_int_equal(n, odeon_count(&x->view.shape));
    layer_harness_set(h, x, values);
    mem_free(values);
}

static void assert_equals(layer_harness *h, const char *name, const char *what, const odeon_view *x,
                          double relative)
{
    int64_t n = 0;
    double *expected = theirs(name, what, &n), *ours = support_download(h->device, x);
    assert_int_equal(n, odeon_count(&x->shape));
    support_assert_close(name, n, ours, expected, relative);
    mem_free(expected);
    mem_free(ours);
}

/* ---- layers ---- */

static const char *const layers[][2] = {
    {"maxpool_2", "maxpool(kernel=2)"},
    {"maxpool_2_odd", "maxpool(kernel=2)"},
    {"maxpool_3s2p1", "maxpool(kernel=3, stride=2, padding=1)"},
    {"maxpool_3x2s1x2p1", "maxpool(kernel=3 2, stride=1 2, padding=1)"},
    {"maxpool_ties", "maxpool(kernel=3, stride=1, padding=1)"},
    {"dropout_0.3", "dropout(p=0.3)"},
    {"random_crop_p2", "random_crop(padding=2)"},
    {"random_crop_3x2", "random_crop(size=3 2)"},
    {"horizontal_flip_0.4", "horizontal_flip(probability=0.4)"},
    {"scale", "scale(factor=-0.5, shift=3)"},
};
enum { N_LAYERS = sizeof layers / sizeof layers[0] };

static void test_layers_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_LAYERS; i++) {
        const char *name = layers[i % N_LAYERS][0];
        char *path = mem_printf("%s/x", name);
        const safetensors_entry *x = safetensors_find(file, path);
        mem_free(path);
        assert_non_null(x);
        layer_harness h =
            layer_harness_open(plugins, &devices[i / N_LAYERS], layers[i % N_LAYERS][1], x->ndim,
                               x->dim, LAYER_NO_TIME);
        h.rng_key = 0x0123456789abcdef; /* as the script has them */
        h.first_sample = 7;
        set(&h, name, "x", &h.in);
        set(&h, name, "cot", &h.d_out);
        assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
        assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
        assert_equals(&h, name, "out", &h.out.view, 0.0); /* numbers are chosen, not computed */
        assert_equals(&h, name, "grad_x", &h.d_in.view,
                      1e-15); /* sums of up to nine, in any order */
        layer_harness_close(&h);
    }
}

/* ---- losses ---- */

enum { ELEMENTS = 60, SAMPLES = 5 };

static const char *const losses[][2] = {
    {"mse", "mse"},
    {"l1", "l1"},
    {"smooth_l1", "smooth_l1"},
    {"smooth_l1_beta0.3", "smooth_l1(beta=0.3)"},
};
enum { N_LOSSES = sizeof losses / sizeof losses[0] };

static const int64_t loss_shape[] = {SAMPLES, 4, 3};

static odeon_tensor upload(support_device *d, const char *what)
{
    double *values = theirs("loss", what, NULL);
    odeon_tensor x = support_upload(d, values, 3, loss_shape);
    mem_free(values);
    return x;
}

/* Loss, mean absolute difference and gradient; masked or over all elements. */
static void check_loss(support_device *d, const char *name, const char *expression, bool masked)
{
    const int64_t two = 2;
    instance *loss = support_instance(plugins, ODEON_KIND_LOSS, expression, 0, 0);
    const odeon_loss_ops *ops = loss->component->ops;
    odeon_tensor x = upload(d, "x"), y = upload(d, "target"), mask = upload(d, "mask");
    odeon_tensor dx = support_upload(d, NULL, 3, loss_shape);
    odeon_tensor sums = support_upload_as(d, ODEON_DTYPE_F64, NULL, 1, &two);
    double *part = theirs("loss", "mask", NULL), count = masked ? 0.0 : ELEMENTS;
    for (int i = 0; i < ELEMENTS && masked; i++) {
        count += part[i];
    }
    odeon_loss_call call = {.struct_size = sizeof call,
                            .queue = d->queue,
                            .device = d->device,
                            .output = &x.view,
                            .label = &y.view,
                            .mask = masked ? &mask.view : NULL,
                            .weight = 1.0 / count,
                            .sums = &sums,
                            .d_output = &dx};
    assert_int_equal(ops->eval(loss->self, &call), ODEON_OK);
    double *value = theirs("loss", masked ? "mae_masked" : "mae", NULL);
    double *ours = support_download(d, &sums.view), *gradient = support_download(d, &dx.view);
    char *path = mem_printf("loss/%s", name);
    double *their_loss = masked ? theirs(path, "masked", NULL) : theirs("loss", name, NULL);
    double *their_gradient = theirs(path, masked ? "masked_grad" : "grad", NULL);
    ours[1] /= count;
    support_assert_close(name, 1, &ours[0], their_loss, 1e-14); /* another order of 60 terms */
    support_assert_close("mae", 1, &ours[1], value, 1e-14);
    support_assert_close(name, ELEMENTS, gradient, their_gradient, 1e-15);
    double *host[] = {part, value, ours, gradient, their_loss, their_gradient};
    for (size_t i = 0; i < sizeof host / sizeof host[0]; i++) {
        mem_free(host[i]);
    }
    mem_free(path);
    odeon_tensor *all[] = {&x, &y, &mask, &dx, &sums};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        support_release(d, all[i]);
    }
    instance_destroy(loss);
}

static void test_losses_of_numbers_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_LOSSES; i++) {
        const char *const *c = losses[i % N_LOSSES];
        check_loss(&devices[i / N_LOSSES], c[0], c[1], false);
        check_loss(&devices[i / N_LOSSES], c[0], c[1], true);
    }
}

/* ---- RMSprop ---- */

enum { N = 7, STEPS = 8 };

static const char *const optimizers[][2] = {
    {"default", "rmsprop"},
    {"lr0.05_alpha0.9_wd0.1", "rmsprop(lr=0.05, alpha=0.9, weight_decay=0.1)"},
    {"momentum0.8", "rmsprop(momentum=0.8)"},
    {"centered", "rmsprop(alpha=0.9, centered=yes)"},
    {"all", "rmsprop(lr=0.02, alpha=0.95, epsilon=1e-6, weight_decay=0.01, momentum=0.7, "
            "centered=yes)"},
};
enum { N_OPTIMIZERS = sizeof optimizers / sizeof optimizers[0] };

/* The weights after each of STEPS updates: path [STEPS][N]. */
static void descend(support_device *d, const char *expression, double *path)
{
    const int64_t n = N;
    const double zeros[N] = {0.0};
    instance *optimizer = support_instance(plugins, ODEON_KIND_OPTIMIZER, expression, 0, 0);
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    double *start = theirs("rmsprop", "w0", NULL), *grads = theirs("rmsprop", "grads", NULL);
    odeon_tensor param = support_upload(d, start, 1, &n), moment[ODEON_MAX_MOMENTS];
    int32_t n_moments = ops->moment_count(optimizer->self);
    for (int32_t i = 0; i < n_moments; i++) {
        moment[i] = support_upload(d, zeros, 1, &n);
    }
    for (int64_t step = 0; step < STEPS; step++) {
        odeon_tensor grad = support_upload(d, &grads[step * N], 1, &n);
        odeon_update update = {.struct_size = sizeof update,
                               .queue = d->queue,
                               .device = d->device,
                               .step = step + 1,
                               .lr_factor = 1.0,
                               .param = &param,
                               .grad = &grad,
                               .moment = moment};
        assert_int_equal(ops->update(optimizer->self, &update), ODEON_OK);
        double *values = support_download(d, &param.view);
        memcpy(&path[step * N], values, sizeof zeros);
        mem_free(values);
        support_release(d, &grad);
    }
    for (int32_t i = 0; i < n_moments; i++) {
        support_release(d, &moment[i]);
    }
    support_release(d, &param);
    mem_free(start);
    mem_free(grads);
    instance_destroy(optimizer);
}

static void test_rmsprop_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_OPTIMIZERS; i++) {
        double path[STEPS * N];
        descend(&devices[i / N_OPTIMIZERS], optimizers[i % N_OPTIMIZERS][1], path);
        double *expected = theirs("rmsprop", optimizers[i % N_OPTIMIZERS][0], NULL);
        /* eight updates of some ten roundings each; centered: a difference that loses a digit */
        support_assert_close(optimizers[i % N_OPTIMIZERS][0], (int64_t)STEPS * N, path, expected,
                             1e-12);
        mem_free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_agree),
        cmocka_unit_test(test_losses_of_numbers_agree),
        cmocka_unit_test(test_rmsprop_agrees),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
