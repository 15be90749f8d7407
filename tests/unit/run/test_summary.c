#include "run/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "support.h"

static void test_summary_number_groups_by_three(void **state)
{
    (void)state;
    const struct {
        int64_t n;
        const char *text;
    } cases[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {87532, "87,532"},
        {-1234, "-1,234"},
        {-123, "-123"},
        {INT64_MAX, "9,223,372,036,854,775,807"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        text_grouped(cases[i].n, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_summary_shape_joins_dimensions(void **state)
{
    (void)state;
    char text[112];
    text_shape(3, (const int64_t[]){3, 26, 26}, text);
    assert_string_equal(text, "3x26x26");
}

static void test_summary_shape_of_a_number_is_one(void **state)
{
    (void)state;
    char text[112];
    text_shape(0, NULL, text);
    assert_string_equal(text, "1");
}

static void test_summary_shape_has_room_for_the_longest(void **state)
{
    (void)state;
    char text[112];
    const int64_t most[5] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    text_shape(5, most, text);
    assert_int_equal(strlen(text), 5 * 19 + 4);
}

/* What summary_table writes; text has size bytes. */
static void table(size_t n, const session_layer *layers, int64_t total, char *text, size_t size)
{
    FILE *file = fmemopen(text, size, "w");
    assert_non_null(file);
    summary_table(file, n, layers, total);
    assert_int_equal(fclose(file), 0);
}

static void test_summary_table_indents_bodies_and_adds_up(void **state)
{
    (void)state;
    const session_layer layers[] = {
        {.path = "conv", .layer = "conv2d", .ndim = 3, .dim = {3, 26, 26}, .parameters = 30},
        {.path = "ode", .layer = "ode", .ndim = 1, .dim = {2028}},
        {.path = "ode.in",
         .layer = "dense",
         .depth = 1,
         .ndim = 1,
         .dim = {16},
         .parameters = 32464},
    };
    char text[1024];
    table(3, layers, 32494, text, sizeof text);
    assert_string_equal(text, "path      layer   output   parameters\n"
                              "conv      conv2d  3x26x26          30\n"
                              "ode       ode     2028              -\n"
                              "  ode.in  dense   16           32,464\n"
                              "total                          32,494\n");
}

static void test_summary_table_names_whose_parameters_are_shared(void **state)
{
    (void)state;
    const session_layer layers[] = {
        {.path = "b", .layer = "dense", .ndim = 1, .dim = {4}, .parameters = 0, .shared = "a"},
    };
    char text[1024];
    table(1, layers, 20, text, sizeof text);
    assert_non_null(strstr(text, "  those of a\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_number_groups_by_three),
        cmocka_unit_test(test_summary_shape_joins_dimensions),
        cmocka_unit_test(test_summary_shape_of_a_number_is_one),
        cmocka_unit_test(test_summary_shape_has_room_for_the_longest),
        cmocka_unit_test(test_summary_table_indents_bodies_and_adds_up),
        cmocka_unit_test(test_summary_table_names_whose_parameters_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
