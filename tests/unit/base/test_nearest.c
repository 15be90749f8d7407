/* Which name somebody may have meant. */
#include "base/nearest.h"

#include <string.h>

#include "support.h"

static const char *const names[] = {"filters", "kernel", "padding", "cross_entropy", "cpu"};
enum { N = sizeof names / sizeof names[0] };

static void test_slips_of_the_keyboard(void **state)
{
    (void)state;
    assert_string_equal(nearest_name("filter", N, names), "filters");
    assert_string_equal(nearest_name("kenrel", N, names), "kernel");
    assert_string_equal(nearest_name("CrossEntropy", N, names), "cross_entropy");
    assert_string_equal(nearest_name("padding", N, names), "padding");
}

static void test_other_words_are_not_near(void **state)
{
    (void)state;
    assert_null(nearest_name("stride", N, names));
    assert_null(nearest_name("gpu", N, names)); /* one letter of three, but the first */
    assert_null(nearest_name("", N, names));
    assert_null(nearest_name("filter", 0, NULL));
}

static void test_longer_names_than_any_are_compared_with_none(void **state)
{
    (void)state;
    char name[100] = {0};
    memset(name, 'a', sizeof name - 1);
    const char *const same[] = {name};
    assert_null(nearest_name(name, 1, same));
    assert_null(nearest_name("aaa", 1, same));
}

static void test_same_word_knows_no_capitals_and_underscores(void **state)
{
    (void)state;
    assert_true(nearest_same_word("Group_Norm", "groupnorm|gn", 9));
    assert_false(nearest_same_word("groupnorms", "groupnorm", 9));
    assert_false(nearest_same_word("_", "_", 1)); /* nothing is left of it */
}

static void test_suggestion_or_all_names(void **state)
{
    (void)state;
    char text[80], small[16];
    nearest_suggest(text, sizeof text, "kernels", N, names);
    assert_string_equal(text, ": did you mean 'kernel'?");
    nearest_suggest(text, sizeof text, "stride", N, names);
    assert_string_equal(text, ": allowed: filters, kernel, padding, cross_entropy, cpu");
    nearest_suggest(text, sizeof text, "stride", 0, names);
    assert_string_equal(text, ": there is none here");
    nearest_suggest(small, sizeof small, "stride", N, names);
    assert_true(strlen(small) < sizeof small);
    assert_non_null(strstr(small, "..."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slips_of_the_keyboard),
        cmocka_unit_test(test_other_words_are_not_near),
        cmocka_unit_test(test_longer_names_than_any_are_compared_with_none),
        cmocka_unit_test(test_same_word_knows_no_capitals_and_underscores),
        cmocka_unit_test(test_suggestion_or_all_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
