/* The ends of a run before its last step. */
#include "run/train_stop.h"

#include "small_trainer.h"

#include "run_fixture.h"

static void test_patience_counts_from_the_best_evaluation(void **state)
{
    (void)state;
    static const struct {
        const char *patience;
        int64_t step, epoch, tested;
        bool due;
    } cases[] = {
        {"run.stop_patience=2 epochs", 6, 3, 1, true},
        {"run.stop_patience=2 epochs", 6, 3, 0, false},
        {"run.stop_patience=3 epochs", 6, 3, 1, false},
        {"run.stop_patience=4 steps", 6, 3, 1, true},
        {"run.stop_patience=5 steps", 6, 3, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_trainer x;
        const char *overrides[] = {cases[i].patience, "run.epochs=9", NULL};
        small_trainer_open(&x, overrides);
        x.t.at.step = cases[i].step;
        x.t.at.epoch = cases[i].epoch;
        x.t.at.tested = cases[i].tested;
        assert_false(train_stop_due(&x.t)); /* nothing is the best yet */
        x.t.at.best_step = 2;
        x.t.at.best_epoch = 1;
        assert_int_equal(train_stop_due(&x.t), cases[i].due);
        train_stop_if_due(&x.t);
        assert_int_equal(x.t.ends, cases[i].due);
        assert_int_equal(x.t.total, cases[i].due ? 6 : 18);
        assert_int_equal(x.t.at.total, cases[i].due ? 6 : 18);
        small_trainer_close(&x);
    }
}

static void test_time_ends_a_run_after_any_step(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.max_time=100", NULL};
    small_trainer_open(&x, overrides);
    x.t.started = clock_seconds() - 101.0;
    assert_false(train_stop_due(&x.t)); /* there is nothing yet */
    x.t.at.step = 1;
    assert_true(train_stop_due(&x.t));
    x.t.started = clock_seconds() - 90.0;
    assert_false(train_stop_due(&x.t));
    small_trainer_close(&x);
}

/* A limit that was raised, or that a run never came to, is no reason not to go on. */
static void test_a_run_that_ended_itself_has_nothing_left(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.max_time=100", NULL};
    checkpoint from = {.step = 3, .total = 3, .tested = 1};
    small_trainer_open(&x, overrides);
    x.t.at.step = 3;
    x.t.started = clock_seconds() - 101.0;
    assert_false(train_stop_was(&x.t));
    x.plan.from = &from;
    assert_true(train_stop_was(&x.t));
    from.total = 4;
    assert_false(train_stop_was(&x.t));
    from.total = 3;
    x.t.started = clock_seconds();
    assert_false(train_stop_was(&x.t));
    small_trainer_close(&x);
}

static void test_patience_needs_a_validation_split(void **state)
{
    (void)state;
    config c = {.stop_patience = {.every = 0}};
    assert_int_equal(train_stop_check(&c, false), ODEON_OK);
    c.stop_patience.every = 1;
    assert_int_equal(train_stop_check(&c, true), ODEON_OK);
    assert_int_equal(train_stop_check(&c, false), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "run.stop_patience: there is no validation split"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_patience_counts_from_the_best_evaluation),
        WITH_FOLDER(test_time_ends_a_run_after_any_step),
        WITH_FOLDER(test_a_run_that_ended_itself_has_nothing_left),
        cmocka_unit_test(test_patience_needs_a_validation_split),
    };
    return cmocka_run_group_tests_name("train_stop", tests, NULL, NULL);
}
