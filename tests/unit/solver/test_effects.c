/* What an operation changes on the host, noted and made again. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/effects.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double unit_span[] = {0.0, 1.0};

static const solve_attempt attempts[] = {{.t = 0.0, .h = 0.5, .error = 0.5, .accepted = true},
                                         {.t = 0.5, .h = 0.5, .error = 2.0}};

/* One attempt before the mark, two after it. */
static solver_mark make_effects(bench *b)
{
    solver *s = b->solve;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_FRAMES);
    bench_require(reserve_host(s, 2, 4, 4));
    solve_log_add(&s->log, -1.0, 1.0, 0.1, ATTEMPT_ACCEPTED);
    count_evals(s, 4);
    solver_mark mark = solver_mark_here(s);
    s->memory.peak = (solve_peak){.frame_bytes = mark.peak.frame_bytes, .frames = 2};
    for (int i = 0; i < 2; i++) {
        solve_log_add(&s->log, attempts[i].t, attempts[i].h, attempts[i].error,
                      attempts[i].accepted ? ATTEMPT_ACCEPTED : ATTEMPT_REJECTED);
    }
    odeon_frame *frames[2] = {workspace_take_frame(&s->memory), workspace_take_frame(&s->memory)};
    const solve_record record = {.t = 0.25, .h = 0.5, .n_outputs = 1};
    solve_tape_push(&s->tape, &record, 2, frames);
    count_evals(s, 7);
    s->step.index = 3;
    s->outputs.next = 2;
    s->outputs.read_at[1] = 0.75;
    return mark;
}

static void test_effects_are_made_again_after_an_undo(void **state)
{
    (void)state;
    size_t n;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    solver_mark mark = make_effects(b);
    int64_t evals = b->f.evals, free_frames = s->memory.n_free_frames;
    solve_stats stats = solver_stats(s);
    solve_effects *e = effects_note(s, &mark);
    assert_non_null(e);
    assert_int_equal(e->n_attempts, 2); /* the one before the mark is none of them */
    assert_int_equal(e->evals, 7);
    solver_rollback(s, &mark);
    assert_int_equal(s->tape.n_records, 0);
    s->outputs.read_at[1] = -1.0;
    bench_require(effects_reserve(s, e));
    effects_apply(s, e);
    assert_int_equal(b->f.evals, evals);
    assert_int_equal(s->log.evals, 4 + 7);
    assert_int_equal(s->step.index, 3);
    assert_int_equal(s->outputs.next, 2);
    assert_true(s->outputs.read_at[1] == 0.75);
    assert_int_equal(s->tape.n_records, 1);
    assert_int_equal(s->tape.n_frames, 2);
    assert_true(s->tape.records[0].t == 0.25 && s->tape.records[0].n_outputs == 1);
    assert_int_equal(s->memory.n_free_frames, free_frames); /* the tape's are in use again */
    const solve_attempt *list = solver_attempts(s, &n);
    assert_int_equal(n, 3);
    for (int i = 0; i < 2; i++) {
        assert_true(list[1 + i].t == attempts[i].t && list[1 + i].h == attempts[i].h);
        assert_true(list[1 + i].error == attempts[i].error);
        assert_int_equal(list[1 + i].accepted, attempts[i].accepted);
    }
    solve_stats again = solver_stats(s);
    assert_memory_equal(&again, &stats, sizeof stats);
    assert_true(s->memory.peak.frames >= 2);
    mem_free(e); /* one block */
    solve_tape_clear(&s->tape, &s->memory);
    inside_finish(b);
    bench_close(b);
}

static void test_nothing_since_the_mark_is_no_effect(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    solver_mark mark = solver_mark_here(b->solve);
    solve_effects *e = effects_note(b->solve, &mark);
    assert_true(e->n_attempts == 0 && e->n_records == 0 && e->n_frames == 0 && e->evals == 0);
    assert_int_equal(e->n_times, 2);
    bench_require(effects_reserve(b->solve, e));
    effects_apply(b->solve, e);
    assert_int_equal(b->solve->log.n_attempts, 0);
    mem_free(e);
    inside_finish(b);
    bench_close(b);
}

static void test_notes_and_room_report_missing_memory(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    solver_mark mark = make_effects(b);
    mem_fail_at(1);
    assert_null(effects_note(s, &mark));
    mem_fail_at(0);
    solve_effects *e = effects_note(s, &mark);
    e->n_attempts = s->log.capacity + 1; /* more than there is room for */
    mem_fail_at(1);
    assert_int_equal(effects_reserve(s, e), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "equation: no memory for the solver");
    mem_free(e);
    solve_tape_clear(&s->tape, &s->memory);
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effects_are_made_again_after_an_undo),
        cmocka_unit_test(test_nothing_since_the_mark_is_no_effect),
        cmocka_unit_test(test_notes_and_room_report_missing_memory),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
