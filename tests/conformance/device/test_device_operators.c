/* Every operator of every device against the plain loops of `reference` in float64. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "device/open.h"
#include "device_cases.h"
#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

static const char *const devices[] = {"reference",        "cpu",      "remote",
                                      "remote(late=yes)", "emulated", "plain"};
enum { N_DEVICES = sizeof devices / sizeof *devices, MAX_TESTS = 2048 };

/* float64: sums of up to 1e4 terms in another order, each rounded to 1.1e-16. float32: inputs are
 * the same numbers; results are rounded to 6e-8, and products summed in float32 lose some sqrt(K)
 * times that, K at most 153 here. */
static double tolerance(uint32_t dtype)
{
    return dtype == ODEON_DTYPE_F64 ? 1e-12 : 1e-5;
}

/* Of all tests: a device is opened for each, but read and loaded once. */
static registry *plugins;

typedef struct device_test {
    char name[96];
    const char *id;
    uint32_t dtype;
    const device_case *c;
} device_test;

/* The results of a case, which are the same for all devices and dtypes: computed once. */
typedef struct expectation {
    const device_case *c;
    case_run *run;
} expectation;
static expectation expectations[MAX_TESTS];

static expectation *expectation_of(const device_case *c)
{
    size_t i = 0;
    while (expectations[i].c != c && expectations[i].c != NULL) {
        i++; /* there are fewer cases than tests */
    }
    return &expectations[i];
}

static const case_run *expected_of(const device_case *c)
{
    expectation *e = expectation_of(c);
    if (e->c == NULL) {
        support_device plain = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
        *e = (expectation){.c = c, .run = case_execute(c, &plain)};
        support_device_close(&plain);
    }
    return e->run;
}

static int open_registry(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int forget_expectations(void **state)
{
    (void)state;
    registry_destroy(plugins);
    for (size_t i = 0; expectations[i].c != NULL; i++) {
        case_destroy(expectations[i].run);
    }
    return 0;
}

/* `emulated` runs blocks and threads in another order each time, which must change no bit, of one
 * dtype as of the other. */
static void check_order(const device_case *c, support_device *d, const case_run *once)
{
    case_run *again = case_execute(c, d);
    case_compare(again, once, 0.0);
    case_destroy(again);
}

static void test_operator_agrees_with_reference(void **state)
{
    const device_test *test = *state;
    const case_run *expected = expected_of(test->c);
    support_device tested = support_device_open(plugins, test->id, test->dtype);
    case_run *actual = case_execute(test->c, &tested);
    case_assert_finite(expected);
    case_compare(actual, expected, tolerance(test->dtype));
    if (strcmp(test->id, "emulated") == 0 &&
        (test->dtype == ODEON_DTYPE_F32 || getenv("ODEON_OPERATORS") != NULL)) {
        check_order(test->c, &tested, actual);
    }
    case_destroy(actual);
    support_device_close(&tested);
}

/* ---- what is no operator ---- */

static void test_memory_is_aligned_and_keeps_bytes(void **state)
{
    const device_test *test = *state;
    static const uint64_t sizes[] = {0, 1, 63, 65, 4097};
    support_device d = support_device_open(plugins, test->id, test->dtype);
    const odeon_device_ops *ops = d.device->ops;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char sent[4097], received[4097] = {0};
        void *memory = NULL;
        memset(sent, (int)(i + 1), sizeof sent);
        assert_int_equal(ops->alloc(d.device->handle, sizes[i], &memory), ODEON_OK);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        assert_int_equal(ops->upload(d.queue, memory, sent, sizes[i]), ODEON_OK);
        assert_int_equal(ops->download(d.queue, received, memory, sizes[i]), ODEON_OK);
        assert_memory_equal(sent, received, sizes[i]);
        ops->free(d.device->handle, memory);
    }
    ops->free(d.device->handle, NULL);
    support_device_close(&d);
}

