#include "run/metrics.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "run_fixture.h"

static metrics *create(void)
{
    metrics *m = NULL;
    if (metrics_open(".", run_fixture_observers(), &m) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return m;
}

#define BLOCK_COLUMNS(path)                                                                        \
    "," path ".evals_forward," path ".evals_backward," path ".accepted," path ".rejected," path    \
    ".accepted_backward," path ".rejected_backward," path ".h_min," path ".h_max," path            \
    ".drift," path ".bytes," path ".share"

static void test_csv_has_these_columns_and_values(void **state)
{
    (void)state;
    metrics *m = create();
    metrics_row row = run_fixture_row();
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    row.step = 2;
    row.split = ODEON_SPLIT_TEST;
    row.lr = row.grad_norm = (double)NAN;
    row.device = (device_counters){-1, -1, -1};
    row.loss = -(double)INFINITY;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    run_fixture_assert_contents(
        "metrics.csv",
        "step,epoch,seconds,split,loss,accuracy,\"top,5\",lr,grad_norm,"
        "samples_per_second,nsync,nlaunch,nalloc" BLOCK_COLUMNS("ode") BLOCK_COLUMNS(
            "second.ode") "\n"
                          "1,2,0.1,train,2.302585092994046,0.5,1,0.001,1e+300,12345.5,3,46,0,"
                          "12,24,3,1,5,2,0.125,0.5,1e-07,4096,0.25,"
                          "0,0,0,0,0,0,,inf,,0,\n"
                          "2,2,0.1,test,-inf,0.5,1,,,12345.5,,,,"
                          "12,24,3,1,5,2,0.125,0.5,1e-07,4096,0.25,"
                          "0,0,0,0,0,0,,inf,,0,\n");
}

static void test_json_lines_have_the_same_values(void **state)
{
    (void)state;
    metrics *m = create();
    metrics_row row = run_fixture_row();
    row.n_blocks = 1;
    row.loss = (double)NAN;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    run_fixture_assert_contents(
        "metrics.jsonl",
        "{\"step\":1,\"epoch\":2,\"seconds\":0.1,\"split\":\"train\",\"loss\":null,"
        "\"accuracy\":0.5,\"top,5\":1,\"lr\":0.001,\"grad_norm\":1e+300,"
        "\"samples_per_second\":12345.5,\"nsync\":3,\"nlaunch\":46,\"nalloc\":0,"
        "\"ode.evals_forward\":12,\"ode.evals_backward\":24,"
        "\"ode.accepted\":3,\"ode.rejected\":1,\"ode.accepted_backward\":5,"
        "\"ode.rejected_backward\":2,\"ode.h_min\":0.125,\"ode.h_max\":0.5,\"ode.drift\":1e-07,"
        "\"ode.bytes\":4096,\"ode.share\":0.25}\n");
}

static void test_every_json_line_is_json(void **state)
{
    (void)state;
    static const char *const strange[] = {"a\"b\\c\n\x01\xff", "\xc3\xa9"};
    metrics *m = create();
    metrics_row row = run_fixture_row();
    row.metric_names = strange;
    for (int i = 0; i < 3; i++) {
        row.loss = i == 0 ? (double)NAN : i == 1 ? (double)INFINITY : -1e-300;
        assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    }
    assert_int_equal(metrics_close(m), ODEON_OK);
    char *contents = run_fixture_read("metrics.jsonl"), *rest = NULL;
    int n = 0;
    for (char *line = strtok_r(contents, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        run_fixture_assert_json(line);
        n++;
    }
    assert_int_equal(n, 3);
    assert_non_null(strstr(contents, "a\\\"b\\\\c\\n\\u0001\xef\xbf\xbd"));
    mem_free(contents);
}

static void test_rows_are_there_before_the_run_ends(void **state)
{
    (void)state;
    metrics *m = create();
    metrics_row row = run_fixture_row();
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    char *contents = run_fixture_read("metrics.csv");
    assert_non_null(strstr(contents, "\n1,2,0.1,train"));
    mem_free(contents);
    assert_int_equal(metrics_close(m), ODEON_OK);
}

static void test_a_row_of_other_columns_is_refused(void **state)
{
    (void)state;
    metrics *m = create();
    metrics_row row = run_fixture_row();
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    row.n_blocks = 1;
    assert_int_equal(run_fixture_add(m, &row), ODEON_ERR_INTERNAL);
    row = run_fixture_row();
    row.n_metrics = 1;
    assert_int_equal(run_fixture_add(m, &row), ODEON_ERR_INTERNAL);
    assert_int_equal(metrics_close(m), ODEON_OK);
}

static void test_a_row_survives_failing_allocations(void **state)
{
    (void)state;
    int64_t before = mem_live_blocks();
    metrics *m = create();
    metrics_row row = run_fixture_row();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = run_fixture_add(m, &row);
        mem_fail_at(0);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n >= 2);
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_int_equal(mem_live_blocks(), before);
    char *line = run_fixture_read("metrics.jsonl"); /* whole without memory for its keys, too */
    run_fixture_assert_json(line);
    mem_free(line);
}

static void test_metrics_of_another_run_are_refused(void **state)
{
    (void)state;
    metrics *first, *second;
    assert_int_equal(metrics_open(".", run_fixture_observers(), &first), ODEON_OK);
    assert_int_equal(metrics_open(".", run_fixture_observers(), &second), ODEON_ERR_CONFIG);
    assert_null(second);
    assert_int_equal(metrics_close(first), ODEON_OK);
    assert_int_equal(access("metrics.csv", F_OK), 0);
    assert_int_equal(metrics_open("./none", run_fixture_observers(), &second), ODEON_ERR_IO);
}

static int64_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static int count_lines(const char *path)
{
    char *contents = run_fixture_read(path);
    int n = 0;
    for (const char *p = contents; *p != '\0'; p++) {
        n += *p == '\n';
    }
    mem_free(contents);
    return n;
}

static void add_at(metrics *m, int64_t step, double seconds)
{
    metrics_row row = run_fixture_row();
    row.step = step;
    row.seconds = seconds;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
}

/* By the clock of events; the heading is a line, too. */
static void test_rows_of_a_tenth_of_a_second_are_written_together(void **state)
{
    (void)state;
    metrics *m = create();
    add_at(m, 1, 5.0);
    assert_int_equal(count_lines("metrics.csv"), 2);
    add_at(m, 2, 5.03);
    add_at(m, 3, 5.06);
    metrics_write_if_due(m, 5.09);
    assert_int_equal(count_lines("metrics.csv"), 2);
    metrics_write_if_due(m, 5.11); /* a step without a row */
    assert_int_equal(count_lines("metrics.csv"), 4);
    assert_int_equal(count_lines("metrics.jsonl"), 3);
    add_at(m, 4, 5.12);
    add_at(m, 5, 5.22);
    assert_int_equal(count_lines("metrics.csv"), 6);
    add_at(m, 6, 5.23);
    metrics_write(m);
    assert_int_equal(count_lines("metrics.csv"), 7);
    add_at(m, 7, 5.24);
    metrics_mark mark = metrics_sync(m);
    assert_int_equal(mark.csv_bytes, size_of("metrics.csv"));
    assert_int_equal(count_lines("metrics.csv"), 8);
    add_at(m, 8, 5.25);
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_int_equal(count_lines("metrics.csv"), 9);
    assert_int_equal(count_lines("metrics.jsonl"), 8);
}

/* More than can wait, in one tenth of a second, and of lines of which none can. */
static void test_rows_beyond_what_can_wait_are_written_at_once(void **state)
{
    (void)state;
    enum { ROWS = 1000, LONG_NAME = 70000 };
    metrics *m = create();
    for (int64_t i = 1; i <= ROWS; i++) {
        add_at(m, i, 5.0);
    }
    assert_in_range(count_lines("metrics.csv"), ROWS - 300, ROWS);
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_int_equal(count_lines("metrics.csv"), ROWS + 1);
    assert_int_equal(unlink("metrics.csv"), 0);
    assert_int_equal(unlink("metrics.jsonl"), 0);
    char *name = mem_zalloc(LONG_NAME + 1, 1);
    memset(name, 'x', LONG_NAME);
    const char *const names[] = {name, "accuracy"};
    metrics_row row = run_fixture_row();
    row.metric_names = names;
    m = create();
    for (row.step = 1; row.step <= 3; row.step++) {
        assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    }
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_int_equal(count_lines("metrics.csv"), 4);
    assert_int_equal(count_lines("metrics.jsonl"), 3);
    assert_true(size_of("metrics.jsonl") > 3 * (int64_t)LONG_NAME);
    mem_free(name);
}

/* Of a row of the fixture in metrics.csv. */
static size_t row_bytes(void)
{
    metrics *m = create();
    metrics_row row = run_fixture_row();
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    char *contents = run_fixture_read("metrics.csv");
    size_t n = strlen(strchr(contents, '\n') + 1);
    mem_free(contents);
    assert_int_equal(unlink("metrics.csv"), 0);
    assert_int_equal(unlink("metrics.jsonl"), 0);
    return n;
}

/* Whatever the size at which the disk is full: the run goes on, as many whole lines as have room
 * stay, close tells. */
static void test_a_full_disk_is_reported_by_close(void **state)
{
    (void)state;
    size_t line = row_bytes();
    for (rlim_t limit = 100; limit < 2000; limit += 333) {
        metrics *m = create();
        metrics_row row = run_fixture_row();
        run_fixture_limit_files(limit);
        for (int i = 0; i < 40; i++) {
            assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
        }
        diag_clear();
        odeon_status status = metrics_close(m);
        run_fixture_limit_files(RLIM_INFINITY);
        assert_int_equal(status, ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), "./metrics.csv: could not be written to its end"));
        char *contents = run_fixture_read("metrics.csv");
        size_t n = strlen(contents);
        assert_true(n <= limit && (n == 0 || contents[n - 1] == '\n'));
        assert_true(n == 0 || n + line > limit);
        mem_free(contents);
        assert_int_equal(unlink("metrics.csv"), 0);
        assert_int_equal(unlink("metrics.jsonl"), 0);
    }
}

