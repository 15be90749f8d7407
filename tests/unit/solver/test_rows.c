/* The tape of a solve on the device: its layout, and what goes in and out. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/outputs.h"
#include "solver/rows.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double unit_span[] = {0.0, 1.0};

static void test_kinds_say_what_is_kept(void **state)
{
    (void)state;
    assert_true(rows_end_in_place(0) && rows_end_in_place(ROWS_STEPS));
    assert_false(rows_end_in_place(ROWS_DENSE));
    assert_false(rows_end_in_place(ROWS_LAST));
    assert_false(rows_end_in_place(ROWS_STEPS | ROWS_LAST));
    assert_true(rows_of_each_step(ROWS_STEPS) && rows_of_each_step(ROWS_DENSE));
    assert_true(rows_of_each_step(ROWS_STEPS | ROWS_LAST));
    assert_false(rows_of_each_step(0));
    assert_false(rows_of_each_step(ROWS_LAST));
}

/* A row of steps: Y0 and carry in, [3] doubles each, and T and H. */
static void test_bytes_and_capacity_agree(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_int_equal(s->stepper->info.n_carry, 0);
    assert_int_equal(rows_bytes(s, ROWS_STEPS, 1), 64 + 64);
    assert_int_equal(rows_bytes(s, ROWS_STEPS, 10), 256 + 192); /* 240 and 160, rounded up */
    assert_int_equal(rows_bytes(s, 0, 10), 0);
    assert_int_equal(rows_capacity(s, ROWS_STEPS), 0);
    bench_require(rows_fit(s, ROWS_STEPS, 10));
    assert_true(rows_capacity(s, ROWS_STEPS) >= 10);
    assert_true(rows_bytes(s, ROWS_STEPS, rows_capacity(s, ROWS_STEPS)) <= s->device.rows.bytes);
    assert_int_equal(rows_capacity(s, 0), 1);
    const char *data = s->device.rows.data;
    bench_require(rows_fit(s, ROWS_STEPS, 3)); /* memory that is there serves */
    assert_ptr_equal(s->device.rows.data, data);
    inside_finish(b);
    bench_close(b);
}

static void test_last_row_takes_its_part(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_passing, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    int64_t last = rows_bytes(s, ROWS_LAST, 0);
    int32_t registers[1 + ODEON_MAX_STAGES];
    assert_int_equal(last, 64 * dense_registers(s, registers));
    assert_int_equal(rows_bytes(s, ROWS_LAST, 100), last); /* one row, however many steps */
    assert_int_equal(rows_bytes(s, ROWS_STEPS | ROWS_LAST, 4), last + rows_bytes(s, ROWS_STEPS, 4));
    assert_int_equal(rows_capacity(s, ROWS_LAST), 0);
    bench_require(rows_fit(s, ROWS_LAST, 1));
    assert_int_equal(rows_capacity(s, ROWS_LAST), 1);
    assert_int_equal(rows_capacity(s, ROWS_STEPS | ROWS_LAST), 0);
    inside_finish(b);
    bench_close(b);
}

static void put_start(bench *b, double first)
{
    const double values[SAMPLES] = {first, first + 1.0, first + 2.0};
    odeon_tensor y0 = vector_tensor(b->solve, b->solve->step.value[REG_Y0]);
    bench_put(b, &y0, values);
}

/* What row STEPS was given comes back from row ROW. */
static void test_steps_are_stored_and_loaded_by_slots(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    double y[SAMPLES];
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    bench_require(rows_fit(s, ROWS_STEPS, 4));
    for (int i = 0; i < 3; i++) {
        put_start(b, 10.0 * i);
        inside_set_slot(b, ODEON_SLOT_T, 0.1 * i);
        inside_set_slot(b, ODEON_SLOT_H, 1.0 + i);
        inside_set_slot(b, ODEON_SLOT_STEPS, (double)i);
        bench_require(rows_store(s, ROWS_STEPS));
    }
    for (int i = 2; i >= 0; i--) {
        inside_set_slot(b, ODEON_SLOT_ROW, (double)i);
        bench_require(rows_load(s, ROWS_STEPS));
        odeon_tensor y0 = vector_tensor(s, s->step.value[REG_Y0]);
        bench_get(b, &y0.view, y);
        assert_true(y[0] == 10.0 * i && y[2] == 10.0 * i + 2.0);
        assert_true(inside_slot(b, ODEON_SLOT_T) == 0.1 * i);
        assert_true(inside_slot(b, ODEON_SLOT_H) == 1.0 + i);
    }
    inside_finish(b);
    bench_close(b);
}

/* Y1 of a step is Y0 of the next row; behind the last row there is none. */
static void test_rows_are_bound_to_registers(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_passing, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    bench_require(rows_fit(s, ROWS_DENSE, 4));
    int64_t n = rows_capacity(s, ROWS_DENSE), row_bytes = SAMPLES * (int64_t)sizeof(double);
    rows_bind(s, ROWS_DENSE, 0);
    const char *first = s->step.value[REG_Y0].data;
    assert_ptr_equal(first, s->device.rows.data);
    assert_ptr_equal(s->step.value[REG_Y1].data, first + row_bytes);
    rows_bind(s, ROWS_DENSE, 2);
    assert_ptr_equal(s->step.value[REG_Y0].data, first + 2 * row_bytes);
    rows_bind(s, ROWS_DENSE, n - 1);
    assert_null(s->step.value[REG_Y1].data);
    rows_bind(s, ROWS_LAST, 3); /* there is but one row */
    assert_ptr_equal(s->step.value[REG_Y0].data, s->device.rows.data);
    assert_null(s->step.value[REG_Y1].data);
    inside_finish(b);
    bench_close(b);
}

static void test_fixed_vectors_lie_one_after_the_other(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_false(fixed_vectors_are_there(s));
    bench_require(fixed_vectors_fit(s));
    assert_true(fixed_vectors_are_there(s));
    int32_t n = 1 + s->stepper->info.n_carry;
    assert_true(n > 1);
    assert_int_equal(s->device.state.bytes >= 2 * n * s->memory.vector_bytes, 1);
    assert_ptr_equal(fixed_vector(s, 0).data, s->device.state.data);
    assert_ptr_equal(fixed_vector(s, 2 * n - 1).data,
                     s->device.state.data + (2 * n - 1) * s->memory.vector_bytes);
    assert_null(fixed_vector(s, 1).owner);
    fixed_vectors_bind(s);
    assert_ptr_equal(s->step.value[REG_Y0].data, fixed_vector(s, 0).data);
    assert_ptr_equal(s->step.value[reg_carry_in(s->stepper, 0)].data, fixed_vector(s, 1).data);
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_say_what_is_kept),
        cmocka_unit_test(test_bytes_and_capacity_agree),
        cmocka_unit_test(test_last_row_takes_its_part),
        cmocka_unit_test(test_steps_are_stored_and_loaded_by_slots),
        cmocka_unit_test(test_rows_are_bound_to_registers),
        cmocka_unit_test(test_fixed_vectors_lie_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
