/* Operators against another implementation (PyTorch in float64): outputs and all gradients. */
#include "support.h"

#include <stdio.h>

#include "base/mem.h"
#include "plugin/registry.h"

static const char *const devices[] = {"reference", "cpu", "remote", "remote(late=yes)", "emulated"};
enum { N_DEVICES = sizeof devices / sizeof *devices };

/* Sums of up to 1352 products of rounded numbers, in another order. */
static const double tolerance = 1e-12;

/* One case of the fixture on one device. */
typedef struct fixture {
    registry *plugins;
    safetensors *file;
    support_device d;
    const odeon_device_ops *ops;
    odeon_queue *queue;
    const char *name;
} fixture;

static fixture open_fixture(const char *id)
{
    fixture f = {.plugins = support_registry(), .file = support_fixture("layers.safetensors")};
    f.d = support_device_open(f.plugins, id, ODEON_DTYPE_F64);
    f.ops = f.d.device.ops;
    f.queue = f.d.queue;
    return f;
}

static void close_fixture(fixture *f)
{
    support_device_close(&f->d);
    safetensors_destroy(f->file);
    registry_destroy(f->plugins);
}

static const safetensors_entry *entry(const fixture *f, const char *what, char *path, size_t bytes)
{
    (void)snprintf(path, bytes, "%s/%s", f->name, what);
    const safetensors_entry *found = safetensors_find(f->file, path);
    assert_non_null(found);
    return found;
}

/* Uploads a tensor of the case; of a shape of its own where ndim is not 0. */
static odeon_tensor given(fixture *f, const char *what, int32_t dtype, int32_t ndim,
                          const int64_t *dim)
{
    char path[128];
    const safetensors_entry *e = entry(f, what, path, sizeof path);
    double *values = support_tensor(f->file, path, NULL);
    odeon_tensor x = ndim == 0 ? support_upload_as(&f->d, dtype, values, e->ndim, e->dim)
                               : support_upload_as(&f->d, dtype, values, ndim, dim);
    assert_int_equal(odeon_count(&x), safetensors_elements(e));
    mem_free(values);
    return x;
}

static odeon_tensor load(fixture *f, const char *what)
{
    return given(f, what, ODEON_DTYPE_F64, 0, NULL);
}

/* The same numbers as [B,C,S]: images whose rows are joined. */
static odeon_tensor load3(fixture *f, const char *what)
{
    char path[128];
    const safetensors_entry *e = entry(f, what, path, sizeof path);
    return given(f, what, ODEON_DTYPE_F64, 3,
                 (int64_t[]){e->dim[0], e->dim[1], e->dim[2] * e->dim[3]});
}

/* A tensor of the shape of another, all zero. */
static odeon_tensor zeros_like(fixture *f, const odeon_tensor *model)
{
    double *zeros = mem_zalloc((size_t)odeon_count(model), sizeof *zeros);
    assert_non_null(zeros);
    odeon_tensor x = support_upload_as(&f->d, model->dtype, zeros, model->ndim, model->dim);
    mem_free(zeros);
    return x;
}

static void assert_equals(fixture *f, const char *what, odeon_tensor *x)
{
    char path[128];
    const safetensors_entry *e = entry(f, what, path, sizeof path);
    double *theirs = support_tensor(f->file, path, NULL), *ours = support_download(&f->d, x);
    assert_int_equal(safetensors_elements(e), odeon_count(x));
    support_assert_close(path, odeon_count(x), ours, theirs, tolerance);
    mem_free(theirs);
    mem_free(ours);
    support_release(&f->d, x);
}

static void release(fixture *f, int32_t n, odeon_tensor *const *x)
{
    for (int32_t i = 0; i < n; i++) {
        support_release(&f->d, x[i]);
    }
}

/* ---- convolutions ---- */

typedef struct conv_case {
    const char *name;
    int32_t stride, padding;
} conv_case;

