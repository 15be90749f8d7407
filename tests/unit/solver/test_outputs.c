/* What a solve leaves at the times asked for. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/outputs.h"
#include "solver/step.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double times[] = {0.0, 0.5, 1.0}, back[] = {1.0, 0.5, 0.0};

static void test_room_only_grows(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    bench_require(outputs_reserve(s, 5));
    double *read_at = s->outputs.read_at;
    assert_int_equal(s->outputs.capacity, 5);
    mem_fail_at(1);
    assert_int_equal(outputs_reserve(s, 3), ODEON_OK);
    assert_int_equal(outputs_reserve(s, 5), ODEON_OK);
    mem_fail_at(1);
    assert_int_equal(outputs_reserve(s, 6), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "equation: no memory for the solver");
    diag_clear();
    assert_int_equal(s->outputs.capacity, 5);
    assert_ptr_equal(s->outputs.read_at, read_at);
    bench_close(b);
}

static void test_times_have_an_end_and_a_direction(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 3, times, ODEON_KEEP_NONE);
    assert_true(solve_end(s) == 1.0 && solve_direction(s) == 1.0);
    assert_true(outputs_reached(s, 0.5, 1) && outputs_reached(s, 0.7, 1));
    assert_false(outputs_reached(s, nextafter(0.5, 0.0), 1)); /* to the bit */
    s->task.times = back;
    assert_true(solve_end(s) == 0.0 && solve_direction(s) == -1.0);
    assert_true(outputs_reached(s, 0.5, 1) && outputs_reached(s, 0.3, 1));
    assert_false(outputs_reached(s, nextafter(0.5, 1.0), 1));
    inside_finish(b);
    bench_close(b);
}

/* In any order, and none that is nearer to t or to the end than rounding. */
static void test_next_stop_is_the_nearest_ahead(void **state)
{
    (void)state;
    static const double stops[] = {0.75, 0.25, 0.5};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 3, times, ODEON_KEEP_NONE);
    assert_true(next_stop(s, 0.0, 1.0) == 1.0);
    b->spec.n_stops = 3;
    b->spec.stops = stops;
    assert_true(next_stop(s, 0.0, 1.0) == 0.25);
    assert_true(next_stop(s, 0.25, 1.0) == 0.5);
    assert_true(next_stop(s, 0.5 - 1e-16, 1.0) == 0.75);
    assert_true(next_stop(s, 0.0, 0.25) == 0.25);
    assert_true(next_stop(s, 0.3, 0.5 + 1e-15) == 0.5 + 1e-15);
    assert_true(next_stop(s, 0.8, 1.0) == 1.0);
    s->task.times = back;
    assert_true(next_stop(s, 1.0, 0.0) == 0.75);
    assert_true(next_stop(s, 0.5, 0.0) == 0.25);
    inside_finish(b);
    bench_close(b);
}

/* At x = 1 dense output is the step's own end: y0 + h sum b_i k_i. */
static void test_dense_weights_are_those_of_the_method(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    int32_t registers[1 + ODEON_MAX_STAGES], n = dense_registers(s, registers);
    double sum = 0.0, none = 0.0;
    inside_prepare(b, 2, times, ODEON_KEEP_NONE);
    assert_int_equal(n, 1 + s->stepper->tableau->stages);
    assert_int_equal(registers[0], REG_Y0);
    for (int32_t i = 1; i < n; i++) {
        sum += dense_weight(s, 0.5, 1.0, registers[i]);
        none += fabs(dense_weight(s, 0.5, 0.0, registers[i]));
    }
    bench_assert_close(sum, 0.5, 1e-13);  /* weights b_i add up to 1 */
    bench_assert_close(none, 0.0, 1e-15); /* and to nothing at the start */
    assert_true(dense_weight(s, 0.5, 0.3, REG_Y0) == 1.0);
    assert_true(dense_weight(s, 0.5, 0.3, REG_Y1) == 0.0 || s->stepper->info.n_carry > 0);
    inside_finish(b);
    bench_close(b);
}

static void test_outputs_are_read_within_a_step_and_at_its_end(void **state)
{
    (void)state;
    static const double within[] = {0.0, 0.1, 0.2, 1.0};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    const program *p;
    double y[SAMPLES];
    inside_prepare(b, 4, within, ODEON_KEEP_NONE);
    bench_require(stepper_program(s->stepper, 0, &p));
    bench_require(step_begin(s, 0.0));
    bench_require(step_set_time(s, 0.0, 0.2));
    bench_require(step_run(s, p));
    bench_require(outputs_read(s, 0.0, 0.2, 0.2));
    assert_int_equal(s->outputs.next, 3); /* not the one at 1 */
    bench_assert_close(s->outputs.read_at[1], 0.5, 1e-15);
    assert_true(s->outputs.read_at[2] == 1.0);
    bench_get(b, &b->y[1].view, y);
    bench_assert_close(y[0], exp(-0.1), 1e-7);
    bench_get(b, &b->y[2].view, y);
    bench_assert_close(y[0], exp(-0.2), 1e-8);
    /* rounding must not make a time within the step pass for its end */
    s->outputs.next = 2;
    bench_require(outputs_read(s, 0.0, 0.2, nextafter(0.2, 1.0)));
    assert_true(s->outputs.read_at[2] < 1.0);
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_only_grows),
        cmocka_unit_test(test_times_have_an_end_and_a_direction),
        cmocka_unit_test(test_next_stop_is_the_nearest_ahead),
        cmocka_unit_test(test_dense_weights_are_those_of_the_method),
        cmocka_unit_test(test_outputs_are_read_within_a_step_and_at_its_end),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
