/* Kernels of the device `cuda`, run on the host, at what the cases of operators do not reach:
 * tensors that start anywhere, and such as one grid has not enough threads for. */
#include "support.h"

#include <string.h>

#include "../../../cuda/kernel.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

enum { OPERANDS = 4, ROOM = 8 };

typedef struct bench {
    registry *plugins;
    support_device d;
} bench;

static bench open_bench(uint32_t dtype)
{
    bench b = {.plugins = support_registry()};
    b.d = support_device_open(b.plugins, "emulated", dtype);
    return b;
}

static void close_bench(bench *b)
{
    support_device_close(&b->d);
    registry_destroy(b->plugins);
}

/* count numbers, the same at every offset, in memory that has room for one. */
static odeon_tensor numbers_at(bench *b, int64_t count, int64_t offset, uint64_t seed)
{
    int64_t room = count + ROOM;
    double *values = mem_alloc((size_t)room * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < room; i++) {
        values[i] = support_random(seed, (uint64_t)(i - offset));
    }
    odeon_tensor x = support_upload(&b->d, values, 1, &room);
    mem_free(values);
    return odeon_tensor_at((char *)odeon_write(&x) + offset * odeon_dtype_bytes(x.view.shape.dtype),
                           (odeon_shape){.ndim = 1, .dtype = x.view.shape.dtype, .dim = {count}});
}

static void release_at(bench *b, odeon_tensor *x, int64_t offset)
{
    odeon_tensor whole = odeon_tensor_at(
        (char *)odeon_write(x) - offset * odeon_dtype_bytes(x->view.shape.dtype), x->view.shape);
    support_release(&b->d, &whole);
}

/* What the three operators give for operands at an offset: into sums[0] to [2], and y, which
 * mem_free releases. */
static double *results_at(bench *b, int64_t count, int64_t offset, double *sums)
{
    const odeon_control rms = {.norm = ODEON_NORM_RMS, .rtol = 1e-2, .atol = 1e-3};
    const odeon_control max = {.norm = ODEON_NORM_MAX, .rtol = 1e-2, .atol = 1e-3};
    const odeon_scalar c[] = {odeon_slot(0.5, ODEON_SLOT_H), odeon_imm(-1.25)};
    double slots[ODEON_SLOTS] = {[ODEON_SLOT_H] = 0.3};
    odeon_tensor x[OPERANDS];
    for (int32_t i = 0; i < OPERANDS; i++) {
        x[i] = numbers_at(b, count, offset, (uint64_t)i + 1);
    }
    const odeon_view *terms[] = {&x[2].view, &x[3].view};
    odeon_queue *q = b->d.queue;
    assert_int_equal(ODEON_DO(b->d.device, solver, error_sum, q, .control = &rms, .y0 = &x[0].view,
                              .y1 = &x[1].view, .n = 2, .x = terms, .coefficient = c,
                              .slots = slots, .slot = ODEON_SLOT_ERROR_SUM),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, solver, error_sum, q, .control = &max, .y0 = &x[0].view,
                              .y1 = &x[1].view, .n = 2, .x = terms, .coefficient = c,
                              .slots = slots, .slot = ODEON_SLOT_ERROR_SUM + 1),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, solver, dot, q, .a = &x[0].view, .b = &x[1].view,
                              .slots = slots, .slot = ODEON_SLOT_ERROR_SUM + 2),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b->d.device, solver, lincomb, q, .y = &x[0], .base = &x[1].view,
                              .n = 2, .x = terms, .coefficient = c, .slots = slots),
                     ODEON_OK);
    memcpy(sums, slots + ODEON_SLOT_ERROR_SUM, 3 * sizeof *sums);
    double *y = support_download(&b->d, &x[0].view);
    for (int32_t i = 0; i < OPERANDS; i++) {
        release_at(b, &x[i], offset);
    }
    return y;
}

/* Vectors need aligned operands; the same thread has the same elements without. */
static void test_results_do_not_depend_on_addresses(void **state)
{
    static const int64_t counts[] = {1, 3, 4, 1031, 20000};
    (void)state;
    for (int32_t i = 0; i < 2 * 5; i++) {
        bench b = open_bench(i < 5 ? ODEON_DTYPE_F32 : ODEON_DTYPE_F64);
        double sums[3], others[3];
        double *y = results_at(&b, counts[i % 5], 0, sums);
        for (int64_t offset = 1; offset < 4; offset++) {
            double *other = results_at(&b, counts[i % 5], offset, others);
            assert_memory_equal(sums, others, sizeof sums);
            assert_memory_equal(y, other, (size_t)counts[i % 5] * sizeof *y);
            mem_free(other);
        }
        mem_free(y);
        close_bench(&b);
    }
}

