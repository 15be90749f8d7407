/* The tape: records own the frames between their own first and the next record's. */
#include "solver/tape.h"

#include "base/mem.h"
#include "support.h"

static odeon_frame frames[6];

static void push(solve_tape *tape, double t, int32_t n, odeon_frame *first)
{
    odeon_frame *list[3] = {NULL};
    const solve_record record = {.t = t, .first_frame = 77};
    for (int32_t i = 0; i < n; i++) {
        list[i] = first + i;
    }
    solve_tape_push(tape, &record, n, list);
    for (int32_t i = 0; i < 3; i++) {
        assert_null(list[i]); /* the tape has them now */
    }
}

static void test_records_leave_in_reverse_and_give_their_frames_back(void **state)
{
    (void)state;
    solve_tape tape = {0};
    workspace w = {0};
    assert_true(solve_tape_reserve(&tape, 3, 6));
    push(&tape, 0.0, 1, frames);
    push(&tape, 0.5, 3, frames + 1);
    push(&tape, 1.0, 2, frames + 4);
    assert_true(tape.n_records == 3 && tape.n_frames == 6);
    assert_int_equal(tape.records[1].first_frame, 1);
    assert_int_equal(tape.records[2].first_frame, 4);
    solve_tape_pop(&tape, &w);
    assert_true(tape.n_records == 2 && tape.n_frames == 4 && w.n_free_frames == 2);
    assert_ptr_equal(w.free_frames, &frames[4]);
    solve_tape_pop(&tape, &w);
    assert_true(tape.n_records == 1 && tape.n_frames == 1 && w.n_free_frames == 5);
    assert_true(tape.records[0].t == 0.0 && tape.frames[0] == &frames[0]);
    solve_tape_clear(&tape, &w);
    assert_true(tape.n_records == 0 && tape.n_frames == 0 && w.n_free_frames == 6);
    assert_ptr_equal(w.free_frames, &frames[0]);
    solve_tape_fini(&tape);
}

static void test_reserve_without_memory_changes_nothing(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 2; n++) {
        solve_tape tape = {0};
        assert_true(solve_tape_reserve(&tape, 0, 0));
        mem_fail_at(n);
        assert_false(solve_tape_reserve(&tape, 1, 1));
        mem_fail_at(0);
        assert_true(tape.n_records == 0 && tape.n_frames == 0);
        assert_true(solve_tape_reserve(&tape, 1, 1));
        mem_fail_at(1);
        assert_true(solve_tape_reserve(&tape, tape.records_capacity, tape.frames_capacity));
        mem_fail_at(0);
        solve_tape_fini(&tape);
    }
    assert_int_equal(solve_tape_bytes(2, 3), 2 * sizeof(solve_record) + 3 * sizeof(odeon_frame *));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_leave_in_reverse_and_give_their_frames_back),
        cmocka_unit_test(test_reserve_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
