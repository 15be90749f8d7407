#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "format/json.h"

static json read(const char *text)
{
    json j;
    diag_clear();
    if (json_parse("file", text, strlen(text), &j) != ODEON_OK) {
        fail_msg("%s: %s", text, diag_message());
    }
    return j;
}

static void assert_refused(const char *text, size_t bytes, const char *message)
{
    json j;
    diag_clear();
    assert_int_equal(json_parse("file", text, bytes, &j), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), message);
    assert_null(j.values);
    assert_null(j.strings);
}

/* What json_print makes of a text. */
static void assert_prints(const char *text, const char *expected)
{
    json j = read(text);
    text_buffer out = {0};
    json_print(&out, j.values);
    assert_string_equal(out.data, expected);
    text_fini(&out);
    json_fini(&j);
}

static void test_every_kind_of_value_is_read(void **state)
{
    (void)state;
    json j = read(" {\"n\": null, \"t\": true, \"f\": false,\r\n\t\"x\": -1.5e1, \"s\": \"a\", "
                  "\"a\": [1, [], {}], \"o\": {\"b\": 2}} \n");
    const json_value *root = j.values;
    assert_int_equal(root->kind, JSON_OBJECT);
    assert_int_equal(root->n, 7);
    assert_int_equal(root->size, j.n_values);
    assert_int_equal(json_member(root, "n")->kind, JSON_NULL);
    assert_true(json_member(root, "t")->truth);
    assert_int_equal(json_member(root, "f")->kind, JSON_BOOL);
    assert_false(json_member(root, "f")->truth);
    assert_string_equal(json_member(root, "x")->text, "-1.5e1");
    assert_true(json_member(root, "x")->number == -15.0);
    assert_string_equal(json_string(root, "s"), "a");
    assert_null(json_string(root, "x"));
    assert_null(json_string(root, "none"));
    assert_int_equal(json_member(root, "a")->n, 3);
    assert_string_equal(json_member(json_member(root, "o"), "b")->text, "2");
    json_fini(&j);
}

/* The places of values are those in the text. */
static void test_values_know_where_they_stand(void **state)
{
    (void)state;
    static const char text[] = " { \"a\" : [10, \"b\"] , \"c\":null}";
    json j = read(text);
    const json_value *a = json_member(j.values, "a"), *b = json_next(a, json_first(a));
    assert_int_equal(j.values->begin, 1);
    assert_int_equal(j.values->end, strlen(text));
    assert_memory_equal(text + a->begin, "[10, \"b\"]", a->end - a->begin);
    assert_int_equal(a->end - a->begin, 9);
    assert_memory_equal(text + b->begin, "\"b\"", b->end - b->begin);
    assert_null(json_next(a, b));
    assert_string_equal(json_next(j.values, a)->name, "c");
    json_fini(&j);
}

static void test_nothing_is_in_what_is_empty_or_none(void **state)
{
    (void)state;
    json j = read("[[], 1]");
    assert_null(json_first(NULL));
    assert_null(json_first(json_first(j.values)));
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(j.values, "a"));
    assert_null(json_string(NULL, "a"));
    json_fini(&j);
}

static void test_escapes_are_decoded(void **state)
{
    (void)state;
    json j = read("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa4\"");
    assert_string_equal(j.values->text,
                        "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa4");
    json_fini(&j);
}

static void test_numbers_are_those_of_json(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0", "-0", "10", "1.25", "1e3", "1E+3", "1e-3", "-12.5e2", "18446744073709551615"};
    static const char *const bad[] = {"-", "01", "-01", "1.", "1.e1", "1e", "1e+", "-.5", "00"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        json j = read(good[i]);
        assert_string_equal(j.values->text, good[i]);
        assert_true(j.values->number == strtod(good[i], NULL));
        json_fini(&j);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(bad[i], strlen(bad[i]), "file:1: no number as JSON writes it");
    }
    assert_refused("1e999", 5, "file:1: a number that a double cannot hold");
}

typedef struct fault {
    const char *text, *message;
} fault;

