/* One step forward: a program's verbs on a field. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/step.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double unit_span[] = {0.0, 1.0};

static bench *open_step(const char *method, int32_t keep)
{
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, bench_adaptive, 1, 1.0);
    inside_prepare(b, 2, unit_span, keep);
    b->solve->control = b->control;
    return b;
}

static void close_step(bench *b)
{
    inside_finish(b);
    solve_tape_clear(&b->solve->tape, &b->solve->memory);
    bench_close(b);
}

static const program *program_of(bench *b)
{
    const program *p;
    bench_require(stepper_program(b->solve->stepper, 0, &p));
    return p;
}

static void run_step(bench *b, double t, double h)
{
    bench_require(step_set_time(b->solve, t, h));
    bench_require(step_run(b->solve, program_of(b)));
}

static double first_of(bench *b, bound_vector x)
{
    double values[SAMPLES];
    odeon_tensor tensor = vector_tensor(b->solve, x);
    bench_get(b, &tensor.view, values);
    return values[0];
}

static void test_time_and_size_go_into_slots(void **state)
{
    (void)state;
    bench *b = open_step("rk4", ODEON_KEEP_NONE);
    bench_require(step_set_time(b->solve, 0.75, -0.5));
    assert_true(inside_slot(b, ODEON_SLOT_T) == 0.75 && inside_slot(b, ODEON_SLOT_H) == -0.5);
    close_step(b);
}

/* y1 = (1 - h + h^2/2 - h^3/6 + h^4/24) y0, and stage times t, t + h/2, t + h/2, t + h. */
static void test_step_runs_the_verbs_of_its_program(void **state)
{
    (void)state;
    static const double c[] = {0.0, 0.5, 0.5, 1.0};
    bench *b = open_step("rk4", ODEON_KEEP_NONE);
    double h = 0.2;
    run_step(b, 1.0, h);
    double r = 1.0 - h + h * h / 2.0 - h * h * h / 6.0 + h * h * h * h / 24.0;
    bench_assert_close(first_of(b, b->solve->step.value[REG_Y1]), r, 1e-15);
    assert_int_equal(b->solve->log.evals, 4);
    assert_int_equal(b->f.evals, 4);
    for (int32_t i = 0; i < 4; i++) {
        bench_assert_close(inside_slot(b, ODEON_SLOT_STAGE_T + i), 1.0 + c[i] * h, 1e-15);
    }
    assert_null(b->solve->step.frames[0]); /* nothing is kept */
    assert_int_equal(b->solve->memory.n_free_vectors, b->solve->memory.n_vectors - 1); /* of Y1 */
    close_step(b);
}

/* Its end is the next one's start; all else is released. */
static void test_accepted_step_leaves_its_end(void **state)
{
    (void)state;
    bench *b = open_step("rk4", ODEON_KEEP_FRAMES);
    solver *s = b->solve;
    run_step(b, 0.0, 0.25);
    double end = first_of(b, s->step.value[REG_Y1]);
    bench_require(step_accept(s, program_of(b), 0.0, 0.25, 0.25));
    assert_true(first_of(b, s->step.value[REG_Y0]) == end);
    assert_null(s->step.value[REG_Y1].data);
    assert_int_equal(s->step.index, 1);
    assert_int_equal(s->tape.n_records, 1);
    const solve_record *record = &s->tape.records[0];
    assert_true(record->t == 0.0 && record->h == 0.25 && record->is_first && !record->is_start);
    assert_int_equal(record->n_outputs, 0);
    assert_int_equal(s->tape.n_frames, 4);
    assert_int_equal(s->memory.n_free_vectors, s->memory.n_vectors - 1);
    bench_require(step_reserve(s, program_of(b)));
    run_step(b, 0.25, 0.75);
    bench_require(step_accept(s, program_of(b), 0.25, 0.75, 1.0));
    record = &s->tape.records[1];
    assert_true(!record->is_first && record->first_output == 1 && record->n_outputs == 1);
    assert_int_equal(s->outputs.next, 2);
    close_step(b);
}