/* One of several operands out of line, each in turn. */
static void test_one_operand_may_lie_anywhere(void **state)
{
    (void)state;
    bench b = open_bench(ODEON_DTYPE_F32);
    const odeon_scalar one = odeon_imm(1.0);
    for (int32_t odd = 0; odd < 3; odd++) {
        odeon_tensor y = numbers_at(&b, 33, odd == 0, 1), base = numbers_at(&b, 33, odd == 1, 2);
        odeon_tensor x = numbers_at(&b, 33, odd == 2, 3);
        const odeon_view *term = &x.view;
        assert_int_equal(ODEON_DO(b.d.device, solver, lincomb, b.d.queue, .y = &y,
                                  .base = &base.view, .n = 1, .x = &term, .coefficient = &one),
                         ODEON_OK);
        double *values = support_download(&b.d, &y.view);
        for (uint64_t i = 0; i < 33; i++) {
            float expected = (float)support_random(2, i) + (float)support_random(3, i);
            assert_true(values[i] == (double)expected);
        }
        mem_free(values);
        release_at(&b, &y, odd == 0);
        release_at(&b, &base, odd == 1);
        release_at(&b, &x, odd == 2);
    }
    close_bench(&b);
}

/* Does x hold the numbers of seed? */
static void assert_numbers(bench *b, const odeon_view *x, uint64_t seed)
{
    double *values = support_download(&b->d, x);
    for (int64_t i = 0; i < odeon_count(&x->shape); i++) {
        assert_true(values[i] == (double)(float)support_random(seed, (uint64_t)i));
    }
    mem_free(values);
}

/* Two that change places, each anywhere. */
static void test_selected_pairs_may_lie_anywhere(void **state)
{
    static const int64_t counts[] = {1, 3, 4, 33, 20000};
    const double slots[ODEON_SLOTS] = {[ODEON_SLOT_ACCEPT] = 1.0};
    (void)state;
    bench b = open_bench(ODEON_DTYPE_F32);
    for (int64_t i = 0; i < 5 * 16; i++) {
        int64_t count = counts[i / 16], offset = i % 4, other = i / 4 % 4;
        odeon_tensor x = numbers_at(&b, count, offset, 1), y = numbers_at(&b, count, other, 2);
        const odeon_view *from[] = {&x.view, &y.view};
        const odeon_tensor *to[] = {&y, &x};
        assert_int_equal(ODEON_DO(b.d.device, solver, select, b.d.queue, .n = 2, .x = from, .y = to,
                                  .slots = slots, .slot = ODEON_SLOT_ACCEPT),
                         ODEON_OK);
        assert_numbers(&b, &x.view, 2);
        assert_numbers(&b, &y.view, 1);
        release_at(&b, &x, offset);
        release_at(&b, &y, other);
    }
    close_bench(&b);
}

static void test_rows_may_lie_anywhere(void **state)
{
    static const int64_t counts[] = {1, 3, 4, 32, 33, 20000};
    const double slots[ODEON_SLOTS] = {[ODEON_SLOT_ROW] = 1.0};
    (void)state;
    bench b = open_bench(ODEON_DTYPE_F32);
    for (int64_t i = 0; i < 6 * 16; i++) {
        int64_t count = counts[i / 16], offset = i % 4, other = i / 4 % 4;
        odeon_tensor x = numbers_at(&b, count, offset, 1), back = numbers_at(&b, count, offset, 2);
        odeon_tensor rows = numbers_at(&b, 3 * count, other, 3), row = rows;
        const odeon_view *one = &x.view, *all = &rows.view;
        const odeon_tensor *into = &rows, *again = &back;
        odeon_queue *q = b.d.queue;
        rows.view.shape.ndim = 2;
        rows.view.shape.dim[0] = 3;
        rows.view.shape.dim[1] = count;
        assert_int_equal(ODEON_DO(b.d.device, solver, row_store, q, .n = 1, .x = &one, .y = &into,
                                  .slots = slots, .slot = ODEON_SLOT_ROW),
                         ODEON_OK);
        assert_int_equal(ODEON_DO(b.d.device, solver, row_load, q, .n = 1, .y = &all, .x = &again,
                                  .slots = slots, .slot = ODEON_SLOT_ROW),
                         ODEON_OK);
        assert_numbers(&b, &back.view, 1);
        row.view.shape.dim[0] = count;
        assert_numbers(&b, &row.view, 3); /* the row before is as it was */
        release_at(&b, &x, offset);
        release_at(&b, &back, offset);
        rows.view.shape.ndim = 1;
        release_at(&b, &rows, other);
    }
    close_bench(&b);
}

