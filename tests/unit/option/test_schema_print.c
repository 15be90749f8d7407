/* Options and their values as text: what is allowed, help, JSON, the normal form. */
#include "option/schema_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "json_check.h"
#include "option/schema_parse.h"
#include "option_samples.h"
#include "support.h"

static const location here = {.file = "t.ini", .line = 3};

/* ---- what an option may be ---- */

static void test_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"whole", "1 <= whole <= 9"},
        {"large", "a whole number"},
        {"real", "real > 0"},
        {"bound", "0 <= bound <= inf"},
        {"share", "0 < share < 1"},
        {"flag", "yes, no (or true, false, on, off, 1, 0)"},
        {"word", "text"},
        {"pick", "red, green, blue, from(path=FILE)"},
        {"file", "a path"},
        {"wholes", "wholes >= 0"},
        {"reals", "numbers with blanks between them, linspace(first last n)"},
        {"moments", "moments >= 0, or batch, first"},
        {"units", "a whole number >= 1, state, classes"},
        {"part", "layer, as name or name(key=value, ...)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        schema_allowed(text, sizeof text, option_sample(cases[i].name));
        assert_string_equal(text, cases[i].text);
    }
    static const struct {
        odeon_option option;
        const char *text;
    } others[] = {
        {{.type = ODEON_OPTION_F64, .name = "x"}, "a number"},
        {{.type = ODEON_OPTION_F64, .name = "x", .max_text = "2"}, "x <= 2"},
        {{.type = ODEON_OPTION_F64, .name = "x", .max_text = "2", .flags = ODEON_OPTION_OPEN_MAX},
         "x < 2"},
        {{.type = ODEON_OPTION_I64_LIST, .name = "x"}, "whole numbers with blanks between them"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char text[256];
        schema_allowed(text, sizeof text, &others[i].option);
        assert_string_equal(text, others[i].text);
    }
}

/* Whatever room there is, the text is a beginning of the whole and ends within it. */
static void test_what_has_no_room_is_cut(void **state)
{
    (void)state;
    static const char *const names[] = {"whole", "pick", "moments", "reals", "part"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char whole[256], cut[257];
        schema_allowed(whole, sizeof whole, option_sample(names[i]));
        for (size_t bytes = 1; bytes <= strlen(whole); bytes++) {
            memset(cut, '#', sizeof cut);
            schema_allowed(cut, bytes, option_sample(names[i]));
            assert_true(strlen(cut) < bytes);
            assert_memory_equal(cut, whole, strlen(cut));
            for (size_t k = bytes; k < sizeof cut; k++) {
                assert_int_equal(cut[k], '#');
            }
        }
    }
}

static void test_options_are_described_by_type_and_range(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"whole", "whole number, 1 to 9"},
        {"large", "whole number"},
        {"real", "number, real > 0"},
        {"bound", "number, 0 to inf"},
        {"share", "number, 0 < share < 1"},
        {"flag", "yes or no"},
        {"word", "text"},
        {"pick", "choice of red, green, blue, from(path=FILE)"},
        {"file", "path"},
        {"wholes", "whole numbers, wholes >= 0"},
        {"reals", "numbers or linspace(first last n)"},
        {"moments", "numbers or linspace(first last n), moments >= 0, or batch, first"},
        {"units", "whole number >= 1, state or classes"},
        {"part", "layer, as NAME or NAME(key=value, ...)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SCHEMA_DESCRIBE_BYTES];
        schema_describe(text, sizeof text, option_sample(cases[i].name));
        assert_string_equal(text, cases[i].text);
    }
    /* a size has its own least number */
    const odeon_option size = {.type = ODEON_OPTION_SIZE, .name = "size", .min_text = "2"};
    char text[SCHEMA_DESCRIBE_BYTES];
    schema_describe(text, sizeof text, &size);
    assert_string_equal(text, "whole number >= 1, state or classes");
}

/* ---- help ---- */

static void assert_help(const char *name, const char *expected)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    schema_print_option(out, option_sample(name));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_help_has_default_unit_and_what_replaces(void **state)
{
    (void)state;
    assert_help("whole", "  whole          3              a whole number [steps]\n"
                         "                                whole number, 1 to 9\n");
    assert_help("large", "  large          (required)     one of any size\n"
                         "                                whole number\n");
    assert_help("word", "  word           (none)         any text\n"
                        "                                text\n");
    assert_help("real", "  real           0.5            a number above zero\n"
                        "                                number, real > 0\n"
                        "                                aliases: tol, reltol\n");
    assert_help("share",
                "  share          (none)         one between two\n"
                "                                number, 0 < share < 1; in place of bound\n");
}

