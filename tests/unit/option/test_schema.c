/* Components as chosen and set: their values by name, sizes, copies, and where values come from. */
#include "option/schema.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/schema_print.h"
#include "option_samples.h"
#include "plugin/component.h"
#include "plugin/registry.h"
#include "support.h"

static registry *plugins;

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

static const location here = {.file = "t.ini", .line = 3};

static odeon_status make_with(const char *text, size_t n, schema_pair *pairs, odeon_config **out)
{
    diag_clear();
    return component_read(plugins, ODEON_KIND_LAYER, text, here, "model.x", "/folder", n, pairs,
                          out);
}

static odeon_config *make(const char *text)
{
    odeon_config *made = NULL;
    if (make_with(text, 0, NULL, &made) != ODEON_OK) {
        fail_msg("%s: %s", text, diag_message());
    }
    return made;
}

static void assert_message(odeon_status status, odeon_status expected, const char *message)
{
    if (status != expected || strstr(diag_message(), message) == NULL) {
        fail_msg("expected %d '%s', got %d '%s'", (int)expected, message, (int)status,
                 diag_message());
    }
}

static void assert_refused(const char *text, const char *message)
{
    odeon_config *made = NULL;
    assert_message(make_with(text, 0, NULL, &made), ODEON_ERR_CONFIG, message);
    assert_null(made);
}

/* ---- types ---- */

static void test_defaults_are_values_not_given(void **state)
{
    (void)state;
    odeon_config *made = make("every_option");
    const option_value *whole = schema_value(made, "whole");
    assert_int_equal(whole->i, 3);
    assert_true(whole->set);
    assert_false(whole->given);
    assert_null(whole->where.file);
    assert_false(schema_value(made, "word")->set);
    assert_true(isinf(schema_value(made, "bound")->f));
    assert_int_equal(schema_value(made, "wholes")->n, 2);
    assert_null(schema_value(made, "none"));
    schema_destroy(made);
}

/* The default of what is replaced is neither read nor printed: else it would be given beside that
 * which replaces it where the normal form is read. */
static void test_what_is_replaced_has_no_value(void **state)
{
    (void)state;
    static const char *const expressions[] = {"ode(integrator=rk4, gradient=direct)",
                                              "ode(integrator=rk4, gradient=direct, times=1 2)"};
    for (size_t i = 0; i < 2; i++) {
        text_buffer text = {0};
        odeon_config *made = make(expressions[i]);
        assert_int_equal(schema_value(made, "span")->set, i == 0);
        assert_int_equal(schema_print(&text, made), ODEON_OK);
        odeon_config *again = make(text.data);
        assert_int_equal(schema_value(again, "span")->set, i == 0);
        text_fini(&text);
        schema_destroy(made);
        schema_destroy(again);
    }
    assert_refused("ode(times=1 2, integrator=rk4, gradient=direct, span=0 1)",
                   "t.ini:3: [model.x] ode: both span and times are given; keep one of them");
}

static void test_given_values_have_their_types(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(whole=9, real=1e-3, flag=off, word=a b, pick=blue, "
                              "wholes=3 0  5, reals=-1 2.50, units=12, file=a.csv)");
    assert_int_equal(schema_value(made, "whole")->i, 9);
    assert_true(schema_value(made, "whole")->given);
    assert_int_equal(schema_value(made, "whole")->where.line, 3);
    assert_true(schema_value(made, "real")->f == 1e-3);
    assert_int_equal(schema_value(made, "flag")->i, 0);
    assert_string_equal(schema_value(made, "word")->text, "a b");
    assert_int_equal(schema_value(made, "pick")->i, 2);
    assert_int_equal(schema_value(made, "wholes")->n, 3);
    assert_int_equal(schema_value(made, "wholes")->list_i[2], 5);
    assert_true(schema_value(made, "reals")->list_f[1] == 2.5);
    assert_int_equal(schema_value(made, "units")->i, 12);
    assert_string_equal(schema_value(made, "file")->text, "/folder/a.csv");
    schema_destroy(made);
}

static void test_bad_value_is_refused_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"every_option(whole=10)", "t.ini:3: [model.x] whole = 10: allowed: 1 <= whole <= 9"},
        {"every_option(pick=from(path))", "options are written key=value"},
        {"every_option(reals=1 2,5)", "options are written key=value"},
        {"every_option(part=relu(x=1))",
         "t.ini:3: [model.x] relu has no option 'x': nothing is allowed"},
        {"every_option(whle=3)", "every_option has no option 'whle': did you mean 'whole'?"},
        {"every_option(xyzzy=3)", "has no option 'xyzzy': allowed: whole, large, real"},
        {"every_option(whole=1, whole=1)", "an option is given twice"},
        {"nest", "t.ini:3: [model.x] nest: the option 'word' must be given: must be given"},
        {"every_optio", "did you mean"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(cases[i].text, cases[i].message);
    }
}

