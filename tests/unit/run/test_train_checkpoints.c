#include "run/train_checkpoints.h"

#include <unistd.h>

#include "small_trainer.h"

#include "captured.h"
#include "run/interrupt.h"
#include "run/train_step.h"

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The run's newest checkpoint, which must be sound. */
static checkpoint newest(void)
{
    checkpoint_file *file = NULL;
    support_require(checkpoint_open_newest("runs/small/1", &file), "open");
    assert_non_null(file);
    checkpoint at = file->at;
    at.config = NULL;
    checkpoint_close(file);
    return at;
}

static void test_a_run_begins_at_step_0_of_epoch_1(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    x.plan.train_data = 11;
    x.plan.test_data = 12;
    checkpoint at = train_beginning(x.s.session, x.s.config, &x.plan, NULL);
    assert_true(at.step == 0 && at.epoch == 1 && at.position == 0 && at.tested == 0);
    assert_true(at.total == SMALL_STEPS && at.samples == SMALL_SAMPLES && at.batch == SMALL_BATCH);
    assert_true(at.workers == 1 && at.train_data == 11 && at.test_data == 12);
    assert_true(isinf(at.best) && at.best < 0.0 && at.best_step == 0);
    assert_ptr_equal(at.config, x.s.config->effective);
    small_trainer_close(&x);
}

/* The place is that of the checkpoint, the length that of the configuration. */
static void test_a_run_goes_on_where_its_checkpoint_stands(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.epochs=5", NULL};
    small_trainer_open(&x, overrides);
    checkpoint from = {.step = 3,
                       .epoch = 2,
                       .position = 4,
                       .total = 4,
                       .samples = SMALL_SAMPLES,
                       .batch = SMALL_BATCH,
                       .best = 0.5,
                       .best_step = 2};
    checkpoint at = train_beginning(x.s.session, x.s.config, &x.plan, &from);
    assert_true(at.step == 3 && at.epoch == 2 && at.position == 4 && at.best_step == 2);
    assert_int_equal(at.total, 10);
    small_trainer_close(&x);
}

static void test_a_checkpoint_has_where_the_run_stands(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    support_require(train_next_step(&x.t), "step");
    x.t.failures.in_a_row = 1;
    support_require(train_save_checkpoint(&x.t, false), "save");
    assert_false(is_there(SMALL_FILE("weights.safetensors")));
    assert_true(x.t.has_saved);
    assert_int_equal(x.t.saved_step, 1);
    assert_int_equal(x.t.weights_step, -1);
    checkpoint at = newest();
    assert_true(at.step == 1 && at.epoch == 1 && at.position == 4 && at.failed == 1);
    assert_true(at.metrics.csv_bytes > 0 && at.metrics.json_bytes > 0);
    support_require(train_save_checkpoint(&x.t, true), "save");
    assert_true(is_there(SMALL_FILE("weights.safetensors")));
    assert_int_equal(x.t.weights_step, 1);
    small_trainer_close(&x);
}

static void test_saving_all_does_so_once_for_a_place(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    support_require(train_next_step(&x.t), "step");
    support_require(train_save_all(&x.t), "save");
    assert_int_equal(unlink(SMALL_FILE("weights.safetensors")), 0);
    support_require(train_save_all(&x.t), "save");
    assert_false(is_there(SMALL_FILE("weights.safetensors"))); /* it is where it was saved */
    x.t.at.tested = 1;
    support_require(train_save_all(&x.t), "save");
    assert_true(is_there(SMALL_FILE("weights.safetensors")));
    small_trainer_close(&x);
}

/* Due at the edge of an epoch or after a test, once the time has passed; at the end always. */
static void test_a_checkpoint_is_due_by_the_clock_at_an_edge(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.checkpoint_seconds=100", NULL};
    small_trainer_open(&x, overrides);
    x.t.at = (checkpoint){.step = 1,
                          .epoch = 1,
                          .position = 4,
                          .total = SMALL_STEPS,
                          .samples = SMALL_SAMPLES,
                          .batch = SMALL_BATCH,
                          .workers = 1,
                          .best = -(double)INFINITY,
                          .config = x.s.config->effective};
    x.t.saved_at = clock_seconds() - 101.0;
    support_require(train_save_if_due(&x.t), "save");
    assert_false(x.t.has_saved); /* within an epoch */
    x.t.at.step = 2;
    x.t.at.position = SMALL_SAMPLES;
    x.t.saved_at = clock_seconds();
    support_require(train_save_if_due(&x.t), "save");
    assert_false(x.t.has_saved); /* not yet */
    x.t.saved_at = clock_seconds() - 101.0;
    support_require(train_save_if_due(&x.t), "save");
    assert_true(x.t.has_saved);
    assert_true(clock_seconds() - x.t.saved_at < 50.0); /* the clock starts anew */
    x.t.at.step = SMALL_STEPS;
    x.t.at.epoch = 2;
    support_require(train_save_if_due(&x.t), "save");
    assert_int_equal(newest().step, SMALL_STEPS);
    small_trainer_close(&x);
}

