#include "run/train_test.h"

#include "small_trainer.h"

#include "captured.h"

static bool is_due(small_trainer *x, int64_t step, int64_t tested)
{
    x->t.at.step = step;
    x->t.at.tested = tested;
    x->t.at.epoch = (step + 1) / 2;
    x->t.at.position = step % 2 == 0 ? SMALL_SAMPLES : SMALL_BATCH;
    return train_test_due(&x->t);
}

static void test_tests_come_at_the_end_of_epochs(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.eval_every=2 epochs", "run.epochs=5", NULL};
    static const bool due[] = {
        false, false, false, false, true, false,
        false, false, true,  false, true}; /* after epochs 2 and 4, and at the end */
    small_trainer_open(&x, overrides);
    for (int64_t step = 0; step <= 10; step++) {
        assert_int_equal(is_due(&x, step, 0), due[step]);
        assert_false(is_due(&x, step, 1)); /* never twice for one step */
    }
    small_trainer_close(&x);
}

static void test_tests_come_every_so_many_steps(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.eval_every=3 steps", NULL};
    small_trainer_open(&x, overrides);
    assert_false(is_due(&x, 2, 0));
    assert_true(is_due(&x, 3, 0));
    assert_true(is_due(&x, 4, 0)); /* the end of the run */
    small_trainer_close(&x);
}

/* Or once more at a step whose weights a file has. */
static void test_tests_come_by_the_clock(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.eval_every=100 seconds", NULL};
    small_trainer_open(&x, overrides);
    x.t.tested_at = clock_seconds();
    assert_false(is_due(&x, 2, 0));
    x.t.test_again = 2;
    assert_true(is_due(&x, 2, 0));
    x.t.test_again = 0;
    x.t.tested_at = clock_seconds() - 101.0;
    assert_true(is_due(&x, 1, 0));
    small_trainer_close(&x);
}

static void test_a_test_is_a_row_perhaps_the_best_and_a_line(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    x.t.at.step = 2;
    x.t.at.position = SMALL_SAMPLES;
    support_require(train_test(&x.t), "test");
    assert_int_equal(x.t.at.tested, 1);
    assert_int_equal(x.t.at.best_step, 2);
    assert_true(x.t.tested.loss > 0.0);
    assert_true(clock_seconds() - x.t.tested_at < 60.0);
    char *text = run_fixture_read(SMALL_FILE("metrics.csv"));
    assert_non_null(strstr(text, "\n2,1,"));
    assert_non_null(strstr(text, ",test,"));
    mem_free(text);
    assert_int_equal(fflush(x.plan.progress), 0);
    size_t first = x.said_bytes;
    assert_true(first > 0);
    support_require(train_test(&x.t), "test");
    assert_int_equal(fflush(x.plan.progress), 0);
    assert_int_equal(x.said_bytes, first); /* lines come no faster than anybody reads */
    x.t.at.step = SMALL_STEPS;
    support_require(train_test(&x.t), "test");
    assert_int_equal(fflush(x.plan.progress), 0);
    assert_true(x.said_bytes > first); /* but the last one comes */
    small_trainer_close(&x);
}

/* There is no batch that could be skipped. */
static void test_a_test_that_fails_numerically_ends_the_run(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"model.head.then=faulty(status=nan, calls=9)", "run.on_failure=skip",
                               NULL};
    small_trainer_open(&x, overrides);
    x.t.at.step = 2;
    assert_int_equal(train_test(&x.t), ODEON_ERR_NUMERIC);
    assert_non_null(
        strstr(diag_message(), "the loss is nan: are the weights what they should be?"));
    assert_non_null(strstr(diag_message(), " (in the test); to repeat it: odeon replay "));
    assert_int_equal(x.t.at.tested, 0);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_tests_come_at_the_end_of_epochs),
        WITH_FOLDER(test_tests_come_every_so_many_steps),
        WITH_FOLDER(test_tests_come_by_the_clock),
        WITH_FOLDER(test_a_test_is_a_row_perhaps_the_best_and_a_line),
        WITH_FOLDER(test_a_test_that_fails_numerically_ends_the_run),
    };
    return cmocka_run_group_tests_name("train_test", tests, NULL, NULL);
}
