#include "run/failure_bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include "small_trainer.h"

#include "format/safetensors_write.h"
#include "session/run_batch.h"

static const int64_t indices[SMALL_BATCH] = {6, 1, 3, 0};

/* A batch of step 5 that fails, and a folder "bundle" of it. */
static void fail_and_write(small_trainer *x)
{
    const char *overrides[] = {"model.head.then=faulty(calls=1000, status=nan)", NULL};
    session_result result;
    small_trainer_open(x, overrides);
    assert_int_equal(
        session_train(x->s.session, x->train, SMALL_BATCH, indices, 2, 5, 1.0, &result),
        ODEON_ERR_NUMERIC);
    diag_clear();
    support_require(bundle_write(x->s.session, x->s.config, "bundle", "the reason"), "bundle");
}

static odeon_status read_bundle(const small_trainer *x, const char *folder, session_batch *out)
{
    odeon_shape input = session_input(x->s.session);
    diag_clear();
    return bundle_read(folder, &input, &x->s.fields, out);
}

static void test_a_bundle_has_the_batch_to_the_bit(void **state)
{
    (void)state;
    small_trainer x;
    session_batch b;
    int64_t workers = 0;
    fail_and_write(&x);
    const session_batch *failed = session_failed_batch(x.s.session);
    support_require(read_bundle(&x, "bundle", &b), "read");
    assert_true(b.training && b.n == SMALL_BATCH && b.epoch == 2 && b.step == 5);
    assert_memory_equal(b.indices, indices, sizeof indices);
    assert_memory_equal(b.field[ODEON_ROLE_INPUT], failed->field[ODEON_ROLE_INPUT],
                        SMALL_BATCH * 2 * sizeof(double));
    assert_memory_equal(b.field[ODEON_ROLE_LABEL], failed->field[ODEON_ROLE_LABEL],
                        SMALL_BATCH * sizeof(double));
    assert_null(b.field[ODEON_ROLE_TIME]);
    session_batch_fini(&b);
    support_require(bundle_workers("bundle", &workers), "workers");
    assert_int_equal(workers, 1);
    small_trainer_close(&x);
}

static void test_a_bundle_has_configuration_weights_steps_and_message(void **state)
{
    (void)state;
    small_trainer x;
    fail_and_write(&x);
    run_fixture_assert_contents("bundle/message.txt", "the reason\n");
    run_fixture_assert_contents("bundle/effective.ini", x.s.config->effective);
    assert_int_equal(access("bundle/steps-ode.csv", F_OK), 0);
    support_require(session_check_weights(x.s.session, "bundle/weights.safetensors"), "weights");
    support_require(bundle_write(x.s.session, x.s.config, "bundle", "another"), "bundle");
    run_fixture_assert_contents("bundle/message.txt", "another\n"); /* replaced */
    small_trainer_close(&x);
}

static void test_without_a_failed_batch_there_is_no_bundle(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    assert_int_equal(bundle_write(x.s.session, x.s.config, "bundle", "x"), ODEON_ERR_INTERNAL);
    assert_string_equal(diag_message(), "bundle: the failed batch is not at hand");
    assert_int_not_equal(access("bundle", F_OK), 0);
    small_trainer_close(&x);
}

static void test_a_folder_that_cannot_be_made_is_reported(void **state)
{
    (void)state;
    small_trainer x;
    fail_and_write(&x);
    assert_int_equal(bundle_write(x.s.session, x.s.config, "none/bundle", "x"), ODEON_ERR_IO);
    assert_string_equal(diag_message(),
                        "none/bundle: cannot create the folder: No such file or directory");
    small_trainer_close(&x);
}

