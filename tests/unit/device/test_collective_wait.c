/* How workers wait for one another: a barrier that opens for all or for none, and what ends a wait
 * that would never end. */
#include "device/collective_wait.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "gathering.h"

enum { SIZE = GATHERING_SIZE, ROUNDS = 500 };

/* ---- the barrier ---- */

static void test_collectives_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "no collective", "sum", "sum", "sum", "sum", "reduce_slots", "agree", "the batch's end"};
    for (unsigned kind = KIND_NONE; kind <= KIND_END; kind++) {
        assert_string_equal(collective_kind_name(kind), names[kind]);
    }
}

typedef struct rounds {
    gathering *g;
    atomic_int here;
} rounds;

/* Nobody leaves a round before all have come to it, nor is anybody a round ahead. */
static void meet_again(void *context, int32_t rank)
{
    rounds *r = context;
    for (int round = 1; round <= ROUNDS; round++) {
        atomic_fetch_add(&r->here, 1);
        r->g->wrong[rank] += !collective_barrier(&r->g->group[rank], KIND_AGREE);
        r->g->wrong[rank] += atomic_load(&r->here) != SIZE * round;
        r->g->wrong[rank] += !collective_barrier(&r->g->group[rank], KIND_AGREE);
    }
}

static void test_all_leave_the_barrier_together(void **state)
{
    rounds r = {.g = *state};
    team_run(r.g->team, meet_again, &r);
    gathering_check(r.g);
    assert_int_equal(atomic_load(&r.g->collective->arrived), 0);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(atomic_load(&r.g->group[i].waits_in), KIND_NONE);
    }
}

static void test_a_job_that_broke_up_is_not_waited_for(void **state)
{
    gathering *g = *state;
    atomic_store(&g->collective->is_broken, true);
    assert_false(collective_barrier(&g->group[0], KIND_SUM));
    assert_int_equal(atomic_load(&g->collective->arrived), 0);
    assert_int_equal(atomic_load(&g->group[0].waits_in), KIND_NONE);
    collective_begin_job(g->collective);
    assert_false(atomic_load(&g->collective->is_broken));
}

/* ---- deadlocks ---- */

static void test_a_deadlock_needs_one_that_waits_and_one_that_is_gone(void **state)
{
    gathering *g = *state;
    collective_end_deadlock(g->collective);
    assert_false(atomic_load(&g->collective->is_broken)); /* nobody waits */
    for (int32_t i = 0; i < SIZE; i++) {
        atomic_store(&g->group[i].waits_in, KIND_SLOTS);
    }
    collective_end_deadlock(g->collective);
    assert_false(atomic_load(&g->collective->is_broken)); /* all wait: the barrier opens */
    atomic_store(&g->group[0].waits_in, KIND_NONE);
    unsigned generation = atomic_load(&g->collective->generation);
    collective_end_deadlock(g->collective);
    assert_true(atomic_load(&g->collective->is_broken));
    assert_int_equal(atomic_load(&g->collective->generation), generation + 1);
    assert_int_equal(g->collective->verdict, ODEON_ERR_INTERNAL);
    assert_string_equal(g->collective->message,
                        "worker 1 waits in reduce_slots, called in the host, for worker 0, which "
                        "has done its part of the batch: a layer or solver calls a collective on "
                        "some of the workers only");
    atomic_store(&g->group[1].waits_in, KIND_NONE);
    collective_end_deadlock(g->collective); /* the first reason stands */
    assert_non_null(strstr(g->collective->message, "worker 1 waits"));
    collective_begin_job(g->collective);
}