/* A locale with a decimal comma, made here so that none need be installed; skipped where Debian's
 * package locales, its source, is not. */
static bool enter_comma_locale(void)
{
    if (system("localedef -i de_DE -f ISO-8859-1 ./comma.ISO-8859-1 >/dev/null 2>&1") != 0 ||
        setenv("LOCPATH", ".", 1) != 0 || setlocale(LC_ALL, "comma.ISO-8859-1") == NULL) {
        return false;
    }
    return strcmp(localeconv()->decimal_point, ",") == 0;
}

static void test_numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    metrics_row row = run_fixture_row();
    row.n_blocks = row.n_metrics = 0;
    if (!enter_comma_locale()) {
        support_not_covered("a locale with a decimal comma (no Debian package locales)");
    }
    metrics *m = create();
    odeon_status status = run_fixture_add(m, &row);
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    run_fixture_assert_contents("metrics.csv",
                                "step,epoch,seconds,split,loss,lr,grad_norm,samples_per_second,"
                                "nsync,nlaunch,nalloc\n"
                                "1,2,0.1,train,2.302585092994046,0.001,1e+300,12345.5,3,46,0\n");
}

/* ---- a file that a run goes on with ---- */

/* Two rows, the mark behind the first. */
static metrics_mark write_two(void)
{
    metrics *m = create();
    metrics_row row = run_fixture_row();
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    metrics_mark mark = metrics_sync(m);
    row.step = 2;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    return mark;
}

