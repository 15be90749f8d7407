#include <string.h>

#include "support.h"

#include "odeon/option.h"
#include "option/option_table.h"

static odeon_option sound(int32_t type)
{
    odeon_option o = {.struct_size = sizeof o,
                      .type = type,
                      .flags = ODEON_OPTION_OPTIONAL,
                      .name = "theta",
                      .help = "weight of the implicit part"};
    if (type == ODEON_OPTION_CHOICE) {
        o.choices = "first|second|file(path)";
    } else if (type == ODEON_OPTION_COMPONENT) {
        o.choices = "integrator";
    }
    return o;
}

static void assert_fault(odeon_option o, const char *text)
{
    const char *fault = option_fault(&o);
    if (fault == NULL || strstr(fault, text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text, fault != NULL ? fault : "(no fault)");
    }
}

static void test_sound_options_have_no_fault(void **state)
{
    (void)state;
    for (int32_t type = ODEON_OPTION_I64; type <= ODEON_OPTION_COMPONENT; type++) {
        odeon_option o = sound(type);
        assert_null(option_fault(&o));
    }
    odeon_option bounded = sound(ODEON_OPTION_F64_LIST);
    bounded.flags = ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX;
    bounded.min_text = "0";
    bounded.max_text = "1";
    bounded.default_text = "0.5";
    bounded.unit = "seconds";
    assert_null(option_fault(&bounded));
}

static void test_unknown_types_flags_and_reserved_fields_are_faults(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_I64);
    o.reserved0 = 1;
    assert_fault(o, "reserved");
    assert_fault(sound(0), "type");
    assert_fault(sound(ODEON_OPTION_COMPONENT + 1), "type");
    o = sound(ODEON_OPTION_I64);
    o.flags |= 1u << 20;
    assert_fault(o, "must understand, in flags");
    o = sound(ODEON_OPTION_I64);
    o.flags |= 1u << 15;
    assert_null(option_fault(&o));
}

static void test_default_goes_with_the_flags(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_I64);
    o.flags |= ODEON_OPTION_REQUIRED;
    assert_fault(o, "both required and optional");
    o.flags = 0;
    assert_fault(o, "has no default");
    o.flags = ODEON_OPTION_REQUIRED;
    o.default_text = "1";
    assert_fault(o, "has a default");
}

static void test_texts_are_lines(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_I64);
    o.help = NULL;
    assert_fault(o, "no help");
    o.help = "two\nlines";
    assert_fault(o, "no line");
    o = sound(ODEON_OPTION_I64);
    o.unit = "\xff";
    assert_fault(o, "no line");
}

static void test_bounds_belong_to_numbers(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_STRING);
    o.min_text = "a";
    assert_fault(o, "has bounds");
    o = sound(ODEON_OPTION_I64);
    o.flags |= ODEON_OPTION_OPEN_MAX;
    assert_fault(o, "open bound");
}

static void test_bounds_are_numbers_of_the_type(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_I64_LIST);
    o.max_text = "1e3";
    assert_fault(o, "no number of its type");
    o = sound(ODEON_OPTION_F64);
    o.min_text = "none";
    assert_fault(o, "no number of its type");
    o.min_text = "1e-3";
    o.max_text = "inf";
    assert_null(option_fault(&o));
}

static void test_choices_are_words(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "a||b",   "a|",     "a|b|a",    "a b",
                                        "a,b", "a(b)|c", "(path)", "a(path)b", "a=b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        odeon_option o = sound(ODEON_OPTION_CHOICE);
        o.choices = wrong[i];
        assert_fault(o, "choice without words");
    }
    odeon_option o = sound(ODEON_OPTION_CHOICE);
    o.choices = NULL;
    assert_fault(o, "choice without words");
    o = sound(ODEON_OPTION_I64);
    o.choices = "a|b";
    assert_fault(o, "has choices");
}

static void test_words_may_stand_in_place_of_a_list(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_F64_LIST);
    o.choices = "batch|first";
    assert_null(option_fault(&o));
    o.choices = "batch|";
    assert_fault(o, "in place of a list");
    o.choices = "batch(path)";
    assert_fault(o, "in place of a list");
    o = sound(ODEON_OPTION_I64_LIST);
    o.choices = "batch";
    assert_fault(o, "has choices");
}

static void test_component_names_a_kind(void **state)
{
    (void)state;
    odeon_option o = sound(ODEON_OPTION_COMPONENT);
    o.choices = "solver";
    assert_fault(o, "kind's name");
    o.choices = NULL;
    assert_fault(o, "kind's name");
}

static void assert_replaces_fault(const odeon_option *a, const odeon_option *b, const char *text)
{
    const odeon_option *const table[] = {a, b, NULL};
    const char *fault = option_replaces_fault(table, a);
    if (text == NULL ? fault != NULL : fault == NULL || strstr(fault, text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text != NULL ? text : "(no fault)",
                 fault != NULL ? fault : "(no fault)");
    }
}

static void test_an_option_replaces_one_that_can_be_left_out(void **state)
{
    (void)state;
    odeon_option a = sound(ODEON_OPTION_I64), b = sound(ODEON_OPTION_F64);
    b.name = "span";
    assert_replaces_fault(&a, &b, NULL);
    a.replaces = "span";
    assert_null(option_fault(&a));
    assert_replaces_fault(&a, &b, NULL);
    b.flags = ODEON_OPTION_REQUIRED;
    assert_replaces_fault(&a, &b, "one that is required");
    b.flags = ODEON_OPTION_OPTIONAL;
    b.replaces = "theta";
    assert_replaces_fault(&a, &b, "or replaces itself");
    a.replaces = "theta";
    assert_replaces_fault(&a, &b, "or replaces itself");
    a.replaces = "times";
    assert_replaces_fault(&a, &b, "does not have");
    a.replaces = "two\nlines";
    assert_fault(a, "no line");
    a.replaces = "span";
    a.flags = 0;
    a.default_text = "1";
    assert_fault(a, "is not optional");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_options_have_no_fault),
        cmocka_unit_test(test_unknown_types_flags_and_reserved_fields_are_faults),
        cmocka_unit_test(test_default_goes_with_the_flags),
        cmocka_unit_test(test_texts_are_lines),
        cmocka_unit_test(test_bounds_belong_to_numbers),
        cmocka_unit_test(test_bounds_are_numbers_of_the_type),
        cmocka_unit_test(test_choices_are_words),
        cmocka_unit_test(test_words_may_stand_in_place_of_a_list),
        cmocka_unit_test(test_component_names_a_kind),
        cmocka_unit_test(test_an_option_replaces_one_that_can_be_left_out),
    };
    return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
