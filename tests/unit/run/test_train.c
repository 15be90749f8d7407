#include "run/train.h"

#include <signal.h>
#include <unistd.h>

#include "small_trainer.h"

#include "captured.h"
#include "run/interrupt.h"

static int synced;

/* Takes the place of the system's: what is not on a disk need not be synced. */
int fsync(int fd)
{
    (void)fd;
    synced++;
    return 0;
}

/* What a run prints; the caller frees it. */
static odeon_status run(small_trainer *x, char **text)
{
    size_t bytes;
    FILE *out = open_memstream(text, &bytes);
    diag_clear();
    odeon_status status = train_run(x->s.session, x->s.config, &x->plan, out);
    assert_int_equal(fclose(out), 0);
    return status;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void test_a_run_leaves_its_results_and_says_where(void **state)
{
    (void)state;
    small_trainer x;
    char *text;
    small_trainer_open(&x, NULL);
    support_require(run(&x, &text), "train");
    assert_non_null(strstr(text, "ode: evaluations at the first step "));
    assert_non_null(strstr(text, "\ntest accuracy "));
    assert_true(ends_with(text, "\nresults in runs/small/1\n"));
    free(text);
    static const char *const left[] = {
        SMALL_FILE("weights.safetensors"), SMALL_FILE("weights-best.safetensors"),
        SMALL_FILE("metrics.csv"), SMALL_FILE("checkpoints/ckpt-4.safetensors")};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        assert_true(is_there(left[i]));
    }
    small_trainer_close(&x);
}

/* Rows of the first and the last step, and one of every test: after each of two epochs. */
static void test_every_epoch_is_tested(void **state)
{
    (void)state;
    small_trainer x;
    char *text;
    small_trainer_open(&x, NULL);
    support_require(run(&x, &text), "train");
    free(text);
    text = run_fixture_read(SMALL_FILE("metrics.csv"));
    int tests = 0;
    for (const char *p = strstr(text, ",test,"); p != NULL; p = strstr(p + 1, ",test,")) {
        tests++;
    }
    assert_int_equal(tests, 2);
    assert_non_null(strstr(text, "\n1,1,"));
    assert_non_null(strstr(text, "\n4,2,"));
    mem_free(text);
    small_trainer_close(&x);
}

/* The calls of fsync of a whole run. */
static int syncs_of(const char *epochs, const char *seconds)
{
    const char *overrides[] = {epochs, seconds, NULL};
    small_trainer x;
    char *text;
    small_trainer_open(&x, overrides);
    synced = 0;
    support_require(run(&x, &text), "train");
    int n = synced;
    free(text);
    small_trainer_close(&x);
    return n;
}

/* Two files of rows; the times by part, best weights, weights and the checkpoint, each with its
 * folder; and the folder of checkpoints, which is made for the first. */
static void test_a_short_run_is_saved_once_however_many_epochs_it_has(void **state)
{
    (void)state;
    enum { ONCE = 2 + 4 * 2 + 1 };
    assert_int_equal(syncs_of("run.epochs=1", NULL), ONCE);
    assert_int_equal(syncs_of("run.epochs=20", NULL), ONCE);
    assert_true(syncs_of("run.epochs=20", "run.checkpoint_seconds=0") > 10 * ONCE);
}

static void test_a_run_that_stands_at_its_end_does_nothing(void **state)
{
    (void)state;
    small_trainer x;
    char *text;
    small_trainer_open(&x, NULL);
    checkpoint from = x.t.at;
    from.step = SMALL_STEPS;
    from.epoch = 2;
    from.position = SMALL_SAMPLES;
    from.tested = 1;
    x.plan.from = &from;
    support_require(run(&x, &text), "train");
    assert_string_equal(text, "nothing is left to do after step 4\nresults in runs/small/1\n");
    free(text);
    assert_false(is_there(SMALL_FILE("weights.safetensors")));
    small_trainer_close(&x);
}

/* Half of a run, and from its checkpoint the other half, are the whole one to the bit. */
static void test_two_halves_are_a_whole(void **state)
{
    (void)state;
    const char *half[] = {"run.epochs=1", NULL};
    small_trainer x;
    char *text;
    int64_t n;
    small_trainer_open(&x, NULL);
    support_require(run(&x, &text), "train");
    free(text);
    double *whole = support_parameters(&x.s, &n);
    small_trainer_close(&x);

    checkpoint_file *file = NULL;
    small_trainer_open(&x, half);
    support_require(run(&x, &text), "train");
    free(text);
    small_trainer_close(&x);
    support_require(checkpoint_open_newest("runs/small/2", &file), "open");
    small_trainer_open(&x, NULL);
    support_require(session_restore(x.s.session, file->tensors, file->path), "restore");
    x.plan.from = &file->at;
    support_require(run(&x, &text), "train");
    free(text);
    double *joined = support_parameters(&x.s, &n);
    assert_memory_equal(whole, joined, (size_t)n * sizeof *whole);
    mem_free(whole);
    mem_free(joined);
    checkpoint_close(file);
    small_trainer_close(&x);
}

