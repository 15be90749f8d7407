#include "small_command.h"

static void test_equal_runs_are_said_to_be(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_diff, "diff");
    assert_true(command_diff.min_operands == 2 && command_diff.max_operands == 2);
    small_command_train();
    support_require(small_command_run(&command_diff, "diff run run", &x), "diff");
    assert_string_equal(x.out, "equal but for times\n");
    small_command_close(&x);
}

/* "Different" is an answer of its own, no failure: the program ends with 1 and says nothing more.
 */
static void test_runs_that_differ_are_an_answer(void **state)
{
    (void)state;
    small_command x;
    small_command_train();
    support_require(
        small_command_run(&command_train, "train small.ini run.out=other run.seed=7", &x), "train");
    small_command_close(&x);
    assert_int_equal(small_command_run(&command_diff, "diff run other", &x), COMMAND_DIFFERENT);
    assert_non_null(strstr(x.out, "run.seed = "));
    assert_non_null(strstr(x.out, "\nweights: tensor '"));
    assert_string_equal(diag_message(), "");
    small_command_close(&x);
    small_command_expect(&command_diff, "diff run nowhere", ODEON_ERR_CONFIG,
                         "nowhere: no run: it has no effective.ini");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_equal_runs_are_said_to_be),
        WITH_FOLDER(test_runs_that_differ_are_an_answer),
    };
    return cmocka_run_group_tests_name("command diff", tests, NULL, NULL);
}
