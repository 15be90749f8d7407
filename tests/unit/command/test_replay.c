#include "small_command.h"

#include <sys/stat.h>

#define BREAK "train small.ini run.out=run model.head.then=faulty(calls=1000,status=nan)"

static void test_a_failed_step_fails_again(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_replay, "replay");
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_train, BREAK, ODEON_ERR_NUMERIC, "; to repeat it: odeon replay ");
    small_command_expect(&command_replay, "replay run/failure", ODEON_ERR_NUMERIC,
                         "the loss is nan (epoch 1, step 1)");
    assert_int_equal(small_command_run(&command_replay, "replay run/failure --out again", &x),
                     ODEON_ERR_NUMERIC);
    small_command_close(&x);
    assert_int_equal(access("again/batch.safetensors", F_OK), 0);
}

/* What would happen without the fault. */
static void test_overrides_come_last(void **state)
{
    (void)state;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_train, BREAK, ODEON_ERR_NUMERIC, "");
    support_require(
        small_command_run(&command_replay, "replay run/failure model.head.then=identity", &x),
        "replay");
    assert_memory_equal(x.out, "training batch of epoch 1, step 1: no failure\nloss ", 51);
    small_command_close(&x);
}

static void test_a_folder_that_is_no_bundle_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("empty", 0700), 0);
    small_command_expect(&command_replay, "replay empty", ODEON_ERR_IO,
                         "empty: no bundle of a failed step");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_failed_step_fails_again),
        WITH_FOLDER(test_overrides_come_last),
        WITH_FOLDER(test_a_folder_that_is_no_bundle_is_refused),
    };
    return cmocka_run_group_tests_name("command replay", tests, NULL, NULL);
}
