/* What a solver holds: tensors of its vectors, counts, marks to undo to. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double unit_span[] = {0.0, 1.0};

static void test_vectors_and_parts_are_tensors(void **state)
{
    (void)state;
    static const odeon_part parts[] = {{.name = "y", .n = 2}, {.name = "a", .offset = 2, .n = 1}};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    bound_vector x = s->step.value[REG_Y0];
    odeon_tensor whole = vector_tensor(s, x);
    assert_ptr_equal(whole.view.data, b->y[0].view.data);
    assert_true(whole.view.shape.ndim == 1 && whole.view.shape.dim[0] == SAMPLES &&
                whole.view.shape.dtype == ODEON_DTYPE_F64);
    b->f.host.abi.parts = parts;
    odeon_tensor part = part_tensor(s, x, 1);
    assert_ptr_equal(odeon_read(&part.view), (const double *)odeon_read(&b->y[0].view) + 2);
    assert_int_equal(part.view.shape.dim[0], 1);
    assert_int_equal(part_tensor(s, x, 0).view.shape.dim[0], 2);
    odeon_tensor t = stage_time_tensor(s, 3);
    assert_ptr_equal(t.view.data, s->slots + ODEON_SLOT_STAGE_T + 3);
    assert_true(t.view.shape.ndim == 1 && t.view.shape.dim[0] == 1 &&
                t.view.shape.dtype == ODEON_DTYPE_F64);
    b->f.host.abi.parts = &b->f.part;
    inside_finish(b);
    bench_close(b);
}

static void test_registers_are_released_with_their_cotangents(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    s->step.value[REG_Y1] = workspace_take(&s->memory);
    s->step.cotangent[REG_Y0] = workspace_take(&s->memory);
    assert_int_equal(s->memory.n_free_vectors, s->memory.n_vectors - 2);
    release_registers(s);
    assert_int_equal(s->memory.n_free_vectors, s->memory.n_vectors);
    assert_true(s->step.value[REG_Y0].data == NULL && s->step.cotangent[REG_Y0].data == NULL);
    bench_close(b);
}

static void test_evaluations_count_for_solve_and_field(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    b->f.evals = 10;
    count_evals(b->solve, 5);
    count_evals(b->solve, -2); /* fewer than the calls */
    assert_int_equal(b->f.evals, 13);
    assert_int_equal(b->solve->log.evals, 3);
    inside_finish(b);
    bench_close(b);
}

static void test_host_memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    bench_require(reserve_host(b->solve, 0, 0, 0));
    for (int64_t n = 1; n <= 3; n++) { /* records, frames, attempts */
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(
            reserve_host(b->solve, 100 * (size_t)n, 1000 * (size_t)n, 10000 * (size_t)n),
            ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_string_equal(diag_message(), "equation: no memory for the solver");
    }
    diag_clear();
    bench_require(reserve_host(b->solve, 7, 9, 11));
    assert_true(b->solve->tape.records_capacity >= 7 && b->solve->tape.frames_capacity >= 9);
    assert_true(b->solve->log.capacity >= 11);
    bench_close(b);
}

/* Everything on the host goes back to the mark, and frames that were taken since are free. */
static void test_rollback_undoes_all_since_the_mark(void **state)
{
    (void)state;
    size_t n;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_FRAMES);
    bench_require(reserve_host(s, 4, 4, 4));
    bench_require(workspace_reserve_frames(&s->memory, 4));
    odeon_frame *kept[1] = {workspace_take_frame(&s->memory)};
    const solve_record record = {.t = 0.5};
    solve_tape_push(&s->tape, &record, 1, kept);
    solve_log_add(&s->log, 0.0, 0.5, 0.5, ATTEMPT_ACCEPTED);
    int64_t free_frames = s->memory.n_free_frames;
    solver_mark mark = solver_mark_here(s);
    int64_t evals = b->f.evals;
    odeon_frame *more[1] = {workspace_take_frame(&s->memory)};
    solve_tape_push(&s->tape, &record, 1, more);
    s->step.frames[0] = workspace_take_frame(&s->memory);
    solve_log_add(&s->log, 0.5, 0.5, 2.0, ATTEMPT_REJECTED);
    count_evals(s, 9);
    s->step.index = 5;
    s->outputs.next = 2;
    s->diagnosis.failed = true;
    s->memory.peak.frames = 1000;
    solver_rollback(s, &mark);
    assert_int_equal(b->f.evals, evals);
    assert_int_equal(s->log.evals, 0);
    assert_int_equal(s->step.index, 0);
    assert_int_equal(s->outputs.next, 1);
    assert_false(s->diagnosis.failed);
    assert_int_equal(solver_stats(s).rejected, 0);
    (void)solver_attempts(s, &n);
    assert_int_equal(n, 1);
    assert_true(s->tape.n_records == 1 && s->tape.n_frames == 1);
    assert_int_equal(s->memory.n_free_frames, free_frames);
    assert_null(s->step.frames[0]);
    assert_true(s->memory.peak.frames < 1000);
    solver_restart(s);
    assert_true(s->tape.n_records == 0 && s->tape.n_frames == 0);
    assert_int_equal(solver_stats(s).accepted, 0);
    (void)solver_attempts(s, &n);
    assert_int_equal(n, 1); /* attempts stay until they are forgotten */
    inside_finish(b);
    bench_close(b);
}

static void test_restart_forgets_rows_and_index(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    b->solve->device.kept = 3;
    b->solve->step.index = 8;
    solver_restart(b->solve);
    assert_int_equal(b->solve->device.kept, 0);
    assert_int_equal(b->solve->step.index, 0);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_and_parts_are_tensors),
        cmocka_unit_test(test_registers_are_released_with_their_cotangents),
        cmocka_unit_test(test_evaluations_count_for_solve_and_field),
        cmocka_unit_test(test_host_memory_that_is_missing_is_reported),
        cmocka_unit_test(test_rollback_undoes_all_since_the_mark),
        cmocka_unit_test(test_restart_forgets_rows_and_index),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
