#include "small_command.h"

static void test_a_run_goes_to_its_folder(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_train, "train");
    small_command_put("small.ini", SMALL_INI);
    support_require(small_command_run(&command_train, "train small.ini", &x), "train");
    assert_non_null(strstr(x.out, "\nresults go to runs/small/1\n"));
    assert_non_null(strstr(x.out, "\nresults in runs/small/1\n"));
    small_command_close(&x);
    static const char *const files[] = {"effective.ini", "manifest.json", "metrics.csv",
                                        "weights.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = mem_printf("runs/small/1/%s", files[i]);
        assert_int_equal(access(path, F_OK), 0);
        mem_free(path);
    }
}

static void test_a_run_goes_on(void **state)
{
    (void)state;
    small_command x;
    small_command_train();
    support_require(small_command_run(&command_train, "train run --resume run.epochs=2", &x),
                    "train");
    assert_non_null(strstr(x.out, "\nresults go to run, on from step 2\n"));
    small_command_close(&x);
    assert_int_equal(access("run/checkpoints/ckpt-4.safetensors", F_OK), 0);
}

static void test_a_run_begins_again_beside_what_it_was(void **state)
{
    (void)state;
    small_command x;
    small_command_train();
    support_require(small_command_run(&command_train, "train run --from-start", &x), "train");
    assert_non_null(strstr(x.out, "what the run had come to is kept in run/earlier-1\n"));
    assert_non_null(strstr(x.out, "\nresults go to run, on from step 0\n"));
    small_command_close(&x);
    assert_int_equal(access("run/earlier-1/weights.safetensors", F_OK), 0);
}

/* Nothing is made before all that can be refused is. */
static void test_refusals_leave_no_folder(void **state)
{
    (void)state;
    small_command_train();
    small_command_expect(
        &command_train, "train run", ODEON_ERR_CONFIG,
        "run: the folder of a run: odeon train run --resume goes on with it, odeon "
        "train run/effective.ini begins it anew elsewhere");
    small_command_expect(&command_train, "train small.ini --accept-changes", ODEON_ERR_CONFIG,
                         "--accept-changes is for a run that goes on");
    small_command_expect(&command_train,
                         "train small.ini run.out=new data.drop_last=yes data.batch=9",
                         ODEON_ERR_DATA,
                         "data.drop_last: the training split has 8 samples in use, less than a "
                         "batch of 9: nothing is left");
    small_command_expect(&command_train,
                         "train small.ini run.out=new model.head.layer=batchnorm data.batch=1 "
                         "model.head.then=dense(units=classes)",
                         ODEON_ERR_CONFIG, "takes no fewer than 2 samples a batch");
    assert_int_not_equal(access("new", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_run_goes_to_its_folder),
        WITH_FOLDER(test_a_run_goes_on),
        WITH_FOLDER(test_a_run_begins_again_beside_what_it_was),
        WITH_FOLDER(test_refusals_leave_no_folder),
    };
    return cmocka_run_group_tests_name("command train", tests, NULL, NULL);
}
