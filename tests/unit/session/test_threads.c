#include "session/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"

enum { MOST = 8, ROUNDS = 200 };

typedef struct record {
    int32_t size;
    atomic_int runs[MOST], inside, most_inside;
    pthread_t thread[MOST];
    bool blocks_signals[MOST];
} record;

static team *create(int32_t size)
{
    team *t = NULL;
    assert_int_equal(team_create(size, &t), ODEON_OK);
    assert_non_null(t);
    return t;
}

static void note_run(void *context, int32_t rank)
{
    record *r = context;
    sigset_t mask;
    r->runs[rank]++;
    r->thread[rank] = pthread_self();
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    r->blocks_signals[rank] = sigismember(&mask, SIGINT) == 1;
}

static void test_every_rank_runs_every_job_once(void **state)
{
    (void)state;
    for (int32_t size = 1; size <= MOST; size++) {
        team *t = create(size);
        record r = {.size = size};
        for (int i = 1; i <= ROUNDS; i++) {
            team_run(t, note_run, &r);
            for (int32_t rank = 0; rank < MOST; rank++) {
                assert_int_equal(r.runs[rank], rank < size ? i : 0);
            }
        }
        team_destroy(t);
    }
}

static void test_rank_0_is_the_caller_and_threads_stay(void **state)
{
    (void)state;
    team *t = create(3);
    record first = {.size = 3}, second = {.size = 3};
    team_run(t, note_run, &first);
    team_run(t, note_run, &second);
    assert_true(pthread_equal(first.thread[0], pthread_self()));
    for (int32_t rank = 1; rank < 3; rank++) {
        assert_false(pthread_equal(first.thread[rank], pthread_self()));
        assert_true(pthread_equal(first.thread[rank], second.thread[rank]));
    }
    team_destroy(t);
}

static void test_signals_are_left_to_the_callers_thread(void **state)
{
    (void)state;
    team *t = create(2);
    record r = {.size = 2};
    team_run(t, note_run, &r);
    assert_false(r.blocks_signals[0]);
    assert_true(r.blocks_signals[1]);
    team_destroy(t);
}

/* Each waits for all others, so that the job ends only if all ranks are in it at once. */
static void wait_for_all(void *context, int32_t rank)
{
    record *r = context;
    (void)rank;
    r->inside++;
    while (r->inside < r->size) {
    }
}

static void test_ranks_run_side_by_side(void **state)
{
    (void)state;
    team *t = create(3);
    record r = {.size = 3};
    team_run(t, wait_for_all, &r);
    assert_int_equal(r.inside, 3);
    team_destroy(t);
}

static void test_a_team_of_one_has_no_thread_and_any_team_may_go_unused(void **state)
{
    (void)state;
    int64_t before = mem_live_blocks();
    team_destroy(NULL);
    team_destroy(create(1));
    team_destroy(create(4));
    assert_int_equal(mem_live_blocks(), before);
}

static void test_without_memory_there_is_no_team(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        int64_t before = mem_live_blocks();
        team *t = (team *)&before;
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(team_create(2, &t), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_null(t);
        assert_string_equal(diag_message(), "workers: no memory");
        assert_int_equal(mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rank_runs_every_job_once),
        cmocka_unit_test(test_rank_0_is_the_caller_and_threads_stay),
        cmocka_unit_test(test_signals_are_left_to_the_callers_thread),
        cmocka_unit_test(test_ranks_run_side_by_side),
        cmocka_unit_test(test_a_team_of_one_has_no_thread_and_any_team_may_go_unused),
        cmocka_unit_test(test_without_memory_there_is_no_team),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
