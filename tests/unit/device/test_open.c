/* A device and its base as one: whose memory, queues, families and extensions are used, and which
 * pairs are refused. Beside the device plain, whose base is the cpu, stand devices made here. */
#include "device/open.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/counts.h"
#include "odeon/device_ext.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "odeon/odeon.h"
#include "option/schema.h"
#include "support.h"

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

/* ---- a device made here: its slots are set by tests ---- */

static const char *base_id;
static const odeon_device *attached;
static odeon_status attach_status;
static int asked_before_attach;
static const odeon_device *lender; /* whose families it gives as its own; NULL: it gives none */
static odeon_device_ops odd_ops;

static const char *give_base(void *self)
{
    (void)self;
    return base_id;
}

static odeon_status attach(void *self, const odeon_device *base)
{
    (void)self;
    attached = base;
    return attach_status;
}

static const void *give_table(void *self, const char *id)
{
    (void)self;
    asked_before_attach += base_id != NULL && attached == NULL;
    return lender != NULL && strstr(id, "odeon.device.") == id ? lender->get_table(lender, id)
                                                               : NULL;
}

static odeon_status probe(void *self)
{
    (void)self;
    return ODEON_OK;
}

static odeon_status no_queue(void *self, int32_t worker, void **out)
{
    (void)self;
    *out = NULL;
    return diag_fail(ODEON_ERR_DEVICE, "odd: no queue for worker %d", (int)worker);
}

static const odeon_component odd = {
    .struct_size = sizeof odd, .kind = ODEON_KIND_DEVICE, .id = "odd", .ops = &odd_ops};
static const odeon_config odd_config = {.component = &odd, .kind = ODEON_KIND_DEVICE};

/* Without memory and queues. */
static void make_odd(const char *base)
{
    base_id = base;
    attached = lender = NULL;
    attach_status = ODEON_OK;
    asked_before_attach = 0;
    odd_ops = (odeon_device_ops){.struct_size = sizeof odd_ops,
                                 .base = give_base,
                                 .attach = attach,
                                 .probe = probe,
                                 .get_table = give_table};
    diag_clear();
}

/* Memory and queues as those of another. */
static void lend_memory(const odeon_device_ops *from)
{
    odd_ops.queue_create = from->queue_create;
    odd_ops.queue_destroy = from->queue_destroy;
    odd_ops.alloc = from->alloc;
    odd_ops.free = from->free;
    odd_ops.upload = from->upload;
    odd_ops.download = from->download;
    odd_ops.wait = from->wait;
    odd_ops.slots_read = from->slots_read;
}

static void expect_refused(odeon_status status, const char *words)
{
    open_device d = {.base = NULL};
    odeon_status got = device_open(plugins, &odd_config, "run.device", &d);
    device_close(&d);
    assert_int_equal(got, status);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' does not stand in '%s'", words, diag_message());
    }
    diag_clear();
}

/* ---- a device with a base ---- */

static void test_missing_families_are_those_of_the_base(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "plain", ODEON_DTYPE_F64);
    const odeon_device *plain = d.device, *cpu = &d.opened->base->device;
    assert_string_equal(plain->id, "plain");
    assert_string_equal(cpu->id, "cpu");
    assert_true(plain->move == cpu->move && plain->solver == cpu->solver &&
                plain->pointwise == cpu->pointwise && plain->conv == cpu->conv &&
                plain->pool == cpu->pool && plain->norm == cpu->norm &&
                plain->random == cpu->random && plain->loss == cpu->loss &&
                plain->optimizer == cpu->optimizer);
    assert_true(plain->product->gemm != cpu->product->gemm);
    assert_true(plain->product->channel_sum == cpu->product->channel_sum);
    support_device_close(&d);
}

static void test_memory_and_queues_are_those_of_the_base(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "plain", ODEON_DTYPE_F64);
    const odeon_device *plain = d.device, *cpu = &d.opened->base->device;
    assert_ptr_equal(cpu->handle, cpu->self);
    assert_ptr_equal(plain->handle, cpu->handle);
    assert_true(plain->self != cpu->self);
    assert_int_equal(plain->device_type, ODEON_ON_HOST);
    assert_ptr_equal(d.queue->self, plain->self);
    assert_true(plain->ops->queue_create == cpu->ops->queue_create &&
                plain->ops->queue_destroy == cpu->ops->queue_destroy &&
                plain->ops->alloc == cpu->ops->alloc && plain->ops->free == cpu->ops->free &&
                plain->ops->upload == cpu->ops->upload &&
                plain->ops->download == cpu->ops->download && plain->ops->wait == cpu->ops->wait &&
                plain->ops->slots_read == cpu->ops->slots_read);
    assert_true(plain->ops->probe != cpu->ops->probe); /* these are its own */
    assert_true(plain->ops->describe != cpu->ops->describe);
    support_device_close(&d);
}