static void test_a_mark_is_where_the_whole_rows_end(void **state)
{
    (void)state;
    metrics *m = create();
    metrics_row row = run_fixture_row();
    metrics_mark mark = metrics_sync(m);
    assert_true(mark.csv_bytes == 0 && mark.json_bytes == 0);
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    mark = metrics_sync(m);
    assert_int_equal(mark.csv_bytes, size_of("metrics.csv"));
    assert_int_equal(mark.json_bytes, size_of("metrics.jsonl"));
    assert_int_equal(metrics_close(m), ODEON_OK);
}

static void test_what_follows_the_mark_is_cut_and_written_again(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    char *csv = run_fixture_read("metrics.csv"), *json = run_fixture_read("metrics.jsonl");
    metrics *m;
    metrics_row row = run_fixture_row();
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &mark, &row, &m), ODEON_OK);
    assert_int_equal(size_of("metrics.csv"), mark.csv_bytes);
    assert_int_equal(size_of("metrics.jsonl"), mark.json_bytes);
    row.step = 2;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    run_fixture_assert_contents("metrics.csv", csv);
    run_fixture_assert_contents("metrics.jsonl", json);
    mem_free(csv);
    mem_free(json);
}

static void test_rows_that_are_lost_are_warned_of(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    metrics_row row = run_fixture_row();
    metrics *m;
    captured said;
    assert_int_equal(truncate("metrics.jsonl", 0), 0);
    captured_start(&said);
    odeon_status status = metrics_reopen(".", run_fixture_observers(), &mark, &row, &m);
    captured_stop(&said);
    assert_int_equal(status, ODEON_OK);
    char *expected = mem_printf("odeon: warning: ./metrics.jsonl: has lost rows: 0 bytes, expected "
                                "%lld\n",
                                (long long)mark.json_bytes);
    assert_string_equal(said.text, expected);
    mem_free(expected);
    metrics_mark now = metrics_sync(m); /* what is not there does not count */
    assert_int_equal(now.csv_bytes, mark.csv_bytes);
    assert_int_equal(now.json_bytes, 0);
    assert_int_equal(metrics_close(m), ODEON_OK);
}

