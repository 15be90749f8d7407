/* Collectives over threads: the same bits for all, the worst status for all, nobody left behind. */
#include "device/collective.h"

#include <math.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "plugin/registry.h"
#include "session/threads.h"
#include "support.h"

enum { SIZE = 4, ROUNDS = 500, SECONDS = 30 };

/* Workers on the reference device, whose memory is the host's. */
typedef struct gathering {
    registry *plugins;
    support_device device[SIZE]; /* each with a queue */
    collective *collective;
    team *team;
    worker_group group[SIZE];
    double numbers[SIZE][8];
    double *slots[SIZE];
    odeon_status mine[SIZE], got[SIZE];
    char message[SIZE][64];
    int wrong[SIZE]; /* what a worker found amiss: cmocka asserts on the main thread only */
} gathering;

static int open_gathering(void **state)
{
    static gathering g;
    (void)alarm(SECONDS);
    memset(&g, 0, sizeof g);
    g.plugins = support_registry();
    assert_int_equal(collective_create(SIZE, &g.collective), ODEON_OK);
    assert_int_equal(team_create(SIZE, &g.team), ODEON_OK);
    for (int32_t i = 0; i < SIZE; i++) {
        g.device[i] = support_device_open(g.plugins, "reference", ODEON_DTYPE_F64);
        worker_group_init(&g.group[i], g.collective, &g.device[i].device, i, SIZE);
        g.slots[i] = mem_zalloc(ODEON_SLOTS, sizeof(double));
    }
    *state = &g;
    return 0;
}

static int close_gathering(void **state)
{
    gathering *g = *state;
    team_destroy(g->team);
    for (int32_t i = 0; i < SIZE; i++) {
        support_device_close(&g->device[i]);
        mem_free(g->slots[i]);
    }
    collective_destroy(g->collective);
    registry_destroy(g->plugins);
    (void)alarm(0);
    return 0;
}

static odeon_tensor vector(double *data, int64_t n)
{
    return (odeon_tensor){.data = data, .dim = {n}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
}

static void check_right(const gathering *g)
{
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->wrong[i], 0);
    }
}

/* ---- values ---- */

static void sum_job(void *context, int32_t rank)
{
    gathering *g = context;
    const odeon_group *group = &g->group[rank].abi;
    for (int32_t round = 0; round < ROUNDS; round++) {
        int64_t n = round % 8; /* fewer elements than workers, too */
        odeon_tensor x = vector(g->numbers[rank], n);
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
    check_right(g);
}

static void order_job(void *context, int32_t rank)
{
    gathering *g = context;
    const odeon_group *group = &g->group[rank].abi;
    static const double hard[SIZE] = {1e16, 1.0, -1e16, 1.0}; /* every order another sum */
    odeon_tensor x = vector(g->numbers[rank], 1);
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
    check_right(g);
}

/* ---- statuses ---- */

enum { CALL_AGREE, CALL_SUM, CALL_SLOTS };

static odeon_status meet(gathering *g, int32_t rank, int call, odeon_status mine)
{
    const odeon_group *group = &g->group[rank].abi;
    odeon_tensor x = vector(g->numbers[rank], 2);
    switch (call) {
    case CALL_SUM:
        return group->sum(group->self, g->device[rank].queue, &x, mine);
    case CALL_SLOTS:
        return group->reduce_slots(group->self, g->device[rank].queue, g->slots[rank], 4, 1, 0,
                                   mine);
    default:
        return group->agree(group->self, mine);
    }
}

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
    g->got[rank] = meet(g, rank, mine == ODEON_OK ? c->call : CALL_AGREE, mine);
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
    odeon_status first =
        rank == 1 ? worker_group_share(group, ODEON_ERR_DATA) : meet(g, rank, CALL_SUM, ODEON_OK);
    /* all know: settled without a collective */
    odeon_status second = worker_group_share(group, first);
    uint64_t calls = group->calls;
    worker_group_resolve(group);
    g->wrong[rank] += first != ODEON_ERR_DATA || second != first || group->calls != calls;
    g->wrong[rank] += meet(g, rank, CALL_AGREE, ODEON_OK) != ODEON_OK; /* on with the next */
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
    check_right(g);
    for (int32_t i = 0; i < SIZE; i++) {
        assert_int_equal(g->group[i].calls - calls[i], 2);
    }
}

