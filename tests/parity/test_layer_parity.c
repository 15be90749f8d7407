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
    {"gelu", "gelu"},
    {"gelu_tanh", "gelu(approximate=tanh)"},
    {"silu", "silu"},
    {"elu", "elu(alpha=0.7)"},
    {"elu_1", "elu"},
    {"leaky_relu", "leaky_relu(slope=0.02)"},
    {"sin", "sin(frequency=3)"},
    {"conv1d", "conv1d(filters=5, kernel=3, stride=2, padding=1)"},
    {"conv1d_plain", "conv1d(filters=3, kernel=4)"},
    {"transpose", "conv_transpose2d(filters=4, kernel=3, stride=2, padding=1, output_padding=1)"},
    {"transpose_plain", "conv_transpose2d(filters=3, kernel=2 4)"},
    {"upsample_2", "upsample"},
    {"upsample_3", "upsample(factor=3)"},
    {"layernorm", "layernorm"},
    {"layernorm_rows", "layernorm(epsilon=0.1)"},
    {"select", "select(channels=3 0)"},
    {"gru_last", "gru(units=6)"},
    {"gru_all", "gru(units=5, output=all)"},
    {"gru_backward", "gru(units=3, direction=backward)"},
    {"gru_all_backward", "gru(units=4, output=all, direction=backward)"},
    {"formula_vectors",
     "formula(equations=v[3]' = A @ v + c*tanh(v) - v*norm(v) + max(v, 0.1) | w' = dot(v, v @ A) + "
     "sum(v)*w + v[1]*A[0 2], constants=A[3 3]=0.5 c[3]=1 2 3, learn=A c)"},
    {"attention", "attention"},
    {"attention_heads", "attention(heads=4)"},
    {"attention_causal", "attention(heads=2, causal=yes)"},
    {"attention_plain", "attention(heads=3, bias=no)"},
    {"embedding", "embedding(classes=5, units=4)"},
    {"hypernet", "hypernet(units=2, hidden=5)"},
    {"hypernet_each", "hypernet(units=3, hidden=4)"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static registry *plugins;
static const char *const device_ids[] = {"reference", "cpu"};
enum { N_DEVICES = sizeof device_ids / sizeof device_ids[0] };
static support_device devices[N_DEVICES];
static safetensors *files[2]; /* a name is in one of them */

static const safetensors_entry *find(const char *path, const safetensors **file)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const safetensors_entry *entry = safetensors_find(files[i], path);
        if (entry != NULL) {
            *file = files[i];
            return entry;
        }
    }
    return NULL;
}

static double *values_of(const char *path, int64_t *n)
{
    const safetensors *file = NULL;
    assert_non_null(find(path, &file));
    return support_tensor(file, path, n);
}

static int open_fixture(void **state)
{
    (void)state;
    plugins = support_registry();
    for (size_t d = 0; d < N_DEVICES; d++) {
        devices[d] = support_device_open(plugins, device_ids[d], ODEON_DTYPE_F64);
    }
    files[0] = support_fixture("layers.safetensors");
    files[1] = support_fixture("more_layers.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(files[0]);
    safetensors_destroy(files[1]);
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
    double *values = values_of(path, &n);
    assert_int_equal(n, odeon_count(&x->view.shape));
    layer_harness_set(h, x, values);
    mem_free(values);
    mem_free(path);
}

static void assert_parity(layer_harness *h, const char *name, const char *what, const odeon_view *x)
{
    char *path = mem_printf("%s/%s", name, what);
    int64_t n = 0;
    double *theirs = values_of(path, &n), *ours = support_download(h->device, x);
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
    const safetensors *file;
    const safetensors_entry *x = find(path, &file);
    mem_free(path);
    assert_non_null(x);
    path = mem_printf("%s/t", c->name);
    const safetensors_entry *t = find(path, &file);
    mem_free(path);
    layer_harness h = layer_harness_open(plugins, device, c->expression, x->ndim, x->dim,
                                         t != NULL ? t->dim[0] : LAYER_NO_TIME);
    set(&h, c->name, "x", &h.in);
    set(&h, c->name, "cot", &h.d_out);
    if (t != NULL) {
        set(&h, c->name, "t", &h.t);
    }
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
        if (h.t.view.data != NULL) {
            assert_parity(&h, c->name, "grad_t", &h.d_t.view);
        }
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