/* ---- JSON ---- */

static void assert_json(const char *name, const char *expected)
{
    text_buffer text = {0};
    schema_json_option(&text, option_sample(name));
    assert_string_equal(text.data, expected);
    text_fini(&text);
}

static void test_an_option_is_a_json_object(void **state)
{
    (void)state;
    assert_json("whole", "{\"name\": \"whole\", \"type\": \"integer\", \"required\": false, "
                         "\"default\": \"3\", \"min\": \"1\", \"max\": \"9\", \"min_open\": false, "
                         "\"max_open\": false, \"choices\": null, \"unit\": \"steps\", "
                         "\"replaces\": null, \"allowed\": \"whole number, 1 to 9\", \"help\": \"a "
                         "whole number\", \"aliases\": null}");
    assert_json("large", "{\"name\": \"large\", \"type\": \"integer\", \"required\": true, "
                         "\"default\": null, \"min\": null, \"max\": null, \"min_open\": false, "
                         "\"max_open\": false, \"choices\": null, \"unit\": null, "
                         "\"replaces\": null, \"allowed\": \"whole number\", \"help\": \"one of "
                         "any size\", \"aliases\": null}");
    assert_json("share", "{\"name\": \"share\", \"type\": \"number\", \"required\": false, "
                         "\"default\": null, \"min\": \"0\", \"max\": \"1\", \"min_open\": true, "
                         "\"max_open\": true, \"choices\": null, \"unit\": null, "
                         "\"replaces\": \"bound\", \"allowed\": \"number, 0 < share < 1\", "
                         "\"help\": \"one between two\", \"aliases\": null}");
}

static void test_every_type_has_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
    } cases[] = {{"flag", "flag"},  {"word", "text"},       {"pick", "choice"},
                 {"file", "path"},  {"wholes", "integers"}, {"reals", "numbers"},
                 {"units", "size"}, {"part", "component"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_buffer text = {0};
        char expected[80];
        (void)snprintf(expected, sizeof expected, "{\"name\": \"%s\", \"type\": \"%s\", ",
                       cases[i].name, cases[i].type);
        schema_json_option(&text, option_sample(cases[i].name));
        assert_int_equal(strncmp(text.data, expected, strlen(expected)), 0);
        text_fini(&text);
    }
}

static void test_a_list_of_options_is_json(void **state)
{
    (void)state;
    text_buffer text = {0};
    schema_json_options(&text, NULL);
    assert_string_equal(text.data, "\"options\": []");
    text_clear(&text);
    const odeon_option *const two[] = {option_sample("word"), option_sample("file"), NULL};
    text_add(&text, "{");
    schema_json_options(&text, two);
    text_add(&text, "}");
    assert_non_null(strstr(text.data, "{\"options\": [\n    {\"name\": \"word\""));
    assert_non_null(strstr(text.data, "},\n    {\"name\": \"file\""));
    size_t at = 0;
    assert_true(json_check(text.data, &at));
    text_fini(&text);
}

/* ---- the normal form ---- */

/* The value of one option of option_samples as text. */
static void set(odeon_config *config, const char *name, const char *text)
{
    option_value *value = &config->values[schema_option_index(config, name)];
    schema_value_clear(value);
    assert_int_equal(
        schema_parse(NULL, option_sample(name), text, here, "model.x", "/folder", value), ODEON_OK);
}

static odeon_config *make(void)
{
    odeon_config *config = schema_create(&option_samples, here);
    assert_non_null(config);
    return config;
}

static void test_a_component_without_values_is_its_name(void **state)
{
    (void)state;
    odeon_config *config = make();
    text_buffer text = {0};
    assert_int_equal(schema_print(&text, config), ODEON_OK);
    assert_string_equal(text.data, "samples");
    text_clear(&text);
    text_add(&text, "before\n");
    assert_int_equal(schema_print_keys(&text, config), ODEON_OK);
    assert_string_equal(text.data, "before\n");
    text_fini(&text);
    schema_destroy(config);
}

static odeon_config *make_with_values(void)
{
    odeon_config *config = make(), *part = make();
    set(config, "file", "f");
    set(config, "whole", "2");
    set(config, "word", "a b");
    set(part, "flag", "off");
    config->values[schema_option_index(config, "part")] =
        (option_value){.component = part, .set = true};
    return config;
}