/* Of sizes that a late device keeps with the call, and of larger ones. */
static void test_pinned_memory_is_uploaded_from(void **state)
{
    const device_test *test = *state;
    static const uint64_t sizes[] = {0, 1, 100, 4097, 70000};
    support_device d = support_device_open(plugins, test->id, test->dtype);
    const odeon_device_ops *ops = d.device->ops;
    const odeon_device_pinned *pinned = d.device->get_table(d.device, ODEON_DEVICE_PINNED);
    for (size_t i = 0; pinned != NULL && i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *received = mem_alloc(sizes[i]);
        void *source = NULL, *memory = NULL;
        assert_int_equal(pinned->alloc(d.device->handle, sizes[i], &source), ODEON_OK);
        assert_int_equal((uintptr_t)source % 64, 0);
        assert_int_equal(ops->alloc(d.device->handle, sizes[i], &memory), ODEON_OK);
        memset(source, (int)(i + 1), sizes[i]);
        assert_int_equal(ops->upload(d.queue, memory, source, sizes[i]), ODEON_OK);
        assert_int_equal(ops->wait(d.queue), ODEON_OK);
        memset(source, 0xee, sizes[i]);
        assert_int_equal(ops->download(d.queue, received, memory, sizes[i]), ODEON_OK);
        memset(source, (int)(i + 1), sizes[i]);
        assert_memory_equal(source, received, sizes[i]);
        ops->free(d.device->handle, memory);
        pinned->free(d.device->handle, source);
        mem_free(received);
    }
    if (pinned != NULL) {
        pinned->free(d.device->handle, NULL);
    }
    support_device_close(&d);
}

static void test_description_fits_its_room(void **state)
{
    const device_test *test = *state;
    support_device d = support_device_open(plugins, test->id, test->dtype);
    char text[80];
    memset(text, '#', sizeof text);
    assert_int_equal(d.device->ops->describe(d.device->self, text, 64), ODEON_OK);
    assert_in_range(strnlen(text, sizeof text), 1, 63);
    memset(text, '#', sizeof text);
    assert_int_equal(d.device->ops->describe(d.device->self, text, 4), ODEON_OK);
    assert_in_range(strnlen(text, sizeof text), 0, 3);
    assert_int_equal(text[4], '#');
    support_device_close(&d);
}

static void test_queues_come_and_go(void **state)
{
    const device_test *test = *state;
    support_device d = support_device_open(plugins, test->id, test->dtype);
    odeon_queue *second = NULL;
    assert_int_equal(device_queue_create(d.device, 1, &second), ODEON_OK);
    assert_non_null(second);
    assert_ptr_not_equal(second->handle, d.queue->handle);
    assert_int_equal(d.device->ops->wait(second), ODEON_OK);
    device_queue_destroy(d.device, second);
    d.device->ops->queue_destroy(d.device->handle, NULL);
    support_device_close(&d);
}

/* Pairs that do not fit, at the call or when it is carried out. */
static void assert_refused(support_device *d, int32_t which, int32_t n,
                           const odeon_tensor *const *x, const odeon_tensor *const *y)
{
    enum { MOST = ODEON_MAX_STAGES + 1 };
    const odeon_view *x_views[MOST], *y_views[MOST];
    for (int32_t i = 0; i < n; i++) {
        x_views[i] = &x[i]->view;
        y_views[i] = &y[i]->view;
    }
    odeon_tensor slots = support_upload_as(d, ODEON_DTYPE_F64, NULL, 1, (int64_t[]){ODEON_SLOTS});
    odeon_status status = which == 0 ? ODEON_DO(d->device, solver, select, d->queue, .n = n,
                                                .x = x_views, .y = y, .slots = odeon_write(&slots))
                          : which == 1
                              ? ODEON_DO(d->device, solver, row_store, d->queue, .n = n,
                                         .x = x_views, .y = y, .slots = odeon_write(&slots))
                              : ODEON_DO(d->device, solver, row_load, d->queue, .n = n,
                                         .y = y_views, .x = x, .slots = odeon_write(&slots));
    status = status == ODEON_OK ? d->device->ops->wait(d->queue) : status;
    assert_true(status == ODEON_ERR_INTERNAL || status == ODEON_ERR_UNSUPPORTED);
    support_release(d, &slots);
}

/* y of another length, of another dtype and of no number; rows of another length and of another
 * number than those before; more pairs than there may be. */
