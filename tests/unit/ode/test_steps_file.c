/* Lists of steps as CSV: written and read back to the last bit; what cannot be replayed is refused
 * with its line. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "folder.h"
#include "ode/ode.h"
#include "support.h"

static folder place;
static char *path; /* of the list */

static int make_path(void **state)
{
    (void)state;
    place = folder_create();
    path = mem_printf("%s/steps.csv", place.path);
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    mem_free(path);
    folder_remove(&place);
    return 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static odeon_status read_text(const char *text, double (**steps)[2], size_t *n)
{
    put(text);
    diag_clear();
    return steps_read(path, steps, n);
}

static void check_refused(const char *text, const char *message)
{
    double(*steps)[2];
    size_t n;
    int64_t live = mem_live_blocks();
    assert_int_equal(read_text(text, &steps, &n), ODEON_ERR_DATA);
    if (strstr(diag_message(), message) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), message);
    }
    assert_null(steps);
    assert_int_equal(n, 0);
    assert_int_equal(mem_live_blocks(), live);
}

static void check_round_trip(const double (*written)[2], size_t count)
{
    double(*steps)[2];
    size_t n;
    solve_attempt attempts[8];
    assert_in_range(count, 1, 4);
    for (size_t i = 0; i < count; i++) { /* a rejected one before each, which is not listed */
        attempts[2 * i] = (solve_attempt){.t = 7.0, .h = 1.0, .error = 2.0};
        attempts[2 * i + 1] =
            (solve_attempt){.t = written[i][0], .h = written[i][1], .accepted = true};
    }
    assert_int_equal(steps_write(path, 2 * count, attempts), ODEON_OK);
    assert_int_equal(steps_read(path, &steps, &n), ODEON_OK);
    assert_int_equal(n, count);
    assert_memory_equal(steps, written, count * sizeof *written);
    mem_free(steps);
}

static void test_steps_come_back_to_the_last_bit(void **state)
{
    (void)state;
    double forward[3][2] = {{0.1, 1.0 / 3.0}, {0.0, 0.1}, {0.0, 1e-17}};
    forward[1][0] = forward[0][0] + forward[0][1];
    forward[2][0] = forward[1][0] + forward[1][1];
    check_round_trip((const double(*)[2])forward, 3);
    double back[2][2] = {{1.0, -0.3}, {0.7, -0.7}};
    check_round_trip((const double(*)[2])back, 2);
}

static void test_heading_blank_lines_and_line_ends_are_no_matter(void **state)
{
    (void)state;
    static const char *const texts[] = {"t,h\n0,0.5\n0.5,0.5\n", "0,0.5\n0.5,0.5\n",
                                        "t,h\r\n0,0.5\r\n\r\n0.5,0.5", "\n0,0.5\n0.5,0.5\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double(*steps)[2];
        size_t n;
        assert_int_equal(read_text(texts[i], &steps, &n), ODEON_OK);
        assert_int_equal(n, 2);
        assert_true(steps[0][0] == 0.0 && steps[1][0] == 0.5 && steps[1][1] == 0.5);
        mem_free(steps);
    }
}

static void test_lines_that_are_no_steps_are_refused(void **state)
{
    (void)state;
    static const char expected[] = "steps.csv:2: expected two numbers t,h with h not 0";
    check_refused("t,h\n0;0.5\n", expected);
    check_refused("t,h\n0\n", expected);
    check_refused("t,h\n0,\n", expected);
    check_refused("t,h\n,0.5\n", expected);
    check_refused("t,h\n0,0.5,1\n", expected);
    check_refused("t,h\n0,zero\n", expected);
    check_refused("t,h\n0,0.5x\n", expected);
    check_refused("t,h\n0,0\n", expected);
    check_refused("t,h\n0,nan\n", expected);
    check_refused("t,h\n0,inf\n", expected);
    check_refused("t,h\nnan,1\n", expected);
    check_refused("0,1\nt,h\n", expected); /* the heading stands at the top */
}

/* Not read as two lines. */
static void test_line_too_long_is_refused(void **state)
{
    (void)state;
    char text[400] = "t,h\n0,0.5";
    memset(text + strlen(text), '0', 300);
    check_refused(text, "steps.csv:2: line too long");
}

static void test_steps_that_do_not_follow_are_refused(void **state)
{
    (void)state;
    static const char expected[] =
        "steps.csv:3: this step does not begin where the one before ends";
    check_refused("t,h\n0,0.5\n0.6,0.4\n", expected);  /* gap */
    check_refused("t,h\n0,0.5\n0.4,0.6\n", expected);  /* overlap */
    check_refused("t,h\n0,0.5\n0.5,-0.5\n", expected); /* turns back */
    check_refused("t,h\n0,0.5\n0,0.5\n", expected);    /* stands still */
}

