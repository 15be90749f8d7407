#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run/axes.h"

static void assert_values(const char *text, size_t n, const char *const *expected)
{
    axis x = {.n = 0};
    diag_clear();
    if (axis_add(&x, "k", text) != ODEON_OK) {
        fail_msg("%s: %s", text, diag_message());
    }
    assert_int_equal(x.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(x.values[i], expected[i]);
    }
    axis_fini(&x);
}

static void assert_refused(const char *text, const char *message)
{
    axis x = {.n = 0};
    diag_clear();
    assert_int_equal(axis_add(&x, "k", text), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), message);
    axis_fini(&x);
}

static void test_bars_separate_values(void **state)
{
    (void)state;
    assert_values("a", 1, (const char *const[]){"a"});
    assert_values("1e-3|1e-4", 2, (const char *const[]){"1e-3", "1e-4"});
    assert_values(" a b | c ", 2, (const char *const[]){"a b", "c"});
    assert_values("f(x=1|y=2, g(1))|h", 2, (const char *const[]){"f(x=1|y=2, g(1))", "h"});
}

static void test_ranges_stand_for_whole_numbers(void **state)
{
    (void)state;
    assert_values("1..3", 3, (const char *const[]){"1", "2", "3"});
    assert_values("-1..1|9", 4, (const char *const[]){"-1", "0", "1", "9"});
    assert_values("5..5", 1, (const char *const[]){"5"});
    assert_values("a..b", 1, (const char *const[]){"a..b"}); /* no numbers */
    assert_values("../data", 1, (const char *const[]){"../data"});
}

static void test_a_backslash_makes_plain_text(void **state)
{
    (void)state;
    assert_values("x' = y \\| y' = x", 1, (const char *const[]){"x' = y | y' = x"});
    assert_values("0\\..3", 1, (const char *const[]){"0..3"});
    assert_values("a\\b", 1, (const char *const[]){"a\\b"});
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_refused("", "k: a value is missing");
    assert_refused("a||b", "k: a value is missing");
    assert_refused("a|", "k: a value is missing");
    assert_refused("3..1", "k: 3..1 goes down; write the smaller one first");
    assert_refused("a|b|a", "k: a stands twice");
    assert_refused("1..100000000000", "k: more than 10000 values");
}

static void test_the_grid_has_all_combinations(void **state)
{
    (void)state;
    static const char *const arguments[] = {"a=1|2", "b=x", "c=7..9"};
    static const char *const expected[] = {"1x7", "1x8", "1x9", "2x7", "2x8", "2x9"};
    axes x;
    size_t n;
    assert_int_equal(axes_parse(3, arguments, &x), ODEON_OK);
    assert_int_equal(axes_size(&x, &n), ODEON_OK);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%s%s%s", axes_value(&x, i, 0), axes_value(&x, i, 1),
                       axes_value(&x, i, 2));
        assert_string_equal(text, expected[i]);
    }
    axes_fini(&x);
}

static void test_arguments_are_keys_with_values(void **state)
{
    (void)state;
    axes x;
    size_t n;
    assert_int_equal(axes_parse(0, NULL, &x), ODEON_OK);
    assert_int_equal(axes_size(&x, &n), ODEON_OK);
    assert_int_equal(n, 1); /* of nothing, there is one */
    axes_fini(&x);
    assert_int_equal(axes_parse(1, (const char *const[]){"a"}, &x), ODEON_ERR_CONFIG);
    axes_fini(&x);
    assert_int_equal(axes_parse(2, (const char *const[]){"a=1", "a=2"}, &x), ODEON_ERR_CONFIG);
    axes_fini(&x);
    assert_int_equal(axes_parse(2, (const char *const[]){"a=1..999", "b=1..999"}, &x), ODEON_OK);
    assert_int_equal(axes_size(&x, &n), ODEON_ERR_CONFIG);
    axes_fini(&x);
    diag_clear();
}

static void test_a_shuffle_is_a_permutation_and_always_the_same(void **state)
{
    (void)state;
    enum { N = 50 };
    size_t a[N], b[N], moved = 0;
    bool seen[N] = {false};
    axes_shuffle(N, a);
    axes_shuffle(N, b);
    for (size_t i = 0; i < N; i++) {
        assert_true(a[i] < N && !seen[a[i]] && a[i] == b[i]);
        seen[a[i]] = true;
        moved += a[i] != i;
    }
    assert_true(moved > N / 2);
}

static void test_failed_allocations_leave_nothing(void **state)
{
    (void)state;
    static const char *const arguments[] = {"a=1|2", "c=7..9"};
    for (int64_t i = 1; i < 100; i++) {
        axes x;
        mem_fail_at(i);
        odeon_status status = axes_parse(2, arguments, &x);
        mem_fail_at(0);
        axes_fini(&x);
        assert_int_equal(mem_live_blocks(), 0);
        if (status == ODEON_OK) {
            assert_true(i > 5);
            return;
        }
        assert_int_equal(status, ODEON_ERR_NOMEM);
        diag_clear();
    }
    fail_msg("it never succeeds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars_separate_values),
        cmocka_unit_test(test_ranges_stand_for_whole_numbers),
        cmocka_unit_test(test_a_backslash_makes_plain_text),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_the_grid_has_all_combinations),
        cmocka_unit_test(test_arguments_are_keys_with_values),
        cmocka_unit_test(test_a_shuffle_is_a_permutation_and_always_the_same),
        cmocka_unit_test(test_failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
