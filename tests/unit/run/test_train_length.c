#include <stdint.h>

#include "support.h"

#include "run/train_length.h"

static void test_a_run_has_its_epochs_of_steps(void **state)
{
    (void)state;
    config c = {.batch = 4, .epochs = 3};
    assert_int_equal(train_steps_an_epoch(&c, 10), 3);
    assert_int_equal(train_steps(&c, 10, NULL), 9);
    c.drop_last = true;
    assert_int_equal(train_steps_an_epoch(&c, 10), 2);
    assert_int_equal(train_steps(&c, 10, NULL), 6);
    c.iterations = 5;
    assert_int_equal(train_steps(&c, 10, NULL), 5);
}

static void test_more_steps_than_can_be_counted_are_the_most(void **state)
{
    (void)state;
    config c = {.batch = 1, .epochs = INT64_MAX};
    assert_int_equal(train_steps(&c, 2, NULL), INT64_MAX);
}

/* The same samples and batch: nothing is cut. */
static void test_a_run_that_goes_on_alike_keeps_its_place(void **state)
{
    (void)state;
    config c = {.batch = 4, .epochs = 3};
    checkpoint at = {.epoch = 2, .step = 4, .position = 4, .samples = 10, .batch = 4, .extra = 7};
    checkpoint cut = train_cut_anew(&c, 10, at);
    assert_int_equal(cut.position, 4);
    assert_int_equal(cut.extra, 7);
    assert_int_equal(train_steps(&c, 10, &at), 9 + 7);
}

typedef struct cut {
    int64_t samples, batch, position; /* of the run that goes on, and where it then stands */
    int32_t drop_last;
    int64_t extra;
} cut;

/* After one epoch of three steps and four samples of the next, in step 4. */
static void test_the_rest_of_an_epoch_is_cut_anew(void **state)
{
    (void)state;
    static const cut cuts[] = {
        {10, 2, 4, 0, -3}, /* 5 + 2 steps of batches of 2 come to the same place */
        {10, 10, 4, 0, 3}, /* an epoch of one step, and another for what is left of the second */
        {3, 4, 3, 0, 2},   /* the epoch is shorter than what was trained on */
    };
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        config c = {.batch = cuts[i].batch, .epochs = 3, .drop_last = cuts[i].drop_last != 0};
        checkpoint at = {.epoch = 2, .step = 4, .position = 4, .samples = 10, .batch = 4};
        checkpoint now = train_cut_anew(&c, cuts[i].samples, at);
        assert_int_equal(now.samples, cuts[i].samples);
        assert_int_equal(now.batch, cuts[i].batch);
        assert_int_equal(now.position, cuts[i].position);
        assert_int_equal(now.extra, cuts[i].extra);
    }
}

/* With drop_last the rest is a multiple of the batch. */
static void test_without_a_last_batch_the_rest_is_whole_batches(void **state)
{
    (void)state;
    config c = {.batch = 3, .epochs = 3, .drop_last = true};
    checkpoint at = {.epoch = 1, .step = 1, .position = 4, .samples = 10, .batch = 4};
    checkpoint now = train_cut_anew(&c, 10, at);
    assert_int_equal((9 - now.position) % 3, 0);
    assert_true(now.position >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_has_its_epochs_of_steps),
        cmocka_unit_test(test_more_steps_than_can_be_counted_are_the_most),
        cmocka_unit_test(test_a_run_that_goes_on_alike_keeps_its_place),
        cmocka_unit_test(test_the_rest_of_an_epoch_is_cut_anew),
        cmocka_unit_test(test_without_a_last_batch_the_rest_is_whole_batches),
    };
    return cmocka_run_group_tests_name("train_length", tests, NULL, NULL);
}