static void test_unknown_component_names_its_place(void **state)
{
    (void)state;
    assert_refused("rleu", "t.ini:3: [model.x] ");
    assert_non_null(strstr(diag_message(), "'relu'"));
}

static void test_components_nest(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(part=every_option(part=relu(), whole=5))");
    const odeon_config *part = schema_value(made, "part")->component;
    assert_int_equal(schema_value(part, "whole")->i, 5);
    assert_string_equal(schema_value(part, "part")->component->component->id, "relu");
    schema_destroy(made);
}

/* ---- options by name ---- */

static void test_options_are_found_by_name(void **state)
{
    (void)state;
    odeon_config *config = schema_create(&option_samples, here);
    assert_int_equal(config->n, 14);
    assert_int_equal(config->kind, ODEON_KIND_LAYER);
    assert_int_equal(config->where.line, 3);
    assert_ptr_equal(config->component, &option_samples);
    assert_int_equal(schema_option_index(config, "whole"), 0);
    assert_int_equal(schema_option_index(config, "part"), 13);
    assert_ptr_equal(schema_value(config, "part"), &config->values[13]);
    assert_ptr_equal(schema_option(config, "part"), option_sample("part"));
    assert_int_equal(schema_option_index(config, "par"), 14);
    assert_null(schema_value(config, "parts"));
    assert_null(schema_option(config, ""));
    for (size_t i = 0; i < config->n; i++) {
        assert_false(config->values[i].set);
    }
    schema_destroy(config);
    schema_destroy(NULL);
}

static void test_a_component_may_have_no_options(void **state)
{
    (void)state;
    static const odeon_component plain = {.struct_size = sizeof plain, .id = "plain"};
    odeon_config *config = schema_create(&plain, here);
    assert_int_equal(config->n, 0);
    assert_null(schema_value(config, "x"));
    assert_false(schema_has_sizes(config));
    schema_destroy(config);
}

static void test_names_are_appended_as_far_as_there_is_room(void **state)
{
    (void)state;
    hint_name names[16] = {{.name = "first"}};
    assert_int_equal(schema_names(NULL, 1, names, 16), 1);
    assert_int_equal(schema_names(option_samples.options, 1, names, 16), 15);
    assert_string_equal(names[0].name, "first");
    assert_string_equal(names[1].name, "whole");
    assert_string_equal(names[3].name, "real");
    assert_string_equal(names[3].aliases, "tol|reltol");
    assert_null(names[1].aliases);
    names[3].name = "kept";
    assert_int_equal(schema_names(option_samples.options, 1, names, 3), 3);
    assert_string_equal(names[3].name, "kept");
}

/* ---- keys of the section ---- */

static void test_key_sets_an_option_and_is_marked(void **state)
{
    (void)state;
    schema_pair pairs[] = {{.key = "whole", .value = "4", .where = {"k.ini", 9}},
                           {.key = "other", .value = "1", .where = {"k.ini", 10}},
                           {.key = "file", .value = "f", .folder = "/elsewhere"}};
    odeon_config *made = NULL;
    assert_int_equal(make_with("every_option(real=2)", 3, pairs, &made), ODEON_OK);
    assert_int_equal(schema_value(made, "whole")->i, 4);
    assert_int_equal(schema_value(made, "whole")->where.line, 9);
    assert_true(pairs[0].used);
    assert_false(pairs[1].used);
    assert_string_equal(schema_value(made, "file")->text, "/elsewhere/f");
    schema_destroy(made);
}

static void test_key_and_parentheses_exclude_each_other(void **state)
{
    (void)state;
    schema_pair pair = {.key = "whole", .value = "4", .where = {"k.ini", 9}};
    odeon_config *made = NULL;
    assert_message(make_with("every_option(whole=5)", 1, &pair, &made), ODEON_ERR_CONFIG,
                   "k.ini:9: [model.x] 'whole' is a key of the section and stands in the "
                   "parentheses of every_option too");
}

static void test_precedence_decides_between_key_and_parentheses(void **state)
{
    (void)state;
    schema_pair pair = {.key = "whole", .value = "4", .precedence = PAIR_OVER};
    odeon_config *made = NULL;
    assert_int_equal(make_with("every_option(whole=5)", 1, &pair, &made), ODEON_OK);
    assert_int_equal(schema_value(made, "whole")->i, 4);
    schema_destroy(made);
    pair.precedence = PAIR_UNDER;
    assert_int_equal(make_with("every_option(whole=5)", 1, &pair, &made), ODEON_OK);
    assert_int_equal(schema_value(made, "whole")->i, 5);
    schema_destroy(made);
}

/* ---- sizes ---- */

