#include "command/inspect_section.h"

#include "inspect_capture.h"

static void test_section_as_json_is_json(void **state)
{
    (void)state;
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_section("train", true, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_json(c.text);
    assert_says(&c, "\"min\": \"0\", \"max\": null, \"min_open\": true");
    free(c.text);
}

static void test_a_sections_keys_are_shown_as_text(void **state)
{
    (void)state;
    static const char *const sections[] = {"run", "data", "data.NAME", "train", "model", "plugins"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        capture c = {0};
        char heading[64];
        capture_start(&c);
        assert_int_equal(inspect_section(sections[i], false, c.stream), ODEON_OK);
        (void)fclose(c.stream);
        (void)snprintf(heading, sizeof heading, "[%s]: keys of the host\n\noptions:\n",
                       sections[i]);
        assert_memory_equal(c.text, heading, strlen(heading));
        free(c.text);
    }
}

static void test_another_section_is_refused(void **state)
{
    (void)state;
    diag_clear();
    assert_int_equal(inspect_section("let", false, stderr), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "the host has no keys for a section 'let'; SECTION is run, "
                                        "data, data.NAME, model, train, train.NAME or plugins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_as_json_is_json),
        cmocka_unit_test(test_a_sections_keys_are_shown_as_text),
        cmocka_unit_test(test_another_section_is_refused),
    };
    return cmocka_run_group_tests_name("inspect_section", tests, NULL, NULL);
}
