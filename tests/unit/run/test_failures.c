#include "run/failures.h"

#include <unistd.h>

#include "small_trainer.h"

#include "captured.h"
#include "session/run_batch.h"

/* All of this network's batches fail. */
#define ALWAYS "model.head.then=faulty(calls=1000, status=nan)"

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A batch that fails; what is done about it, with what is said on the way. */
static odeon_status fail_step(small_trainer *x, int64_t step, captured *said)
{
    static const int64_t indices[SMALL_BATCH] = {0, 1, 2, 3};
    session_result result;
    diag_clear();
    assert_int_equal(
        session_train(x->s.session, x->train, SMALL_BATCH, indices, 1, step, 1.0, &result),
        ODEON_ERR_NUMERIC);
    captured_start(said);
    odeon_status status = failures_handle(&x->t.failures);
    captured_stop(said);
    return status;
}

static void test_stop_leaves_a_bundle_and_ends_the_run(void **state)
{
    (void)state;
    small_trainer x;
    captured said;
    const char *overrides[] = {ALWAYS, NULL};
    small_trainer_open(&x, overrides);
    assert_int_equal(fail_step(&x, 1, &said), ODEON_ERR_NUMERIC);
    assert_string_equal(said.text, "");
    assert_memory_equal(diag_message(), "the loss is nan (epoch 1, step 1)", 33);
    assert_non_null(strstr(diag_message(), "; to repeat it: odeon replay runs/small/1/failure"));
    assert_true(is_there(SMALL_FILE("failure/batch.safetensors")));
    small_trainer_close(&x);
}

static void test_skip_goes_on_with_a_warning(void **state)
{
    (void)state;
    small_trainer x;
    captured said;
    const char *overrides[] = {ALWAYS, "run.on_failure=skip", NULL};
    small_trainer_open(&x, overrides);
    assert_int_equal(fail_step(&x, 7, &said), ODEON_OK);
    assert_string_equal(diag_message(), "");
    static const char start[] = "odeon: warning: step 7 is skipped: the loss is nan";
    assert_memory_equal(said.text, start, sizeof start - 1);
    assert_non_null(strstr(said.text, "; to repeat it: odeon replay runs/small/1/failure/1\n"));
    assert_true(is_there(SMALL_FILE("failure/1/batch.safetensors")));
    small_trainer_close(&x);
}

/* Ten are kept and ten in a row are skipped; the eleventh ends the run, and is not kept. */
static void test_too_many_in_a_row_end_the_run(void **state)
{
    (void)state;
    small_trainer x;
    captured said;
    const char *overrides[] = {ALWAYS, "run.on_failure=skip", NULL};
    small_trainer_open(&x, overrides);
    for (int64_t step = 1; step <= FAILURES_MAX_IN_A_ROW; step++) {
        assert_int_equal(fail_step(&x, step, &said), ODEON_OK);
        assert_int_equal(x.t.failures.in_a_row, step);
    }
    assert_true(is_there(SMALL_FILE("failure/10/batch.safetensors")));
    assert_int_equal(fail_step(&x, 11, &said), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), " (after ten skipped steps); it is not kept: failure/ "
                                           "has 10 steps already"));
    assert_false(is_there(SMALL_FILE("failure/11")));
    x.t.failures.in_a_row = 0; /* after a step that succeeds the count begins anew */
    assert_int_equal(fail_step(&x, 12, &said), ODEON_OK);
    assert_non_null(strstr(said.text, "; it is not kept: failure/ has 10 steps already\n"));
    small_trainer_close(&x);
}

/* A bundle's failure to be written does not hide why the batch failed. */
static void test_a_bundle_that_cannot_be_written_is_a_warning(void **state)
{
    (void)state;
    static const char *const ways[] = {"run.on_failure=stop", "run.on_failure=skip"};
    for (int i = 0; i < 2; i++) {
        small_trainer x;
        captured said;
        const char *overrides[] = {ALWAYS, ways[i], NULL};
        small_trainer_open(&x, overrides);
        char *path = run_dir_file(x.plan.dir, "failure"); /* a file where the folder would be */
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        mem_free(path);
        assert_int_equal(fail_step(&x, 1, &said), i == 0 ? ODEON_ERR_NUMERIC : ODEON_OK);
        static const char start[] = "odeon: warning: the failed step is not kept: ";
        assert_memory_equal(said.text, start, sizeof start - 1);
        assert_null(strstr(diag_message(), "to repeat it"));
        assert_int_equal(i == 0, strstr(diag_message(), "the loss is nan") != NULL);
        small_trainer_close(&x);
    }
}

static void test_without_a_batch_there_is_nothing_to_repeat(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.on_failure=skip", NULL};
    small_trainer_open(&x, overrides);
    (void)diag_fail(ODEON_ERR_NUMERIC, "the reason");
    assert_int_equal(failures_handle(&x.t.failures), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "the reason");
    assert_int_equal(x.t.failures.in_a_row, 1);
    assert_false(is_there(SMALL_FILE("failure")));
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_stop_leaves_a_bundle_and_ends_the_run),
        WITH_FOLDER(test_skip_goes_on_with_a_warning),
        WITH_FOLDER(test_too_many_in_a_row_end_the_run),
        WITH_FOLDER(test_a_bundle_that_cannot_be_written_is_a_warning),
        WITH_FOLDER(test_without_a_batch_there_is_nothing_to_repeat),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