/* 4096 blocks of 256 threads are the most of one grid: this takes a second turn of some, in vectors
 * of float32 and without, and leaves a rest. */
enum { LARGE = 4096 * 256 * 4 + 1027 };

static odeon_tensor ones(bench *b)
{
    int64_t count = LARGE;
    odeon_tensor x = support_upload(&b->d, NULL, 1, &count);
    assert_int_equal(
        ODEON_DO(b->d.device, move, fill, b->d.queue, .y = &x, .value = odeon_imm(1.0)), ODEON_OK);
    return x;
}

static void test_every_element_of_a_large_state_has_its_turn(void **state)
{
    (void)state;
    bench b = open_bench(ODEON_DTYPE_F32);
    const odeon_scalar two = odeon_imm(2.0);
    const odeon_control control = {.norm = ODEON_NORM_RMS, .atol = 1.0};
    double slots[ODEON_SLOTS] = {0};
    odeon_tensor x = ones(&b), y = ones(&b);
    const odeon_view *term = &x.view;
    odeon_queue *q = b.d.queue;
    assert_int_equal(ODEON_DO(b.d.device, solver, lincomb, q, .y = &y, .base = &y.view, .n = 1,
                              .x = &term, .coefficient = &two),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b.d.device, pointwise, binary, q, .id = ODEON_BINARY_ADD,
                              .a = &x.view, .b = &y.view, .y = &x),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b.d.device, solver, dot, q, .a = &x.view, .b = &y.view,
                              .slots = slots, .slot = ODEON_SLOT_USER),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b.d.device, solver, error_sum, q, .control = &control, .y0 = &x.view,
                              .y1 = &y.view, .n = 1, .x = &term, .coefficient = &two,
                              .slots = slots, .slot = ODEON_SLOT_USER + 1),
                     ODEON_OK);
    assert_true(slots[ODEON_SLOT_USER] == 4.0 * 3.0 * LARGE);
    assert_true(slots[ODEON_SLOT_USER + 1] == 64.0 * LARGE);
    const odeon_tensor *to = &y;
    assert_int_equal(ODEON_DO(b.d.device, solver, select, q, .n = 1, .x = &term, .y = &to,
                              .slots = slots, .slot = ODEON_SLOT_USER),
                     ODEON_OK);
    assert_int_equal(ODEON_DO(b.d.device, solver, dot, q, .a = &y.view, .b = &y.view,
                              .slots = slots, .slot = ODEON_SLOT_USER),
                     ODEON_OK);
    assert_true(slots[ODEON_SLOT_USER] == 4.0 * 4.0 * LARGE);
    support_release(&b.d, &x);
    support_release(&b.d, &y);
    close_bench(&b);
}

/* Quotients by products are those of divisions, next to multiples and at the ends of both ranges.
 */
static void test_divisors_divide(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        uint64_t a = (uint64_t)(1e9 * (support_random(1, n) + 1.0)) * 0x9e3779b97f4a7c15u;
        int64_t by = n < 300 ? (int64_t)n + 1 : (int64_t)((a >> 1) >> (n % 63)) + 1;
        int64_t most = INT64_MAX / by * by, last = INT32_MAX / by * by;
        const kernel_divisor d = kernel_divisor_of(by);
        const int64_t all[] = {0,    by - 1,           by,       INT32_MAX,
                               most, INT64_MAX,        most - 1, (int64_t)INT32_MAX + 1,
                               last, (int64_t)(a >> 1)};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            int64_t rest, quotient = kernel_divide_by(all[i], &d, &rest);
            assert_true(quotient == all[i] / by && rest == all[i] % by);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divisors_divide),
        cmocka_unit_test(test_results_do_not_depend_on_addresses),
        cmocka_unit_test(test_one_operand_may_lie_anywhere),
        cmocka_unit_test(test_selected_pairs_may_lie_anywhere),
        cmocka_unit_test(test_rows_may_lie_anywhere),
        cmocka_unit_test(test_every_element_of_a_large_state_has_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
