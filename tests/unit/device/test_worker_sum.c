/* Sums over the workers by one exchange, two or three, whatever their size: the same bits for all.
 */
#include "device/worker_sum.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "gathering.h"

/* Doubles: 32 KiB of each worker, and 4 MiB. */
enum { SIZE = GATHERING_SIZE, SMALL = 4096, LARGE = 4097, LARGEST = (1 << 19) + 1 };

/* Two vectors of every worker, of which the second has one number. */
typedef struct pair {
    gathering *g;
    int64_t n;
    int32_t rounds;
    double *first[SIZE], second[SIZE];
    uint64_t exchanges[SIZE];
} pair;

static double value_of(int32_t rank, int64_t i, int32_t round)
{
    static const double hard[SIZE] = {1e16, 1.0, -1e16, 1.0}; /* every order another sum */
    return hard[rank] * (double)(1 + i % 7 + round);
}

static double sum_of(int64_t i, int32_t round)
{
    double sum = value_of(0, i, round);
    for (int32_t rank = 1; rank < SIZE; rank++) {
        sum += value_of(rank, i, round);
    }
    return sum;
}

/* Rounds follow each other at once, so that a worker may be a round ahead of another. */
static void sum_pair(void *context, int32_t rank)
{
    pair *p = context;
    gathering *g = p->g;
    worker_group *group = &g->group[rank];
    odeon_tensor x = gathering_vector(p->first[rank], p->n),
                 y = gathering_vector(&p->second[rank], 1);
    const odeon_tensor *all[] = {&x, &y};
    uint64_t before = group->calls;
    for (int32_t round = 0; round < p->rounds; round++) {
        for (int64_t i = 0; i < p->n; i++) {
            p->first[rank][i] = value_of(rank, i, round);
        }
        p->second[rank] = rank + round;
        g->wrong[rank] +=
            worker_sum_all(group, g->device[rank].queue, 2, all, ODEON_OK) != ODEON_OK;
        for (int64_t i = 0; i < p->n; i++) {
            g->wrong[rank] += p->first[rank][i] != sum_of(i, round);
        }
        g->wrong[rank] += p->second[rank] != 6 + SIZE * round;
    }
    p->exchanges[rank] = group->calls - before;
}

static void check_pair(gathering *g, int64_t n, int32_t rounds, uint64_t exchanges)
{
    pair p = {.g = g, .n = n, .rounds = rounds};
    for (int32_t rank = 0; rank < SIZE; rank++) {
        p.first[rank] = mem_zalloc((size_t)n, sizeof(double));
    }
    team_run(g->team, sum_pair, &p);
    gathering_check(g);
    for (int32_t rank = 0; rank < SIZE; rank++) {
        assert_int_equal(p.exchanges[rank], exchanges * (uint64_t)rounds);
        mem_free(p.first[rank]);
    }
}

static void test_small_tensors_are_added_up_by_one_exchange(void **state)
{
    check_pair(*state, 1, 300, 1);
    check_pair(*state, 100, 300, 1);
    check_pair(*state, SMALL - 64, 20, 1);
}

/* Room for sums of a vector of n numbers beside another: what a step sums up is known before the
 * first one. */
static void reserve(gathering *g, int64_t n)
{
    int64_t bytes = (n * (int64_t)sizeof(double) + 63) / 64 * 64 + 64;
    for (int32_t rank = 0; rank < SIZE; rank++) {
        assert_int_equal(worker_sum_reserve(&g->group[rank], bytes), ODEON_OK);
    }
}

/* Where none was reserved its memory would have to move while others may still read it. */
static void test_large_tensors_without_a_total_are_added_up_by_three(void **state)
{
    check_pair(*state, LARGE, 20, 3);
    reserve(*state, LARGE);
    check_pair(*state, LARGE, 20, 2);
    check_pair(*state, 3 * LARGE, 20, 3);
}