static void test_pairs_that_do_not_fit_are_refused(void **state)
{
    enum { MANY = ODEON_MAX_STAGES + 1, KINDS = 6 };
    static const int64_t shapes[][2] = {{2, 6}, {2, 5}, {3, 6}, {2, 3}};
    const device_test *test = *state;
    uint32_t other = test->dtype == ODEON_DTYPE_F32 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32;
    for (int32_t i = 0; i < 3 * KINDS; i++) {
        int32_t which = i % 3, kind = i / 3;
        support_device d =
            support_device_open(plugins, test->id, test->dtype); /* late, it fails once */
        uint32_t bad = kind == 1 ? other : kind == 2 ? ODEON_DTYPE_I64 : test->dtype;
        int64_t count = which == 0 ? 12 : 6;
        odeon_tensor x = support_upload(&d, NULL, 1, &count);
        odeon_tensor y = support_upload(&d, NULL, 2, shapes[0]);
        odeon_tensor z = support_upload_as(&d, bad, NULL, 2,
                                           shapes[kind == 4   ? 2
                                                  : kind == 3 ? 3
                                                  : kind == 0 ? 1
                                                              : 0]);
        const odeon_tensor *from[MANY], *to[MANY];
        for (int32_t k = 0; k < MANY; k++) {
            from[k] = &x;
            to[k] = k == 1 && kind < 5 ? &z : &y;
        }
        assert_refused(&d, which, kind < 5 ? 2 : MANY, from, to);
        support_release(&d, &x);
        support_release(&d, &y);
        support_release(&d, &z);
        support_device_close(&d);
    }
}

/* ---- all cases once more ---- */

static const device_case *const families[] = {
    moving_cases, solver_cases, control_cases,    pairs_cases,  pointwise_cases, product_cases,
    conv_cases,   norm_cases,   batch_norm_cases, random_cases, loss_cases,      optimizer_cases,
};
enum { N_FAMILIES = sizeof families / sizeof *families };

static void test_tensors_begin_at_their_byte_offset(void **state)
{
    const device_test *test = *state;
    support_device d = support_device_open(plugins, test->id, test->dtype);
    for (size_t f = 0; f < N_FAMILIES; f++) {
        for (const device_case *c = families[f]; c->name != NULL; c++) {
            case_run *actual = case_execute_at_offset(c, &d);
            case_compare(actual, expected_of(c), tolerance(test->dtype));
            case_destroy(actual);
        }
    }
    support_device_close(&d);
}

