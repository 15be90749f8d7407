/* Threads of a run: every rank works once a round, rank 0 on the caller's own. */
#include "session/threads.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

enum { SIZE = 5, ROUNDS = 300 };

typedef struct tally {
    int plain[SIZE]; /* each touched by its rank alone, read by the caller between rounds */
    pthread_t thread[SIZE];
    int blocked[SIZE]; /* signals kept away */
} tally;

static void count(void *context, int32_t rank)
{
    tally *t = context;
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    t->blocked[rank] = sigismember(&mask, SIGINT) == 1;
    t->thread[rank] = pthread_self();
    t->plain[rank]++;
}

static void test_every_rank_works_once_a_round(void **state)
{
    (void)state;
    team *t = NULL;
    tally seen = {0};
    assert_int_equal(team_create(SIZE, &t), ODEON_OK);
    for (int round = 1; round <= ROUNDS; round++) {
        team_run(t, count, &seen);
        for (int32_t rank = 0; rank < SIZE; rank++) {
            assert_int_equal(seen.plain[rank], round);
        }
    }
    team_destroy(t);
}

static void test_rank_0_is_the_caller_and_alone_gets_signals(void **state)
{
    (void)state;
    team *t = NULL;
    tally seen = {0};
    assert_int_equal(team_create(SIZE, &t), ODEON_OK);
    team_run(t, count, &seen);
    for (int32_t rank = 0; rank < SIZE; rank++) {
        assert_int_equal(pthread_equal(seen.thread[rank], pthread_self()) != 0, rank == 0);
        assert_int_equal(seen.blocked[rank], rank > 0);
    }
    team_destroy(t);
}

static void test_team_of_one_starts_no_thread(void **state)
{
    (void)state;
    team *t = NULL;
    tally seen = {0};
    assert_int_equal(team_create(1, &t), ODEON_OK);
    team_run(t, count, &seen);
    assert_int_equal(seen.plain[0], 1);
    team_destroy(t);
}

static void test_team_without_work_ends(void **state)
{
    (void)state;
    team *t = NULL;
    int64_t live = mem_live_blocks();
    assert_int_equal(team_create(SIZE, &t), ODEON_OK);
    team_destroy(t);
    team_destroy(NULL);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_creation_reports_every_allocation_that_fails(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int64_t n = 1; n <= 2; n++) {
        team *t = NULL;
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(team_create(SIZE, &t), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_null(t);
        assert_int_equal(mem_live_blocks(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rank_works_once_a_round),
        cmocka_unit_test(test_rank_0_is_the_caller_and_alone_gets_signals),
        cmocka_unit_test(test_team_of_one_starts_no_thread),
        cmocka_unit_test(test_team_without_work_ends),
        cmocka_unit_test(test_creation_reports_every_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
