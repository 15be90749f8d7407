/* The tables of the host's own keys. */
#include "config/options.h"

#include "support.h"

static void test_host_options_are_declared_for_every_section(void **state)
{
    (void)state;
    static const char *const sections[] = {"run",     "data",  "train",    "model",
                                           "plugins", "audit", "data.NAME"};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const odeon_option *const *option = config_host_options(sections[i]);
        assert_non_null(option);
        for (; *option != NULL; option++) {
            assert_true(((*option)->default_text != NULL) != ((*option)->flags & 3u));
            assert_non_null((*option)->help);
        }
    }
    assert_null(config_host_options("let"));
}

static void test_sections_are_listed_in_order_and_end_with_null(void **state)
{
    (void)state;
    static const char *const expected[] = {"run",   "data",       "data.NAME", "model",
                                           "train", "train.NAME", "plugins",   "audit"};
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(config_host_section(i), expected[i]);
        assert_non_null(config_host_options(expected[i]));
    }
    assert_null(config_host_section(8));
    assert_null(config_host_section(SIZE_MAX));
    assert_null(config_host_options("data.pixels")); /* the table's name, not a section's */
}

/* Aliases are no keys: a message that names a section must not name one that refuses the key. */
static void test_first_section_with_a_key_is_found(void **state)
{
    (void)state;
    assert_string_equal(config_section_of_key("seed"), "run");
    assert_string_equal(config_section_of_key("batch"), "data");
    assert_string_equal(config_section_of_key("layer"), "data.NAME"); /* model has it too */
    assert_string_equal(config_section_of_key("share"), "model");
    assert_string_equal(config_section_of_key("loss"), "train");
    assert_string_equal(config_section_of_key("load"), "plugins");
    assert_null(config_section_of_key("lr"));
    assert_null(config_section_of_key("see"));
    assert_null(config_section_of_key("randomseed"));
    assert_null(config_section_of_key(""));
}

static void test_sections_have_the_table_of_their_root(void **state)
{
    (void)state;
    assert_string_equal(config_table_of("run"), "run");
    assert_string_equal(config_table_of("data"), "data");
    assert_string_equal(config_table_of("data.pixels"), "data.NAME");
    assert_string_equal(config_table_of("model.ode.block"), "model");
    assert_string_equal(config_table_of("modelling"), "modelling");
    assert_string_equal(config_table_of("database"), "database");
}

static void test_own_key_is_the_one_whose_options_are_keys(void **state)
{
    (void)state;
    assert_string_equal(config_own_key("data"), "dataset");
    assert_string_equal(config_own_key("train"), "optimizer");
    assert_string_equal(config_own_key("model"), "layer");
    assert_string_equal(config_own_key("data.NAME"), "layer");
    assert_null(config_own_key("run"));
    assert_null(config_own_key("plugins"));
    assert_null(config_own_key("model.a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_options_are_declared_for_every_section),
        cmocka_unit_test(test_sections_are_listed_in_order_and_end_with_null),
        cmocka_unit_test(test_first_section_with_a_key_is_found),
        cmocka_unit_test(test_sections_have_the_table_of_their_root),
        cmocka_unit_test(test_own_key_is_the_one_whose_options_are_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