/* In the order of the table, not that in which they were set. */
static void test_values_are_printed_in_the_tables_order(void **state)
{
    (void)state;
    odeon_config *config = make_with_values();
    text_buffer text = {0};
    assert_int_equal(schema_print(&text, config), ODEON_OK);
    assert_string_equal(text.data,
                        "samples(whole=2, word=a b, file=/folder/f, part=samples(flag=no))");
    text_clear(&text);
    assert_int_equal(schema_print_keys(&text, config), ODEON_OK);
    assert_string_equal(text.data,
                        "whole = 2\nword = a b\nfile = /folder/f\npart = samples(flag=no)\n");
    text_fini(&text);
    schema_destroy(config);
}

/* As a key of a section a comma does no harm, within parentheses it would end the value. */
static void test_a_value_that_would_be_misread_is_refused(void **state)
{
    (void)state;
    odeon_config *config = make();
    text_buffer text = {0};
    set(config, "word", "a, b");
    diag_clear();
    assert_int_equal(schema_print_keys(&text, config), ODEON_OK);
    assert_int_equal(schema_print(&text, config), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "t.ini:3: word = a, b: a comma or bracket would end it "
                                        "here: choose another name");
    text_fini(&text);
    set(config, "word", "a ;b");
    diag_clear();
    assert_int_equal(schema_print_keys(&text, config), ODEON_ERR_CONFIG);
    text_fini(&text);
    schema_destroy(config);
}

static void test_without_memory_the_text_has_failed(void **state)
{
    (void)state;
    odeon_config *config = make_with_values();
    text_buffer text = {0};
    mem_fail_from(1);
    odeon_status status = schema_print(&text, config);
    mem_fail_at(0);
    assert_int_equal(status, ODEON_OK);
    assert_true(text.failed);
    text_fini(&text);
    schema_destroy(config);
}

static void test_text_that_would_be_misread_is_told(void **state)
{
    (void)state;
    static const char comment[] = "';' or '#' after a blank would start a comment",
                      let[] = "'${' would be replaced from [let]",
                      control[] = "it has control characters",
                      end[] = "a comma or bracket would end it here",
                      open[] = "its bracket would not be closed here",
                      blank[] = "it begins or ends with a blank";
    static const struct {
        const char *text;
        bool nested;
        const char *why; /* NULL: nothing */
    } cases[] = {{"", false, NULL},         {"a;b", false, NULL},     {"a ;b", false, comment},
                 {"a\t#b", false, comment}, {";a", false, comment},   {"#a", true, comment},
                 {"a#b", true, NULL},       {"a,b", false, NULL},     {"a,b", true, end},
                 {"f(a,b)", true, NULL},    {"a)b", true, end},       {"a)b", false, NULL},
                 {"a(b", true, open},       {"a(b", false, NULL},     {"${a}", false, let},
                 {"$a{", false, NULL},      {" a", false, blank},     {"a ", false, blank},
                 {"a\t", true, blank},      {"a\nb", false, control}, {"a\x7f", false, control},
                 {"a\tb", false, NULL},     {"\xc3\xa9", false, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        diag_clear();
        odeon_status status = schema_check_text("word", cases[i].text, cases[i].nested, here);
        assert_int_equal(status, cases[i].why == NULL ? ODEON_OK : ODEON_ERR_CONFIG);
        if (cases[i].why != NULL && strstr(diag_message(), cases[i].why) == NULL) {
            fail_msg("'%s': \"%s\" lacks \"%s\"", cases[i].text, diag_message(), cases[i].why);
        }
    }
    diag_clear();
    (void)schema_check_text("word", "a,b", true, here);
    assert_string_equal(diag_message(),
                        "t.ini:3: word = a,b: a comma or bracket would end it here: choose "
                        "another name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_allowed),
        cmocka_unit_test(test_what_has_no_room_is_cut),
        cmocka_unit_test(test_options_are_described_by_type_and_range),
        cmocka_unit_test(test_help_has_default_unit_and_what_replaces),
        cmocka_unit_test(test_an_option_is_a_json_object),
        cmocka_unit_test(test_every_type_has_its_name),
        cmocka_unit_test(test_a_list_of_options_is_json),
        cmocka_unit_test(test_a_component_without_values_is_its_name),
        cmocka_unit_test(test_values_are_printed_in_the_tables_order),
        cmocka_unit_test(test_a_value_that_would_be_misread_is_refused),
        cmocka_unit_test(test_without_memory_the_text_has_failed),
        cmocka_unit_test(test_text_that_would_be_misread_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