/* The product by three loops, then the base's tanh, on one queue; the base counts its share. */
static void test_both_work_on_one_queue(void **state)
{
    (void)state;
    static const double a[] = {1.0, 2.0, 3.0, 4.0}, b[] = {0.5, 0.0, 0.0, -0.25},
                        bias[] = {0.25, 1.0};
    static const double tanhs[] = {0.6351489523872873, 0.46211715726000975, 0.9413755384972874,
                                   0.0};
    static const int64_t two[] = {2, 2};
    support_device d = support_device_open(plugins, "plain", ODEON_DTYPE_F64);
    odeon_tensor x = support_upload(&d, a, 2, two), w = support_upload(&d, b, 2, two);
    odeon_tensor y = support_upload(&d, NULL, 2, two), shift = support_upload(&d, bias, 1, two);
    device_counters before = device_counts(d.device);
    assert_int_equal(ODEON_DO(d.device, product, gemm, d.queue, .alpha = 1.0, .a = &x.view,
                              .b = &w.view, .c = &y, .bias = &shift.view, .act = ODEON_UNARY_TANH),
                     ODEON_OK);
    assert_int_equal(device_counts_since(d.device, &before).launches, 1);
    double *got = support_download(&d, &y.view);
    support_assert_close("y", 4, got, tanhs, 1e-15);
    mem_free(got);
    odeon_tensor *all[] = {&x, &w, &y, &shift};
    for (int i = 0; i < 4; i++) {
        support_release(&d, all[i]);
    }
    support_device_close(&d);
}

static void test_unknown_flags_are_refused_by_both(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "plain", ODEON_DTYPE_F64);
    odeon_tensor x = support_upload(&d, NULL, 2, (int64_t[]){1, 1});
    assert_int_equal(
        ODEON_DO(d.device, product, gemm, d.queue, .flags = 4, .a = &x.view, .b = &x.view, .c = &x),
        ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "gemm: unknown flags 0x4"));
    diag_clear();
    assert_int_equal(
        ODEON_DO(d.device, pointwise, unary, d.queue, .flags = 8, .x = &x.view, .y = &x),
        ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "unary: unknown flags 0x8"));
    diag_clear();
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_extensions_are_those_of_whom_memory_belongs_to(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "plain", ODEON_DTYPE_F64);
    const odeon_device *cpu = &d.opened->base->device;
    assert_non_null(cpu->get_table(cpu, ODEON_DEVICE_COUNTERS));
    assert_ptr_equal(d.device->get_table(d.device, ODEON_DEVICE_COUNTERS),
                     cpu->get_table(cpu, ODEON_DEVICE_COUNTERS));
    assert_null(d.device->get_table(d.device, "odeon.device.none/1"));
    make_odd("cpu"); /* with memory of its own it has none of the base's extensions */
    lend_memory(cpu->ops);
    support_device reference = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    lender = reference.device;
    open_device own = {.base = NULL};
    assert_int_equal(device_open(plugins, &odd_config, "run.device", &own), ODEON_OK);
    assert_null(own.device.get_table(&own.device, ODEON_DEVICE_COUNTERS));
    assert_ptr_equal(own.device.handle, own.device.self);
    assert_ptr_equal(own.device.move, reference.device->move);
    device_close(&own);
    support_device_close(&reference);
    support_device_close(&d);
}

static void test_base_comes_before_everything_else(void **state)
{
    (void)state;
    make_odd("cpu");
    open_device d = {.base = NULL};
    assert_int_equal(device_open(plugins, &odd_config, "run.device", &d), ODEON_OK);
    assert_ptr_equal(attached, &d.base->device);
    assert_int_equal(asked_before_attach, 0);
    assert_ptr_equal(d.device.solver, d.base->device.solver);
    device_close(&d);
}

/* ---- what is refused ---- */

static void test_base_has_no_base(void **state)
{
    (void)state;
    make_odd("plain");
    expect_refused(ODEON_ERR_PLUGIN,
                   "device plain: it has a base itself (cpu), so that it can be none");
}

static void test_base_that_is_not_there_is_named(void **state)
{
    (void)state;
    make_odd("nowhere");
    expect_refused(ODEON_ERR_CONFIG, "device odd: its base: ");
    expect_refused(ODEON_ERR_CONFIG, "nowhere");
}

static void test_failure_of_attach_is_that_of_the_device(void **state)
{
    (void)state;
    make_odd("cpu");
    attach_status = ODEON_ERR_DEVICE;
    expect_refused(ODEON_ERR_DEVICE, "attach");
    expect_refused(ODEON_ERR_DEVICE, "odd");
}

static const size_t slots[] = {
    offsetof(odeon_device_ops, queue_create), offsetof(odeon_device_ops, queue_destroy),
    offsetof(odeon_device_ops, alloc),        offsetof(odeon_device_ops, free),
    offsetof(odeon_device_ops, upload),       offsetof(odeon_device_ops, download),
    offsetof(odeon_device_ops, wait),         offsetof(odeon_device_ops, slots_read),
};
enum { SLOTS = sizeof slots / sizeof slots[0] };