static void test_rejected_step_can_be_tried_again(void **state)
{
    (void)state;
    bench *b = open_step("rk4", ODEON_KEEP_FRAMES);
    solver *s = b->solve;
    int64_t vectors = s->memory.n_free_vectors, frames = s->memory.n_free_frames;
    run_step(b, 0.0, 0.25);
    assert_non_null(s->step.frames[0]);
    step_reject(s);
    assert_null(s->step.frames[0]);
    assert_int_equal(s->memory.n_free_vectors, vectors);
    assert_int_equal(s->memory.n_free_frames, frames);
    assert_ptr_equal(s->step.value[REG_Y0].data, b->y[0].view.data); /* the start is still bound */
    run_step(b, 0.0, 0.125);
    assert_int_equal(s->tape.n_records, 0);
    close_step(b);
}

/* tsit5 begins with f(t0, y0) as its carry, which is kept like a step. */
static void test_start_of_a_method_fills_the_carry(void **state)
{
    (void)state;
    bench *b = open_step("tsit5", ODEON_KEEP_FRAMES);
    solver *s = b->solve;
    s->step.index = 9;
    bench_require(step_begin(s, 0.0));
    assert_int_equal(s->step.index, 0);
    bench_assert_close(first_of(b, s->step.value[reg_carry_in(s->stepper, 0)]), -1.0, 1e-15);
    assert_int_equal(s->tape.n_records, 1);
    assert_true(s->tape.records[0].is_start && !s->tape.records[0].is_first);
    assert_true(s->tape.records[0].h == 0.0);
    close_step(b);
}

static void test_carry_without_a_start_is_zero(void **state)
{
    (void)state;
    bench *b =
        bench_open("cpu", false, "adams_bashforth(order=3)", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    bench_require(step_begin(s, 0.0));
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        assert_true(first_of(b, s->step.value[reg_carry_in(s->stepper, i)]) == 0.0);
    }
    close_step(b);
}

static void test_start_that_fails_holds_nothing(void **state)
{
    (void)state;
    bench *b = open_step("tsit5", ODEON_KEEP_FRAMES);
    solver *s = b->solve;
    int64_t frames = s->memory.n_free_frames;
    b->f.wall = -1.0;
    inside_set_slot(b, ODEON_SLOT_T, 0.0);
    assert_true(step_begin(s, 0.0) > 0);
    assert_int_equal(s->memory.n_free_frames, frames);
    assert_int_equal(s->tape.n_records, 0);
    close_step(b);
}

/* The estimate as a vector, summed by hand, against the sum that the device makes of it. */
static void test_error_sum_is_that_of_the_error_vector(void **state)
{
    (void)state;
    bench *b = open_step("bosh3", ODEON_KEEP_NONE);
    solver *s = b->solve;
    double error[SAMPLES], y0[SAMPLES], y1[SAMPLES], sum = 0.0;
    bench_require(step_begin(s, 0.0));
    run_step(b, 0.0, 0.5);
    bound_vector estimate = workspace_take(&s->memory);
    bench_require(step_error_vector(s, program_of(b), 0.5, estimate));
    odeon_tensor e = vector_tensor(s, estimate), a = vector_tensor(s, s->step.value[REG_Y0]),
                 c = vector_tensor(s, s->step.value[REG_Y1]);
    bench_get(b, &e.view, error);
    bench_get(b, &a.view, y0);
    bench_get(b, &c.view, y1);
    for (int k = 0; k < SAMPLES; k++) {
        double scale = b->atol + b->rtol * fmax(fabs(y0[k]), fabs(y1[k]));
        sum += error[k] / scale * (error[k] / scale);
    }
    bench_require(step_error_sums(s, program_of(b)));
    bench_assert_close(inside_slot(b, ODEON_SLOT_ERROR_SUM) / sum, 1.0, 1e-12);
    assert_true(fabs(error[2]) > 1e-6);
    /* h is given as a number, whatever the slots hold */
    bench_require(step_set_time(s, 0.0, 99.0));
    double again[SAMPLES];
    bench_require(step_error_vector(s, program_of(b), 0.5, estimate));
    bench_get(b, &e.view, again);
    assert_memory_equal(error, again, sizeof error);
    workspace_release(&s->memory, &estimate);
    close_step(b);
}

