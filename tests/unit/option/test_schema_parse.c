/* Text to the value of an option: what each type takes and refuses, in which words, and the normal
 * form of what it takes. */
#include "option/schema_parse.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option_samples.h"
#include "support.h"

static const location here = {.file = "t.ini", .line = 3};

/* A reader that makes a component without options of every expression but "refused", and notes
 * what it was asked. */
typedef struct asked {
    int32_t kind;
    char expression[64], section[32], folder[32];
    location where;
} asked;

static odeon_status read_component(void *context, int32_t kind, const char *expression,
                                   location where, const char *section, const char *folder,
                                   odeon_config **out)
{
    static const odeon_component empty = {.struct_size = sizeof empty, .id = "empty"};
    asked *a = context;
    a->kind = kind;
    a->where = where;
    (void)snprintf(a->expression, sizeof a->expression, "%s", expression);
    (void)snprintf(a->section, sizeof a->section, "%s", section);
    (void)snprintf(a->folder, sizeof a->folder, "%s", folder);
    *out = NULL;
    if (strcmp(expression, "refused") == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "no such layer");
    }
    *out = schema_create(&empty, where);
    return *out != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "no memory");
}

static odeon_status parse(const odeon_option *option, const char *text, option_value *out)
{
    diag_clear();
    return schema_parse(NULL, option, text, here, "model.x", "/folder", out);
}

/* The value of text as that of the option of this name; the caller clears it. */
static option_value value_of(const char *name, const char *text)
{
    option_value value;
    if (parse(option_sample(name), text, &value) != ODEON_OK) {
        fail_msg("%s = %s: %s", name, text, diag_message());
    }
    return value;
}

/* ---- what is taken ---- */

static void test_a_value_knows_where_it_was_given(void **state)
{
    (void)state;
    option_value value = value_of("whole", "9");
    assert_int_equal(value.i, 9);
    assert_true(value.given && value.set);
    assert_string_equal(value.where.file, "t.ini");
    assert_int_equal(value.where.line, 3);
    schema_value_clear(&value);
    assert_null(value.text);
    assert_false(value.set);
}

static void test_whole_numbers_reach_the_ends_of_their_type(void **state)
{
    (void)state;
    option_value value = value_of("large", "-9223372036854775808");
    assert_true(value.i == INT64_MIN);
    assert_string_equal(value.text, "-9223372036854775808");
    schema_value_clear(&value);
    value = value_of("large", "9223372036854775807");
    assert_true(value.i == INT64_MAX);
    schema_value_clear(&value);
}

static void test_numbers_are_kept_as_doubles(void **state)
{
    (void)state;
    option_value value = value_of("real", "1e-3");
    assert_true(value.f == 1e-3);
    schema_value_clear(&value);
    value = value_of("bound", "inf");
    assert_true(isinf(value.f) && value.f > 0.0);
    schema_value_clear(&value);
    static const odeon_option low = {
        .type = ODEON_OPTION_F64, .name = "low", .min_text = "-inf", .max_text = "0"};
    assert_int_equal(parse(&low, "-inf", &value), ODEON_OK);
    assert_true(isinf(value.f) && value.f < 0.0);
    schema_value_clear(&value);
}

static void test_every_spelling_of_a_flag_is_read(void **state)
{
    (void)state;
    static const char *const words[] = {"yes", "true", "on", "1", "no", "false", "off", "0"};
    for (int i = 0; i < 8; i++) {
        option_value value = value_of("flag", words[i]);
        assert_int_equal(value.i, i < 4);
        assert_string_equal(value.text, i < 4 ? "yes" : "no");
        schema_value_clear(&value);
    }
}

static void test_choices_are_numbered_from_0(void **state)
{
    (void)state;
    static const char *const words[] = {"red", "green", "blue"};
    for (int i = 0; i < 3; i++) {
        option_value value = value_of("pick", words[i]);
        assert_int_equal(value.i, i);
        assert_null(value.argument);
        schema_value_clear(&value);
    }
    option_value value = value_of("pick", "from(path=a b)");
    assert_int_equal(value.i, 3);
    assert_string_equal(value.argument, "/folder/a b");
    schema_value_clear(&value);
}

