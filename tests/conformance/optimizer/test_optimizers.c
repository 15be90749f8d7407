/* Optimizers against another implementation (PyTorch in float64), and what they refuse. */
#include "support.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "odeon/layer.h"
#include "odeon/optimizer.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { N = 7, STEPS = 5 };

static registry *plugins;
static support_device device, device_f32;
static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    device_f32 = support_device_open(plugins, "reference", ODEON_DTYPE_F32);
    file = support_fixture("optim.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    support_device_close(&device);
    support_device_close(&device_f32);
    registry_destroy(plugins);
    return 0;
}

/* Elements first to last - 1 of a vector. */
static odeon_tensor slice(const odeon_tensor *x, int64_t first, int64_t last)
{
    odeon_tensor part = *x;
    part.view.byte_offset += (uint64_t)(first * odeon_dtype_bytes(x->view.shape.dtype));
    part.view.shape.dim[0] = last - first;
    return part;
}

/* One update of elements first to last - 1. */
static void update_slice(support_device *d, const instance *optimizer, const odeon_update *whole,
                         int64_t first, int64_t last)
{
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    int32_t n_moments = ops->moment_count(optimizer->self);
    odeon_tensor param = slice(whole->param, first, last), grad = slice(whole->grad, first, last);
    odeon_tensor moment[ODEON_MAX_MOMENTS];
    for (int32_t i = 0; i < n_moments; i++) {
        moment[i] = slice(&whole->moment[i], first, last);
    }
    odeon_update update = *whole;
    update.queue = d->queue;
    update.device = d->device;
    update.param = &param;
    update.grad = &grad;
    update.moment = n_moments > 0 ? moment : NULL;
    assert_int_equal(ops->update(optimizer->self, &update), ODEON_OK);
}

/* Runs STEPS updates from the fixture's start with its gradients, the first elements and the rest
 * apart; path [STEPS][N] receives the parameters after each. */
