/* The CPU device beyond what every device does: instruction sets, own products, equal bits, several
 * workers at once, memory that is not there. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "cpu_levels.h"
#include "device/open.h"
#include "device_cases.h"
#include "odeon/device_ext.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/registry.h"

static const uint32_t dtypes[] = {ODEON_DTYPE_F32, ODEON_DTYPE_F64};
static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static support_device open_level(const char *level, uint32_t dtype)
{
    char expression[64];
    (void)snprintf(expression, sizeof expression, "cpu(blas=own, simd=%s)", level);
    return support_device_open(plugins, expression, dtype);
}

static void compare_cases(const device_case *c, support_device *a, support_device *b,
                          double relative)
{
    for (; c->name != NULL; c++) {
        case_run *of_a = case_execute(c, a), *of_b = case_execute(c, b);
        case_compare(of_a, of_b, relative);
        case_destroy(of_a);
        case_destroy(of_b);
    }
}

static const device_case *const families[] = {
    moving_cases,     solver_cases, control_cases, pointwise_cases, norm_cases,
    batch_norm_cases, random_cases, loss_cases,    optimizer_cases,
};
enum { N_FAMILIES = sizeof families / sizeof *families };

static void test_instruction_sets_give_the_same_bits(void **state)
{
    (void)state;
    const char *names[CPU_LEVELS];
    int n = cpu_levels(names);
    for (size_t k = 0; k < 2; k++) {
        uint32_t dtype = dtypes[k];
        support_device plain = open_level("baseline", dtype);
        for (int i = 1; i < n; i++) {
            support_device d = open_level(names[i], dtype);
            for (size_t f = 0; f < N_FAMILIES; f++) {
                compare_cases(families[f], &d, &plain, 0.0);
            }
            support_device_close(&d);
        }
        support_device_close(&plain);
    }
}

/* Tolerances of test_device_operators. */
static void test_own_products_agree_with_reference(void **state)
{
    (void)state;
    const char *names[CPU_LEVELS];
    int n = cpu_levels(names);
    support_device plain = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    for (size_t k = 0; k < 2; k++) {
        uint32_t dtype = dtypes[k];
        for (int i = 0; i < n; i++) {
            support_device d = open_level(names[i], dtype);
            double relative = dtype == ODEON_DTYPE_F64 ? 1e-12 : 1e-5;
            compare_cases(product_cases, &d, &plain, relative);
            compare_cases(conv_cases, &d, &plain, relative);
            support_device_close(&d);
        }
    }
    support_device_close(&plain);
}

static void test_equal_calls_give_equal_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        uint32_t dtype = dtypes[k];
        support_device d = support_device_open(plugins, "cpu", dtype);
        compare_cases(product_cases, &d, &d, 0.0);
        compare_cases(conv_cases, &d, &d, 0.0);
        for (size_t f = 0; f < N_FAMILIES; f++) {
            compare_cases(families[f], &d, &d, 0.0);
        }
        support_device_close(&d);
    }
}

/* ---- products on odd shapes ---- */

static void fill_random(uint64_t seed, int64_t n, double *values)
{
    for (int64_t i = 0; i < n; i++) {
        values[i] = support_random(seed, (uint64_t)i);
    }
}

/* c = op(a) op(b) [M,N], downloaded; mem_free it. */
static double *product(support_device *d, int64_t M, int64_t N, int64_t K, int32_t trans)
{
    enum { MOST = 140 * 140 };
    double values[MOST];
    int32_t trans_a = trans & 1, trans_b = trans >> 1;
    int64_t a_dim[] = {trans_a ? K : M, trans_a ? M : K};
    int64_t b_dim[] = {trans_b ? N : K, trans_b ? K : N}, c_dim[] = {M, N};
    fill_random(1, M * K, values);
    odeon_tensor a = support_upload(d, values, 2, a_dim);
    fill_random(2, K * N, values);
    odeon_tensor b = support_upload(d, values, 2, b_dim);
    odeon_tensor c = support_upload(d, NULL, 2, c_dim);
    assert_int_equal(ODEON_DO(d->device, product, gemm, d->queue, .trans_a = trans_a,
                              .trans_b = trans_b, .alpha = 1.0, .a = &a.view, .b = &b.view,
                              .c = &c),
                     ODEON_OK);
    double *result = support_download(d, &c.view);
    support_release(d, &a);
    support_release(d, &b);
    support_release(d, &c);
    return result;
}

