/* Option tables to typed values: what each type takes and refuses, and in which words. */
#include "support.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "option/expression.h"
#include "option/schema.h"
#include "option/schema_print.h"
#include "plugin/component.h"
#include "plugin/registry.h"

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

/* The normal form of one option of every_option. */
static void assert_text(const char *typed, const char *name, const char *text)
{
    odeon_config *made = make(typed);
    assert_string_equal(schema_value(made, name)->text, text);
    schema_destroy(made);
}

/* ---- numbers ---- */

static void test_whole_numbers_are_exact_or_refused(void **state)
{
    (void)state;
    static const char *const syntax[] = {"",      "-",  "+1", "1.0", "1e3", "0x10",
                                         "1_000", "7x", " 7", "7 ",  "--7", "one"};
    int64_t x = 0;
    assert_int_equal(number_parse_i64("9223372036854775807", &x), NUMBER_OK);
    assert_true(x == INT64_MAX);
    assert_int_equal(number_parse_i64("-9223372036854775808", &x), NUMBER_OK);
    assert_true(x == INT64_MIN);
    assert_int_equal(number_parse_i64("9223372036854775808", &x), NUMBER_OVERFLOW);
    for (size_t i = 0; i < sizeof syntax / sizeof syntax[0]; i++) {
        assert_int_equal(number_parse_i64(syntax[i], &x), NUMBER_SYNTAX);
    }
}

static void test_numbers_are_decimal_or_refused(void **state)
{
    (void)state;
    static const char *const syntax[] = {"",    ".",   "e3", "1e", "1e+",  "0x1p3", "inf",
                                         "nan", "1,5", " 1", "1 ", "1.5f", "--1",   "1.2.3"};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1e-3", 1e-3}, {".5", 0.5}, {"5.", 5.0}, {"-2.5E+2", -250.0}, {"+3", 3.0}};
    double x = 0.0;
    for (size_t i = 0; i < sizeof syntax / sizeof syntax[0]; i++) {
        assert_int_equal(number_parse_f64(syntax[i], &x), NUMBER_SYNTAX);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(number_parse_f64(good[i].text, &x), NUMBER_OK);
        assert_true(x == good[i].value);
    }
    assert_int_equal(number_parse_f64("1e400", &x), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_f64("1e-400", &x), NUMBER_OVERFLOW);
    assert_int_equal(number_parse_f64("0e-400", &x), NUMBER_OK);
}

static void test_printed_numbers_read_back(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1e-3, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -2.0};
    char text[NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double again = 0.0;
        number_print_f64(values[i], text);
        assert_int_equal(number_parse_f64(text, &again), NUMBER_OK);
        assert_true(again == values[i]);
    }
    number_print_f64(1e-3, text);
    assert_string_equal(text, "0.001");
    number_print_f64(-10.0, text);
    assert_string_equal(text, "-10");
}

/* Skipped where no locale with a decimal comma is installed. */
static void test_numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        support_not_covered("numbers where the decimal point is a comma (no locale de_DE.UTF-8)");
    }
    char text[NUMBER_TEXT_BYTES];
    double x = 0.0;
    int fault = number_parse_f64("1.5", &x);
    number_print_f64(2.5, text);
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(fault, NUMBER_OK);
    assert_true(x == 1.5);
    assert_string_equal(text, "2.5");
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

static void test_values_have_a_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *name, *text;
    } cases[] = {
        {"every_option(whole=007)", "whole", "7"},
        {"every_option(real=0.0010)", "real", "0.001"},
        {"every_option(bound=inf)", "bound", "inf"},
        {"every_option(flag=1)", "flag", "yes"},
        {"every_option(flag=false)", "flag", "no"},
        {"every_option(wholes=1   02)", "wholes", "1 2"},
        {"every_option(reals=1 0.50)", "reals", "1 0.5"},
        {"every_option(reals=linspace( 1  02.50 7 ))", "reals", "linspace(1 2.5 7)"},
        {"every_option(moments=batch)", "moments", "batch"},
        {"every_option(moments=linspace(0 1 2))", "moments", "linspace(0 1 2)"},
        {"every_option(units=state)", "units", "state"},
        {"every_option(pick=from( path = a ))", "pick", "from(path=/folder/a)"},
        {"every_option(file=/a/b)", "file", "/a/b"},
        {"every_option(file=./b)", "file", "/folder/b"},
        {" every_option ( word = a(b,c) d ) ", "word", "a(b,c) d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_text(cases[i].typed, cases[i].name, cases[i].text);
    }
}

static void test_linspace_is_a_list(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(reals=linspace(0.5 -1.5 5))");
    const option_value *value = schema_value(made, "reals");
    static const double expected[] = {0.5, 0.0, -0.5, -1.0, -1.5};
    assert_int_equal(value->n, 5);
    assert_memory_equal(value->list_f, expected, sizeof expected);
    schema_destroy(made);
    made = make("every_option(reals=linspace(0.1 0.7 4))");
    assert_true(schema_value(made, "reals")->list_f[3] == 0.7);
    schema_destroy(made);
}