static void drift_job(void *context, int32_t rank)
{
    const status_case *c = context;
    c->g->got[rank] = meet(c->g, rank, rank == SIZE - 1 ? CALL_AGREE : c->call, ODEON_OK);
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

/* ---- workers that do not come ---- */

static const odeon_component odd = {
    .struct_size = sizeof odd, .kind = ODEON_KIND_LAYER, .id = "odd"};

/* Components outlive the job that they are called in: workers read of each other's after a call. */
static char path_x[] = "model.x", path_a[] = "model.a", path_b[] = "model.b",
            path_slow[] = "model.slow";
static const instance layer_x = {.component = &odd, .path = path_x},
                      layer_a = {.component = &odd, .path = path_a},
                      layer_b = {.component = &odd, .path = path_b},
                      layer_slow = {.component = &odd, .path = path_slow};

static void leave_early(void *context, int32_t rank)
{
    gathering *g = context;
    calling_show(&g->group[rank].board);
    if (rank == 1) {
        calling outer = calling_begin(&layer_x, "forward");
        g->got[rank] = meet(g, rank, CALL_AGREE, ODEON_OK);
        calling_leave(outer);
        g->wrong[rank] = g->got[rank] != meet(g, rank, CALL_SUM, ODEON_OK);
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
        check_right(g);
    }
    collective_begin_job(g->collective); /* and the next job is as any */
    for (int32_t i = 0; i < SIZE; i++) {
        worker_group_resolve(&g->group[i]);
    }
    team_run(g->team, sum_job, g);
    check_right(g);
}

static void in_other_layers(void *context, int32_t rank)
{
    gathering *g = context;
    calling_show(&g->group[rank].board);
    calling outer = calling_begin(rank == 2 ? &layer_b : &layer_a, "vjp");
    g->got[rank] = meet(g, rank, CALL_AGREE, ODEON_OK);
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
        calling outer = calling_begin(&layer_slow, "forward");
        if (c->release != NULL) {
            (void)sem_wait(c->release);
        }
        for (int i = 0; i < CALLS && c->release == NULL; i++) {
            calling_leave(calling_begin(&layer_slow, "forward"));
            (void)poll(NULL, 0, MILLISECONDS);
        }
        calling_leave(outer);
    }
    calling_show(NULL);
    c->g->got[rank] = meet(c->g, rank, CALL_AGREE, ODEON_OK);
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

/* ---- one worker, too many ---- */

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
    odeon_tensor x = vector(&c->number[rank], 1);
    c->got[rank] = c->group[rank].abi.sum(&c->group[rank], c->queue[rank], &x, ODEON_OK);
}

static void test_fifty_workers_add_up(void **state)
{
    gathering *g = *state;
    const odeon_device *device = &g->device[0].device;
    static crowd c;
    collective *m = NULL;
    team *t = NULL;
    assert_int_equal(collective_create(CROWD, &m), ODEON_OK);
    assert_int_equal(team_create(CROWD, &t), ODEON_OK);
    for (int32_t i = 0; i < CROWD; i++) {
        assert_int_equal(device->ops->queue_create(device->self, i, &c.queue[i]), ODEON_OK);
        worker_group_init(&c.group[i], m, device, i, CROWD);
        c.number[i] = 1.0 + i;
    }
    team_run(t, sum_crowd, &c);
    for (int32_t i = 0; i < CROWD; i++) {
        assert_int_equal(c.got[i], ODEON_OK);
        assert_true(c.number[i] == CROWD * (CROWD + 1) / 2.0);
        device->ops->queue_destroy(c.queue[i]);
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
    worker_group_init(&alone, m, &g->device[0].device, 0, 1);
    double value = 3.0;
    odeon_tensor x = vector(&value, 1);
    assert_int_equal(alone.abi.sum(&alone, g->device[0].queue, &x, ODEON_OK), ODEON_OK);
    assert_true(value == 3.0);
    assert_int_equal(alone.abi.agree(&alone, ODEON_VOID_STEP), ODEON_VOID_STEP);
    assert_int_equal(alone.delivered, ODEON_VOID_STEP);
    assert_int_equal(
        alone.abi.reduce_slots(&alone, g->device[0].queue, g->slots[0], 0, 1, 0, ODEON_ERR_IO),
        ODEON_ERR_IO);
    collective_destroy(m);
}

static void test_size_is_limited(void **state)
{
    (void)state;
    collective *m = NULL;
    diag_clear();
    assert_int_equal(collective_create(0, &m), ODEON_ERR_CONFIG);
    assert_int_equal(collective_create(COLLECTIVE_MAX_WORKERS + 1, &m), ODEON_ERR_CONFIG);
    assert_null(m);
    mem_fail_at(1);
    assert_int_equal(collective_create(2, &m), ODEON_ERR_NOMEM);
    collective_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gathering, close_gathering)
    const struct CMUnitTest tests[] = {
        TEST(test_sum_gives_the_total_to_all),
        TEST(test_sums_are_taken_in_rank_order),
        TEST(test_slots_become_sums_or_maxima_and_nan_wins),
        TEST(test_worst_status_reaches_all_whatever_they_call),
        TEST(test_failure_is_told_once),
        TEST(test_different_calls_are_an_internal_error_of_all),
        TEST(test_collective_of_one_worker_alone_fails_at_once),
        TEST(test_one_collective_of_two_layers_is_a_failure),
        TEST(test_worker_stuck_in_a_call_is_told_once),
        TEST(test_worker_that_goes_on_is_waited_for),
        TEST(test_fifty_workers_add_up),
        TEST(test_one_worker_meets_nobody),
        cmocka_unit_test(test_size_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