/* A mark within a line: nothing is cut. */
static void test_a_file_that_somebody_changed_is_left_alone(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    char *csv = run_fixture_read("metrics.csv");
    metrics_row row = run_fixture_row();
    metrics *m;
    mark.csv_bytes -= 3;
    diag_clear();
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &mark, &row, &m), ODEON_ERR_DATA);
    assert_null(m);
    char *expected = mem_printf("./metrics.csv: is not as the run left it: no line ends at byte "
                                "%lld, where the checkpoint's rows do; move it away, and the run "
                                "goes on with a new one",
                                (long long)mark.csv_bytes);
    assert_string_equal(diag_message(), expected);
    run_fixture_assert_contents("metrics.csv", csv);
    mem_free(expected);
    mem_free(csv);
}

static void test_other_columns_are_not_continued(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    metrics_row row = run_fixture_row();
    metrics *m;
    row.n_metrics = 1;
    diag_clear();
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &mark, &row, &m), ODEON_ERR_DATA);
    assert_null(m);
    assert_string_equal(diag_message(),
                        "./metrics.csv: does not begin with the columns of this run; move it away, "
                        "and the run goes on with a new one");
}

/* What the caller says of the columns is only a promise: the row that follows is checked again. */
static void test_the_first_row_of_a_continued_file_must_have_its_columns(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    metrics_row row = run_fixture_row();
    metrics *m;
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &mark, &row, &m), ODEON_OK);
    row.n_blocks = 1;
    assert_int_equal(run_fixture_add(m, &row), ODEON_ERR_DATA);
    assert_int_equal(metrics_close(m), ODEON_OK);
}