static void test_large_tensors_are_added_up_by_two(void **state)
{
    reserve(*state, 3 * LARGE);
    check_pair(*state, LARGE, 20, 2);
    check_pair(*state, 3 * LARGE, 20, 2);
}

/* Without a total of their own. */
static void test_the_largest_tensors_are_added_up_in_place(void **state)
{
    gathering *g = *state;
    reserve(g, LARGEST);
    check_pair(g, LARGEST, 2, 3);
    assert_true(g->group[0].total.bytes < LARGEST * (int64_t)sizeof(double));
}

static void test_sizes_may_alternate(void **state)
{
    reserve(*state, LARGE + 20);
    for (int i = 0; i < 20; i++) {
        check_pair(*state, 1 + i, 1 + i % 2, 1);
        check_pair(*state, LARGE + i, 1 + i % 3, 2);
    }
}

static void test_what_was_reserved_is_not_allocated_again(void **state)
{
    gathering *g = *state;
    reserve(g, 2 * LARGE);
    int64_t blocks = mem_live_blocks();
    check_pair(g, SMALL - 64, 3, 1);
    check_pair(g, 2 * LARGE, 3, 2);
    assert_int_equal(mem_live_blocks(), blocks);
}

/* Of small sums; large ones take no memory. */
static void sum_without_memory(void *context, int32_t rank)
{
    pair *p = context;
    gathering *g = p->g;
    odeon_tensor x = gathering_vector(p->first[rank], p->n);
    diag_clear();
    g->got[rank] = worker_sum(&g->group[rank], g->device[rank].queue, &x, ODEON_OK);
    (void)snprintf(g->message[rank], sizeof g->message[rank], "%s", diag_message());
    worker_group_resolve(&g->group[rank]);
}

static void test_lack_of_memory_is_shared(void **state)
{
    gathering *g = *state;
    pair p = {.g = g, .n = SMALL - 64};
    for (int32_t rank = 0; rank < SIZE; rank++) {
        p.first[rank] = mem_zalloc(SMALL, sizeof(double));
    }
    mem_fail_from(1);
    team_run(g->team, sum_without_memory, &p);
    mem_fail_at(0);
    for (int32_t rank = 0; rank < SIZE; rank++) {
        assert_int_equal(g->got[rank], ODEON_ERR_NOMEM);
        assert_string_equal(g->message[rank], g->message[0]);
        mem_free(p.first[rank]);
    }
    check_pair(g, SMALL - 64, 2, 1); /* and once there is memory again, all is well */
}

/* One worker's tensor is small, the others' are large. */
static void sum_of_own_size(void *context, int32_t rank)
{
    pair *p = context;
    gathering *g = p->g;
    odeon_tensor x = gathering_vector(p->first[rank], rank == 2 ? 1 : p->n);
    g->got[rank] = worker_sum(&g->group[rank], g->device[rank].queue, &x, ODEON_OK);
    worker_group_resolve(&g->group[rank]);
}

static void test_tensors_of_different_sizes_are_refused(void **state)
{
    gathering *g = *state;
    pair p = {.g = g, .n = LARGE};
    for (int32_t rank = 0; rank < SIZE; rank++) {
        p.first[rank] = mem_zalloc(LARGE, sizeof(double));
    }
    team_run(g->team, sum_of_own_size, &p);
    for (int32_t rank = 0; rank < SIZE; rank++) {
        assert_int_equal(g->got[rank], ODEON_ERR_INTERNAL);
        mem_free(p.first[rank]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gathering_open, gathering_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_tensors_are_added_up_by_one_exchange),
        TEST(test_large_tensors_without_a_total_are_added_up_by_three),
        TEST(test_large_tensors_are_added_up_by_two),
        TEST(test_the_largest_tensors_are_added_up_in_place),
        TEST(test_sizes_may_alternate),
        TEST(test_what_was_reserved_is_not_allocated_again),
        TEST(test_lack_of_memory_is_shared),
        TEST(test_tensors_of_different_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