static void test_openblas_and_own_products_agree_on_odd_shapes(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},     {1, 37, 129}, {5, 31, 7},   {6, 33, 128},
                                       {7, 65, 130},  {13, 1, 64},  {97, 17, 3},  {128, 10, 64},
                                       {129, 131, 1}, {3, 139, 9},  {64, 36, 139}};
    for (size_t k = 0; k < 2; k++) {
        uint32_t dtype = dtypes[k];
        support_device library = support_device_open(plugins, "cpu(products=blas)", dtype);
        support_device own = support_device_open(plugins, "cpu(blas=own)", dtype);
        for (size_t i = 0; i < 4 * sizeof sizes / sizeof *sizes; i++) {
            const int64_t *s = sizes[i / 4];
            double *a = product(&library, s[0], s[1], s[2], (int32_t)(i % 4));
            double *b = product(&own, s[0], s[1], s[2], (int32_t)(i % 4));
            /* at most 139 terms, each rounded to half of 1.2e-7 or 2.2e-16: errors add up as their
             * root; four times that */
            support_assert_close("product", s[0] * s[1], a, b,
                                 dtype == ODEON_DTYPE_F32 ? 3e-6 : 5e-15);
            mem_free(a);
            mem_free(b);
        }
        support_device_close(&library);
        support_device_close(&own);
    }
}

static void test_place_in_memory_does_not_change_bits(void **state)
{
    (void)state;
    enum { ROWS = 33, DEPTH = 129, ROOM = 16 };
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    double values[ROWS * DEPTH], *first = NULL;
    fill_random(3, ROWS * DEPTH, values);
    for (int64_t shift = 0; shift < ROOM; shift += 5) {
        double shifted[ROOM + ROWS * DEPTH] = {0};
        memcpy(shifted + shift, values, sizeof values);
        odeon_tensor all = support_upload(&d, shifted, 1, (int64_t[]){ROOM + ROWS * DEPTH});
        const odeon_shape shape = {.ndim = 2, .dtype = ODEON_DTYPE_F32, .dim = {ROWS, DEPTH}};
        const odeon_view a = odeon_view_at((const char *)all.view.data + shift * 4, shape);
        odeon_tensor c = support_upload(&d, NULL, 2, (int64_t[]){ROWS, ROWS});
        assert_int_equal(ODEON_DO(d.device, product, gemm, d.queue, .trans_b = 1, .alpha = 1.0,
                                  .a = &a, .b = &a, .c = &c),
                         ODEON_OK);
        double *result = support_download(&d, &c.view);
        if (first == NULL) {
            first = result;
        } else {
            assert_memory_equal(result, first, ROWS * ROWS * sizeof *first);
            mem_free(result);
        }
        support_release(&d, &c);
        support_release(&d, &all);
    }
    mem_free(first);
    support_device_close(&d);
}

static void compare_at_offset(support_device *d, const device_case *c)
{
    for (; c->name != NULL; c++) {
        case_run *at_address = case_execute(c, d), *at_offset = case_execute_at_offset(c, d);
        case_compare(at_offset, at_address, 0.0);
        case_destroy(at_address);
        case_destroy(at_offset);
    }
}

static void test_byte_offset_does_not_change_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        support_device d = support_device_open(plugins, "cpu", dtypes[k]);
        compare_at_offset(&d, product_cases);
        compare_at_offset(&d, conv_cases);
        for (size_t f = 0; f < N_FAMILIES; f++) {
            compare_at_offset(&d, families[f]);
        }
        support_device_close(&d);
    }
}

/* ---- norms ---- */

enum { WIDE = 600, MANY = 3000 };

