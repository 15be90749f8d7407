/* A worker's collectives over threads: the same bits for all, the worst status for all, and
 * messages that name who is to blame. */
#include "device/worker_group.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "gathering.h"
#include "odeon/device_solver.h"

enum { SIZE = GATHERING_SIZE, ROUNDS = 500 };

/* ---- values ---- */

static void sum_job(void *context, int32_t rank)
{
    gathering *g = context;
    const odeon_group *group = &g->group[rank].abi;
    for (int32_t round = 0; round < ROUNDS; round++) {
        int64_t n = round % 8; /* fewer elements than workers, too */
        odeon_tensor x = gathering_vector(g->numbers[rank], n);
        for (int64_t i = 0; i < n; i++) {
            g->numbers[rank][i] = (double)(round + rank * i);
        }
        g->wrong[rank] += group->sum(group->self, g->device[rank].queue, &x, ODEON_OK) != ODEON_OK;
        for (int64_t i = 0; i < n; i++) { /* sum of ranks 0 to 3 is 6 */
            g->wrong[rank] += g->numbers[rank][i] != (double)(SIZE * round + 6 * i);
        }
    }
}

static void test_sum_gives_the_total_to_all(void **state)
{
    gathering *g = *state;
    team_run(g->team, sum_job, g);
    gathering_check(g);
}

static void order_job(void *context, int32_t rank)
{
    gathering *g = context;
    const odeon_group *group = &g->group[rank].abi;
    static const double hard[SIZE] = {1e16, 1.0, -1e16, 1.0}; /* every order another sum */
    odeon_tensor x = gathering_vector(g->numbers[rank], 1);
    g->numbers[rank][0] = hard[rank];
    (void)group->sum(group->self, g->device[rank].queue, &x, ODEON_OK);
    g->slots[rank][ODEON_SLOT_USER] = hard[rank];
    (void)group->reduce_slots(group->self, g->device[rank].queue, g->slots[rank], ODEON_SLOT_USER,
                              1, 0, ODEON_OK);
}

static void test_sums_are_taken_in_rank_order(void **state)
{
    gathering *g = *state;
    team_run(g->team, order_job, g);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_true(g->numbers[i][0] == ((1e16 + 1.0) - 1e16) + 1.0);
        assert_true(g->slots[i][ODEON_SLOT_USER] == ((1e16 + 1.0) - 1e16) + 1.0);
    }
}

static void slots_job(void *context, int32_t rank)
{
    gathering *g = context;
    const odeon_group *group = &g->group[rank].abi;
    double *slots = g->slots[rank];
    for (int32_t round = 0; round < ROUNDS; round++) {
        int32_t maximum = round % 2;
        slots[3] = slots[6] = 77.0;
        slots[4] = (double)(round + rank);
        slots[5] = round % 5 == 4 && rank == 2 ? (double)NAN : (double)-rank;
        g->wrong[rank] += group->reduce_slots(group->self, g->device[rank].queue, slots, 4, 2,
                                              maximum, ODEON_OK) != ODEON_OK;
        double first = maximum != 0 ? round + SIZE - 1 : SIZE * round + 6;
        double second = maximum != 0 ? 0.0 : -6.0;
        g->wrong[rank] += slots[4] != first || slots[3] != 77.0 || slots[6] != 77.0;
        g->wrong[rank] += round % 5 == 4 ? !isnan(slots[5]) : slots[5] != second;
    }
}

static void test_slots_become_sums_or_maxima_and_nan_wins(void **state)
{
    gathering *g = *state;
    team_run(g->team, slots_job, g);
    gathering_check(g);
}

/* ---- statuses ---- */

typedef struct status_case {
    gathering *g;
    int call; /* of those on which all is well; a failing one calls agree */
} status_case;

static void status_job(void *context, int32_t rank)
{
    const status_case *c = context;
    gathering *g = c->g;
    diag_clear();
    odeon_status mine = g->mine[rank];
    if (mine != ODEON_OK) {
        (void)diag_fail(mine, "worker %d", (int)rank);
    }
    g->got[rank] = gathering_meet(g, rank, mine == ODEON_OK ? c->call : CALL_AGREE, mine);
    (void)snprintf(g->message[rank], sizeof g->message[rank], "%s", diag_message());
    worker_group_resolve(&g->group[rank]);
}

