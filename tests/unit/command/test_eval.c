#include "small_command.h"

static void test_a_runs_folder_is_its_model_with_its_weights(void **state)
{
    (void)state;
    small_command by_folder, by_file;
    small_command_check(&command_eval, "eval");
    small_command_train();
    support_require(small_command_run(&command_eval, "eval run", &by_folder), "eval");
    support_require(small_command_run(&command_eval,
                                      "eval small.ini --weights run/weights.safetensors", &by_file),
                    "eval");
    assert_string_equal(by_folder.out, by_file.out);
    assert_non_null(strstr(by_folder.out, "test loss "));
    assert_non_null(strstr(by_folder.out, "test accuracy "));
    small_command_close(&by_folder);
    small_command_close(&by_file);
}

static void test_without_weights_there_is_nothing_to_evaluate(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_eval, "eval small.ini", ODEON_ERR_CONFIG,
                         "eval: no weights given; use --weights FILE or set train.weights");
    small_command_expect(&command_eval, "eval small.ini --weights none.safetensors", ODEON_ERR_IO,
                         "none.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_runs_folder_is_its_model_with_its_weights),
        WITH_FOLDER(test_without_weights_there_is_nothing_to_evaluate),
    };
    return cmocka_run_group_tests_name("command eval", tests, NULL, NULL);
}