static void test_what_is_no_json_is_refused_with_its_line(void **state)
{
    (void)state;
    static const fault faults[] = {
        {"", "file:1: expected a value"},
        {"\n\nnul", "file:3: expected a value"},
        {"+1", "file:1: expected a value"},
        {".5", "file:1: expected a value"},
        {"tru", "file:1: expected a value"},
        {"\xef\xbb\xbf{}", "file:1: expected a value"},
        {"{} {}", "file:1: text behind the end of the value"},
        {"nullx", "file:1: text behind the end of the value"},
        {"[1\n2]", "file:2: expected ',' or ']'"},
        {"[1,]", "file:1: expected a value"},
        {"[", "file:1: expected a value"},
        {"[1", "file:1: expected ',' or ']'"},
        {"{\"a\": 1 \"b\": 2}", "file:1: expected ',' or '}'"},
        {"{\"a\": 1,\n}", "file:2: expected the name of a member in quotes"},
        {"{a: 1}", "file:1: expected the name of a member in quotes"},
        {"{\"a\" 1}", "file:1: expected ':' behind the name of a member"},
        {"{\"a\": 1,\n\"\\u0061\": 2}", "file:2: a member that the object has already"},
        {"{\"a", "file:1: the text ends within a string"},
        {"\"a\nb\"", "file:1: a control character in a string"},
        {"\"\xff\"", "file:1: a string that is not UTF-8"},
        {"\"\xc3\"", "file:1: a string that is not UTF-8"},
        {"\"\\x\"", "file:1: unknown escape in a string"},
        {"\"\\", "file:1: unknown escape in a string"},
        {"\"\\u00g0\"", "file:1: expected four hexadecimal digits after \\u"},
        {"\"\\u00", "file:1: expected four hexadecimal digits after \\u"},
        {"\"\\u0000\"", "file:1: a string with a NUL in it"},
        {"\"\\ud800\"", "file:1: half a surrogate pair in a string"},
        {"\"\\ud800ab\"", "file:1: half a surrogate pair in a string"},
        {"\"\\ud800", "file:1: half a surrogate pair in a string"},
        {"\"\\ud800\\u0041\"", "file:1: half a surrogate pair in a string"},
        {"\"\\ud800\\ue000\"", "file:1: half a surrogate pair in a string"},
        {"\"\\ud800\\u00\"", "file:1: expected four hexadecimal digits after \\u"},
        {"\"\\ude00\"", "file:1: half a surrogate pair in a string"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        assert_refused(faults[i].text, strlen(faults[i].text), faults[i].message);
    }
    assert_refused("[1\0]", 4, "file:1: expected ',' or ']'");
    assert_refused("\"a\0\"", 4, "file:1: a control character in a string");
}

static char *nested(int depth)
{
    char *text = mem_alloc((size_t)(2 * depth + 1));
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = '\0';
    return text;
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    char *most = nested(JSON_MAX_DEPTH), *more = nested(JSON_MAX_DEPTH + 1);
    json j = read(most);
    assert_int_equal(j.n_values, JSON_MAX_DEPTH);
    json_fini(&j);
    assert_refused(more, strlen(more),
                   "file:1: arrays and objects in one another more than 32 deep");
    mem_free(most);
    mem_free(more);
}

static void test_size_is_limited(void **state)
{
    (void)state;
    char *text = mem_alloc((size_t)JSON_MAX_BYTES + 1);
    memset(text, ' ', (size_t)JSON_MAX_BYTES + 1);
    assert_refused(text, (size_t)JSON_MAX_BYTES + 1, "file: more than 16 MiB of JSON");
    mem_free(text);
}

/* As many as make an object's search for a name that it has already slow, if it were one by one. */
static void test_an_object_may_have_many_members(void **state)
{
    (void)state;
    enum { N = 20000 };
    text_buffer t = {0};
    for (int i = 0; i < N; i++) {
        text_printf(&t, "%s\"%d\": %d", i == 0 ? "{" : ", ", i, i);
    }
    text_add(&t, "}");
    json j = read(t.data);
    assert_int_equal(j.values->n, N);
    assert_string_equal(json_member(j.values, "19999")->text, "19999");
    json_fini(&j);
    text_fini(&t);
}

static void test_printing_is_one_line(void **state)
{
    (void)state;
    assert_prints("{\"a\" :[ 1,2.50 ,\"\\u0009\"],\n\"b\":{ }, \"c\":[true,false,null]}",
                  "{\"a\": [1, 2.50, \"\\t\"], \"b\": {}, \"c\": [true, false, null]}");
    assert_prints("7", "7");
}

typedef struct pair {
    const char *a, *b;
    bool equal;
} pair;

static void test_values_are_equal_that_say_the_same(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"1", "1", true},
        {"1", "1.0", false},
        {"18446744073709551615", "18446744073709551614", false},
        {"1", "\"1\"", false},
        {"\"A\"", "\"\\u0041\"", true},
        {"null", "null", true},
        {"true", "false", false},
        {"true", "true", true},
        {"[1, 2]", "[ 1,2 ]", true},
        {"[1, 2]", "[2, 1]", false},
        {"[1]", "[1, 2]", false},
        {"[]", "{}", false},
        {"{\"a\": 1, \"b\": [2]}", "{\"b\": [2], \"a\": 1}", true},
        {"{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"c\": 2}", false},
        {"{\"a\": 1}", "{\"a\": 2}", false},
        {"{\"a\": 1}", "{}", false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        json a = read(pairs[i].a), b = read(pairs[i].b);
        assert_int_equal(json_equal(a.values, b.values), pairs[i].equal);
        assert_int_equal(json_equal(b.values, a.values), pairs[i].equal);
        assert_false(json_equal(a.values, NULL));
        assert_false(json_equal(NULL, a.values));
        json_fini(&a);
        json_fini(&b);
    }
    assert_true(json_equal(NULL, NULL));
}

static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\": [1, 2, 3, 4, 5, 6, 7, 8, 9], \"b\": {\"c\": 1}, \"d\": 1, \"e\": 2, \"f\": 3, "
        "\"g\": 4, \"h\": 5, \"i\": 6, \"j\": 7, \"k\": 8}";
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int n = 0;
    while (status != ODEON_OK) {
        json j;
        diag_clear();
        mem_fail_at(++n);
        status = json_parse("file", text, sizeof text - 1, &j);
        mem_fail_at(0);
        if (status != ODEON_OK) {
            assert_int_equal(status, ODEON_ERR_NOMEM);
            assert_string_equal(diag_message(), "file: no memory to read it");
            assert_null(j.values);
        }
        json_fini(&j);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value_is_read),
        cmocka_unit_test(test_values_know_where_they_stand),
        cmocka_unit_test(test_nothing_is_in_what_is_empty_or_none),
        cmocka_unit_test(test_escapes_are_decoded),
        cmocka_unit_test(test_numbers_are_those_of_json),
        cmocka_unit_test(test_what_is_no_json_is_refused_with_its_line),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_size_is_limited),
        cmocka_unit_test(test_an_object_may_have_many_members),
        cmocka_unit_test(test_printing_is_one_line),
        cmocka_unit_test(test_values_are_equal_that_say_the_same),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