static void test_empty_list_is_refused(void **state)
{
    (void)state;
    check_refused("", "steps.csv: lists no steps");
    check_refused("t,h\n\n", "steps.csv: lists no steps");
}

static void test_missing_file_is_an_io_error(void **state)
{
    (void)state;
    double(*steps)[2];
    size_t n;
    diag_clear();
    assert_int_equal(steps_read("/nowhere/steps.csv", &steps, &n), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "/nowhere/steps.csv"));
    diag_clear();
    assert_int_equal(steps_write("/nowhere/steps.csv", 0, NULL), ODEON_ERR_IO);
}

/* A sample without accepted steps has no lines: it would not be found again. */
static void test_lists_of_samples_come_back(void **state)
{
    (void)state;
    const solve_attempt first[] = {{.t = 0.0, .h = 2.0, .error = 3.0},
                                   {.t = 0.0, .h = 1.0 / 3.0, .accepted = true}},
                        second[] = {{.t = 2.0, .h = -0.5, .accepted = true},
                                    {.t = 1.5, .h = -0.5, .accepted = true}};
    const attempt_list lists[] = {{first, 2}, {second, 2}};
    step_lists all;
    assert_int_equal(steps_write_lists(path, 2, lists), ODEON_OK);
    assert_int_equal(steps_read_lists(path, &all), ODEON_OK);
    assert_true(all.n == 3 && all.n_samples == 2 && all.begin[0] == 0 && all.begin[1] == 1);
    assert_true(all.steps[0][1] == 1.0 / 3.0 && all.steps[1][0] == 2.0 && all.steps[2][0] == 1.5);
    step_lists_fini(&all);
    put("t,h\n0,0.5\n");
    assert_int_equal(steps_read_lists(path, &all), ODEON_OK); /* one list for all samples */
    assert_true(all.n == 1 && all.begin == NULL && all.n_samples == 0);
    step_lists_fini(&all);
    check_refused("sample,t,h\n0,0,0.5\n", "steps.csv: lists the steps of each sample");
}

static void check_lists_refused(const char *text, const char *message)
{
    step_lists all;
    int64_t live = mem_live_blocks();
    put(text);
    diag_clear();
    assert_int_equal(steps_read_lists(path, &all), ODEON_ERR_DATA);
    if (strstr(diag_message(), message) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), message);
    }
    assert_null(all.steps);
    step_lists_fini(&all);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_lists_of_samples_out_of_order_are_refused(void **state)
{
    (void)state;
    static const char first[] = "steps.csv:2: expected sample,t,h with sample 0 or the next";
    static const char third[] = "steps.csv:3: expected sample,t,h with sample 0 or the next";
    check_lists_refused("sample,t,h\n1,0,0.5\n", first);
    check_lists_refused("sample,t,h\n-1,0,0.5\n", first);
    check_lists_refused("sample,t,h\nx,0,0.5\n", first);
    check_lists_refused("sample,t,h\n0\n", first);
    check_lists_refused("sample,t,h\n0,0,0.5\n2,0,0.5\n", third);
    check_lists_refused("sample,t,h\n0,0,1\n1,0,1\n0,1,1\n",
                        "steps.csv:4: expected sample,t,h with sample 1 or the next");
    check_lists_refused("sample,t,h\n0,0,0.5\n0,0.6,1\n",
                        "steps.csv:3: this step does not begin where the one before ends");
    check_lists_refused("sample,t,h\n0,0.5\n", "steps.csv:2: expected two numbers");
    check_lists_refused("sample,t,h\n", "steps.csv: lists no steps");
}

static void test_attempts_are_listed_with_error_and_acceptance(void **state)
{
    (void)state;
    const solve_attempt attempts[] = {{.t = 0.0, .h = 0.5, .error = 1.5},
                                      {.t = 0.0, .h = 0.25, .error = 0.125, .accepted = true},
                                      {.t = 0.25, .h = 0.1, .error = (double)NAN}};
    char *text;
    size_t bytes;
    assert_int_equal(attempts_write(path, 3, attempts), ODEON_OK);
    assert_int_equal(read_file(path, &text, &bytes), ODEON_OK);
    assert_string_equal(text, "t,h,error,accepted\n0,0.5,1.5,0\n0,0.25,0.125,1\n0.25,0.1,nan,0\n");
    mem_free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_path, remove_path)
    const struct CMUnitTest tests[] = {
        TEST(test_attempts_are_listed_with_error_and_acceptance),
        TEST(test_lists_of_samples_come_back),
        TEST(test_lists_of_samples_out_of_order_are_refused),
        TEST(test_steps_come_back_to_the_last_bit),
        TEST(test_heading_blank_lines_and_line_ends_are_no_matter),
        TEST(test_lines_that_are_no_steps_are_refused),
        TEST(test_line_too_long_is_refused),
        TEST(test_steps_that_do_not_follow_are_refused),
        TEST(test_empty_list_is_refused),
        TEST(test_missing_file_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
