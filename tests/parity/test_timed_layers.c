/* Batch norms and layers with time against another implementation (PyTorch in float64): outputs,
 * all gradients and running state, in training and evaluation, on every device. */
#include "layer_harness.h"
#include "odeon/device_ext.h"

#include "base/mem.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

typedef struct parity_case {
    const char *name; /* in the fixture */
    const char *expression;
    int64_t n_t; /* elements of t; LAYER_NO_TIME: none */
} parity_case;

static const parity_case norms[] = {
    {"batchnorm", "batchnorm", LAYER_NO_TIME},
    {"batchnorm_vectors", "batchnorm(momentum=0.3)", LAYER_NO_TIME},
    {"batchnorm_plain", "batchnorm(affine=no, epsilon=0.1)", LAYER_NO_TIME},
};
static const parity_case timed[] = {
    {"conv_first", "conv2d(filters=5, kernel=3, padding=1, time=first)", 1},
    {"conv_last", "conv2d(filters=2, kernel=4, stride=2, padding=1, bias=no, time=last)", 3},
    {"dense_first", "dense(units=4, time=first)", 3},
    {"dense_last", "dense(units=4, time=last)", 1},
    {"dense_sequence", "dense(units=4, time=last)", 3},
    {"dense_rows", "dense(units=4)", LAYER_NO_TIME},
};
enum { N_NORMS = sizeof norms / sizeof norms[0], N_TIMED = sizeof timed / sizeof timed[0] };

static const char *const device_ids[] = {"reference", "cpu", "remote", "remote(late=yes)",
                                         "emulated"};
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
    file = support_fixture("timed_layers.safetensors");
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

/* Copies NAME/WHAT of the fixture into x. */
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

static void assert_parity(layer_harness *h, const char *name, const char *prefix, const char *what,
                          const odeon_view *x)
{
    char *path = mem_printf("%s/%s%s", name, prefix, what);
    int64_t n = 0;
    double *theirs = support_tensor(file, path, &n), *ours = support_download(h->device, x);
    assert_int_equal(n, odeon_count(&x->shape));
    /* sums of some hundred products of rounded numbers, in another order */
    support_assert_close(path, n, ours, theirs, 1e-13);
    mem_free(theirs);
    mem_free(ours);
    mem_free(path);
}

static void assert_gradients(layer_harness *h, const char *name, const char *prefix)
{
    assert_parity(h, name, prefix, "grad_x", &h->d_in.view);
    for (int32_t p = 0; p < h->n_params; p++) {
        char *what = mem_printf("grad_param/%s", h->info[p].name);
        assert_parity(h, name, prefix, what, &h->grad[p].view);
        mem_free(what);
    }
    if (h->t.view.data != NULL) {
        assert_parity(h, name, prefix, "grad_t", &h->d_t.view);
    }
}

static layer_harness open_case(support_device *device, const parity_case *c)
{
    char *path = mem_printf("%s/x", c->name);
    const safetensors_entry *x = safetensors_find(file, path);
    mem_free(path);
    assert_non_null(x);
    layer_harness h = layer_harness_open(plugins, device, c->expression, x->ndim, x->dim, c->n_t);
    set(&h, c->name, "x", &h.in);
    set(&h, c->name, "cot", &h.d_out);
    for (int32_t i = 0; i < h.n_params + h.n_states; i++) {
        path = mem_printf("param/%s", h.info[i].name);
        set(&h, c->name, path, &h.param[i]);
        mem_free(path);
    }
    if (h.t.view.data != NULL) {
        set(&h, c->name, "t", &h.t);
    }
    return h;
}

static void forward_and_vjp(layer_harness *h)
{
    assert_int_equal(layer_harness_forward(h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_int_equal(layer_harness_vjp(h, LAYER_ALL), ODEON_OK);
}

static void test_layers_with_time_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_TIMED; i++) {
        const parity_case *c = &timed[i % N_TIMED];
        layer_harness h = open_case(&devices[i / N_TIMED], c);
        forward_and_vjp(&h);
        assert_parity(&h, c->name, "", "out", &h.out.view);
        assert_gradients(&h, c->name, "");
        layer_harness_close(&h);
    }
}

/* ---- a convolution with time on a device that has the fused operators ---- */

static int64_t launches(const support_device *d)
{
    int64_t launches, waits, allocs, live;
    const odeon_device_counters *counters = d->device->get_table(d->device, ODEON_DEVICE_COUNTERS);
    counters->read(d->device->handle, &launches, &waits, &allocs, &live);
    return launches;
}

static layer_harness open_timed(int64_t batch)
{
    const int64_t dim[] = {batch, 5, 7, 7};
    support_device *cpu = &devices[1];
    layer_harness h = layer_harness_open(
        plugins, cpu, "conv2d(filters=6, kernel=3, padding=1, time=first)", 4, dim, 1);
    const odeon_tensor *all[] = {&h.in, &h.param[0], &h.param[1], &h.t, &h.d_out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        layer_harness_randomize(&h, all[i], i, 1.0);
    }
    return h;
}

static void test_time_takes_no_operator_and_no_plane(void **state)
{
    (void)state;
    layer_harness one = open_timed(1), many = open_timed(64);
    assert_int_equal(one.plan.scratch_bytes, many.plan.scratch_bytes);
    int64_t before = launches(&devices[1]);
    assert_int_equal(layer_harness_forward(&many, LAYER_KEEP, ODEON_UNARY_RELU), ODEON_OK);
    assert_int_equal(launches(&devices[1]) - before, 1);
    before = launches(&devices[1]);
    assert_int_equal(layer_harness_vjp(&many, LAYER_ALL), ODEON_OK);
    assert_int_equal(launches(&devices[1]) - before, 1);
    layer_harness_close(&many);
    layer_harness_close(&one);
}

static void test_batch_norms_agree_in_training(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_NORMS; i++) {
        const parity_case *c = &norms[i % N_NORMS];
        layer_harness h = open_case(&devices[i / N_NORMS], c);
        h.flags |= ODEON_CALL_UPDATE_STATE;
        forward_and_vjp(&h);
        assert_parity(&h, c->name, "", "out", &h.out.view);
        assert_gradients(&h, c->name, "");
        assert_int_equal(h.n_states, 2);
        assert_parity(&h, c->name, "after/", "running_mean", &h.param[h.n_params].view);
        assert_parity(&h, c->name, "after/", "running_var", &h.param[h.n_params + 1].view);
        layer_harness_close(&h);
    }
}

static void test_batch_norms_agree_in_evaluation(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES * N_NORMS; i++) {
        const parity_case *c = &norms[i % N_NORMS];
        layer_harness h = open_case(&devices[i / N_NORMS], c);
        h.flags = 0;
        forward_and_vjp(&h);
        assert_parity(&h, c->name, "eval_", "out", &h.out.view);
        assert_gradients(&h, c->name, "eval_");
        layer_harness_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_with_time_agree),
        cmocka_unit_test(test_time_takes_no_operator_and_no_plane),
        cmocka_unit_test(test_batch_norms_agree_in_training),
        cmocka_unit_test(test_batch_norms_agree_in_evaluation),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
