/* Attempts and what is counted from them. */
#include "solver/log.h"

#include <math.h>

#include "base/mem.h"
#include "support.h"

static void test_steps_are_counted_by_their_outcome(void **state)
{
    (void)state;
    solve_log log = {0};
    solve_log_restart(&log);
    assert_true(isnan(log.stats.h_min) && isnan(log.stats.h_max));
    assert_true(solve_log_reserve(&log, 5));
    solve_log_add(&log, 0.0, 0.1, 3.0, ATTEMPT_REJECTED);
    assert_true(isnan(log.stats.h_min)); /* of accepted steps alone */
    solve_log_add(&log, 0.0, -0.5, 0.5, ATTEMPT_ACCEPTED);
    assert_true(log.stats.h_min == 0.5 && log.stats.h_max == 0.5); /* without sign */
    solve_log_add(&log, -0.5, -0.25, 0.5, ATTEMPT_ACCEPTED);
    solve_log_add(&log, -0.75, -1.0, 0.5, ATTEMPT_ACCEPTED);
    solve_log_add(&log, -1.75, 9.0, (double)NAN, ATTEMPT_FATAL);
    assert_true(log.stats.h_min == 0.25 && log.stats.h_max == 1.0);
    assert_int_equal(log.stats.accepted, 3);
    assert_int_equal(log.stats.rejected, 1);
    assert_int_equal(log.n_attempts, 5);
    assert_true(log.attempts[1].accepted && !log.attempts[0].accepted);
    assert_false(log.attempts[4].accepted);
    assert_true(log.attempts[3].t == -0.75 && log.attempts[3].h == -1.0);
    assert_true(log.attempts[0].error == 3.0);
    solve_log_fini(&log);
}

/* A pass may be several solves: each counts its own, the list goes on. */
static void test_restart_keeps_attempts_and_clear_keeps_counts(void **state)
{
    (void)state;
    solve_log log = {0};
    solve_log_restart(&log);
    assert_true(solve_log_reserve(&log, 2));
    solve_log_add(&log, 0.0, 0.1, 0.5, ATTEMPT_ACCEPTED);
    log.evals = 4;
    solve_log_restart(&log);
    assert_true(log.stats.accepted == 0 && log.evals == 0 && log.n_attempts == 1);
    solve_log_add(&log, 0.1, 0.1, 0.5, ATTEMPT_ACCEPTED);
    solve_log_clear(&log);
    assert_true(log.stats.accepted == 1 && log.n_attempts == 0);
    solve_log_fini(&log);
}

static void test_reserve_without_memory_changes_nothing(void **state)
{
    (void)state;
    solve_log log = {0};
    assert_true(solve_log_reserve(&log, 0));
    mem_fail_at(1);
    assert_false(solve_log_reserve(&log, 1));
    mem_fail_at(0);
    assert_true(log.attempts == NULL && log.capacity == 0);
    assert_true(solve_log_reserve(&log, 1));
    size_t capacity = log.capacity;
    assert_true(capacity >= 64);
    mem_fail_at(1);
    assert_true(solve_log_reserve(&log, capacity)); /* there already */
    assert_false(solve_log_reserve(&log, capacity + 1));
    mem_fail_at(0);
    assert_int_equal(log.capacity, capacity);
    solve_log_fini(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_counted_by_their_outcome),
        cmocka_unit_test(test_restart_keeps_attempts_and_clear_keeps_counts),
        cmocka_unit_test(test_reserve_without_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