static void check_worst(gathering *g, const odeon_status *mine, odeon_status worst,
                        const char *message)
{
    for (int call = CALL_AGREE; call <= CALL_SLOTS; call++) {
        status_case c = {.g = g, .call = call};
        memcpy(g->mine, mine, sizeof g->mine);
        team_run(g->team, status_job, &c);
        for (int32_t i = 0; i < SIZE; i++) {
            assert_int_equal(g->got[i], worst);
            /* who failed keeps its own words */
            char own[64];
            (void)snprintf(own, sizeof own, "worker %d", (int)i);
            assert_string_equal(g->message[i], mine[i] != ODEON_OK ? own : message);
        }
    }
}

static void test_worst_status_reaches_all_whatever_they_call(void **state)
{
    gathering *g = *state;
    check_worst(g, (odeon_status[]){0, 0, 0, 0}, ODEON_OK, "");
    check_worst(g, (odeon_status[]){0, ODEON_VOID_STEP, 0, 0}, ODEON_VOID_STEP, "worker 1");
    check_worst(g, (odeon_status[]){0, 0, 0, ODEON_ERR_DEVICE}, ODEON_ERR_DEVICE, "worker 3");
    /* a failure before a void step, the lowest rank's of several */
    check_worst(g, (odeon_status[]){ODEON_VOID_STEP, 0, ODEON_ERR_NOMEM, 0}, ODEON_ERR_NOMEM,
                "worker 2");
    check_worst(g, (odeon_status[]){0, ODEON_ERR_IO, ODEON_ERR_NOMEM, ODEON_VOID_STEP},
                ODEON_ERR_IO, "worker 1");
}

static void settle_job(void *context, int32_t rank)
{
    gathering *g = context;
    worker_group *group = &g->group[rank];
    /* nobody knows of it: told to all, who are in a sum */
    odeon_status first = rank == 1 ? worker_group_share(group, ODEON_ERR_DATA)
                                   : gathering_meet(g, rank, CALL_SUM, ODEON_OK);
    /* all know: settled without a collective */
    odeon_status second = worker_group_share(group, first);
    uint64_t calls = group->calls;
    worker_group_resolve(group);
    g->wrong[rank] += first != ODEON_ERR_DATA || second != first || group->calls != calls;
    g->wrong[rank] +=
        gathering_meet(g, rank, CALL_AGREE, ODEON_OK) != ODEON_OK; /* on with the next */
    g->wrong[rank] += worker_group_share(group, ODEON_OK) != ODEON_OK;
}

static void test_failure_is_told_once(void **state)
{
    gathering *g = *state;
    uint64_t calls[SIZE];
    for (int32_t i = 0; i < SIZE; i++) {
        calls[i] = g->group[i].calls;
    }
    team_run(g->team, settle_job, g);
    gathering_check(g);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->group[i].calls - calls[i], 2);
    }
}

static void drift_job(void *context, int32_t rank)
{
    const status_case *c = context;
    c->g->got[rank] = gathering_meet(c->g, rank, rank == SIZE - 1 ? CALL_AGREE : c->call, ODEON_OK);
    worker_group_resolve(&c->g->group[rank]);
}

static void test_different_calls_are_an_internal_error_of_all(void **state)
{
    gathering *g = *state;
    for (int call = CALL_SUM; call <= CALL_SLOTS; call++) {
        status_case c = {.g = g, .call = call};
        diag_clear();
        team_run(g->team, drift_job, &c);
        for (int32_t i = 0; i < SIZE; i++) {
            assert_int_equal(g->got[i], ODEON_ERR_INTERNAL);
        }
        assert_non_null(strstr(diag_message(), "workers 0 and 3 lost step with each other"));
    }
}

static void in_other_layers(void *context, int32_t rank)
{
    gathering *g = context;
    calling_show(&g->group[rank].board);
    calling outer = calling_begin(rank == 2 ? &gathering_layer_b : &gathering_layer_a, "vjp");
    g->got[rank] = gathering_meet(g, rank, CALL_AGREE, ODEON_OK);
    calling_leave(outer);
    calling_show(NULL);
    worker_group_resolve(&g->group[rank]);
    collective_end_job(&g->group[rank]);
}

static void test_one_collective_of_two_layers_is_a_failure(void **state)
{
    gathering *g = *state;
    diag_clear();
    collective_begin_job(g->collective);
    team_run(g->team, in_other_layers, g);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->got[i], ODEON_ERR_PLUGIN);
    }
    assert_non_null(strstr(diag_message(), "one is in agree, called in vjp of model.a (odd), the "
                                           "other in agree, called in vjp of model.b (odd)"));
}

/* ---- one worker, and many ---- */

enum { CROWD = 50 }; /* more than a device adds up at once */

typedef struct crowd {
    worker_group group[CROWD];
    odeon_queue *queue[CROWD];
    double number[CROWD];
    odeon_status got[CROWD];
} crowd;