static void test_a_numerical_failure_saves_what_is_sound(void **state)
{
    (void)state;
    const char *overrides[] = {"model.head.then=faulty(call=2, status=nan)", NULL};
    small_trainer x;
    char *text;
    small_trainer_open(&x, overrides);
    assert_int_equal(run(&x, &text), ODEON_ERR_NUMERIC);
    assert_string_equal(text, ""); /* no summary */
    free(text);
    assert_non_null(strstr(diag_message(), "the loss is nan (epoch 1, step 2)"));
    assert_true(ends_with(diag_message(), "; to repeat it: odeon replay runs/small/1/failure"));
    assert_true(is_there(SMALL_FILE("checkpoints/ckpt-1.safetensors")));
    assert_true(is_there(SMALL_FILE("weights.safetensors")));
    small_trainer_close(&x);
}

/* Of a device that is lost nothing can be read: what the run began with is kept. */
static void test_a_lost_device_leaves_the_start(void **state)
{
    (void)state;
    const char *overrides[] = {"model.head.then=faulty(call=2, status=fatal)", NULL};
    small_trainer x;
    char *text;
    small_trainer_open(&x, overrides);
    assert_int_equal(run(&x, &text), ODEON_ERR_DEVICE);
    free(text);
    assert_true(ends_with(diag_message(),
                          "; kept: the state after step 0 of 4, runs/small/1/checkpoints/"
                          "ckpt-0.safetensors; to go on: odeon train runs/small/1 --resume"));
    assert_true(is_there(SMALL_FILE("checkpoints/ckpt-0.safetensors")));
    assert_false(is_there(SMALL_FILE("weights.safetensors")));
    small_trainer_close(&x);
}

/* A signal that comes while the first test is shown. */
static ssize_t send_signal(void *cookie, const char *text, size_t bytes)
{
    (void)cookie;
    (void)text;
    (void)kill(getpid(), SIGTERM);
    while (interrupt_signal() == 0) {
        (void)usleep(1000);
    }
    return (ssize_t)bytes;
}

static void test_a_signal_stops_after_the_batch_and_saves(void **state)
{
    (void)state;
    const char *overrides[] = {"run.eval_every=1 steps", NULL};
    small_trainer x;
    char *text;
    small_trainer_open(&x, overrides);
    FILE *kept = x.plan.progress;
    x.plan.progress = fopencookie(NULL, "w", (cookie_io_functions_t){.write = send_signal});
    assert_non_null(x.plan.progress);
    (void)setvbuf(x.plan.progress, NULL, _IONBF, 0);
    odeon_status status = run(&x, &text);
    assert_int_equal(interrupt_signal(), SIGTERM); /* still caught */
    interrupt_release();
    assert_int_equal(status, ODEON_ERR_CANCELLED);
    assert_string_equal(text, "");
    free(text);
    assert_string_equal(diag_message(),
                        "stopped by SIGTERM after step 2 of 4; weights in runs/small/1/"
                        "weights.safetensors; to go on: odeon train runs/small/1 --resume");
    assert_true(is_there(SMALL_FILE("checkpoints/ckpt-2.safetensors")));
    (void)fclose(x.plan.progress);
    x.plan.progress = kept;
    small_trainer_close(&x);
}

/* What is accepted once is saved at once. */
static void test_a_change_that_is_accepted_has_a_checkpoint(void **state)
{
    (void)state;
    const char *overrides[] = {"model.head.then=faulty(call=1, status=fatal)", NULL};
    small_trainer x;
    char *text;
    small_trainer_open(&x, overrides);
    checkpoint from = x.t.at;
    x.plan.from = &from;
    x.plan.changed = true;
    assert_int_equal(run(&x, &text), ODEON_ERR_DEVICE);
    free(text);
    assert_true(is_there(SMALL_FILE("checkpoints/ckpt-0.safetensors")));
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_run_leaves_its_results_and_says_where),
        WITH_FOLDER(test_every_epoch_is_tested),
        WITH_FOLDER(test_a_short_run_is_saved_once_however_many_epochs_it_has),
        WITH_FOLDER(test_a_run_that_stands_at_its_end_does_nothing),
        WITH_FOLDER(test_two_halves_are_a_whole),
        WITH_FOLDER(test_a_numerical_failure_saves_what_is_sound),
        WITH_FOLDER(test_a_lost_device_leaves_the_start),
        WITH_FOLDER(test_a_signal_stops_after_the_batch_and_saves),
        WITH_FOLDER(test_a_change_that_is_accepted_has_a_checkpoint),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
