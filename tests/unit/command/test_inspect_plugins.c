#include "command/inspect_plugins.h"

#include <sys/stat.h>

#include "inspect_capture.h"

#include "folder.h"

static void test_list_has_a_plugin_of_the_build_and_loads_none(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, false, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "integrator rk4");
    assert_says(&c, ODEON_BUILD "/plugins/integrator/rk4.so");
    assert_null(strstr(c.text, "refused"));
    assert_int_equal(registry_plugin_count(r), 0);
    free(c.text);
    registry_destroy(r);
}

static void test_list_survives_plugins_that_crash_leave_or_hang(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, false, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "integrator harmless           1.0    ABI 1.1   Euler's method");
    assert_says(&c, "crashes.so: it crashed with signal 6");
    assert_says(&c, "leaves.so: it ended the program with exit code 0");
    assert_says(&c, "hangs.so: it took longer than 1 second");
    assert_says(&c, "wrong_magic.so: odeon_plugin_v1 does not start with ODEON_MAGIC");
    assert_says(&c, "integrator prints");
    free(c.text);
    registry_destroy(r);
}

static void test_checker_of_json_is_strict(void **state)
{
    (void)state;
    static const char *const good[] = {"{}", " [1, -0.5e+3, \"\\u00e9\\n\", null, true] ",
                                       "{\"a\": {\"a\": []}}", "\"\xc3\xa9\""};
    static const char *const bad[] = {"",
                                      "{",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{a:1}",
                                      "'a'",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "NaN",
                                      "tru",
                                      "\"a",
                                      "\"\n\"",
                                      "\"\\x41\"",
                                      "\"\\u12\"",
                                      "[1] 2",
                                      "{\"a\":1,\"a\":2}",
                                      "[1 2]",
                                      "\"\xff\"",
                                      "{\"a\" 1}",
                                      "[\"\\u12g4\"]",
                                      "1e",
                                      "nul",
                                      "\"\xc3\""};
    size_t at = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_json(good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (json_check(bad[i], &at)) {
            fail_msg("'%s' passes for JSON", bad[i]);
        }
    }
}

static void test_list_as_json_has_plugins_and_reasons(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, true, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_json(c.text);
    assert_says(&c, "{\"kind\": \"integrator\",\n  \"id\": \"harmless\"");
    assert_says(&c, "\"abi\": \"1.7\"");
    assert_says(&c, "{\"kind\": \"integrator\", \"id\": \"crashes\", \"file\": \"");
    assert_says(&c, "crashed with signal 6");
    free(c.text);
    registry_destroy(r);
}

/* The file's name comes from outside, and may be anything. */
static void test_odd_file_name_is_escaped_in_json(void **state)
{
    (void)state;
    folder f = folder_create();
    (void)snprintf(f.path + strlen(f.path), sizeof f.path - strlen(f.path), "/\"\n\xff\\");
    assert_int_equal(mkdir(f.path, 0755), 0);
    assert_int_equal(mkdir(folder_file(&f, "integrator"), 0755), 0);
    folder_write(&f, "integrator/odd.so", "x", 1);
    registry *r = open_registry(f.path);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_plugins(r, true, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_json(c.text);
    assert_says(&c, "\\\"\\n\xef\xbf\xbd\\\\/integrator/odd.so");
    free(c.text);
    registry_destroy(r);
    *strrchr(f.path, '/') = '\0';
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_has_a_plugin_of_the_build_and_loads_none),
        cmocka_unit_test(test_list_survives_plugins_that_crash_leave_or_hang),
        cmocka_unit_test(test_checker_of_json_is_strict),
        cmocka_unit_test(test_list_as_json_has_plugins_and_reasons),
        cmocka_unit_test(test_odd_file_name_is_escaped_in_json),
    };
    return cmocka_run_group_tests_name("inspect_plugins", tests, NULL, NULL);
}