#define SLOTS_OF(name, header)                                                                     \
    +(sizeof(odeon_##name##_family) - 2 * sizeof(uint32_t)) / sizeof(void (*)(void))
/* All but conv2d_scratch, conv2d_fused_scratch and dense_vjp_scratch, which are no calls; of these
 * a device may do without two of conv, two of product and five of norm. */
enum {
    N_OPERATORS = 0 ODEON_FAMILY_LIST(SLOTS_OF) - 3,
    N_FUSED = 2,
    N_DENSE = 1,
    N_BATCH = 1,
    N_ACT = 3,
    N_SOFTMAX = 2
};

/* Each of the 32 bits on one device, which takes a second; on the others the bits by turns. */
static void test_every_operator_refuses_unknown_flags(void **state)
{
    const device_test *test = *state;
    bool each_bit = strcmp(test->id, "reference") == 0;
    support_device d = support_device_open(plugins, test->id, test->dtype);
    case_names refused = {.n = 0};
    for (size_t f = 0; f < N_FAMILIES; f++) {
        for (const device_case *c = families[f]; c->name != NULL; c++) {
            case_refuse(c, &d, each_bit, &refused);
        }
    }
    bool fuses = ODEON_HAS(d.device->conv, odeon_conv_family, conv2d_fused_vjp);
    bool dense = ODEON_HAS(d.device->product, odeon_product_family, dense_vjp);
    bool batch = ODEON_HAS(d.device->product, odeon_product_family, gemm_batch);
    bool softmax = ODEON_HAS(d.device->norm, odeon_norm_family, softmax);
    bool acts = ODEON_HAS(d.device->norm, odeon_norm_family, batch_norm_act_vjp);
    assert_int_equal(refused.n, N_OPERATORS - (fuses ? 0 : N_FUSED) - (dense ? 0 : N_DENSE) -
                                    (batch ? 0 : N_BATCH) - (softmax ? 0 : N_SOFTMAX) -
                                    (acts ? 0 : N_ACT));
    support_device_close(&d);
}

/* As extensions families are known by their ids, and what nobody knows is not there. */
static void test_families_are_tables_by_id(void **state)
{
    const device_test *test = *state;
    support_device d = support_device_open(plugins, test->id, test->dtype);
#define CHECK_FAMILY(name, header)                                                                 \
    assert_ptr_equal(d.device->get_table(d.device, ODEON_FAMILY(name)), d.device->name);           \
    assert_true(d.device->name->struct_size >= sizeof *d.device->name);                            \
    assert_int_equal(d.device->name->flags, 0);
    ODEON_FAMILY_LIST(CHECK_FAMILY)
    assert_null(d.device->get_table(d.device, "odeon.device.nothing/1"));
    support_device_close(&d);
}

/* ---- the list: every case on every device in both dtypes ---- */

typedef struct test_list {
    int32_t n;
    device_test tests[MAX_TESTS];
    struct CMUnitTest units[MAX_TESTS];
} test_list;

static void add(test_list *list, const char *id, uint32_t dtype, const char *name,
                const device_case *c, CMUnitTestFunction function)
{
    device_test *test = &list->tests[list->n];
    test->id = id;
    test->dtype = dtype;
    test->c = c;
    (void)snprintf(test->name, sizeof test->name, "%s, %s: %s", id,
                   dtype == ODEON_DTYPE_F64 ? "float64" : "float32", name);
    list->units[list->n++] =
        (struct CMUnitTest){.name = test->name, .test_func = function, .initial_state = test};
}

/* repeats: what goes through all cases once more does so in this dtype, too. */
static void add_device(test_list *list, const char *id, uint32_t dtype, bool repeats)
{
    for (size_t f = 0; f < N_FAMILIES; f++) {
        for (const device_case *c = families[f]; c->name != NULL; c++) {
            add(list, id, dtype, c->name, c, test_operator_agrees_with_reference);
        }
    }
    add(list, id, dtype, "memory", NULL, test_memory_is_aligned_and_keeps_bytes);
    add(list, id, dtype, "pinned memory", NULL, test_pinned_memory_is_uploaded_from);
    add(list, id, dtype, "description", NULL, test_description_fits_its_room);
    add(list, id, dtype, "queues", NULL, test_queues_come_and_go);
    add(list, id, dtype, "pairs", NULL, test_pairs_that_do_not_fit_are_refused);
    add(list, id, dtype, "families", NULL, test_families_are_tables_by_id);
    if (repeats) {
        add(list, id, dtype, "byte offsets", NULL, test_tensors_begin_at_their_byte_offset);
        add(list, id, dtype, "unknown flags", NULL, test_every_operator_refuses_unknown_flags);
    }
}

/* Offsets and flags are read in the same way whatever the dtype: one device in two has float64 for
 * them and the other float32, with ODEON_OPERATORS=all each has both. */
static void add_devices(test_list *list, size_t k, uint32_t dtype)
{
    bool all = getenv("ODEON_OPERATORS") != NULL;
    for (size_t i = 0; i < N_DEVICES; i++) {
        add_device(list, devices[i], dtype, all || i % 2 == k);
    }
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) == 0) { /* needs CUDA's headers */
        add_device(list, "mocked", dtype, all || N_DEVICES % 2 == k);
    }
}

/* An argument chooses tests by a pattern of their names: 'emulated*'. A second one names the device
 * to test in place of the list above, a third one a number that stands for other random numbers. */
int main(int argc, char **argv)
{
    static test_list list; /* the names outlive the run */
    static const uint32_t dtypes[] = {ODEON_DTYPE_F64, ODEON_DTYPE_F32};
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    case_seed(argc > 3 ? strtoull(argv[3], NULL, 10) : CASE_SEED);
    for (size_t k = 0; k < 2; k++) {
        if (argc > 2) {
            add_device(&list, argv[2], dtypes[k], true);
        } else {
            add_devices(&list, k, dtypes[k]);
        }
    }
    return _cmocka_run_group_tests("device operators", list.units, (size_t)list.n, open_registry,
                                   forget_expectations);
}
