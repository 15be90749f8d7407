#include "run/train_step.h"

#include "small_trainer.h"

#include "captured.h"

static size_t rows(void)
{
    char *text = run_fixture_read(SMALL_FILE("metrics.csv"));
    size_t n = 0;
    for (const char *p = text; *p != '\0'; p++) {
        n += *p == '\n';
    }
    mem_free(text);
    return n == 0 ? 0 : n - 1; /* without the names */
}

static void test_steps_go_through_the_epochs(void **state)
{
    (void)state;
    static const int64_t epochs[] = {1, 1, 2, 2}, positions[] = {4, 8, 4, 8};
    small_trainer x;
    small_trainer_open(&x, NULL);
    for (int i = 0; i < SMALL_STEPS; i++) {
        support_require(train_next_step(&x.t), "step");
        assert_int_equal(x.t.at.step, i + 1);
        assert_int_equal(x.t.at.epoch, epochs[i]);
        assert_int_equal(x.t.at.position, positions[i]);
        assert_int_equal(x.t.ordered, epochs[i]);
        assert_false(x.t.torn);
    }
    assert_true(x.t.first.loss != x.t.last.loss);
    small_trainer_close(&x);
}

/* A last batch takes what is left: 8 samples in batches of 3 are 3, 3 and 2. */
static void test_the_last_batch_takes_what_is_left(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"data.batch=3", NULL};
    small_trainer_open(&x, overrides);
    for (int i = 0; i < 3; i++) {
        support_require(train_next_step(&x.t), "step");
    }
    assert_int_equal(x.t.at.position, SMALL_SAMPLES);
    assert_true(x.t.last.counted == 2.0);
    small_trainer_close(&x);
}

static void test_rows_are_those_of_first_and_last_step_and_between(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.log_every=3", NULL};
    static const size_t expected[] = {1, 1, 2, 3}; /* steps 1, 3 and 4 have one */
    small_trainer_open(&x, overrides);
    for (int i = 0; i < SMALL_STEPS; i++) {
        support_require(train_next_step(&x.t), "step");
        run_dir_write_rows(x.t.plan->dir);
        assert_int_equal(rows(), expected[i]);
    }
    small_trainer_close(&x);
}

static void test_a_step_forgets_the_test_before_it(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    x.t.at.tested = 1;
    support_require(train_next_step(&x.t), "step");
    assert_int_equal(x.t.at.tested, 0);
    small_trainer_close(&x);
}

/* The head's second call gives NaN. */
#define BAD_SECOND_STEP "model.head.then=faulty(call=2, status=nan)"

static void test_a_failure_leaves_the_run_where_it_stood(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {BAD_SECOND_STEP, NULL};
    small_trainer_open(&x, overrides);
    support_require(train_next_step(&x.t), "step");
    checkpoint before = x.t.at;
    assert_int_equal(train_next_step(&x.t), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "; to repeat it: odeon replay runs/small/1/failure"));
    assert_memory_equal(&x.t.at, &before, sizeof before);
    assert_int_equal(x.t.failures.in_a_row, 0);
    assert_false(x.t.torn); /* parameters are as before */
    assert_int_equal(rows(), 1);
    small_trainer_close(&x);
}

static void test_a_step_that_is_skipped_has_a_row_without_loss(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {BAD_SECOND_STEP, "run.on_failure=skip", NULL};
    captured said;
    small_trainer_open(&x, overrides);
    support_require(train_next_step(&x.t), "step");
    captured_start(&said);
    odeon_status status = train_next_step(&x.t);
    captured_stop(&said);
    assert_int_equal(status, ODEON_OK);
    assert_non_null(strstr(said.text, "odeon: warning: step 2 is skipped: the loss is nan"));
    assert_true(x.t.at.step == 2 && x.t.at.position == 8);
    assert_int_equal(x.t.failures.in_a_row, 1);
    run_dir_write_rows(x.t.plan->dir);
    char *text = run_fixture_read(SMALL_FILE("metrics.csv"));
    const char *row = strstr(text, "\n2,1,");
    assert_non_null(row);
    assert_non_null(strstr(row, ",train,,,")); /* neither loss nor accuracy */
    mem_free(text);
    support_require(train_next_step(&x.t), "step");
    assert_int_equal(x.t.failures.in_a_row, 0); /* a step that succeeds ends the row of failures */
    small_trainer_close(&x);
}

/* A device that breaks in the midst of a step leaves who knows what. */
static void test_a_broken_step_is_torn(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"model.head.then=faulty(call=2, status=fatal)", NULL};
    small_trainer_open(&x, overrides);
    support_require(train_next_step(&x.t), "step");
    assert_int_equal(train_next_step(&x.t), ODEON_ERR_DEVICE);
    assert_true(x.t.torn);
    assert_int_equal(x.t.at.step, 1);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_steps_go_through_the_epochs),
        WITH_FOLDER(test_the_last_batch_takes_what_is_left),
        WITH_FOLDER(test_rows_are_those_of_first_and_last_step_and_between),
        WITH_FOLDER(test_a_step_forgets_the_test_before_it),
        WITH_FOLDER(test_a_failure_leaves_the_run_where_it_stood),
        WITH_FOLDER(test_a_step_that_is_skipped_has_a_row_without_loss),
        WITH_FOLDER(test_a_broken_step_is_torn),
    };
    return cmocka_run_group_tests_name("train_step", tests, NULL, NULL);
}