static void test_sizes_are_bound_in_nested_components(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(units=state, part=every_option(units=classes))");
    assert_int_equal(schema_bind_sizes(made, 20, 10), ODEON_OK);
    assert_int_equal(schema_value(made, "units")->i, 20);
    assert_int_equal(schema_value(schema_value(made, "part")->component, "units")->i, 10);
    schema_destroy(made);
}

static void test_size_that_is_not_there_is_refused(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(part=every_option(units=state))");
    diag_clear();
    assert_message(schema_bind_sizes(made, 0, 10), ODEON_ERR_CONFIG,
                   "t.ini:3: every_option: units = state: there is no such size here");
    schema_destroy(made);
}

static void test_names_of_sizes_are_found_at_any_depth(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"every_option(units=7)", false},
                 {"every_option(units=state)", true},
                 {"every_option(units=classes)", true},
                 {"every_option(part=every_option(units=7))", false},
                 {"every_option(part=every_option(units=state))", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_config *made = make(cases[i].text);
        assert_int_equal(schema_has_sizes(made), cases[i].has);
        schema_destroy(made);
    }
}

static void test_number_needs_no_size(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(units=7)");
    assert_int_equal(schema_bind_sizes(made, 0, 0), ODEON_OK);
    assert_int_equal(schema_value(made, "units")->i, 7);
    schema_destroy(made);
}

/* ---- copies and the normal form ---- */

static const char rich[] =
    "every_option(whole=2, pick=from(path=p), word=a b, wholes=1 2 3, reals=0.5, file=/f, "
    "units=state, part=every_option(pick=green))";

static char *print(const odeon_config *config)
{
    text_buffer text = {0};
    assert_int_equal(schema_print(&text, config), ODEON_OK);
    assert_false(text.failed);
    return text.data;
}

static void test_normal_form_says_everything_and_reads_back(void **state)
{
    (void)state;
    odeon_config *made = make(rich);
    char *first = print(made);
    assert_string_equal(first,
                        "every_option(whole=2, real=0.5, bound=inf, flag=yes, word=a b, "
                        "pick=from(path=/folder/p), "
                        "file=/f, wholes=1 2 3, reals=0.5, units=state, part=every_option(whole=3, "
                        "real=0.5, bound=inf, flag=yes, pick=green, wholes=1 2, units=4))");
    odeon_config *again = make(first);
    char *second = print(again);
    assert_string_equal(first, second);
    mem_free(first);
    mem_free(second);
    schema_destroy(made);
    schema_destroy(again);
}

static void test_copy_is_whole_and_its_own(void **state)
{
    (void)state;
    odeon_config *made = make(rich);
    odeon_config *copy = schema_copy(made);
    char *first = print(made);
    schema_destroy(made);
    char *second = print(copy);
    assert_string_equal(first, second);
    assert_true(schema_value(copy, "whole")->given);
    mem_free(first);
    mem_free(second);
    schema_destroy(copy);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    schema_destroy(make(rich)); /* what the registry learns once is not counted */
    int64_t before = mem_live_blocks(), k = 1;
    odeon_status status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && k < 400; k++) {
        odeon_config *made = NULL, *copy = NULL;
        mem_fail_at(k);
        status = make_with(rich, 0, NULL, &made);
        if (status == ODEON_OK) {
            copy = schema_copy(made);
            status = copy != NULL ? ODEON_OK : ODEON_ERR_NOMEM;
        }
        mem_fail_at(0);
        schema_destroy(made);
        schema_destroy(copy);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_in_range(k, 40, 399);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_values_not_given),
        cmocka_unit_test(test_what_is_replaced_has_no_value),
        cmocka_unit_test(test_given_values_have_their_types),
        cmocka_unit_test(test_bad_value_is_refused_with_what_is_allowed),
        cmocka_unit_test(test_unknown_component_names_its_place),
        cmocka_unit_test(test_components_nest),
        cmocka_unit_test(test_key_sets_an_option_and_is_marked),
        cmocka_unit_test(test_key_and_parentheses_exclude_each_other),
        cmocka_unit_test(test_precedence_decides_between_key_and_parentheses),
        cmocka_unit_test(test_options_are_found_by_name),
        cmocka_unit_test(test_a_component_may_have_no_options),
        cmocka_unit_test(test_names_are_appended_as_far_as_there_is_room),
        cmocka_unit_test(test_names_of_sizes_are_found_at_any_depth),
        cmocka_unit_test(test_sizes_are_bound_in_nested_components),
        cmocka_unit_test(test_size_that_is_not_there_is_refused),
        cmocka_unit_test(test_number_needs_no_size),
        cmocka_unit_test(test_normal_form_says_everything_and_reads_back),
        cmocka_unit_test(test_copy_is_whole_and_its_own),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
