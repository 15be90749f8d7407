#include "inspect_capture.h"
#include "small_command.h"

static void test_plugins_are_listed_as_text_and_as_json(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_plugins, "plugins");
    assert_int_equal(command_plugins.max_operands, 0);
    support_require(small_command_run(&command_plugins, "plugins", &x), "plugins");
    assert_non_null(strstr(x.out, "integrator rk4 "));
    assert_non_null(strstr(x.out, "device     remote ")); /* of --plugin-path */
    small_command_close(&x);
    support_require(small_command_run(&command_plugins, "plugins --json", &x), "plugins");
    assert_json(x.out);
    assert_memory_equal(x.out, "{\"plugins\": [\n", 14);
    small_command_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugins_are_listed_as_text_and_as_json),
    };
    return cmocka_run_group_tests_name("command plugins", tests, NULL, NULL);
}