static void test_word_may_stand_in_place_of_a_list(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(moments=first)");
    assert_int_equal(schema_value(made, "moments")->n, 0);
    assert_null(schema_value(made, "moments")->list_f);
    assert_true(schema_value(made, "moments")->given);
    schema_destroy(made);
}

static void test_choice_may_take_a_path(void **state)
{
    (void)state;
    odeon_config *made = make("every_option(pick=from(path=a b))");
    assert_int_equal(schema_value(made, "pick")->i, 3);
    assert_string_equal(schema_value(made, "pick")->argument, "/folder/a b");
    schema_destroy(made);
}

static void test_every_spelling_of_a_flag_is_read(void **state)
{
    (void)state;
    static const char *const words[] = {"yes", "true", "on", "1", "no", "false", "off", "0"};
    for (int i = 0; i < 8; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "every_option(flag=%s)", words[i]);
        odeon_config *made = make(text);
        assert_int_equal(schema_value(made, "flag")->i, i < 4);
        schema_destroy(made);
    }
}

static void test_bad_value_is_refused_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"every_option(whole=10)", "t.ini:3: [model.x] whole = 10: allowed: 1 <= whole <= 9"},
        {"every_option(whole=0)", "allowed: 1 <= whole <= 9"},
        {"every_option(whole=3x)", "t.ini:3: [model.x] whole = 3x: not a whole number"},
        {"every_option(whole=3.5)", "whole = 3.5: not a whole number"},
        {"every_option(large=9223372036854775808)", "does not fit into 64 bits"},
        {"every_option(real=0)", "real = 0: allowed: real > 0"},
        {"every_option(real=-1)", "real = -1: allowed: real > 0"},
        {"every_option(real=nan)", "real = nan: not a number"},
        {"every_option(real=inf)", "real = inf: not a number"},
        {"every_option(real=1e400)", "does not fit into 64 bits"},
        {"every_option(bound=-inf)", "not a number"},
        {"every_option(share_of=1)", "share_of = 1: allowed: 0 < share_of < 1"},
        {"every_option(share_of=0)", "allowed: 0 < share_of < 1"},
        {"every_option(flag=maybe)",
         "flag = maybe: allowed: yes, no (or true, false, on, off, 1, 0)"},
        {"every_option(flag=Yes)", "flag = Yes: allowed: yes, no"},
        {"every_option(pick=gren)", "pick = gren: allowed: red, green, blue, from(path=FILE)"},
        {"every_option(pick=re)", "pick = re: allowed"},
        {"every_option(pick=from)", "pick = from: allowed: red"},
        {"every_option(pick=from(path))", "options are written key=value"},
        {"every_option(pick=from(file=a))", "pick = from(file=a): allowed: red"},
        {"every_option(pick=red(path=a))", "pick = red(path=a): allowed: red"},
        {"every_option(pick=from(path=a ;b))", "path = /folder/a ;b: ';' or '#' after a blank"},
        {"every_option(wholes=1 -2)", "wholes = 1 -2: allowed: wholes >= 0"},
        {"every_option(wholes=1 x)", "wholes = 1 x: not a whole number"},
        {"every_option(reals=1 2,5)", "options are written key=value"},
        {"every_option(reals=linspace(0 1))", "expected linspace(first last n)"},
        {"every_option(reals=linspace(0 1 2 3))", "expected linspace(first last n)"},
        {"every_option(reals=linspace(0 1 2) 3)", "expected linspace(first last n)"},
        {"every_option(reals=linspace(0 x 3))", "not a number"},
        {"every_option(reals=linspace(0 1 1))", "needs a whole number n, 2 to 1000000"},
        {"every_option(reals=linspace(0 1 2.5))", "needs a whole number n, 2 to 1000000"},
        {"every_option(reals=linspace(0 1 1000001))", "needs a whole number n, 2 to 1000000"},
        {"every_option(reals=batch)", "reals = batch: not a number"},
        {"every_option(moments=second)", "not a number; allowed: moments >= 0, or batch, first"},
        {"every_option(moments=linspace(-1 1 3))", "allowed: moments >= 0, or batch, first"},
        {"every_option(wholes=linspace(0 1 2))", "not a whole number"},
        {"every_option(units=0)", "units = 0: allowed: a whole number >= 1, state, classes"},
        {"every_option(units=stat)", "units = stat: allowed: a whole number >= 1, state"},
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

/* ---- expressions ---- */