static void sum_crowd(void *context, int32_t rank)
{
    crowd *c = context;
    odeon_tensor x = gathering_vector(&c->number[rank], 1);
    c->got[rank] = c->group[rank].abi.sum(&c->group[rank], c->queue[rank], &x, ODEON_OK);
}

static void test_fifty_workers_add_up(void **state)
{
    gathering *g = *state;
    const odeon_device *device = g->device[0].device;
    static crowd c;
    collective *m = NULL;
    team *t = NULL;
    assert_int_equal(collective_create(CROWD, &m), ODEON_OK);
    assert_int_equal(team_create(CROWD, &t), ODEON_OK);
    for (int32_t i = 0; i < CROWD; i++) {
        assert_int_equal(device_queue_create(device, i, &c.queue[i]), ODEON_OK);
        worker_group_init(&c.group[i], m, device, i, CROWD);
        c.number[i] = 1.0 + i;
    }
    team_run(t, sum_crowd, &c);
    for (int32_t i = 0; i < CROWD; i++) {
        assert_int_equal(c.got[i], ODEON_OK);
        assert_true(c.number[i] == CROWD * (CROWD + 1) / 2.0);
        worker_group_fini(&c.group[i]);
        device_queue_destroy(device, c.queue[i]);
    }
    team_destroy(t);
    collective_destroy(m);
}

static void test_one_worker_meets_nobody(void **state)
{
    gathering *g = *state;
    collective *m = NULL;
    worker_group alone;
    assert_int_equal(collective_create(1, &m), ODEON_OK);
    worker_group_init(&alone, m, g->device[0].device, 0, 1);
    double value = 3.0;
    odeon_tensor x = gathering_vector(&value, 1);
    assert_int_equal(alone.abi.sum(&alone, g->device[0].queue, &x, ODEON_OK), ODEON_OK);
    assert_true(value == 3.0);
    assert_int_equal(alone.delivered, ODEON_OK);
    assert_int_equal(alone.abi.sum(&alone, g->device[0].queue, &x, ODEON_ERR_IO), ODEON_ERR_IO);
    assert_int_equal(alone.delivered, ODEON_ERR_IO);
    assert_int_equal(alone.abi.agree(&alone, ODEON_VOID_STEP), ODEON_VOID_STEP);
    assert_int_equal(alone.delivered, ODEON_VOID_STEP);
    assert_int_equal(
        alone.abi.reduce_slots(&alone, g->device[0].queue, g->slots[0], 0, 1, 0, ODEON_ERR_IO),
        ODEON_ERR_IO);
    collective_destroy(m);
}

/* Without a collective there is nobody to wait for. */
static void test_one_worker_needs_no_collective(void **state)
{
    (void)state;
    worker_group alone;
    memset(&alone, 0xff, sizeof alone);
    worker_group_init(&alone, NULL, NULL, 0, 1);
    assert_int_equal(alone.abi.struct_size, sizeof alone.abi);
    assert_int_equal(alone.abi.rank, 0);
    assert_int_equal(alone.abi.size, 1);
    assert_ptr_equal(alone.abi.self, &alone);
    assert_int_equal(alone.delivered, ODEON_OK);
    assert_int_equal(alone.calls, 0);
    assert_int_equal(worker_group_share(&alone, ODEON_OK), ODEON_OK);
    assert_int_equal(alone.delivered, ODEON_OK);
    assert_int_equal(worker_group_share(&alone, ODEON_ERR_DATA), ODEON_ERR_DATA);
    assert_int_equal(alone.delivered, ODEON_ERR_DATA);
    assert_int_equal(worker_group_share(&alone, ODEON_ERR_IO), ODEON_ERR_IO);
    assert_int_equal(alone.delivered, ODEON_ERR_DATA); /* one failure is shared at a time */
    worker_group_resolve(&alone);
    assert_int_equal(alone.delivered, ODEON_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gathering_open, gathering_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sum_gives_the_total_to_all),
        TEST(test_sums_are_taken_in_rank_order),
        TEST(test_slots_become_sums_or_maxima_and_nan_wins),
        TEST(test_worst_status_reaches_all_whatever_they_call),
        TEST(test_failure_is_told_once),
        TEST(test_different_calls_are_an_internal_error_of_all),
        TEST(test_one_collective_of_two_layers_is_a_failure),
        TEST(test_fifty_workers_add_up),
        TEST(test_one_worker_meets_nobody),
        cmocka_unit_test(test_one_worker_needs_no_collective),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