static void test_lists_have_their_length(void **state)
{
    (void)state;
    static const int64_t wholes[] = {3, 0, 5};
    static const double reals[] = {-1.0, 2.5};
    option_value value = value_of("wholes", " 3 0\t 5 ");
    assert_int_equal(value.n, 3);
    assert_memory_equal(value.list_i, wholes, sizeof wholes);
    assert_null(value.list_f);
    schema_value_clear(&value);
    value = value_of("reals", "-1 2.50");
    assert_int_equal(value.n, 2);
    assert_memory_equal(value.list_f, reals, sizeof reals);
    assert_null(value.list_i);
    schema_value_clear(&value);
}

/* Both ends are exactly those that were given. */
static void test_linspace_has_equal_distances(void **state)
{
    (void)state;
    static const double expected[] = {0.5, 0.0, -0.5, -1.0, -1.5};
    option_value value = value_of("reals", "linspace(0.5 -1.5 5)");
    assert_int_equal(value.n, 5);
    assert_memory_equal(value.list_f, expected, sizeof expected);
    schema_value_clear(&value);
    value = value_of("reals", "linspace(0.1 0.7 4)");
    assert_true(value.list_f[0] == 0.1 && value.list_f[3] == 0.7);
    schema_value_clear(&value);
    value = value_of("reals", "linspace(0 1 1000000)");
    assert_int_equal(value.n, 1000000);
    schema_value_clear(&value);
}

static void test_a_word_may_stand_in_place_of_a_list(void **state)
{
    (void)state;
    option_value value = value_of("moments", "first");
    assert_int_equal(value.n, 0);
    assert_null(value.list_f);
    assert_string_equal(value.text, "first");
    assert_true(value.set);
    schema_value_clear(&value);
}

static void test_a_size_is_a_number_or_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t symbol;
        int64_t number;
    } cases[] = {{"12", SIZE_NUMBER, 12}, {"state", SIZE_STATE, 0}, {"classes", SIZE_CLASSES, 0}};
    for (size_t i = 0; i < 3; i++) {
        option_value value = value_of("units", cases[i].text);
        assert_int_equal(value.size_symbol, cases[i].symbol);
        assert_int_equal(value.i, cases[i].number);
        schema_value_clear(&value);
    }
}

static void test_values_have_a_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *name, *typed, *text;
    } cases[] = {
        {"whole", "007", "7"},
        {"real", "0.0010", "0.001"},
        {"bound", "inf", "inf"},
        {"wholes", "1   02", "1 2"},
        {"reals", "1 0.50", "1 0.5"},
        {"reals", "linspace( 1  02.50 7 )", "linspace(1 2.5 7)"},
        {"moments", "batch", "batch"},
        {"moments", "linspace(0 1 2)", "linspace(0 1 2)"},
        {"units", "007", "7"},
        {"units", "state", "state"},
        {"pick", "green", "green"},
        {"pick", "from( path = a )", "from(path=/folder/a)"},
        {"file", "/a/b", "/a/b"},
        {"file", "./b", "/folder/b"},
        {"word", "a(b,c) d", "a(b,c) d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        option_value value = value_of(cases[i].name, cases[i].typed);
        assert_string_equal(value.text, cases[i].text);
        schema_value_clear(&value);
    }
}

/* ---- what is refused ---- */

typedef struct refusal {
    const char *name, *text, *message; /* the message's end */
} refusal;

static void assert_refused(const refusal *r)
{
    char expected[512];
    option_value value;
    int64_t live = mem_live_blocks();
    odeon_status status = parse(option_sample(r->name), r->text, &value);
    (void)snprintf(expected, sizeof expected, "t.ini:3: [model.x] %s = %s: %s", r->name, r->text,
                   r->message);
    assert_int_equal(status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), expected);
    assert_null(value.text);
    assert_false(value.set);
    assert_int_equal(mem_live_blocks(), live);
}

static const char in_words[] = "a whole number >= 1, state, classes";