/* Where the run is named, or a folder of several, the message says where a bundle is. */
static void test_a_bundle_nearby_is_a_hint(void **state)
{
    (void)state;
    static const char *const places[] = {"failure", "1", "failure/1"};
    small_trainer x;
    int64_t workers;
    fail_and_write(&x);
    diag_clear();
    assert_int_equal(bundle_workers("empty", &workers), ODEON_ERR_IO);
    assert_string_equal(diag_message(),
                        "empty: no bundle of a failed step: no batch.safetensors in it");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_equal(mkdir("run", 0700), 0);
        assert_true(strchr(places[i], '/') == NULL || mkdir("run/failure", 0700) == 0);
        char *to = mem_printf("run/%s", places[i]);
        assert_int_equal(rename("bundle", to), 0);
        diag_clear();
        assert_int_equal(bundle_workers("run", &workers), ODEON_ERR_IO);
        char *expected = mem_printf("run: no bundle of a failed step: no batch.safetensors in it; "
                                    "there is one in run/%s",
                                    places[i]);
        assert_string_equal(diag_message(), expected);
        mem_free(expected);
        assert_int_equal(rename(to, "bundle"), 0);
        (void)rmdir("run/failure");
        assert_int_equal(rmdir("run"), 0);
        mem_free(to);
    }
    small_trainer_close(&x);
}

/* The same tensors with other metadata, or another tensor of indices. */
static void rewrite(const char *key, const char *value, int64_t n_indices)
{
    safetensors *file = NULL;
    safetensors_entry entries[4];
    static const char *const keys[] = {"mode", "seed", "epoch", "step", "workers"};
    safetensors_meta meta[5];
    size_t n = 0;
    support_require(safetensors_read("bundle/batch.safetensors", &file), "read");
    for (size_t i = 0; i < safetensors_count(file); i++) {
        entries[n] = *safetensors_at(file, i);
        if (strcmp(entries[n].name, "indices") == 0) {
            entries[n].dim[0] = n_indices;
            entries[n].bytes = (uint64_t)n_indices * sizeof(int64_t);
        }
        n++;
    }
    for (size_t i = 0; i < 5; i++) {
        meta[i] = (safetensors_meta){
            keys[i], strcmp(keys[i], key) == 0 ? value : safetensors_metadata(file, keys[i])};
    }
    assert_int_equal(mkdir("other", 0700) == 0 || access("other", F_OK) == 0, 1);
    support_require(safetensors_write("other/batch.safetensors", n, entries, 5, meta), "write");
    safetensors_destroy(file);
}

static void test_what_cannot_be_in_a_bundle_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[][3] = {
        {"mode", "both", "metadata mode is neither train nor test"},
        {"epoch", "-1", "metadata epoch is -1, expected a whole number from 0 on"},
        {"step", "x", "metadata step is x, expected a whole number from 0 on"},
    };
    small_trainer x;
    session_batch b;
    int64_t workers;
    fail_and_write(&x);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rewrite(wrong[i][0], wrong[i][1], SMALL_BATCH);
        assert_int_equal(read_bundle(&x, "other", &b), ODEON_ERR_DATA);
        session_batch_fini(&b);
        assert_memory_equal(diag_message(), "other/batch.safetensors: ", 25);
        assert_string_equal(diag_message() + 25, wrong[i][2]);
    }
    rewrite("workers", "0", SMALL_BATCH);
    diag_clear();
    assert_int_equal(bundle_workers("other", &workers), ODEON_ERR_DATA);
    assert_string_equal(diag_message(),
                        "other/batch.safetensors: metadata workers is 0, expected a "
                        "whole number from 1 on");
    rewrite("mode", "test", SMALL_BATCH - 1);
    assert_int_equal(read_bundle(&x, "other", &b), ODEON_ERR_DATA);
    assert_string_equal(diag_message(),
                        "other/batch.safetensors: indices are not I64, one a sample");
    session_batch_fini(&b);
    rewrite("mode", "test", SMALL_BATCH);
    support_require(read_bundle(&x, "other", &b), "read");
    assert_false(b.training);
    session_batch_fini(&b);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_bundle_has_the_batch_to_the_bit),
        WITH_FOLDER(test_a_bundle_has_configuration_weights_steps_and_message),
        WITH_FOLDER(test_without_a_failed_batch_there_is_no_bundle),
        WITH_FOLDER(test_a_folder_that_cannot_be_made_is_reported),
        WITH_FOLDER(test_a_bundle_nearby_is_a_hint),
        WITH_FOLDER(test_what_cannot_be_in_a_bundle_is_refused),
    };
    return cmocka_run_group_tests_name("failure_bundle", tests, NULL, NULL);
}
