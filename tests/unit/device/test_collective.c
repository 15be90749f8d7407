/* What the workers of a run share: how many they may be, and the jobs in which they meet. */
#include "device/collective.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/collective_state.h"
#include "gathering.h"

enum { SIZE = GATHERING_SIZE };

/* ---- its life ---- */

static void test_size_is_limited(void **state)
{
    (void)state;
    static const int32_t wrong[] = {0, -1, COLLECTIVE_MAX_WORKERS + 1, INT32_MAX};
    collective *m;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char expected[80];
        (void)snprintf(expected, sizeof expected, "run.workers = %d: allowed are 1 to 256",
                       (int)wrong[i]);
        diag_clear();
        assert_int_equal(collective_create(wrong[i], &m), ODEON_ERR_CONFIG);
        assert_null(m);
        assert_string_equal(diag_message(), expected);
    }
    static const int32_t right[] = {1, 2, COLLECTIVE_MAX_WORKERS};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(collective_create(right[i], &m), ODEON_OK);
        assert_int_equal(m->size, right[i]);
        assert_true(m->patience == 0.0);
        collective_destroy(m);
    }
    collective_destroy(NULL);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    for (int64_t n = 1; n <= 4; n++) { /* itself, the groups, two arrays of offers */
        collective *m;
        diag_clear();
        mem_fail_at(n);
        odeon_status status = collective_create(2, &m);
        mem_fail_at(0);
        assert_int_equal(status, ODEON_ERR_NOMEM);
        assert_null(m);
        assert_string_equal(diag_message(), "workers: no memory");
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void note(void *context, const char *message)
{
    *(const char **)context = message;
}

static void test_patience_is_kept(void **state)
{
    (void)state;
    collective *m;
    const char *told = "";
    assert_int_equal(collective_create(2, &m), ODEON_OK);
    collective_set_patience(m, 2.5, note, &told);
    assert_true(m->patience == 2.5);
    m->stuck(m->context, "told");
    assert_string_equal(told, "told");
    collective_destroy(m);
}

/* ---- jobs ---- */

static void agree_job(void *context, int32_t rank)
{
    gathering *g = context;
    g->wrong[rank] += gathering_meet(g, rank, CALL_AGREE, ODEON_OK) != ODEON_OK;
    collective_end_job(&g->group[rank]);
    if (rank == 0) { /* it has waited for the others */
        g->wrong[rank] += atomic_load(&g->collective->done) != SIZE;
    }
}

static void test_the_end_of_a_job_waits_for_all(void **state)
{
    gathering *g = *state;
    for (int again = 0; again < 100; again++) {
        collective_begin_job(g->collective);
        assert_int_equal(atomic_load(&g->collective->done), 0);
        team_run(g->team, agree_job, g);
        gathering_check(g);
    }
}

static void test_one_worker_has_no_end_to_wait_for(void **state)
{
    (void)state;
    collective *m;
    worker_group alone;
    assert_int_equal(collective_create(1, &m), ODEON_OK);
    worker_group_init(&alone, m, NULL, 0, 1);
    collective_begin_job(m);
    collective_end_job(&alone);
    assert_int_equal(atomic_load(&m->done), 0);
    collective_destroy(m);
}

/* The counts of exchanges choose the buffer of an offer, so they must be the same everywhere. */
static void test_a_job_begins_with_all_in_step(void **state)
{
    gathering *g = *state;
    g->group[2].calls = 7;
    g->group[3].calls = 6;
    atomic_store(&g->group[1].waits_in, KIND_SUM);
    atomic_store(&g->group[1].is_done, true);
    atomic_store(&g->collective->arrived, 2);
    atomic_store(&g->collective->done, 1);
    atomic_store(&g->collective->is_broken, true);
    collective_begin_job(g->collective);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->group[i].calls, 7);
        assert_int_equal(atomic_load(&g->group[i].waits_in), KIND_NONE);
        assert_false(atomic_load(&g->group[i].is_done));
    }
    assert_int_equal(atomic_load(&g->collective->arrived), 0);
    assert_int_equal(atomic_load(&g->collective->done), 0);
    assert_false(atomic_load(&g->collective->is_broken));
}

static void leave_early(void *context, int32_t rank)
{
    gathering *g = context;
    calling_show(&g->group[rank].board);
    if (rank == 1) {
        calling outer = calling_begin(&gathering_layer_x, "forward");
        g->got[rank] = gathering_meet(g, rank, CALL_AGREE, ODEON_OK);
        calling_leave(outer);
        g->wrong[rank] = g->got[rank] != gathering_meet(g, rank, CALL_SUM, ODEON_OK);
        (void)snprintf(g->message[rank], sizeof g->message[rank], "%s", diag_message());
    }
    calling_show(NULL);
    collective_end_job(&g->group[rank]);
}

/* No patience is needed: whoever has done its part does not come any more. */
static void test_collective_of_one_worker_alone_fails_at_once(void **state)
{
    gathering *g = *state;
    for (int again = 0; again < 20; again++) {
        collective_begin_job(g->collective);
        worker_group_resolve(&g->group[1]);
        team_run(g->team, leave_early, g);
        assert_int_equal(g->got[1], ODEON_ERR_PLUGIN);
        assert_string_equal(g->message[1],
                            "worker 1 waits in agree, called in forward of model.x (odd), fo");
        gathering_check(g);
    }
    collective_begin_job(
        g->collective); /* until it is resolved nothing waits, in another job too */
    assert_int_equal(gathering_meet(g, 1, CALL_AGREE, ODEON_OK), ODEON_ERR_PLUGIN);
    collective_begin_job(g->collective); /* and the next job is as any */
    for (int32_t i = 0; i < SIZE; i++) {
        worker_group_resolve(&g->group[i]);
    }
    team_run(g->team, agree_job, g);
    gathering_check(g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gathering_open, gathering_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_is_limited),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_patience_is_kept),
        TEST(test_the_end_of_a_job_waits_for_all),
        cmocka_unit_test(test_one_worker_has_no_end_to_wait_for),
        TEST(test_a_job_begins_with_all_in_step),
        TEST(test_collective_of_one_worker_alone_fails_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