static void test_malformed_expression_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "layer = : expected a name"},
        {"(a=1)", "expected a name, or name(key=value, ...)"},
        {"9a", "expected a name"},
        {"a-b", "expected a name"},
        {"relu relu", "expected a name"},
        {"a(b=1", "'(' is not closed"},
        {"a)b", "')' without a '(' before it"},
        {"a(b=1)c", "after the ')' nothing may follow"},
        {"a(b=1)(c=2)", "after the ')' nothing may follow"},
        {"a(b)", "options are written key=value"},
        {"a(b=1,)", "options are written key=value"},
        {"a(,)", "options are written key=value"},
        {"a(=1)", "options are written key=value"},
        {"a(b=)", "an option has no value"},
        {"a(b c=1)", "options are written key=value"},
        {"a(((((((((((((((((b=1)))))))))))))))))", "more than 16 brackets in one another"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(cases[i].text, cases[i].message);
    }
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

static void test_split_leaves_commas_in_brackets(void **state)
{
    (void)state;
    size_t n = 0;
    char **items = NULL;
    assert_int_equal(schema_split(" a(b=1, c=2(d,e)) ,f,  g", here, &n, &items), ODEON_OK);
    assert_int_equal(n, 3);
    assert_string_equal(items[0], "a(b=1, c=2(d,e))");
    assert_string_equal(items[1], "f");
    assert_string_equal(items[2], "g");
    schema_split_free(n, items);
}

static void test_split_refuses_empty_items_and_open_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {{"a,,b", "nothing is before or after a comma"},
                 {"a,", "t.ini:3: 'a,': nothing is"},
                 {"a(b, c", "'(' is not closed"}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;
        char **items = NULL;
        diag_clear();
        assert_message(schema_split(cases[i].text, here, &n, &items), ODEON_ERR_CONFIG,
                       cases[i].message);
        assert_int_equal(n, 0);
        assert_null(items);
    }
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

static void test_keys_are_printed_one_a_line(void **state)
{
    (void)state;
    odeon_config *made = make("nest(word=w)");
    text_buffer text = {0};
    assert_int_equal(schema_print_keys(&text, made), ODEON_OK);
    assert_string_equal(text.data,
                        "part = every_option(whole=3, real=0.5, bound=inf, flag=yes, pick=red, "
                        "wholes=1 2, units=4)\nrtol = 0.001\nword = w\n");
    text_fini(&text);
    schema_destroy(made);
}

static void test_text_that_would_be_misread_is_not_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool nested, good;
    } cases[] = {{"a;b", false, true},   {"a ;b", false, false}, {"a #b", false, false},
                 {"a#b", true, true},    {"a,b", false, true},   {"a,b", true, false},
                 {"f(a,b)", true, true}, {"a)b", true, false},   {"a(b", true, false},
                 {"a(b", false, true},   {"${a}", false, false}, {" a", false, false},
                 {"a ", false, false},   {"a\nb", false, false}, {";a", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        diag_clear();
        odeon_status status = schema_check_text("word", cases[i].text, cases[i].nested, here);
        assert_int_equal(status, cases[i].good ? ODEON_OK : ODEON_ERR_CONFIG);
    }
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
        cmocka_unit_test(test_whole_numbers_are_exact_or_refused),
        cmocka_unit_test(test_numbers_are_decimal_or_refused),
        cmocka_unit_test(test_printed_numbers_read_back),
        cmocka_unit_test(test_numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(test_defaults_are_values_not_given),
        cmocka_unit_test(test_what_is_replaced_has_no_value),
        cmocka_unit_test(test_given_values_have_their_types),
        cmocka_unit_test(test_values_have_a_normal_form),
        cmocka_unit_test(test_linspace_is_a_list),
        cmocka_unit_test(test_word_may_stand_in_place_of_a_list),
        cmocka_unit_test(test_choice_may_take_a_path),
        cmocka_unit_test(test_every_spelling_of_a_flag_is_read),
        cmocka_unit_test(test_bad_value_is_refused_with_what_is_allowed),
        cmocka_unit_test(test_unknown_component_names_its_place),
        cmocka_unit_test(test_malformed_expression_is_refused),
        cmocka_unit_test(test_components_nest),
        cmocka_unit_test(test_split_leaves_commas_in_brackets),
        cmocka_unit_test(test_split_refuses_empty_items_and_open_brackets),
        cmocka_unit_test(test_key_sets_an_option_and_is_marked),
        cmocka_unit_test(test_key_and_parentheses_exclude_each_other),
        cmocka_unit_test(test_precedence_decides_between_key_and_parentheses),
        cmocka_unit_test(test_sizes_are_bound_in_nested_components),
        cmocka_unit_test(test_size_that_is_not_there_is_refused),
        cmocka_unit_test(test_number_needs_no_size),
        cmocka_unit_test(test_normal_form_says_everything_and_reads_back),
        cmocka_unit_test(test_keys_are_printed_one_a_line),
        cmocka_unit_test(test_text_that_would_be_misread_is_not_printed),
        cmocka_unit_test(test_copy_is_whole_and_its_own),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
