/* What somebody may have meant by a name: other programs' words for it first, then what is near. */
#include "base/hints.h"

#include <string.h>

#include "base/mem.h"
#include "support.h"

static const hint_name names[] = {{"rtol", "tol|tolerance|relative_tolerance"},
                                  {"atol", "tol|tolerance"},
                                  {"filters", "out_channels"},
                                  {"steps", NULL}};
enum { N = sizeof names / sizeof names[0] };

static void test_a_name_is_known_by_its_aliases(void **state)
{
    (void)state;
    assert_true(hint_is("RTOL", names[0]));
    assert_true(hint_is("RelativeTolerance", names[0]));
    assert_true(hint_is("tol", names[0])); /* the first of its aliases */
    assert_false(hint_is("toleranc", names[0]));
    assert_false(hint_is("tol|tolerance", names[0]));
    assert_false(hint_is("step", names[3]));
}

static void test_all_that_share_an_alias_are_told(void **state)
{
    (void)state;
    char text[80];
    assert_true(hint_write(text, sizeof text, "tolerance", N, names));
    assert_string_equal(text, ": did you mean 'rtol' or 'atol'?");
}

static void test_else_the_nearest_is_told(void **state)
{
    (void)state;
    char text[80];
    assert_true(hint_write(text, sizeof text, "filtres", N, names));
    assert_string_equal(text, ": did you mean 'filters'?");
    assert_false(hint_write_known(text, sizeof text, "filtres", N, names));
}

static void test_nothing_is_written_where_nothing_is_near(void **state)
{
    (void)state;
    char text[80];
    assert_false(hint_write(text, sizeof text, "momentum", N, names));
    assert_string_equal(text, "");
}

/* A hint is no reason to fail. */
static void test_no_memory_gives_no_hint(void **state)
{
    (void)state;
    char text[80];
    int64_t live = mem_live_blocks();
    mem_fail_at(1);
    assert_false(hint_write(text, sizeof text, "filtres", N, names));
    mem_fail_at(0);
    assert_string_equal(text, "");
    assert_int_equal(mem_live_blocks(), live);
}

static void test_lists_are_cut_where_there_is_no_room(void **state)
{
    (void)state;
    char text[80], small[20];
    hint_list(text, sizeof text, N, names);
    assert_string_equal(text, ": allowed: rtol, atol, filters, steps");
    hint_list(text, sizeof text, 0, names);
    assert_string_equal(text, ": nothing is allowed here");
    hint_list(small, sizeof small, N, names);
    assert_true(strlen(small) < sizeof small);
    assert_non_null(strstr(small, "..."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_known_by_its_aliases),
        cmocka_unit_test(test_all_that_share_an_alias_are_told),
        cmocka_unit_test(test_else_the_nearest_is_told),
        cmocka_unit_test(test_nothing_is_written_where_nothing_is_near),
        cmocka_unit_test(test_no_memory_gives_no_hint),
        cmocka_unit_test(test_lists_are_cut_where_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
