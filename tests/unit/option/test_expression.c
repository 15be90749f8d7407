/* "id(key=value, ...)" taken apart. */
#include "option/expression.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static const location where = {.file = "net.ini", .line = 3};

static void test_name_and_options(void **state)
{
    (void)state;
    expression x;
    assert_int_equal(
        expression_parse("layer", " conv2d( filters = 6, f=g(a=1, b=2) ) ", where, NULL, &x),
        ODEON_OK);
    assert_string_equal(x.id, "conv2d");
    assert_int_equal(x.n, 2);
    assert_string_equal(x.pairs[0].key, "filters");
    assert_string_equal(x.pairs[0].value, "6");
    assert_string_equal(x.pairs[1].key, "f");
    assert_string_equal(x.pairs[1].value, "g(a=1, b=2)");
    assert_int_equal(x.pairs[1].where.line, 3);
    expression_fini(&x);
    expression_fini(&x); /* is empty */
}

static void test_a_name_alone_has_no_options(void **state)
{
    (void)state;
    static const char *const same[] = {"relu", "relu()", "relu( )"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        expression x;
        assert_int_equal(expression_parse("then", same[i], where, NULL, &x), ODEON_OK);
        assert_string_equal(x.id, "relu");
        assert_int_equal(x.n, 0);
        expression_fini(&x);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "expected a name"},
        {"a b", "expected a name"},
        {"swish@cuda", "leave out what begins with @"},
        {"a(b=1", "'(' is not closed"},
        {"a)b(", "')' without a '('"},
        {"a(b=1)c", "nothing may follow"},
        {"a(1 2)", "key=value"},
        {"a(b c=1)", "key=value"},
        {"a(b=)", "has no value"},
        {"a(b=1,)", "key=value"},
        {"a(b=1, b=2)", "is given twice"},
        {"(a=1)", "expected a name, or name(key=value, ...)"},
        {"9a", "expected a name"},
        {"a-b", "expected a name"},
        {"a(b=1)(c=2)", "nothing may follow"},
        {"a(,)", "key=value"},
        {"a(=1)", "key=value"},
        {"a((((((((((((((((((", "more than 16 brackets"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expression x;
        int64_t live = mem_live_blocks();
        diag_clear();
        assert_int_equal(expression_parse("layer", cases[i].text, where, "model.a", &x),
                         ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), cases[i].reason));
        assert_non_null(strstr(diag_message(), "net.ini:3: [model.a] layer = "));
        assert_null(x.id);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_every_allocation_of_an_expression_may_fail(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 2; k++) {
        expression x;
        int64_t live = mem_live_blocks();
        mem_fail_at(k);
        assert_int_equal(expression_parse("layer", "a(b=1)", where, NULL, &x), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_next_is_behind_a_comma_outside_of_brackets(void **state)
{
    (void)state;
    assert_string_equal(expression_next("f(a=1, b=2),  g"), "g");
    assert_null(expression_next("f(a=1, b=2)"));
    assert_string_equal(expression_next(","), "");
}

static void test_lists_are_split(void **state)
{
    (void)state;
    size_t n;
    char **items;
    assert_int_equal(schema_split(" conv2d(filters=6, kernel=3) , relu", where, &n, &items),
                     ODEON_OK);
    assert_int_equal(n, 2);
    assert_string_equal(items[0], "conv2d(filters=6, kernel=3)");
    assert_string_equal(items[1], "relu");
    schema_split_free(n, items);
}

static void test_lists_with_gaps_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ",", "a,", ",a", "a,,b", "a, (b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n;
        char **items;
        int64_t live = mem_live_blocks();
        assert_int_equal(schema_split(bad[i], where, &n, &items), ODEON_ERR_CONFIG);
        assert_null(items);
        assert_int_equal(n, 0);
        assert_int_equal(mem_live_blocks(), live);
    }
}

static void test_every_allocation_of_a_list_may_fail(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 4; k++) { /* a copy, the list, two items */
        size_t n;
        char **items;
        int64_t live = mem_live_blocks();
        mem_fail_at(k);
        assert_int_equal(schema_split("a, b", where, &n, &items), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_null(items);
        assert_int_equal(mem_live_blocks(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_and_options),
        cmocka_unit_test(test_a_name_alone_has_no_options),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_every_allocation_of_an_expression_may_fail),
        cmocka_unit_test(test_next_is_behind_a_comma_outside_of_brackets),
        cmocka_unit_test(test_lists_are_split),
        cmocka_unit_test(test_lists_with_gaps_are_refused),
        cmocka_unit_test(test_every_allocation_of_a_list_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