static const refusal refusals[] = {
    {"whole", "", "no value is given"},
    {"whole", "10", "allowed: 1 <= whole <= 9"},
    {"whole", "0", "allowed: 1 <= whole <= 9"},
    {"whole", "3x", "not a whole number; allowed: 1 <= whole <= 9"},
    {"whole", "3.5", "not a whole number; allowed: 1 <= whole <= 9"},
    {"large", "1 2", "not a whole number"},
    {"large", "9223372036854775808", "does not fit into 64 bits"},
    {"real", "0", "allowed: real > 0"},
    {"real", "-1", "allowed: real > 0"},
    {"real", "nan", "not a number; allowed: real > 0"},
    {"real", "inf", "not a number; allowed: real > 0"},
    {"real", "1e400", "does not fit into 64 bits; allowed: real > 0"},
    {"bound", "-inf", "not a number; allowed: 0 <= bound <= inf"},
    {"share", "1", "allowed: 0 < share < 1"},
    {"share", "0", "allowed: 0 < share < 1"},
    {"flag", "maybe", "allowed: yes, no (or true, false, on, off, 1, 0)"},
    {"flag", "Yes", "allowed: yes, no (or true, false, on, off, 1, 0)"},
    {"pick", "gren", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "re", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "from", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "from(file=a)", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "from(path=a, path2=b)", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "red(path=a)", "allowed: red, green, blue, from(path=FILE)"},
    {"pick", "from(path)",
     "options are written key=value, separated by commas; numbers of a list, by blanks"},
    {"wholes", "1 -2", "allowed: wholes >= 0"},
    {"wholes", "1 x", "not a whole number; allowed: wholes >= 0"},
    {"wholes", "1, 2",
     "not a whole number: a list has blanks between its numbers, no commas; allowed: wholes >= "
     "0"},
    {"wholes", " ", "allowed: wholes >= 0"},
    {"wholes", "linspace(0 1 2)", "not a whole number; allowed: wholes >= 0"},
    {"reals", "linspace(0 1)", "expected linspace(first last n)"},
    {"reals", "linspace(0 1 2 3)", "expected linspace(first last n)"},
    {"reals", "linspace(0 1 2) 3", "expected linspace(first last n)"},
    {"reals", "linspace(", "expected linspace(first last n)"},
    {"reals", "linspace(0 x 3)", "not a number"},
    {"reals", "linspace(0 1 1)", "linspace(first last n) needs a whole number n, 2 to 1000000"},
    {"reals", "linspace(0 1 2.5)", "linspace(first last n) needs a whole number n, 2 to 1000000"},
    {"reals", "linspace(0 1 1000001)",
     "linspace(first last n) needs a whole number n, 2 to 1000000"},
    {"reals", "batch", "not a number"},
    {"moments", "second", "not a number; allowed: moments >= 0, or batch, first"},
    {"moments", "linspace(-1 1 3)", "allowed: moments >= 0, or batch, first"},
};

static void test_bad_values_are_refused_with_what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_refused(&refusals[i]);
    }
    static const char *const sizes[] = {"0", "-1", "stat", "1.0"};
    for (size_t i = 0; i < 4; i++) {
        char message[64];
        (void)snprintf(message, sizeof message, "allowed: %s", in_words);
        assert_refused(&(refusal){"units", sizes[i], message});
    }
}

static void test_an_open_bound_is_no_value(void **state)
{
    (void)state;
    static const odeon_option open = {.type = ODEON_OPTION_I64,
                                      .name = "open",
                                      .flags = ODEON_OPTION_OPEN_MIN | ODEON_OPTION_OPEN_MAX,
                                      .min_text = "1",
                                      .max_text = "3"};
    static const char *const texts[] = {"1", "2", "3"};
    for (int i = 0; i < 3; i++) {
        option_value value;
        assert_int_equal(parse(&open, texts[i], &value), i == 1 ? ODEON_OK : ODEON_ERR_CONFIG);
        if (i != 1) {
            assert_non_null(strstr(diag_message(), ": allowed: 1 < open < 3"));
        }
        schema_value_clear(&value);
    }
}

static void test_a_path_that_would_be_misread_is_refused(void **state)
{
    (void)state;
    option_value value;
    assert_int_equal(parse(option_sample("pick"), "from(path=a ;b)", &value), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "t.ini:3: path = /folder/a ;b: ';' or '#' after a blank "
                                        "would start a comment: choose another name");
    assert_null(value.argument);
}