static void check_conv(fixture *f, const conv_case *c)
{
    odeon_conv2d geometry = {c->stride, c->stride, c->padding, c->padding};
    f->name = c->name;
    odeon_tensor x = load(f, "x"), w = load(f, "param/weight"), bias = load(f, "param/bias");
    odeon_tensor dy = load(f, "cot"), dy3 = load3(f, "cot");
    odeon_tensor y = zeros_like(f, &dy), dx = zeros_like(f, &x), dw = zeros_like(f, &w);
    odeon_tensor db = zeros_like(f, &bias);
    odeon_epilogue epilogue = {.bias = &bias, .act = ODEON_UNARY_IDENTITY};
    void *scratch = NULL;
    uint64_t bytes = f->ops->conv2d_scratch(f->d.device.self, &geometry, &x, &w);
    assert_int_equal(f->ops->alloc(f->d.device.self, bytes, &scratch), ODEON_OK);
    assert_int_equal(f->ops->conv2d(f->queue, &geometry, &x, &w, &epilogue, &y, scratch), 0);
    assert_int_equal(f->ops->conv2d_vjp_x(f->queue, &geometry, &w, &dy, &dx, scratch), 0);
    assert_int_equal(f->ops->conv2d_vjp_w(f->queue, &geometry, &x, &dy, &dw, scratch), 0);
    assert_int_equal(f->ops->channel_sum(f->queue, &dy3, &db), 0);
    assert_equals(f, "out", &y);
    assert_equals(f, "grad_x", &dx);
    assert_equals(f, "grad_param/weight", &dw);
    assert_equals(f, "grad_param/bias", &db);
    f->ops->free(f->d.device.self, scratch);
    release(f, 5, (odeon_tensor *const[]){&x, &w, &bias, &dy, &dy3});
}

static void test_convolutions_agree(void **state)
{
    (void)state;
    static const conv_case cases[] = {
        {"conv_1_6_k3s1p0_28x28", 1, 0}, {"conv_6_6_k3s1p1_7x9", 1, 1},
        {"conv_5_4_k4s2p1_13x13", 2, 1}, {"conv_3_8_k4s2p1_8x10", 2, 1},
        {"conv_4_7_k1s1p0_5x6", 1, 0},   {"conv_2_3_k5s1p2_9x9", 1, 2},
        {"conv_3_2_k3s2p1_11x7", 2, 1},  {"conv_17_33_k3s1p1_6x6", 1, 1},
    };
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            check_conv(&f, &cases[k]);
        }
        close_fixture(&f);
    }
}

/* ---- a dense layer: y = x w' + b ---- */

static void test_products_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        f.name = "linear";
        odeon_tensor x = load(&f, "x"), w = load(&f, "param/weight"), b = load(&f, "param/bias");
        odeon_tensor dy = load(&f, "cot"), y = zeros_like(&f, &dy), dx = zeros_like(&f, &x);
        odeon_tensor dw = zeros_like(&f, &w);
        odeon_epilogue epilogue = {.bias = &b, .act = ODEON_UNARY_IDENTITY};
        assert_int_equal(f.ops->gemm(f.queue, 0, 1, 1.0, &x, &w, 0.0, &y, &epilogue), 0);
        assert_int_equal(f.ops->gemm(f.queue, 0, 0, 1.0, &dy, &w, 0.0, &dx, NULL), 0);
        assert_int_equal(f.ops->gemm(f.queue, 1, 0, 1.0, &dy, &x, 1.0, &dw, NULL), 0);
        assert_equals(&f, "out", &y);
        assert_equals(&f, "grad_x", &dx);
        assert_equals(&f, "grad_param/weight", &dw);
        release(&f, 4, (odeon_tensor *const[]){&x, &w, &b, &dy});
        close_fixture(&f);
    }
}

/* ---- group normalization ---- */

static void check_groupnorm(fixture *f, const char *name, int32_t groups)
{
    f->name = name;
    odeon_tensor x = load3(f, "x"), w = load(f, "param/weight"), b = load(f, "param/bias");
    odeon_tensor dy = load3(f, "cot"), y = zeros_like(f, &x), dx = zeros_like(f, &x);
    odeon_tensor dw = zeros_like(f, &w), db = zeros_like(f, &b);
    odeon_tensor stats =
        support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 3, (int64_t[]){x.dim[0], groups, 2});
    assert_int_equal(f->ops->group_norm(f->queue, groups, 1e-5, &x, &w, &b, &y, &stats), 0);
    assert_int_equal(f->ops->group_norm_vjp(f->queue, groups, &x, &w, &stats, &dy, &dx, &dw, &db),
                     0);
    assert_equals(f, "out", &y);
    assert_equals(f, "grad_x", &dx);
    assert_equals(f, "grad_param/weight", &dw);
    assert_equals(f, "grad_param/bias", &db);
    release(f, 5, (odeon_tensor *const[]){&x, &w, &b, &dy, &stats});
}

