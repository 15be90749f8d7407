/* Operators against another implementation (PyTorch in float64): outputs and all gradients. */
#include "support.h"

#include <stdio.h>

#include "base/mem.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
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
    odeon_queue *queue;
    const char *name;
} fixture;

static fixture open_fixture(const char *id)
{
    fixture f = {.plugins = support_registry(), .file = support_fixture("layers.safetensors")};
    f.d = support_device_open(f.plugins, id, ODEON_DTYPE_F64);
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
static odeon_tensor given(fixture *f, const char *what, uint32_t dtype, int32_t ndim,
                          const int64_t *dim)
{
    char path[128];
    const safetensors_entry *e = entry(f, what, path, sizeof path);
    double *values = support_tensor(f->file, path, NULL);
    odeon_tensor x = ndim == 0 ? support_upload_as(&f->d, dtype, values, e->ndim, e->dim)
                               : support_upload_as(&f->d, dtype, values, ndim, dim);
    assert_int_equal(odeon_count(&x.view.shape), safetensors_elements(e));
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
static odeon_tensor zeros_like(fixture *f, const odeon_view *model)
{
    double *zeros = mem_zalloc((size_t)odeon_count(&model->shape), sizeof *zeros);
    assert_non_null(zeros);
    odeon_tensor x =
        support_upload_as(&f->d, model->shape.dtype, zeros, model->shape.ndim, model->shape.dim);
    mem_free(zeros);
    return x;
}

static void assert_equals(fixture *f, const char *what, odeon_tensor *x)
{
    char path[128];
    const safetensors_entry *e = entry(f, what, path, sizeof path);
    double *theirs = support_tensor(f->file, path, NULL), *ours = support_download(&f->d, &x->view);
    assert_int_equal(safetensors_elements(e), odeon_count(&x->view.shape));
    support_assert_close(path, odeon_count(&x->view.shape), ours, theirs, tolerance);
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
    odeon_conv_geometry geometry = {c->stride, c->stride, c->padding, c->padding};
    f->name = c->name;
    odeon_tensor x = load(f, "x"), w = load(f, "param/weight"), bias = load(f, "param/bias");
    odeon_tensor dy = load(f, "cot"), dy3 = load3(f, "cot");
    odeon_tensor y = zeros_like(f, &dy.view), dx = zeros_like(f, &x.view),
                 dw = zeros_like(f, &w.view);
    odeon_tensor db = zeros_like(f, &bias.view);
    void *scratch = NULL;
    uint64_t bytes =
        f->d.device->conv->conv2d_scratch(f->d.device, &geometry, &x.view.shape, &w.view.shape);
    assert_int_equal(f->d.device->ops->alloc(f->d.device->handle, bytes, &scratch), ODEON_OK);
    assert_int_equal(ODEON_DO(f->d.device, conv, conv2d, f->queue, .geometry = geometry,
                              .x = &x.view, .w = &w.view, .bias = &bias.view, .y = &y,
                              .scratch = scratch),
                     0);
    assert_int_equal(ODEON_DO(f->d.device, conv, conv2d_vjp_x, f->queue, .geometry = geometry,
                              .w = &w.view, .dy = &dy.view, .dx = &dx, .scratch = scratch),
                     0);
    assert_int_equal(ODEON_DO(f->d.device, conv, conv2d_vjp_w, f->queue, .geometry = geometry,
                              .x = &x.view, .dy = &dy.view, .dw = &dw, .scratch = scratch),
                     0);
    assert_int_equal(
        ODEON_DO(f->d.device, product, channel_sum, f->queue, .x = &dy3.view, .bias = &db), 0);
    assert_equals(f, "out", &y);
    assert_equals(f, "grad_x", &dx);
    assert_equals(f, "grad_param/weight", &dw);
    assert_equals(f, "grad_param/bias", &db);
    f->d.device->ops->free(f->d.device->handle, scratch);
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
        odeon_tensor dy = load(&f, "cot"), y = zeros_like(&f, &dy.view),
                     dx = zeros_like(&f, &x.view);
        odeon_tensor dw = zeros_like(&f, &w.view);
        assert_int_equal(ODEON_DO(f.d.device, product, gemm, f.queue, .trans_b = 1, .alpha = 1.0,
                                  .a = &x.view, .b = &w.view, .c = &y, .bias = &b.view),
                         0);
        assert_int_equal(ODEON_DO(f.d.device, product, gemm, f.queue, .alpha = 1.0, .a = &dy.view,
                                  .b = &w.view, .c = &dx),
                         0);
        assert_int_equal(ODEON_DO(f.d.device, product, gemm, f.queue, .trans_a = 1, .alpha = 1.0,
                                  .a = &dy.view, .b = &x.view, .beta = 1.0, .c = &dw),
                         0);
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
    odeon_tensor dy = load3(f, "cot"), y = zeros_like(f, &x.view), dx = zeros_like(f, &x.view);
    odeon_tensor dw = zeros_like(f, &w.view), db = zeros_like(f, &b.view);
    odeon_tensor stats = support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 3,
                                           (int64_t[]){x.view.shape.dim[0], groups, 2});
    assert_int_equal(ODEON_DO(f->d.device, norm, group_norm, f->queue, .groups = groups,
                              .epsilon = 1e-5, .x = &x.view, .w = &w.view, .b = &b.view, .y = &y,
                              .stats = &stats),
                     0);
    assert_int_equal(ODEON_DO(f->d.device, norm, group_norm_vjp, f->queue, .groups = groups,
                              .x = &x.view, .w = &w.view, .stats = &stats.view, .dy = &dy.view,
                              .dx = &dx, .dw = &dw, .db = &db),
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
    odeon_pool_geometry geometry = {ODEON_POOL_AVG, kernel, kernel, kernel, kernel, 0, 0, 0};
    f->name = name;
    odeon_tensor x = load(f, "x"), dy = load(f, "cot");
    odeon_tensor y = zeros_like(f, &dy.view), dx = zeros_like(f, &x.view);
    assert_int_equal(
        ODEON_DO(f->d.device, pool, pool2d, f->queue, .geometry = geometry, .x = &x.view, .y = &y),
        0);
    assert_int_equal(ODEON_DO(f->d.device, pool, pool2d_vjp, f->queue, .geometry = geometry,
                              .dy = &dy.view, .dx = &dx),
                     0);
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
    odeon_tensor y = zeros_like(f, &x.view), dx = zeros_like(f, &x.view);
    assert_int_equal(
        ODEON_DO(f->d.device, pointwise, unary, f->queue, .id = id, .x = &x.view, .y = &y), 0);
    assert_int_equal(ODEON_DO(f->d.device, pointwise, unary_vjp, f->queue, .id = id,
                              .kept = &y.view, .dy = &dy.view, .dx = &dx),
                     0);
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
        odeon_tensor dx = zeros_like(&f, &x.view), loss;
        odeon_tensor sums = support_upload_as(&f.d, ODEON_DTYPE_F64, NULL, 1, (int64_t[]){2});
        assert_int_equal(ODEON_DO(f.d.device, loss, softmax_cross_entropy, f.queue, .x = &x.view,
                                  .labels = &labels.view, .weight = 1.0 / 6.0, .sums = &sums,
                                  .dx = &dx),
                         0);
        loss = sums;
        loss.view.shape.dim[0] = 1;
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
