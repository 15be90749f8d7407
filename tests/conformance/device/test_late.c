/* Late execution: operators are carried out in order some time after the call, whatever becomes of
 * its arguments; a failure is told by whoever waits. */
#include "support.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "odeon/device.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

enum { MANY = 500 }; /* more than a queue holds at once */

typedef struct fixture {
    registry *plugins;
    support_device d;
    const odeon_device_ops *ops;
    odeon_tensor x, y;
} fixture;

static const int64_t two[] = {2};

static int setup(void **state)
{
    fixture *f = mem_alloc(sizeof *f);
    assert_non_null(f);
    f->plugins = support_registry();
    f->d = support_device_open(f->plugins, "remote(late=yes)", ODEON_DTYPE_F64);
    f->ops = f->d.device->ops;
    f->x = support_upload(&f->d, (double[]){1.0, -2.0}, 1, two);
    f->y = support_upload(&f->d, (double[]){0.0, 0.0}, 1, two);
    *state = f;
    diag_clear();
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    support_release(&f->d, &f->x);
    support_release(&f->d, &f->y);
    support_device_close(&f->d);
    registry_destroy(f->plugins);
    mem_free(f);
    return 0;
}

static void assert_holds(fixture *f, const odeon_view *x, double first, double second)
{
    double *values = support_download(&f->d, x);
    assert_true(values[0] == first && values[1] == second);
    mem_free(values);
}

/* Another order of doubling and adding would give another number. */
static void test_operators_take_effect_in_order(void **state)
{
    fixture *f = *state;
    double expected = 0.0;
    for (int i = 0; i < MANY; i++) {
        double factor = i % 2 == 0 ? 1.0 : 0.5;
        const odeon_view *terms[] = {&f->x.view};
        odeon_scalar one = odeon_imm(1.0);
        assert_int_equal(ODEON_DO(f->d.device, move, cast, f->d.queue, .x = &f->y.view,
                                  .scale = factor, .y = &f->y),
                         ODEON_OK);
        assert_int_equal(ODEON_DO(f->d.device, solver, lincomb, f->d.queue, .y = &f->y,
                                  .base = &f->y.view, .n = 1, .x = terms, .coefficient = &one),
                         ODEON_OK);
        expected = factor * expected + 1.0;
    }
    assert_holds(f, &f->y.view, expected, -2.0 * expected);
}

/* The caller's tensors, coefficients and pointers to them are gone by the time that they count. */
static void test_arguments_are_copied_at_the_call(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < MANY; i++) {
        odeon_tensor to = f->y;
        odeon_view from = f->x.view;
        const odeon_view *terms[] = {&from, &from};
        odeon_scalar coefficients[] = {odeon_imm(i), odeon_imm(1.0)};
        assert_int_equal(ODEON_DO(f->d.device, solver, lincomb, f->d.queue, .y = &to, .n = 2,
                                  .x = terms, .coefficient = coefficients),
                         ODEON_OK);
        memset(&to, 0xff, sizeof to);
        memset(&from, 0xff, sizeof from);
        memset(terms, 0xff, sizeof terms);
        memset(coefficients, 0xff, sizeof coefficients);
    }
    assert_holds(f, &f->y.view, MANY, -2.0 * MANY);
}

static void test_what_is_uploaded_may_be_reused_at_once(void **state)
{
    fixture *f = *state;
    odeon_tensor sum = support_upload(&f->d, (double[]){0.0, 0.0}, 1, two);
    for (int i = 1; i <= MANY; i++) {
        double values[] = {i, -i};
        assert_int_equal(f->ops->upload(f->d.queue, odeon_write(&f->y), values, sizeof values),
                         ODEON_OK);
        assert_int_equal(ODEON_DO(f->d.device, pointwise, binary, f->d.queue,
                                  .id = ODEON_BINARY_ADD, .a = &sum.view, .b = &f->y.view,
                                  .y = &sum),
                         ODEON_OK);
        memset(values, 0xff, sizeof values);
    }
    const double all = MANY * (MANY + 1) / 2;
    assert_holds(f, &sum.view, all, -all);
    support_release(&f->d, &sum);
}

