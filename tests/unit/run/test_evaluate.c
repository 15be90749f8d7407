#include "run/evaluate.h"

#include <math.h>

#include "base/mem.h"
#include "support.h"

/* A batch of an evaluation with one ODE block. */
static session_result batch(double loss, double accuracy, int64_t evals, double h, double share,
                            double counted)
{
    static ode_counters block_of[8];
    static size_t next;
    ode_counters *block = &block_of[next++ % 8];
    *block = (ode_counters){.path = "ode",
                            .evals_forward = evals,
                            .accepted = 2,
                            .rejected = 1,
                            .h_min = h,
                            .h_max = h,
                            .bytes = evals,
                            .share = share};
    session_result r = {.loss = loss,
                        .metrics = {accuracy},
                        .counted = counted,
                        .loss_counted = counted,
                        .device = {.waits = 2, .launches = evals, .allocs = 1},
                        .n_blocks = 1,
                        .blocks = block};
    return r;
}

static void add(session_result *total, const session_result *part, int64_t n, int64_t of)
{
    assert_int_equal(evaluate_add(total, part, 1, n, of), ODEON_OK);
}

/* Batches of 3 and of 1 sample. */
static session_result two_batches(void)
{
    session_result total = {.loss = 0.0};
    session_result a = batch(1.0, 0.5, 10, 0.25, 0.5, 3.0),
                   b = batch(2.0, 1.0, 20, 0.125, 1.0, 1.0);
    static ode_counters block;
    add(&total, &a, 3, 4);
    add(&total, &b, 1, 4);
    block = total.blocks[0];
    mem_free(total.blocks);
    total.blocks = &block;
    return total;
}

/* Equal without tolerance: all the numbers and weights are powers of two times small integers. */
static void test_evaluate_loss_is_the_mean_over_samples(void **state)
{
    (void)state;
    assert_true(two_batches().loss == 1.25);
}

static void test_evaluate_metric_is_the_mean_over_samples(void **state)
{
    (void)state;
    assert_true(two_batches().metrics[0] == 0.625);
}

static void test_evaluate_share_is_the_mean_over_samples(void **state)
{
    (void)state;
    assert_true(two_batches().blocks[0].share == 0.625);
}

static void test_evaluate_counters_are_sums_over_batches(void **state)
{
    (void)state;
    session_result r = two_batches();
    assert_int_equal(r.blocks[0].evals_forward, 30);
    assert_int_equal(r.blocks[0].accepted, 4);
    assert_int_equal(r.blocks[0].rejected, 2);
}

static void test_evaluate_device_counts_are_sums_over_batches(void **state)
{
    (void)state;
    session_result r = two_batches();
    assert_int_equal(r.device.waits, 4);
    assert_int_equal(r.device.launches, 30);
    assert_int_equal(r.device.allocs, 2);
}

static void test_evaluate_counts_stay_unknown(void **state)
{
    (void)state;
    session_result total = {.loss = 0.0}, r = batch(1.0, 0.5, 10, 0.25, 0.5, 3.0);
    r.device = (device_counters){-1, -1, -1};
    add(&total, &r, 1, 2);
    add(&total, &r, 1, 2);
    assert_int_equal(total.device.waits, -1);
    assert_int_equal(total.device.launches, -1);
    assert_int_equal(total.device.allocs, -1);
    session_result_fini(&total);
}

static void test_evaluate_step_sizes_and_bytes_are_extremes(void **state)
{
    (void)state;
    session_result r = two_batches();
    assert_true(r.blocks[0].h_min == 0.125 && r.blocks[0].h_max == 0.25);
    assert_int_equal(r.blocks[0].bytes, 20);
}

/* Of the second batch's elements three times as many count as of the first's. */
static void test_evaluate_weighs_batches_by_what_their_masks_leave(void **state)
{
    (void)state;
    session_result total = {.loss = 0.0};
    session_result a = batch(1.0, 0.5, 10, 0.25, 0.5, 1.0),
                   b = batch(2.0, 1.0, 20, 0.125, 1.0, 3.0);
    session_result nothing = batch(0.0, (double)NAN, 20, 0.125, 1.0, 0.0);
    add(&total, &a, 2, 6);
    add(&total, &nothing, 2, 6);
    add(&total, &b, 2, 6);
    assert_true(total.loss == 1.75 && total.metrics[0] == 0.875 && total.counted == 4.0);
    session_result_fini(&total);
}

static void test_evaluate_has_no_gradient_norm(void **state)
{
    (void)state;
    assert_true(isnan(two_batches().grad_norm));
}

/* As many blocks as a model has; of an earlier and smaller copy the memory is used again. */
static void test_evaluate_takes_any_number_of_blocks(void **state)
{
    (void)state;
    enum { N = 100 };
    ode_counters blocks[N] = {{.path = NULL}};
    session_result total = {.loss = 0.0}, copy = {.loss = 0.0};
    session_result r = {.loss = 1.0, .counted = 1.0, .n_blocks = N, .blocks = blocks};
    for (size_t i = 0; i < N; i++) {
        blocks[i].evals_forward = (int64_t)i;
    }
    add(&total, &r, 1, 2);
    add(&total, &r, 1, 2);
    assert_int_equal(total.n_blocks, N);
    assert_int_equal(total.blocks[N - 1].evals_forward, 2 * (N - 1));
    r.n_blocks = 1;
    assert_int_equal(session_result_copy(&r, &copy), ODEON_OK);
    assert_int_equal(session_result_copy(&total, &copy), ODEON_OK);
    assert_int_equal(copy.n_blocks, N);
    assert_true(copy.blocks != total.blocks);
    assert_memory_equal(copy.blocks, total.blocks, N * sizeof *copy.blocks);
    session_result_fini(&total);
    session_result_fini(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate_loss_is_the_mean_over_samples),
        cmocka_unit_test(test_evaluate_metric_is_the_mean_over_samples),
        cmocka_unit_test(test_evaluate_share_is_the_mean_over_samples),
        cmocka_unit_test(test_evaluate_counters_are_sums_over_batches),
        cmocka_unit_test(test_evaluate_device_counts_are_sums_over_batches),
        cmocka_unit_test(test_evaluate_counts_stay_unknown),
        cmocka_unit_test(test_evaluate_step_sizes_and_bytes_are_extremes),
        cmocka_unit_test(test_evaluate_weighs_batches_by_what_their_masks_leave),
        cmocka_unit_test(test_evaluate_has_no_gradient_norm),
        cmocka_unit_test(test_evaluate_takes_any_number_of_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
