#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "option/kinds.h"
#include "plugin/component.h"

static registry *plugins;
static const location here = {.file = "t.ini", .line = 3};

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static odeon_status make(const char *text, size_t n, schema_pair *pairs, odeon_config **out)
{
    diag_clear();
    return component_read(plugins, ODEON_KIND_LAYER, text, here, "model.x", "/folder", n, pairs,
                          out);
}

static void assert_refused(const char *text, size_t n, schema_pair *pairs, const char *message)
{
    odeon_config *made = NULL;
    assert_int_equal(make(text, n, pairs, &made), ODEON_ERR_CONFIG);
    assert_null(made);
    if (strstr(diag_message(), message) == NULL ||
        strstr(diag_message(), "t.ini:") != diag_message()) {
        fail_msg("'%s' does not stand in '%s'", message, diag_message());
    }
}

static int64_t whole_of(const char *text, size_t n, schema_pair *pairs)
{
    odeon_config *made = NULL;
    if (make(text, n, pairs, &made) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    int64_t whole = schema_value(made, "whole")->i;
    schema_destroy(made);
    return whole;
}

static void test_component_knows_its_file_and_its_place(void **state)
{
    (void)state;
    odeon_config *made = NULL;
    assert_int_equal(make("every_option(pick=green)", 0, NULL, &made), ODEON_OK);
    assert_string_equal(made->component->id, "every_option");
    assert_non_null(strstr(made->file, "/layer/every_option.so"));
    assert_int_equal(made->where.line, 3);
    assert_true(schema_value(made, "pick")->given);
    assert_false(schema_value(made, "whole")->given);
    schema_destroy(made);
}

/* Of a key and the parentheses, the later source holds; two of one source are a contradiction. */
static void test_key_and_parentheses_hold_by_their_order(void **state)
{
    (void)state;
    schema_pair pair = {.key = "whole", .value = "7", .where = {.file = "t.ini", .line = 9}};
    assert_int_equal(whole_of("every_option", 0, NULL), 3);
    assert_int_equal(whole_of("every_option(whole=5)", 0, NULL), 5);
    assert_int_equal(whole_of("every_option", 1, &pair), 7);
    assert_true(pair.used);
    assert_refused("every_option(whole=5)", 1, &pair, "stands in the parentheses of every_option");
    pair.precedence = PAIR_OVER;
    assert_int_equal(whole_of("every_option(whole=5)", 1, &pair), 7);
    pair.precedence = PAIR_UNDER;
    assert_int_equal(whole_of("every_option(whole=5)", 1, &pair), 5);
}

/* What else may stand in the section only the caller knows. */
static void test_keys_that_are_no_options_are_left_to_the_caller(void **state)
{
    (void)state;
    schema_pair pair = {.key = "hole", .value = "7", .where = here};
    assert_int_equal(whole_of("every_option", 1, &pair), 3);
    assert_false(pair.used);
    assert_refused("every_option(hole=7)", 0, NULL,
                   "every_option has no option 'hole': did you "
                   "mean 'whole'");
}

static void test_what_must_be_given_is_missed_by_name(void **state)
{
    (void)state;
    schema_pair pair = {.key = "unit", .value = "7", .where = here};
    assert_refused("dense", 0, NULL, "dense: the option 'units' must be given");
    assert_refused("dense", 1, &pair, "dense has no option 'unit': did you mean 'units'");
}

static void test_unknown_component_is_told_with_its_place(void **state)
{
    (void)state;
    assert_refused("every_optoin", 0, NULL,
                   "t.ini:3: [model.x] no layer is named 'every_optoin': "
                   "did you mean 'every_option'");
    assert_refused("every_option(", 0, NULL, "[model.x]");
}

static void test_components_in_options_are_read_by_the_same_registry(void **state)
{
    (void)state;
    const component_reader reader = component_reader_of(plugins);
    odeon_config *made = NULL;
    diag_clear();
    assert_int_equal(
        reader.read(reader.context, ODEON_KIND_INTEGRATOR, "tsit5", here, "model.x", NULL, &made),
        ODEON_OK);
    assert_string_equal(made->component->id, "tsit5");
    schema_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_component_knows_its_file_and_its_place),
        cmocka_unit_test(test_key_and_parentheses_hold_by_their_order),
        cmocka_unit_test(test_keys_that_are_no_options_are_left_to_the_caller),
        cmocka_unit_test(test_what_must_be_given_is_missed_by_name),
        cmocka_unit_test(test_unknown_component_is_told_with_its_place),
        cmocka_unit_test(test_components_in_options_are_read_by_the_same_registry),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