/* dw [WIDE] of one group of so many channels, over MANY samples; mem_free it. */
static double *wide_gradient(const char *device, uint32_t dtype)
{
    support_device d = support_device_open(plugins, device, dtype);
    const int64_t dims[] = {MANY, WIDE, 1}, width[] = {WIDE}, numbers[] = {MANY, 1, 2};
    double *values = mem_alloc(sizeof *values * MANY * WIDE);
    fill_random(7, MANY * WIDE, values);
    odeon_tensor x = support_upload(&d, values, 3, dims);
    for (int64_t i = 0; i < MANY * WIDE; i++) {
        values[i] = (values[i] < 0.0 ? -1.0 : 1.0) + 0.25 * support_random(8, (uint64_t)i);
    }
    odeon_tensor dy = support_upload(&d, values, 3, dims), y = support_upload(&d, NULL, 3, dims);
    odeon_tensor stats = support_upload_as(&d, ODEON_DTYPE_F64, NULL, 3, numbers);
    memset(values, 0, WIDE * sizeof *values);
    odeon_tensor dw = support_upload(&d, values, 1, width);
    assert_int_equal(ODEON_DO(d.device, norm, group_norm, d.queue, .x = &x.view, .groups = 1,
                              .epsilon = 1e-5, .y = &y, .stats = &stats),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(d.device, norm, group_norm_vjp, d.queue, .x = &x.view, .groups = 1,
                              .stats = &stats.view, .dy = &dy.view, .dw = &dw),
                     ODEON_OK);
    double *result = support_download(&d, &dw.view);
    odeon_tensor *const all[] = {&x, &dy, &y, &dw, &stats};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(&d, all[i]);
    }
    mem_free(values);
    support_device_close(&d);
    return result;
}

/* Sums over the batch are double however many channels a group has: of MANY terms of one sign a
 * float32 would lose two digits. */
static void test_gradients_of_wide_groups_are_summed_in_double(void **state)
{
    (void)state;
    double *narrow = wide_gradient("cpu", ODEON_DTYPE_F32);
    double *exact = wide_gradient("reference", ODEON_DTYPE_F64);
    support_assert_close("dw", WIDE, narrow, exact, 3e-7);
    mem_free(narrow);
    mem_free(exact);
}

/* ---- workers ---- */

enum { WORKERS = 3, ROUNDS = 50, SIDE = 48 };

typedef struct worker {
    support_device device; /* shared but for the queue */
    odeon_tensor a, b, c;
    double *slots;
    odeon_status status;
} worker;

static odeon_status round_of_work(const worker *w)
{
    odeon_queue *queue = w->device.queue;
    const odeon_view *terms[] = {&w->a.view, &w->b.view, &w->c.view};
    const odeon_scalar thirds[] = {odeon_imm(0.3), odeon_imm(0.3), odeon_imm(0.3)};
    ODEON_TRY(ODEON_DO(w->device.device, product, gemm, queue, .trans_b = 1, .alpha = 0.1,
                       .a = &w->a.view, .b = &w->b.view, .c = &w->c));
    ODEON_TRY(ODEON_DO(w->device.device, pointwise, unary, queue, .id = ODEON_UNARY_TANH,
                       .x = &w->c.view, .y = &w->c));
    ODEON_TRY(ODEON_DO(w->device.device, solver, lincomb, queue, .y = &w->a, .n = 3, .x = terms,
                       .coefficient = thirds));
    return ODEON_DO(w->device.device, solver, dot, queue, .a = &w->a.view, .b = &w->c.view,
                    .slots = w->slots, .slot = ODEON_SLOT_USER);
}

static void *work(void *argument)
{
    worker *w = argument;
    for (int i = 0; i < ROUNDS && w->status == ODEON_OK; i++) {
        w->status = round_of_work(w);
    }
    return NULL;
}

static void open_worker(worker *w, support_device *d, int32_t rank)
{
    static const int64_t square[] = {SIDE, SIDE};
    double values[SIDE * SIDE];
    w->device = *d;
    w->status = device_queue_create(d->device, rank, &w->device.queue);
    assert_int_equal(w->status, ODEON_OK);
    fill_random(5, SIDE * SIDE, values);
    w->a = support_upload(d, values, 2, square);
    fill_random(6, SIDE * SIDE, values);
    w->b = support_upload(d, values, 2, square);
    w->c = support_upload(d, NULL, 2, square);
    void *slots;
    assert_int_equal(
        d->device->ops->alloc(d->device->handle, ODEON_SLOTS * sizeof *w->slots, &slots), ODEON_OK);
    w->slots = slots;
}