/* Of batches of a second and more a signal need not find one at its end. */
static void test_long_batches_are_saved_within_an_epoch(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.checkpoint_seconds=0.5", NULL};
    small_trainer_open(&x, overrides);
    support_require(train_next_step(&x.t), "step");
    x.t.saved_at = clock_seconds() - 31.0;
    x.t.batch_seconds = 0.9;
    support_require(train_save_if_due(&x.t), "save");
    assert_false(x.t.has_saved);
    x.t.batch_seconds = 1.0;
    support_require(train_save_if_due(&x.t), "save");
    assert_true(x.t.has_saved);
    small_trainer_close(&x);
}

static void test_checkpoints_that_were_asked_for_come_every_so_many_steps(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.checkpoint_every=2", NULL};
    small_trainer_open(&x, overrides);
    for (int step = 1; step <= 3; step++) {
        support_require(train_next_step(&x.t), "step");
        support_require(train_save_if_asked(&x.t), "save");
        assert_int_equal(x.t.saved_step, step / 2 * 2);
    }
    assert_int_equal(newest().step, 2);
    small_trainer_close(&x);
}

static void assert_saved_text(const trainer *t, const char *expected)
{
    char text[512];
    train_saved_text(t, text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_the_advice_names_the_checkpoint_and_the_command(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    assert_saved_text(&x.t, "nothing is saved yet; to begin again: odeon train runs/small/1 "
                            "--resume");
    support_require(train_next_step(&x.t), "step");
    support_require(train_save_checkpoint(&x.t, false), "save");
    assert_saved_text(&x.t, "kept: the state after step 1 of 4, runs/small/1/checkpoints/"
                            "ckpt-1.safetensors; to go on: odeon train runs/small/1 --resume");
    train_update_advice(&x.t);
    assert_string_equal(diag_message(), ""); /* it is no failure */
    small_trainer_close(&x);
}

/* Whatever the session has become since, the checkpoint of step 0 has the initial weights. */
static void test_the_start_is_kept_as_it_was(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    double before[4], after[4];
    support_require(session_parameter_get(x.s.session, 0, before), "get");
    support_require(train_next_step(&x.t), "step");
    train_save_start(&x.t);
    assert_true(x.t.has_saved);
    checkpoint_file *file = NULL;
    support_require(checkpoint_open_newest("runs/small/1", &file), "open");
    assert_int_equal(file->at.step, 0);
    const char *path = session_parameter_at(x.s.session, 0).path;
    support_require(safetensors_get(file->tensors, safetensors_find(file->tensors, path), 0,
                                    sizeof after, after),
                    "read");
    assert_memory_equal(after, before, sizeof before);
    checkpoint_close(file);
    small_trainer_close(&x);
}

static void test_a_start_that_cannot_be_kept_is_a_warning(void **state)
{
    (void)state;
    small_trainer x;
    captured said;
    small_trainer_open(&x, NULL);
    FILE *f = fopen(SMALL_FILE("checkpoints"), "w"); /* a file where the folder would be */
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    captured_start(&said);
    train_save_start(&x.t);
    captured_stop(&said);
    assert_false(x.t.has_saved);
    assert_string_equal(diag_message(), "");
    static const char start[] =
        "odeon: warning: the weights of before the first step are not kept: ";
    assert_memory_equal(said.text, start, sizeof start - 1);
    assert_int_equal(train_save_checkpoint(&x.t, false), ODEON_ERR_IO);
    assert_false(x.t.has_saved);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_run_begins_at_step_0_of_epoch_1),
        WITH_FOLDER(test_a_run_goes_on_where_its_checkpoint_stands),
        WITH_FOLDER(test_a_checkpoint_has_where_the_run_stands),
        WITH_FOLDER(test_saving_all_does_so_once_for_a_place),
        WITH_FOLDER(test_a_checkpoint_is_due_by_the_clock_at_an_edge),
        WITH_FOLDER(test_long_batches_are_saved_within_an_epoch),
        WITH_FOLDER(test_checkpoints_that_were_asked_for_come_every_so_many_steps),
        WITH_FOLDER(test_the_advice_names_the_checkpoint_and_the_command),
        WITH_FOLDER(test_the_start_is_kept_as_it_was),
        WITH_FOLDER(test_a_start_that_cannot_be_kept_is_a_warning),
    };
    return cmocka_run_group_tests_name("train_checkpoints", tests, NULL, NULL);
}