static void test_slots_are_read_after_what_writes_them(void **state)
{
    fixture *f = *state;
    void *slots;
    assert_int_equal(f->ops->alloc(f->d.device->handle, ODEON_SLOTS * sizeof(double), &slots),
                     ODEON_OK);
    for (int i = 0; i < MANY; i++) {
        double value = i, read = -1.0;
        assert_int_equal(ODEON_DO(f->d.device, solver, slots_write, f->d.queue, .slots = slots,
                                  .first = ODEON_SLOT_T, .n = 1, .values = &value),
                         ODEON_OK);
        assert_int_equal(f->ops->slots_read(f->d.queue, slots, ODEON_SLOT_T, 1, &read), ODEON_OK);
        assert_true(read == value);
    }
    f->ops->free(f->d.device->handle, slots);
}

/* Operators asked for before may still read it; freed memory is NaN. */
static void test_memory_is_freed_after_what_uses_it(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < MANY; i++) {
        odeon_tensor other = support_upload(&f->d, (double[]){i, i}, 1, two);
        assert_int_equal(
            ODEON_DO(f->d.device, move, copy, f->d.queue, .x = &other.view, .y = &f->y), ODEON_OK);
        support_release(&f->d, &other);
    }
    assert_holds(f, &f->y.view, MANY - 1, MANY - 1);
}

/* ---- failures ---- */

/* A call that is accepted and fails later; the message names the operator. */
static void ask_for_a_failure(fixture *f)
{
    static const double host[2] = {0};
    const odeon_view wrong = odeon_view_at(host, f->x.view.shape);
    assert_int_equal(ODEON_DO(f->d.device, pointwise, unary, f->d.queue, .id = ODEON_UNARY_RELU,
                              .x = &wrong, .y = &f->y),
                     ODEON_OK);
}

static void test_failure_is_told_by_wait(void **state)
{
    fixture *f = *state;
    ask_for_a_failure(f);
    assert_int_equal(f->ops->wait(f->d.queue), ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "unary"));
}

static void test_failure_is_told_by_download(void **state)
{
    fixture *f = *state;
    double values[2];
    ask_for_a_failure(f);
    assert_int_equal(f->ops->download(f->d.queue, values, f->x.view.data, sizeof values),
                     ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "unary"));
}

static void test_failure_is_told_again(void **state)
{
    fixture *f = *state;
    ask_for_a_failure(f);
    for (int i = 0; i < 3; i++) {
        diag_clear();
        assert_int_equal(f->ops->wait(f->d.queue), ODEON_ERR_INTERNAL);
        assert_non_null(strstr(diag_message(), "unary"));
    }
}

static void test_nothing_is_done_after_a_failure(void **state)
{
    fixture *f = *state;
    odeon_queue *other;
    double values[2];
    ask_for_a_failure(f);
    assert_int_equal(
        ODEON_DO(f->d.device, move, fill, f->d.queue, .y = &f->y, .value = odeon_imm(7.0)),
        ODEON_OK);
    assert_int_equal(f->ops->wait(f->d.queue), ODEON_ERR_INTERNAL);
    assert_int_equal(device_queue_create(f->d.device, 1, &other), ODEON_OK);
    assert_int_equal(f->ops->download(other, values, f->y.view.data, sizeof values), ODEON_OK);
    assert_true(values[0] == 0.0);
    device_queue_destroy(f->d.device, other);
}

/* Operators are launches, whatever waits is a wait, and uploading is neither. */
static void test_counters_follow_calls(void **state)
{
    fixture *f = *state;
    const odeon_device_counters *counters =
        f->d.device->get_table(f->d.device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, live;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ODEON_DO(f->d.device, move, copy, f->d.queue, .x = &f->x.view, .y = &f->y),
                         ODEON_OK);
    }
    assert_int_equal(f->ops->wait(f->d.queue), ODEON_OK);
    assert_holds(f, &f->y.view, 1.0, -2.0);
    counters->read(f->d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(launches, 3);
    assert_int_equal(waits, 2);
    assert_int_equal(allocs, 2);
    assert_int_equal(live, 32);
}

#define LATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATE_TEST(test_operators_take_effect_in_order),
        LATE_TEST(test_arguments_are_copied_at_the_call),
        LATE_TEST(test_what_is_uploaded_may_be_reused_at_once),
        LATE_TEST(test_slots_are_read_after_what_writes_them),
        LATE_TEST(test_memory_is_freed_after_what_uses_it),
        LATE_TEST(test_failure_is_told_by_wait),
        LATE_TEST(test_failure_is_told_by_download),
        LATE_TEST(test_failure_is_told_again),
        LATE_TEST(test_nothing_is_done_after_a_failure),
        LATE_TEST(test_counters_follow_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