static void test_a_plugin_that_waits_alone_is_to_blame(void **state)
{
    gathering *g = *state;
    atomic_store(&g->group[2].waits_in, KIND_AGREE);
    calling_show(&g->group[2].board);
    calling outer = calling_begin(&gathering_layer_x, "forward");
    collective_end_deadlock(g->collective);
    calling_leave(outer);
    calling_show(NULL);
    assert_int_equal(g->collective->verdict, ODEON_ERR_PLUGIN);
    assert_non_null(strstr(g->collective->message,
                           "worker 2 waits in agree, called in forward of model.x (odd), for "
                           "worker 0"));
    collective_begin_job(g->collective);
}

/* ---- the end of a job ---- */

static void test_where_all_are_done_nothing_is_waited_for(void **state)
{
    gathering *g = *state;
    atomic_store(&g->collective->done, SIZE);
    collective_await_done(&g->group[0]);
    assert_false(atomic_load(&g->collective->is_broken));
    collective_begin_job(g->collective);
}

/* ---- patience ---- */

typedef struct stuck_case {
    gathering *g;
    sem_t told, *release; /* release NULL: the late worker comes by itself, after many calls */
    char message[1024];
    atomic_int times;
} stuck_case;

static void note_stuck(void *context, const char *message)
{
    stuck_case *c = context;
    (void)snprintf(c->message, sizeof c->message, "%s", message);
    atomic_fetch_add(&c->times, 1);
    (void)sem_post(&c->told);
}

/* Worker 2 comes late: once somebody has lost patience, or after a while of short calls. */
static void come_late(void *context, int32_t rank)
{
    enum { CALLS = 40, MILLISECONDS = 10 };
    stuck_case *c = context;
    calling_show(&c->g->group[rank].board);
    if (rank == 2) {
        calling outer = calling_begin(&gathering_layer_slow, "forward");
        if (c->release != NULL) {
            (void)sem_wait(c->release);
        }
        for (int i = 0; i < CALLS && c->release == NULL; i++) {
            calling_leave(calling_begin(&gathering_layer_slow, "forward"));
            (void)poll(NULL, 0, MILLISECONDS);
        }
        calling_leave(outer);
    }
    calling_show(NULL);
    c->g->got[rank] = gathering_meet(c->g, rank, CALL_AGREE, ODEON_OK);
    worker_group_resolve(&c->g->group[rank]);
    collective_end_job(&c->g->group[rank]);
}

static void run_late(stuck_case *c, bool is_stuck)
{
    assert_int_equal(sem_init(&c->told, 0, 0), 0);
    c->release = is_stuck ? &c->told : NULL;
    collective_set_patience(c->g->collective, 0.1, note_stuck, c);
    collective_begin_job(c->g->collective);
    team_run(c->g->team, come_late, c);
    collective_set_patience(c->g->collective, 0.0, NULL, NULL);
    (void)sem_destroy(&c->told);
}

static void test_worker_stuck_in_a_call_is_told_once(void **state)
{
    stuck_case c = {.g = *state};
    run_late(&c, true);
    assert_int_equal(c.times, 1);
    assert_non_null(strstr(c.message, "has waited 0.1 seconds in agree (collective "));
    assert_non_null(strstr(c.message, "called in the host) for worker 2, which is in forward of "
                                      "model.slow (odd) and does not come out of it"));
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(c.g->got[i], ODEON_ERR_PLUGIN);
    }
}

/* Four times as long as patience, in calls that each end well within. */
static void test_worker_that_goes_on_is_waited_for(void **state)
{
    stuck_case c = {.g = *state};
    run_late(&c, false);
    assert_int_equal(c.times, 0);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(c.g->got[i], ODEON_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gathering_open, gathering_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collectives_have_names),
        TEST(test_all_leave_the_barrier_together),
        TEST(test_a_job_that_broke_up_is_not_waited_for),
        TEST(test_a_deadlock_needs_one_that_waits_and_one_that_is_gone),
        TEST(test_a_plugin_that_waits_alone_is_to_blame),
        TEST(test_where_all_are_done_nothing_is_waited_for),
        TEST(test_worker_stuck_in_a_call_is_told_once),
        TEST(test_worker_that_goes_on_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
