/* Layers against another implementation (PyTorch in float64): outputs and all gradients, on every
 * device that computes on the host. */
#include "layer_harness.h"

#include "base/mem.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

typedef struct parity_case {
    const char *name; /* in the fixture */
    const char *expression;
} parity_case;

static const parity_case cases[] = {
    {"conv_1_6_k3s1p0_28x28", "conv2d(filters=6, kernel=3)"},
    {"conv_6_6_k3s1p1_7x9", "conv2d(filters=6, kernel=3, padding=1)"},
    {"conv_5_4_k4s2p1_13x13", "conv2d(filters=4, kernel=4, stride=2, padding=1)"},
    {"conv_3_8_k4s2p1_8x10", "conv2d(filters=8, kernel=4, stride=2, padding=1)"},
    {"conv_4_7_k1s1p0_5x6", "conv2d(filters=7, kernel=1)"},
    {"conv_2_3_k5s1p2_9x9", "conv2d(filters=3, kernel=5, padding=2)"},
    {"conv_3_2_k3s2p1_11x7", "conv2d(filters=2, kernel=3, stride=2, padding=1)"},
    {"conv_17_33_k3s1p1_6x6", "conv2d(filters=33, kernel=3, padding=1)"},
    {"linear", "dense(units=7)"},
    {"groupnorm_1_6", "groupnorm(groups=1)"},
    {"groupnorm_3_6", "groupnorm(groups=3)"},
    {"groupnorm_6_6", "groupnorm"}, /* one group a channel below 32 */
    {"groupnorm_4_8", "groupnorm(groups=4)"},
    {"groupnorm_32_64", "groupnorm"}, /* 32 from there on */
    {"avgpool2", "avgpool(kernel=2)"},
    {"globalavgpool", "avgpool(kernel=6)"},
    {"globalavgpool", "globalavgpool"},
    {"softplus", "softplus"},
    {"tanh", "tanh"},
    {"relu", "relu"},
    {"sigmoid", "sigmoid"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static registry *plugins;
static const char *const device_ids[] = {"reference", "cpu"};
enum { N_DEVICES = sizeof device_ids / sizeof device_ids[0] };
static support_device devices[N_DEVICES];
static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    plugins = support_registry();
    for (size_t d = 0; d < N_DEVICES; d++) {
        devices[d] = support_device_open(plugins, device_ids[d], ODEON_DTYPE_F64);
    }
    file = support_fixture("layers.safetensors");
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

static void set(layer_harness *h, const char *name, const char *what, const odeon_tensor *x)
{
    char *path = mem_printf("%s/%s", name, what);
    int64_t n = 0;
    double *values = support_tensor(file, path, &n);
    assert_int_equal(n, odeon_count(&x->view.shape));
    layer_harness_set(h, x, values);
    mem_free(values);
    mem_free(path);
}

static void assert_parity(layer_harness *h, const char *name, const char *what, const odeon_view *x)
{
    char *path = mem_printf("%s/%s", name, what);
    int64_t n = 0;
    double *theirs = support_tensor(file, path, &n), *ours = support_download(h->device, x);
    assert_int_equal(n, odeon_count(&x->shape));
    /* sums of up to 1352 products of rounded numbers, in another order */
    support_assert_close(path, n, ours, theirs, 1e-12);
    mem_free(theirs);
    mem_free(ours);
    mem_free(path);
}

static layer_harness open_case(support_device *device, const parity_case *c)
{
    char *path = mem_printf("%s/x", c->name);
    const safetensors_entry *x = safetensors_find(file, path);
    mem_free(path);
    assert_non_null(x);
    layer_harness h =
        layer_harness_open(plugins, device, c->expression, x->ndim, x->dim, LAYER_NO_TIME);
    set(&h, c->name, "x", &h.in);
    set(&h, c->name, "cot", &h.d_out);
    for (int32_t i = 0; i < h.n_params; i++) {
        path = mem_printf("param/%s", h.info[i].name);
        set(&h, c->name, path, &h.param[i]);
        mem_free(path);
    }
    return h;
}

static void test_layer_outputs_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_CASES; i++) {
        const parity_case *c = &cases[i % N_CASES];
        layer_harness h = open_case(&devices[i / N_CASES], c);
        assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
        assert_parity(&h, c->name, "out", &h.out.view);
        layer_harness_close(&h);
    }
}

static void test_layer_gradients_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_CASES; i++) {
        const parity_case *c = &cases[i % N_CASES];
        layer_harness h = open_case(&devices[i / N_CASES], c);
        assert_int_equal(layer_harness_forward(&h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
        assert_int_equal(layer_harness_vjp(&h, LAYER_ALL), ODEON_OK);
        assert_parity(&h, c->name, "grad_x", &h.d_in.view);
        for (int32_t p = 0; p < h.n_params; p++) {
            char *what = mem_printf("grad_param/%s", h.info[p].name);
            assert_parity(&h, c->name, what, &h.grad[p].view);
            mem_free(what);
        }
        layer_harness_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_outputs_agree),
        cmocka_unit_test(test_layer_gradients_agree),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