static void test_long_text_is_cut_in_messages(void **state)
{
    (void)state;
    char text[300];
    option_value value;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(parse(option_sample("large"), text, &value), ODEON_ERR_CONFIG);
    assert_int_equal(strlen(diag_message()),
                     strlen("t.ini:3: [model.x] large = : not a whole number") + 120);
}

/* ---- components ---- */

static void test_components_are_read_by_who_knows_plugins(void **state)
{
    (void)state;
    asked a = {.kind = 0};
    const component_reader reader = {.read = read_component, .context = &a};
    option_value value;
    diag_clear();
    assert_int_equal(schema_parse(&reader, option_sample("part"), "relu(x=1)", here, "model.x",
                                  "/folder", &value),
                     ODEON_OK);
    assert_int_equal(a.kind, ODEON_KIND_LAYER);
    assert_string_equal(a.expression, "relu(x=1)");
    assert_string_equal(a.section, "model.x");
    assert_string_equal(a.folder, "/folder");
    assert_int_equal(a.where.line, 3);
    assert_string_equal(value.component->component->id, "empty");
    assert_null(value.text);
    schema_value_clear(&value);
    assert_int_equal(
        schema_parse(&reader, option_sample("part"), "refused", here, "model.x", "/folder", &value),
        ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "no such layer");
    assert_null(value.component);
}

static void test_options_that_this_host_does_not_know(void **state)
{
    (void)state;
    static const odeon_option later = {.type = 11, .name = "later"},
                              thing = {.type = ODEON_OPTION_COMPONENT,
                                       .name = "thing",
                                       .choices = "gadget"};
    option_value value;
    assert_int_equal(parse(&later, "1", &value), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "option 'later' has the type 11, which this host does not "
                                        "know: the plugin is newer than the host");
    assert_int_equal(parse(&thing, "a", &value), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(),
                        "option 'thing' is a component of the unknown kind 'gadget'");
}

/* ---- memory ---- */

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int64_t allocations;
    } cases[] = {{"whole", "3", 1},   {"real", "0.5", 1},
                 {"flag", "no", 1},   {"word", "w", 1},
                 {"pick", "red", 1},  {"pick", "from(path=a)", 4}, /* name, pairs, path, text */
                 {"file", "a", 1},    {"wholes", "1 2", 3}, /* text, numbers, a copy to cut */
                 {"reals", "1 2", 3}, {"reals", "linspace(0 1 3)", 3},
                 {"units", "3", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        option_value value;
        int64_t live = mem_live_blocks(), n = 0;
        odeon_status status = ODEON_ERR_NOMEM;
        while (status == ODEON_ERR_NOMEM && n < 20) {
            mem_fail_at(++n);
            status = parse(option_sample(cases[i].name), cases[i].text, &value);
            mem_fail_at(0);
            assert_true(status == ODEON_OK || strstr(diag_message(), "out of memory for ") != NULL);
            schema_value_clear(&value);
            assert_int_equal(mem_live_blocks(), live);
        }
        assert_int_equal(status, ODEON_OK);
        assert_int_equal(n, cases[i].allocations + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_knows_where_it_was_given),
        cmocka_unit_test(test_whole_numbers_reach_the_ends_of_their_type),
        cmocka_unit_test(test_numbers_are_kept_as_doubles),
        cmocka_unit_test(test_every_spelling_of_a_flag_is_read),
        cmocka_unit_test(test_choices_are_numbered_from_0),
        cmocka_unit_test(test_lists_have_their_length),
        cmocka_unit_test(test_linspace_has_equal_distances),
        cmocka_unit_test(test_a_word_may_stand_in_place_of_a_list),
        cmocka_unit_test(test_a_size_is_a_number_or_a_name),
        cmocka_unit_test(test_values_have_a_normal_form),
        cmocka_unit_test(test_bad_values_are_refused_with_what_is_allowed),
        cmocka_unit_test(test_an_open_bound_is_no_value),
        cmocka_unit_test(test_a_path_that_would_be_misread_is_refused),
        cmocka_unit_test(test_long_text_is_cut_in_messages),
        cmocka_unit_test(test_components_are_read_by_who_knows_plugins),
        cmocka_unit_test(test_options_that_this_host_does_not_know),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