static void descend_apart(support_device *d, const char *expression, double lr_factor,
                          int64_t first, double *path)
{
    const int64_t n = N;
    const double zeros[N] = {0.0};
    instance *optimizer = support_instance(plugins, ODEON_KIND_OPTIMIZER, expression, 0, 0);
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    double *start = support_tensor(file, "w0", NULL), *grads = support_tensor(file, "grads", NULL);
    odeon_tensor param = support_upload(d, start, 1, &n), moment[ODEON_MAX_MOMENTS];
    int32_t n_moments = ops->moment_count(optimizer->self);
    assert_in_range(n_moments, 0, ODEON_MAX_MOMENTS);
    for (int32_t i = 0; i < n_moments; i++) {
        moment[i] = support_upload(d, zeros, 1, &n);
    }
    for (int64_t step = 0; step < STEPS; step++) {
        odeon_tensor grad = support_upload(d, &grads[step * N], 1, &n);
        odeon_update update = {.struct_size = sizeof update,
                               .role = ODEON_PARAM_WEIGHT,
                               .step = step + 1,
                               .lr_factor = lr_factor,
                               .param = &param,
                               .grad = &grad,
                               .moment = moment};
        update_slice(d, optimizer, &update, 0, first);
        update_slice(d, optimizer, &update, first, N);
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

static void descend(support_device *d, const char *expression, double lr_factor, double *path)
{
    descend_apart(d, expression, lr_factor, 0, path);
}

typedef struct optimizer_case {
    const char *name; /* in the fixture */
    const char *expression;
} optimizer_case;

static const optimizer_case cases[] = {
    {"sgd_lr0.1", "sgd(lr=0.1)"},
    {"sgd_lr0.1_mom0.9", "sgd(lr=0.1, momentum=0.9)"},
    {"sgd_lr0.1_mom0.9_wd0.01", "sgd(lr=0.1, momentum=0.9, weight_decay=0.01)"},
    {"sgd_lr0.1_nesterov0.9", "sgd(lr=0.1, momentum=0.9, nesterov=yes)"},
    {"adam_lr0.01", "adam(lr=0.01)"},
    {"adam_lr0.01_wd0.1", "adam(lr=0.01, weight_decay=0.1)"},
    {"adamw_lr0.01_wd0.1", "adamw(lr=0.01, weight_decay=0.1)"},
    {"rmsprop_lr0.01", "rmsprop(lr=0.01)"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static void test_optimizer_agrees_with_another_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        double path[STEPS * N];
        descend(&device, cases[i].expression, 1.0, path);
        double *theirs = support_tensor(file, cases[i].name, NULL);
        /* five updates of some ten roundings each */
        support_assert_close(cases[i].name, (int64_t)STEPS * N, path, theirs, 1e-12);
        mem_free(theirs);
    }
}

static void test_optimizer_in_float32_is_near_float64(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        double narrow[STEPS * N], wide[STEPS * N];
        descend(&device_f32, cases[i].expression, 1.0, narrow);
        descend(&device, cases[i].expression, 1.0, wide);
        support_assert_close(cases[i].name, (int64_t)STEPS * N, narrow, wide, 1e-6); /* 6e-8 each */
    }
}

/* What ELEMENTWISE promises. */
static void test_optimizer_updates_several_parameters_as_one(void **state)
{
    (void)state;
    support_device *const devices[] = {&device, &device_f32};
    for (size_t i = 0; i < 2 * N_CASES; i++) {
        const char *expression = cases[i / 2].expression;
        instance *optimizer = support_instance(plugins, ODEON_KIND_OPTIMIZER, expression, 0, 0);
        const odeon_optimizer_ops *ops = optimizer->component->ops;
        assert_true((ops->flags & ODEON_OPTIMIZER_ELEMENTWISE) != 0);
        instance_destroy(optimizer);
        double whole[STEPS * N], apart[STEPS * N];
        descend(devices[i % 2], expression, 1.0, whole);
        for (int64_t first = 1; first < N; first++) {
            descend_apart(devices[i % 2], expression, 1.0, first, apart);
            assert_memory_equal(apart, whole, sizeof whole);
        }
    }
}

static void test_optimizer_multiplies_its_rate_by_the_schedule(void **state)
{
    (void)state;
    static const char *const half[][2] = {
        {"sgd(lr=0.2, momentum=0.9)", "sgd(lr=0.1, momentum=0.9)"},
        {"adam(lr=0.02)", "adam(lr=0.01)"},
        {"adamw(lr=0.02)", "adamw(lr=0.01)"},
        {"rmsprop(lr=0.02)", "rmsprop(lr=0.01)"}};
    for (size_t i = 0; i < sizeof half / sizeof half[0]; i++) {
        double scheduled[STEPS * N], plain[STEPS * N];
        descend(&device, half[i][0], 0.5, scheduled);
        descend(&device, half[i][1], 1.0, plain);
        assert_memory_equal(scheduled, plain, sizeof plain); /* halving is exact */
    }
}

static void test_adamw_decays_by_default_and_adam_does_not(void **state)
{
    (void)state;
    double decayed[STEPS * N], chosen[STEPS * N];
    descend(&device, "adamw", 1.0, decayed);
    descend(&device, "adamw(lr=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01)", 1.0,
            chosen);
    assert_memory_equal(decayed, chosen, sizeof chosen);
    descend(&device, "adam", 1.0, decayed);
    descend(&device, "adam(lr=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0)", 1.0,
            chosen);
    assert_memory_equal(decayed, chosen, sizeof chosen);
}

static void test_optimizer_names_what_it_keeps(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        double lr;
        int32_t n;
        const char *names[3];
    } kept[] = {
        {"sgd(lr=0.5)", 0.5, 0, {NULL}},
        {"sgd(lr=0.5, momentum=0.9)", 0.5, 1, {"momentum_buffer"}},
        {"adam", 1e-3, 2, {"exp_avg", "exp_avg_sq"}},
        {"adamw(lr=2)", 2.0, 2, {"exp_avg", "exp_avg_sq"}},
        {"rmsprop", 1e-2, 1, {"square_avg"}},
        {"rmsprop(momentum=0.9)", 1e-2, 2, {"square_avg", "momentum_buffer"}},
        {"rmsprop(centered=yes)", 1e-2, 2, {"square_avg", "grad_avg"}},
        {"rmsprop(momentum=0.9, centered=yes)",
         1e-2,
         3,
         {"square_avg", "momentum_buffer", "grad_avg"}},
    };
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        instance *optimizer =
            support_instance(plugins, ODEON_KIND_OPTIMIZER, kept[i].expression, 0, 0);
        const odeon_optimizer_ops *ops = optimizer->component->ops;
        assert_true(ops->learning_rate(optimizer->self) == kept[i].lr);
        assert_int_equal(ops->moment_count(optimizer->self), kept[i].n);
        for (int32_t m = 0; m < kept[i].n; m++) {
            assert_string_equal(ops->moment_name(optimizer->self, m), kept[i].names[m]);
        }
        instance_destroy(optimizer);
    }
}

static void test_optimizer_refusals_say_what_is_wanted(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"sgd", "lr"},
        {"sgd(lr=-1)", "lr"},
        {"sgd(lr=0.1, nesterov=yes)", "give a momentum above 0"},
        {"adam(beta1=1)", "beta1"},
        {"adam(beta2=-0.5)", "beta2"},
        {"adamw(weight_decay=-1)", "weight_decay"},
        {"rmsprop(alpha=1)", "alpha"},
        {"rmsprop(epsilon=0)", "epsilon"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        location where = {.file = "test"};
        odeon_config *config = NULL;
        instance *optimizer = NULL;
        diag_clear();
        odeon_status status = component_read(plugins, ODEON_KIND_OPTIMIZER, refused[i][0], where,
                                             "train", ODEON_SOURCE, 0, NULL, &config);
        if (status == ODEON_OK) {
            status = instance_create(config, "train", &optimizer);
        }
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), refused[i][1]) == NULL) {
            fail_msg("%s: status %d, message '%s'", refused[i][0], (int)status, diag_message());
        }
        instance_destroy(optimizer);
        schema_destroy(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer_agrees_with_another_implementation),
        cmocka_unit_test(test_optimizer_in_float32_is_near_float64),
        cmocka_unit_test(test_optimizer_updates_several_parameters_as_one),
        cmocka_unit_test(test_optimizer_multiplies_its_rate_by_the_schedule),
        cmocka_unit_test(test_adamw_decays_by_default_and_adam_does_not),
        cmocka_unit_test(test_optimizer_names_what_it_keeps),
        cmocka_unit_test(test_optimizer_refusals_say_what_is_wanted),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