static void close_worker(worker *w)
{
    support_release(&w->device, &w->a);
    support_release(&w->device, &w->b);
    support_release(&w->device, &w->c);
    w->device.device->ops->free(w->device.device->handle, w->slots);
    device_queue_destroy(w->device.device, w->device.queue);
}

static void test_workers_at_once_compute_what_one_does(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    worker alone, workers[WORKERS];
    pthread_t threads[WORKERS];
    double expected, value;
    open_worker(&alone, &d, 0);
    (void)work(&alone);
    assert_int_equal(alone.status, ODEON_OK);
    assert_int_equal(d.device->ops->slots_read(d.queue, alone.slots, ODEON_SLOT_USER, 1, &expected),
                     ODEON_OK);
    for (int32_t i = 0; i < WORKERS; i++) {
        open_worker(&workers[i], &d, i);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].status, ODEON_OK);
        assert_int_equal(d.device->ops->slots_read(workers[i].device.queue, workers[i].slots,
                                                   ODEON_SLOT_USER, 1, &value),
                         ODEON_OK);
        assert_memory_equal(&value, &expected, sizeof value);
        close_worker(&workers[i]);
    }
    close_worker(&alone);
    support_device_close(&d);
}

/* ---- counters, memory ---- */

static void test_counters_outlive_queues(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    const odeon_device_counters *extension = d.device->get_table(d.device, ODEON_DEVICE_COUNTERS);
    worker w;
    int64_t launches, waits, allocs, live;
    open_worker(&w, &d, 0);
    (void)work(&w);
    extension->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(launches, 4 * ROUNDS);
    assert_int_equal(allocs, 4);
    assert_int_equal(live, 3 * SIDE * SIDE * 4 + ODEON_SLOTS * 8);
    close_worker(&w);
    extension->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(launches, 4 * ROUNDS);
    assert_int_equal(live, 0);
    support_device_close(&d);
}

static void test_device_memory_that_is_not_there_is_named(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    static const uint64_t sizes[] = {123456, UINT64_MAX};
    static const char *const texts[] = {"123456", "18446744073709551615"};
    for (int i = 0; i < 2; i++) {
        void *memory = &d;
        diag_clear();
        mem_fail_at(1);
        assert_int_equal(d.device->ops->alloc(d.device->handle, sizes[i], &memory),
                         ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_null(memory);
        assert_non_null(strstr(diag_message(), texts[i]));
    }
    support_device_close(&d);
}

/* Fails the n-th allocation for n = 1, 2, ... until everything succeeds. */
static void fail_every_allocation(const char *expression)
{
    odeon_config *config = NULL;
    location where = {.file = "test"};
    odeon_status status = ODEON_ERR_NOMEM;
    assert_int_equal(component_read(plugins, ODEON_KIND_DEVICE, expression, where, "run",
                                    ODEON_BUILD, 0, NULL, &config),
                     ODEON_OK);
    for (int64_t n = 1; status != ODEON_OK; n++) {
        int64_t before = mem_live_blocks();
        open_device opened = {.base = NULL};
        odeon_queue *queue = NULL;
        assert_in_range(n, 1, 100);
        mem_fail_at(n);
        status = device_open(plugins, config, "device", &opened);
        if (status == ODEON_OK) {
            status = device_queue_create(&opened.device, 0, &queue);
            device_queue_destroy(&opened.device, queue);
        }
        mem_fail_at(0);
        device_close(&opened);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
    }
    schema_destroy(config);
}

static void test_every_allocation_of_cpu_may_fail(void **state)
{
    (void)state;
    fail_every_allocation("cpu");
    fail_every_allocation("cpu(blas=own, threads=3)");
}

static void test_every_allocation_of_remote_may_fail(void **state)
{
    (void)state;
    fail_every_allocation("remote");
}

static void test_wrong_dtype_is_unsupported(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload_as(&d, ODEON_DTYPE_I64, NULL, 1, (int64_t[]){4});
    diag_clear();
    assert_int_equal(ODEON_DO(d.device, pointwise, unary, d.queue, .id = ODEON_UNARY_RELU,
                              .x = &x.view, .y = &x),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "unary"));
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_wrong_shapes_are_an_internal_error(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload(&d, NULL, 2, (int64_t[]){2, 3});
    diag_clear();
    assert_int_equal(ODEON_DO(d.device, product, gemm, d.queue, .alpha = 1.0, .a = &x.view,
                              .b = &x.view, .c = &x),
                     ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "gemm"));
    support_release(&d, &x);
    support_device_close(&d);
}

