#include "run/train_best.h"

#include <unistd.h>

#include "small_trainer.h"

#include "run/train_checkpoints.h"

static const char best_file[] = SMALL_FILE("weights-best.safetensors");

/* A test of that accuracy after so many steps. */
static void take(small_trainer *x, int64_t step, double accuracy)
{
    x->t.at.step = step;
    x->t.at.epoch = (step + 1) / 2;
    x->t.tested.metrics[0] = accuracy;
    support_require(train_best_take(&x->t), "take");
}

static void test_only_a_better_test_is_taken(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    take(&x, 1, 0.5);
    assert_true(x.t.at.best == 0.5 && x.t.at.best_step == 1 && x.t.at.best_epoch == 1);
    take(&x, 2, 0.5);
    assert_int_equal(x.t.at.best_step, 1);
    take(&x, 3, (double)NAN);
    assert_int_equal(x.t.at.best_step, 1);
    take(&x, 4, 0.75);
    assert_true(x.t.at.best == 0.75 && x.t.at.best_step == 4 && x.t.at.best_epoch == 2);
    small_trainer_close(&x);
}

/* The file is of the moment of the test, whatever the session is when it is written. */
static void test_weights_wait_in_memory_until_they_are_saved(void **state)
{
    (void)state;
    small_trainer x;
    safetensors *file = NULL;
    double before[4];
    static const double zeros[4];
    small_trainer_open(&x, NULL);
    support_require(session_parameter_get(x.s.session, 0, before), "get");
    take(&x, 1, 0.5);
    assert_int_not_equal(access(best_file, F_OK), 0);
    support_require(session_parameter_set(x.s.session, 0, zeros), "set");
    support_require(train_best_save(&x.t), "save");
    assert_null(x.t.best.data);
    support_require(safetensors_read(best_file, &file), "read");
    const char *path = session_parameter_at(x.s.session, 0).path;
    assert_memory_equal(safetensors_find(file, path)->data, before, sizeof before);
    assert_null(safetensors_metadata(file, "step"));
    safetensors_destroy(file);
    assert_int_equal(unlink(best_file), 0);
    support_require(train_best_save(&x.t), "save"); /* nothing is left to write */
    assert_int_not_equal(access(best_file, F_OK), 0);
    small_trainer_close(&x);
}

/* Tests by the clock come at other steps the next time, so the file says its step. */
static void test_the_step_is_in_the_file_where_tests_go_by_the_clock(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.eval_every=10 seconds", NULL};
    small_trainer_open(&x, overrides);
    assert_int_equal(train_best_step(&x.t), 0); /* there is no file */
    take(&x, 3, 0.5);
    support_require(train_best_save(&x.t), "save");
    assert_int_equal(train_best_step(&x.t), 3);
    FILE *f = fopen(best_file, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(train_best_step(&x.t), 0); /* one that cannot be read is written anew */
    assert_string_equal(diag_message(), "");
    small_trainer_close(&x);
}

static void assert_printed(const small_trainer *x, const char *expected)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    train_best_print(&x->t, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_a_line_tells_of_a_best_test_before_the_last(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    assert_printed(&x, "");
    take(&x, 2, 0.75);
    assert_printed(&x, ""); /* the last is the best */
    take(&x, 4, 0.5);
    assert_printed(&x, "best test accuracy 0.7500 after epoch 1 (weights-best.safetensors)\n");
    small_trainer_close(&x);
    const char *overrides[] = {"run.eval_every=1 steps", NULL};
    small_trainer_open(&x, overrides);
    take(&x, 3, 0.75);
    take(&x, 4, 0.5);
    assert_printed(&x, "best test accuracy 0.7500 after step 3 (weights-best.safetensors)\n");
    small_trainer_close(&x);
}

static void test_without_memory_nothing_half_is_kept(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    int64_t before = mem_live_blocks();
    x.t.at.step = 1;
    x.t.tested.metrics[0] = 0.5;
    mem_fail_at(6);
    assert_int_equal(train_best_take(&x.t), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(x.t.best.data);
    assert_int_equal(mem_live_blocks(), before);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_only_a_better_test_is_taken),
        WITH_FOLDER(test_weights_wait_in_memory_until_they_are_saved),
        WITH_FOLDER(test_the_step_is_in_the_file_where_tests_go_by_the_clock),
        WITH_FOLDER(test_a_line_tells_of_a_best_test_before_the_last),
        WITH_FOLDER(test_without_memory_nothing_half_is_kept),
    };
    return cmocka_run_group_tests_name("train_best", tests, NULL, NULL);
}
