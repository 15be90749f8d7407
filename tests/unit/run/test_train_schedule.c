#include "run/train_schedule.h"

#include "small_trainer.h"

/* The factor that cosine has after so much of the run: a half from the first step to the last. */
static double cosine(double share)
{
    return 0.5 * (1.0 + cos(acos(-1.0) * share));
}

static void test_without_a_schedule_the_rate_is_the_optimizers(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    x.t.at.step = 3;
    x.t.factor = 7.0;
    support_require(train_schedule_step(&x.t), "step");
    assert_true(x.t.factor == 1.0);
    assert_true(x.t.at.rate == 0.1);
    small_trainer_close(&x);
}

static void test_the_factor_is_that_of_the_step(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"train.schedule=cosine", NULL};
    small_trainer_open(&x, overrides);
    double last = 2.0;
    for (x.t.at.step = 1; x.t.at.step <= SMALL_STEPS; x.t.at.step++) {
        support_require(train_schedule_step(&x.t), "step");
        assert_true(x.t.factor < last);
        assert_true(x.t.at.rate == x.t.factor * 0.1);
        last = x.t.factor;
    }
    x.t.at.step = 3; /* two of four steps are behind it */
    support_require(train_schedule_step(&x.t), "step");
    assert_true(fabs(x.t.factor - cosine(0.5)) <= 1e-15);
    small_trainer_close(&x);
}

static void test_a_factor_that_is_none_is_refused(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"train.schedule=wild(from=2, kind=negative)", NULL};
    small_trainer_open(&x, overrides);
    x.t.at.step = 1;
    support_require(train_schedule_step(&x.t), "step");
    x.t.at.step = 2;
    x.t.at.rate = 5.0;
    assert_int_equal(train_schedule_step(&x.t), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "train.schedule: wild says that step 2 has the learning "
                                        "rate times -1");
    assert_true(x.t.at.rate == 5.0);
    small_trainer_close(&x);
}

static void assert_reported(const small_trainer *x, const char *expected)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    support_require(train_schedule_report_jump(&x->t, out), "report");
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_a_run_that_is_not_longer_does_not_jump(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"train.schedule=cosine", NULL};
    small_trainer_open(&x, overrides);
    checkpoint from = x.t.at;
    assert_reported(&x, ""); /* it begins */
    x.plan.from = &from;
    assert_reported(&x, ""); /* it goes on before its first step */
    from.step = 2;
    from.rate = 0.1 * cosine(0.25);
    assert_reported(&x, "");
    from.step = SMALL_STEPS;
    assert_reported(&x, ""); /* nothing is left to jump */
    small_trainer_close(&x);
}

static void test_a_schedule_of_a_longer_run_jumps(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"train.schedule=cosine", "run.epochs=4", NULL};
    small_trainer_open(&x, overrides);
    checkpoint from = x.t.at;
    from.step = 2;
    from.total = SMALL_STEPS;
    from.rate = 0.075;
    x.plan.from = &from;
    assert_reported(&x, "the learning rate jumps from 0.0750 in step 2 to 0.0854 in step 3: the "
                        "schedule is that of 8 steps, it was that of 4\n");
    small_trainer_close(&x);
}

/* Its checkpoint says that it is over, but its steps were those of the whole length. */
static void test_a_run_that_has_ended_early_does_not_jump(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"train.schedule=cosine", "run.epochs=4", NULL};
    small_trainer_open(&x, overrides);
    checkpoint from = x.t.at;
    from.step = from.total = 2;
    from.rate = 0.1 * cosine(0.125);
    x.plan.from = &from;
    assert_reported(&x, "");
    small_trainer_close(&x);
}

/* An accepted change of configuration: what counts is the rate that the checkpoint has. */
static void test_a_rate_that_was_changed_jumps(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    checkpoint from = x.t.at;
    from.step = 2;
    from.rate = 0.05;
    x.plan.from = &from;
    assert_reported(&x, "");
    x.plan.changed = true;
    assert_reported(&x, "the learning rate jumps from 0.0500 in step 2 to 0.1000 in step 3\n");
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_without_a_schedule_the_rate_is_the_optimizers),
        WITH_FOLDER(test_the_factor_is_that_of_the_step),
        WITH_FOLDER(test_a_factor_that_is_none_is_refused),
        WITH_FOLDER(test_a_run_that_is_not_longer_does_not_jump),
        WITH_FOLDER(test_a_schedule_of_a_longer_run_jumps),
        WITH_FOLDER(test_a_run_that_has_ended_early_does_not_jump),
        WITH_FOLDER(test_a_rate_that_was_changed_jumps),
    };
    return cmocka_run_group_tests_name("train_schedule", tests, NULL, NULL);
}