/* ---- threads ---- */

/* Enough numbers that they are shared, and some left over. */
enum { SHARED = 100003 };

static void pointwise(support_device *d, const float *a, const float *b, float *y)
{
    const odeon_shape shape = {.ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {SHARED}};
    odeon_view in = odeon_view_at(a, shape), other = odeon_view_at(b, shape);
    odeon_tensor out = odeon_tensor_at(y, shape), second = odeon_tensor_at(y + SHARED, shape),
                 third = odeon_tensor_at(y + (ptrdiff_t)2 * SHARED, shape);
    assert_int_equal(ODEON_DO(d->device, pointwise, unary, d->queue, .id = ODEON_UNARY_TANH,
                              .x = &in, .y = &out),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(d->device, pointwise, unary_vjp, d->queue, .id = ODEON_UNARY_TANH,
                              .kept = &in, .dy = &other, .dx = &second),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(d->device, pointwise, binary, d->queue, .id = ODEON_BINARY_MUL,
                              .a = &in, .b = &other, .y = &third),
                     ODEON_OK);
}

static void test_threads_share_numbers_and_change_none(void **state)
{
    (void)state;
    support_device one = support_device_open(plugins, "cpu(blas=own)", ODEON_DTYPE_F32);
    support_device three =
        support_device_open(plugins, "cpu(blas=own, threads=3)", ODEON_DTYPE_F32);
    float *a = mem_alloc((size_t)8 * SHARED * sizeof *a), *b = a + SHARED;
    float *wanted = b + SHARED, *got = wanted + (ptrdiff_t)3 * SHARED;
    assert_non_null(a);
    for (int i = 0; i < 2 * SHARED; i++) {
        a[i] = (float)support_random(5, (uint64_t)i);
    }
    pointwise(&one, a, b, wanted);
    for (int round = 0; round < 50; round++) {
        memset(got, 0, (size_t)3 * SHARED * sizeof *got);
        pointwise(&three, a, b, got);
        assert_memory_equal(got, wanted, (size_t)3 * SHARED * sizeof *got);
    }
    mem_free(a);
    support_device_close(&three);
    support_device_close(&one);
}

static void test_threads_are_for_one_worker(void **state)
{
    (void)state;
    odeon_queue *second = NULL;
    support_device d = support_device_open(plugins, "cpu(blas=own, threads=2)", ODEON_DTYPE_F32);
    assert_int_equal(device_queue_create(d.device, 1, &second), ODEON_ERR_CONFIG);
    assert_null(second);
    assert_non_null(strstr(diag_message(), "set run.workers = 1, or threads = 1"));
    support_device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instruction_sets_give_the_same_bits),
        cmocka_unit_test(test_own_products_agree_with_reference),
        cmocka_unit_test(test_equal_calls_give_equal_bits),
        cmocka_unit_test(test_openblas_and_own_products_agree_on_odd_shapes),
        cmocka_unit_test(test_place_in_memory_does_not_change_bits),
        cmocka_unit_test(test_byte_offset_does_not_change_bits),
        cmocka_unit_test(test_gradients_of_wide_groups_are_summed_in_double),
        cmocka_unit_test(test_workers_at_once_compute_what_one_does),
        cmocka_unit_test(test_counters_outlive_queues),
        cmocka_unit_test(test_device_memory_that_is_not_there_is_named),
        cmocka_unit_test(test_every_allocation_of_cpu_may_fail),
        cmocka_unit_test(test_every_allocation_of_remote_may_fail),
        cmocka_unit_test(test_threads_share_numbers_and_change_none),
        cmocka_unit_test(test_threads_are_for_one_worker),
        cmocka_unit_test(test_wrong_dtype_is_unsupported),
        cmocka_unit_test(test_wrong_shapes_are_an_internal_error),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