static void test_memory_and_queues_in_part_are_refused(void **state)
{
    (void)state;
    static const char *const bases[] = {NULL, "cpu"};
    support_device d = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    for (int i = 0; i < 2 * SLOTS; i++) {
        make_odd(bases[i / SLOTS]);
        lend_memory(d.device->ops);
        memset((char *)&odd_ops + slots[i % SLOTS], 0, sizeof(void (*)(void)));
        expect_refused(ODEON_ERR_PLUGIN,
                       i < SLOTS
                           ? "device odd: 7 of the eight slots for memory and queues are there, "
                             "expected all"
                           : "device odd: 7 of the eight slots for memory and queues are there, "
                             "expected all, or none");
    }
    make_odd("cpu");
    odd_ops.wait = d.device->ops->wait;
    expect_refused(ODEON_ERR_PLUGIN, "device odd: 1 of the eight slots");
    support_device_close(&d);
}

static void test_without_a_base_memory_is_its_own(void **state)
{
    (void)state;
    make_odd(NULL);
    expect_refused(ODEON_ERR_PLUGIN, "device odd: 0 of the eight slots for memory and queues");
}

/* Operators of the base would take the device's queues for their own. */
static void test_families_of_a_base_go_with_its_queues(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    make_odd("cpu");
    lend_memory(d.device->ops);
    expect_refused(ODEON_ERR_PLUGIN, "device odd: memory and queues are its own, so that family "
                                     "move cannot be that of its base, cpu");
    support_device_close(&d);
}

/* A family that is missing is no failure yet: the call that needs it fails. */
static void test_without_a_base_a_family_may_be_missing(void **state)
{
    (void)state;
    support_device reference = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    make_odd(NULL);
    lend_memory(reference.device->ops);
    open_device d = {.base = NULL};
    assert_int_equal(device_open(plugins, &odd_config, "run.device", &d), ODEON_OK);
    assert_int_equal(ODEON_DO(&d.device, solver, step_back, NULL, .slots = NULL),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "no operator step_back (family solver)"));
    diag_clear();
    device_close(&d);
    support_device_close(&reference);
}

/* ---- failures ---- */

static void test_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    odeon_status status = ODEON_ERR_NOMEM;
    make_odd("cpu");
    support_device d = support_device_open(plugins, "cpu", ODEON_DTYPE_F64); /* loads it */
    int64_t live = mem_live_blocks(), n = 0;
    while (status != ODEON_OK) {
        open_device odd_one = {.base = NULL};
        mem_fail_at(++n);
        status = device_open(plugins, &odd_config, "run.device", &odd_one);
        mem_fail_at(0);
        assert_int_equal(status, status != ODEON_OK ? ODEON_ERR_NOMEM : ODEON_OK);
        device_close(&odd_one);
        assert_int_equal(mem_live_blocks(), live);
        diag_clear();
    }
    assert_true(n > 3);
    support_device_close(&d);
}

static void test_queue_that_fails_is_none(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    odeon_device_ops ops = *d.device->ops;
    odeon_device failing = *d.device;
    odeon_queue *queue = d.queue;
    int64_t live = mem_live_blocks();
    ops.queue_create = no_queue;
    failing.ops = &ops;
    assert_int_equal(device_queue_create(&failing, 3, &queue), ODEON_ERR_DEVICE);
    assert_null(queue);
    assert_string_equal(diag_message(), "odd: no queue for worker 3");
    mem_fail_at(1);
    assert_int_equal(device_queue_create(d.device, 0, &queue), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(queue);
    assert_int_equal(mem_live_blocks(), live);
    device_queue_destroy(d.device, NULL);
    diag_clear();
    support_device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_families_are_those_of_the_base),
        cmocka_unit_test(test_memory_and_queues_are_those_of_the_base),
        cmocka_unit_test(test_both_work_on_one_queue),
        cmocka_unit_test(test_unknown_flags_are_refused_by_both),
        cmocka_unit_test(test_extensions_are_those_of_whom_memory_belongs_to),
        cmocka_unit_test(test_base_comes_before_everything_else),
        cmocka_unit_test(test_base_has_no_base),
        cmocka_unit_test(test_base_that_is_not_there_is_named),
        cmocka_unit_test(test_failure_of_attach_is_that_of_the_device),
        cmocka_unit_test(test_memory_and_queues_in_part_are_refused),
        cmocka_unit_test(test_without_a_base_memory_is_its_own),
        cmocka_unit_test(test_families_of_a_base_go_with_its_queues),
        cmocka_unit_test(test_without_a_base_a_family_may_be_missing),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
        cmocka_unit_test(test_queue_that_fails_is_none),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