static const char two_of_a_name[] = "metrics: two columns are named 'ode.accepted': a plugin gives "
                                    "a figure or a metric the name of another column";

/* The ODE block of that path has a column of that name already. */
static void test_a_figure_named_as_another_column_is_refused(void **state)
{
    (void)state;
    const figure_value figure = {.path = "ode", .name = "accepted", .is_whole = true};
    const metrics_mark nothing = {0};
    metrics_row row = run_fixture_row();
    row.n_figures = 1;
    row.figures = &figure;
    metrics *m = create();
    assert_int_equal(run_fixture_add(m, &row), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), two_of_a_name);
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_int_equal(size_of("metrics.csv"), 0);
    diag_clear();
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &nothing, &row, &m),
                     ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), two_of_a_name);
    assert_null(m);
}

static void test_files_that_are_not_there_begin_anew(void **state)
{
    (void)state;
    const metrics_mark nothing = {0};
    metrics_row row = run_fixture_row();
    metrics *m;
    assert_int_equal(metrics_reopen(".", run_fixture_observers(), &nothing, &row, &m), ODEON_OK);
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    assert_true(size_of("metrics.csv") > 0 && size_of("metrics.jsonl") > 0);
    assert_int_equal(metrics_close(NULL), ODEON_OK);
}

static void test_lines_that_an_editor_ended_in_cr_lf_are_mended(void **state)
{
    (void)state;
    metrics_mark mark = write_two();
    metrics_row row = run_fixture_row();
    char *csv = run_fixture_read("metrics.csv");
    FILE *x = fopen("metrics.csv", "w");
    assert_non_null(x);
    for (const char *p = csv; *p != '\0'; p++) {
        (void)fprintf(x, *p == '\n' ? "\r%c" : "%c", *p);
    }
    assert_int_equal(fclose(x), 0);
    metrics *m;
    captured said;
    captured_start(&said);
    odeon_status status = metrics_reopen(".", run_fixture_observers(), &mark, &row, &m);
    captured_stop(&said);
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(said.text, "odeon: warning: ./metrics.csv: its lines ended in CR LF; "
                                   "written again with LF\n");
    row.step = 2;
    assert_int_equal(run_fixture_add(m, &row), ODEON_OK);
    assert_int_equal(metrics_close(m), ODEON_OK);
    run_fixture_assert_contents("metrics.csv", csv);
    mem_free(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_csv_has_these_columns_and_values),
        WITH_FOLDER(test_json_lines_have_the_same_values),
        WITH_FOLDER(test_every_json_line_is_json),
        WITH_FOLDER(test_rows_are_there_before_the_run_ends),
        WITH_FOLDER(test_rows_of_a_tenth_of_a_second_are_written_together),
        WITH_FOLDER(test_rows_beyond_what_can_wait_are_written_at_once),
        WITH_FOLDER(test_a_row_of_other_columns_is_refused),
        WITH_FOLDER(test_a_figure_named_as_another_column_is_refused),
        WITH_FOLDER(test_a_row_survives_failing_allocations),
        WITH_FOLDER(test_metrics_of_another_run_are_refused),
        WITH_FOLDER(test_a_full_disk_is_reported_by_close),
        WITH_FOLDER(test_numbers_have_a_point_in_every_locale),
        WITH_FOLDER(test_a_mark_is_where_the_whole_rows_end),
        WITH_FOLDER(test_what_follows_the_mark_is_cut_and_written_again),
        WITH_FOLDER(test_rows_that_are_lost_are_warned_of),
        WITH_FOLDER(test_a_file_that_somebody_changed_is_left_alone),
        WITH_FOLDER(test_other_columns_are_not_continued),
        WITH_FOLDER(test_the_first_row_of_a_continued_file_must_have_its_columns),
        WITH_FOLDER(test_files_that_are_not_there_begin_anew),
        WITH_FOLDER(test_lines_that_an_editor_ended_in_cr_lf_are_mended),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