/* A part of no norm counts nothing; one that all workers share is counted by the first. */
static void test_parts_count_as_their_flags_say(void **state)
{
    (void)state;
    bench *b = open_step("bosh3", ODEON_KEEP_NONE);
    solver *s = b->solve;
    bench_require(step_begin(s, 0.0));
    run_step(b, 0.0, 0.5);
    inside_set_slot(b, ODEON_SLOT_ERROR_SUM, 5.0);
    b->f.part.flags = ODEON_PART_NO_NORM;
    bench_require(step_error_sums(s, program_of(b)));
    assert_true(inside_slot(b, ODEON_SLOT_ERROR_SUM) == 5.0);
    b->f.part.flags = ODEON_PART_SHARED;
    b->group.abi.rank = 1;
    bench_require(step_error_sums(s, program_of(b)));
    assert_true(inside_slot(b, ODEON_SLOT_ERROR_SUM) == 0.0);
    b->group.abi.rank = 0;
    bench_require(step_error_sums(s, program_of(b)));
    assert_true(inside_slot(b, ODEON_SLOT_ERROR_SUM) > 0.0);
    b->f.part.flags = 0;
    close_step(b);
}

static void test_vectors_are_added_in_place(void **state)
{
    (void)state;
    static const double one[SAMPLES] = {1.0, 2.0, 3.0}, ten[SAMPLES] = {10.0, 20.0, 30.0};
    bench *b = open_step("rk4", ODEON_KEEP_NONE);
    double out[SAMPLES];
    bench_put(b, &b->d_y[0], one);
    bench_put(b, &b->d_y[1], ten);
    bench_require(
        vector_add(b->solve, (bound_vector){.data = odeon_write(&b->d_y[0])}, &b->d_y[1].view));
    bench_get(b, &b->d_y[0].view, out);
    assert_true(out[0] == 11.0 && out[1] == 22.0 && out[2] == 33.0);
    bench_get(b, &b->d_y[1].view, out);
    assert_memory_equal(out, ten, sizeof ten);
    close_step(b);
}

/* Vectors and frames of another size replace those of before. */
static void test_workspace_is_fitted_to_the_field(void **state)
{
    (void)state;
    bench *b = open_step("rk4", ODEON_KEEP_FRAMES);
    solver *s = b->solve;
    release_registers(s);
    assert_int_equal(s->memory.vector_bytes, 64);
    assert_int_equal(s->memory.peak.frame_bytes, 64);
    host_field larger = b->f.host;
    larger.abi.n = 100;
    larger.frame_bytes = 1000;
    step_fit(s, &larger);
    assert_int_equal(s->memory.vector_bytes, 832); /* 800, rounded up to 64 */
    assert_int_equal(s->memory.peak.frame_bytes, 1024);
    assert_ptr_equal(s->task.field, &larger);
    bench_require(step_reserve(s, program_of(b)));
    assert_true(s->memory.n_free_frames >= 4);
    assert_true(s->memory.n_vectors > 4);
    assert_true(s->tape.records_capacity >= 1 && s->log.capacity >= 1);
    step_fit(s, &b->f.host);
    close_step(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_and_size_go_into_slots),
        cmocka_unit_test(test_step_runs_the_verbs_of_its_program),
        cmocka_unit_test(test_accepted_step_leaves_its_end),
        cmocka_unit_test(test_rejected_step_can_be_tried_again),
        cmocka_unit_test(test_start_of_a_method_fills_the_carry),
        cmocka_unit_test(test_carry_without_a_start_is_zero),
        cmocka_unit_test(test_start_that_fails_holds_nothing),
        cmocka_unit_test(test_error_sum_is_that_of_the_error_vector),
        cmocka_unit_test(test_parts_count_as_their_flags_say),
        cmocka_unit_test(test_vectors_are_added_in_place),
        cmocka_unit_test(test_workspace_is_fitted_to_the_field),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