static void test_group_norms_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        check_groupnorm(&f, "groupnorm_1_6", 1);
        check_groupnorm(&f, "groupnorm_3_6", 3);
        check_groupnorm(&f, "groupnorm_6_6", 6);
        check_groupnorm(&f, "groupnorm_4_8", 4);
        check_groupnorm(&f, "groupnorm_32_64", 32);
        close_fixture(&f);
    }
}

/* ---- pooling ---- */

static void check_pool(fixture *f, const char *name, int32_t kernel)
{
    odeon_pool2d geometry = {ODEON_POOL_AVG, kernel, kernel, kernel, kernel, 0, 0, 0};
    f->name = name;
    odeon_tensor x = load(f, "x"), dy = load(f, "cot");
    odeon_tensor y = zeros_like(f, &dy), dx = zeros_like(f, &x);
    assert_int_equal(f->ops->pool2d(f->queue, &geometry, &x, &y), 0);
    assert_int_equal(f->ops->pool2d_vjp(f->queue, &geometry, NULL, &dy, &dx), 0);
    assert_equals(f, "out", &y);
    assert_equals(f, "grad_x", &dx);
    release(f, 2, (odeon_tensor *const[]){&x, &dy});
}

static void test_average_pools_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        check_pool(&f, "avgpool2", 2);
        check_pool(&f, "globalavgpool", 6);
        close_fixture(&f);
    }
}

/* ---- activations ---- */

static void check_activation(fixture *f, const char *name, int32_t id)
{
    f->name = name;
    odeon_tensor x = load(f, "x"), dy = load(f, "cot");
    odeon_tensor y = zeros_like(f, &x), dx = zeros_like(f, &x);
    assert_int_equal(f->ops->unary(f->queue, id, &x, &y), 0);
    assert_int_equal(f->ops->unary_vjp(f->queue, id, &y, &dy, &dx), 0);
    assert_equals(f, "out", &y);
    assert_equals(f, "grad_x", &dx);
    release(f, 2, (odeon_tensor *const[]){&x, &dy});
}

static void test_activations_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        check_activation(&f, "softplus", ODEON_UNARY_SOFTPLUS);
        check_activation(&f, "tanh", ODEON_UNARY_TANH);
        check_activation(&f, "relu", ODEON_UNARY_RELU);
        check_activation(&f, "sigmoid", ODEON_UNARY_SIGMOID);
        close_fixture(&f);
    }
}

/* ---- cross entropy: the mean over six rows ---- */

static void test_cross_entropy_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        fixture f = open_fixture(devices[i]);
        f.name = "crossentropy";
        odeon_tensor x = load(&f, "x"), labels = given(&f, "labels", ODEON_DTYPE_I64, 0, NULL);
        odeon_tensor dx = zeros_like(&f, &x), loss;
        odeon_tensor sums = support_upload_as(&f.d, ODEON_DTYPE_F64, NULL, 1, (int64_t[]){2});
        assert_int_equal(f.ops->softmax_cross_entropy(f.queue, &x, &labels, 1.0 / 6.0, &sums, &dx),
                         0);
        loss = sums;
        loss.dim[0] = 1;
        assert_equals(&f, "grad_x", &dx);
        assert_equals(&f, "out", &loss);
        release(&f, 2, (odeon_tensor *const[]){&x, &labels});
        close_fixture(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_agree), cmocka_unit_test(test_products_agree),
        cmocka_unit_test(test_group_norms_agree),  cmocka_unit_test(test_average_pools_agree),
        cmocka_unit_test(test_activations_agree),  cmocka_unit_test(test_cross_entropy_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
