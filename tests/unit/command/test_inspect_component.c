#include "command/inspect_component.h"

#include "inspect_capture.h"

#include "option/schema.h"
#include "option/schema_print.h"

static void assert_described(odeon_option option, const char *expected)
{
    char text[256];
    option.struct_size = sizeof option;
    option.name = "x";
    schema_describe(text, sizeof text, &option);
    assert_string_equal(text, expected);
}

static void test_component_tells_figures_and_options(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "dopri5", false, c.stream),
                     ODEON_OK);
    assert_int_equal(inspect_component(r, ODEON_KIND_LAYER, "dense", false, c.stream), ODEON_OK);
    (void)fclose(c.stream);
    assert_says(&c, "7 stages, order 5");
    assert_says(&c, "embedded   order 4");
    assert_says(&c, "FSAL       yes");
    assert_says(&c, "  units ");
    assert_says(&c, "ABI        1.1");
    free(c.text);
    registry_destroy(r);
}

static void test_component_that_does_not_exist_is_a_configuration_error(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "dopri6", false, stderr),
                     ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "did you mean 'dopri5'?"));
    registry_destroy(r);
}

static void test_output_of_a_plugin_stays_out_of_the_list(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "prints", false, c.stream),
                     ODEON_OK);
    (void)fclose(c.stream);
    assert_null(strstr(c.text, "noise"));
    free(c.text);
    registry_destroy(r);
}

static void test_component_as_json_tells_every_option(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_TEST_PLUGINS);
    capture c = {0};
    capture_start(&c);
    assert_int_equal(inspect_component(r, ODEON_KIND_LAYER, "every_option", true, c.stream),
                     ODEON_OK);
    (void)fclose(c.stream);
    assert_json(c.text);
    const odeon_component *component = NULL;
    assert_int_equal(registry_find(r, ODEON_KIND_LAYER, "every_option", &component), ODEON_OK);
    for (size_t i = 0; component->options[i] != NULL; i++) {
        char wanted[128];
        (void)snprintf(wanted, sizeof wanted, "{\"name\": \"%s\", \"type\": \"",
                       component->options[i]->name);
        assert_says(&c, wanted);
    }
    free(c.text);
    registry_destroy(r);
}

static void test_method_tells_what_other_systems_have_for_it(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    for (int json = 0; json < 2; json++) {
        capture c = {0};
        capture_start(&c);
        assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "dopri5", json != 0, c.stream),
                         ODEON_OK);
        (void)fclose(c.stream);
        assert_says(&c, json == 0 ? "of sciml: exponents 0.17 -0.04 0, factors 0.2 to 10"
                                  : "\"control_hints\": [{\"system\": \"sciml\"");
        if (json != 0) {
            assert_json(c.text);
        }
        free(c.text);
    }
    registry_destroy(r);
}

static void test_exists_is_true_of_what_can_be_used_alone(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    assert_int_equal(inspect_exists(r, ODEON_KIND_INTEGRATOR, "harmless"), ODEON_OK);
    assert_int_equal(inspect_exists(r, ODEON_KIND_INTEGRATOR, "crashes"), ODEON_ERR_PLUGIN);
    assert_int_equal(inspect_exists(r, ODEON_KIND_INTEGRATOR, "absent"), ODEON_ERR_PLUGIN);
    assert_int_equal(inspect_exists(r, ODEON_KIND_LAYER, "wrong_kind"), ODEON_ERR_PLUGIN);
    registry_destroy(r);
}

static void test_options_are_described_with_type_and_range(void **state)
{
    (void)state;
    assert_described((odeon_option){.type = ODEON_OPTION_F64}, "number");
    assert_described(
        (odeon_option){.type = ODEON_OPTION_F64, .min_text = "0", .flags = ODEON_OPTION_OPEN_MIN},
        "number, x > 0");
    assert_described((odeon_option){.type = ODEON_OPTION_I64, .min_text = "1", .max_text = "5"},
                     "whole number, 1 to 5");
    assert_described((odeon_option){.type = ODEON_OPTION_F64,
                                    .min_text = "0",
                                    .max_text = "1",
                                    .flags = ODEON_OPTION_OPEN_MAX},
                     "number, 0 <= x < 1");
    assert_described((odeon_option){.type = ODEON_OPTION_I64, .max_text = "9"},
                     "whole number, x <= 9");
    assert_described((odeon_option){.type = ODEON_OPTION_FLAG}, "yes or no");
    assert_described((odeon_option){.type = ODEON_OPTION_STRING}, "text");
    assert_described((odeon_option){.type = ODEON_OPTION_PATH}, "path");
    assert_described((odeon_option){.type = ODEON_OPTION_CHOICE, .choices = "a|b(path)"},
                     "choice of a, b(path=FILE)");
    assert_described((odeon_option){.type = ODEON_OPTION_I64_LIST, .min_text = "0"},
                     "whole numbers, x >= 0");
    assert_described((odeon_option){.type = ODEON_OPTION_F64_LIST},
                     "numbers or linspace(first last n)");
    assert_described((odeon_option){.type = ODEON_OPTION_F64_LIST, .choices = "a|b"},
                     "numbers or linspace(first last n), or a, b");
    assert_described((odeon_option){.type = ODEON_OPTION_SIZE},
                     "whole number >= 1, state or classes");
    assert_described((odeon_option){.type = ODEON_OPTION_COMPONENT, .choices = "loss"},
                     "loss, as NAME or NAME(key=value, ...)");
}

static void test_list_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(inspect_component(r, ODEON_KIND_INTEGRATOR, "euler", false, full),
                     ODEON_ERR_IO);
    (void)fclose(full);
    registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_component_tells_figures_and_options),
        cmocka_unit_test(test_component_that_does_not_exist_is_a_configuration_error),
        cmocka_unit_test(test_output_of_a_plugin_stays_out_of_the_list),
        cmocka_unit_test(test_component_as_json_tells_every_option),
        cmocka_unit_test(test_method_tells_what_other_systems_have_for_it),
        cmocka_unit_test(test_exists_is_true_of_what_can_be_used_alone),
        cmocka_unit_test(test_options_are_described_with_type_and_range),
        cmocka_unit_test(test_list_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests_name("inspect_component", tests, NULL, NULL);
}
