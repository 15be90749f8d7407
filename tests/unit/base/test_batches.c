#include "base/batches.h"

#include "support.h"

static int64_t steps_until(const batches *b, int64_t epoch, int64_t position)
{
    int64_t steps = -1;
    return batches_steps_until(b, epoch, position, &steps) ? steps : -1;
}

static void test_what_is_left_is_a_batch_or_left_out(void **state)
{
    (void)state;
    batches b = {.samples = 10, .batch = 4};
    assert_int_equal(batches_samples(&b), 10);
    assert_int_equal(batches_steps(&b), 3);
    b.drop_last = true;
    assert_int_equal(batches_samples(&b), 8);
    assert_int_equal(batches_steps(&b), 2);
    b.samples = 3;
    assert_int_equal(batches_samples(&b), 0);
    assert_int_equal(batches_steps(&b), 0);
}

/* Counted batch by batch, for every size and wherever an epoch was cut anew. */
static void test_steps_are_those_of_counting(void **state)
{
    (void)state;
    for (int64_t samples = 1; samples <= 9; samples++) {
        for (int64_t batch = 1; batch <= 10; batch++) {
            batches b = {.samples = samples, .batch = batch};
            int64_t step = 0;
            for (int64_t epoch = 1; epoch <= 3; epoch++) {
                for (int64_t at = 0; at < samples; step++) {
                    assert_int_equal(steps_until(&b, epoch, at), step);
                    at = at + batch < samples ? at + batch : samples;
                    assert_int_equal(steps_until(&b, epoch, at), step + 1);
                }
            }
            for (int64_t from = 0; from <= samples; from++) {
                int64_t left = 0;
                for (int64_t at = from; at < samples; at += batch) {
                    left++;
                }
                assert_int_equal(steps_until(&b, 1, from) + left, batches_steps(&b));
            }
        }
    }
}

static void test_what_is_in_no_epoch_or_no_number_is_told(void **state)
{
    (void)state;
    batches b = {.samples = 10, .batch = 4};
    assert_int_equal(steps_until(&b, 0, 4), -1);
    assert_int_equal(steps_until(&b, 1, -1), -1);
    assert_int_equal(steps_until(&b, 1, 11), -1);
    assert_int_equal(steps_until(&b, INT64_MAX, 4), -1);
    assert_int_equal(steps_until(&b, INT64_MIN, 4), -1);
    b = (batches){.samples = INT64_MAX, .batch = 1};
    assert_true(steps_until(&b, 1, INT64_MAX) == INT64_MAX);
    assert_int_equal(steps_until(&b, 2, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_is_a_batch_or_left_out),
        cmocka_unit_test(test_steps_are_those_of_counting),
        cmocka_unit_test(test_what_is_in_no_epoch_or_no_number_is_told),
    };
    return cmocka_run_group_tests_name("batches", tests, NULL, NULL);
}
