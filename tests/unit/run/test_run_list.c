#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "support.h"

#include "base/diag.h"
#include "run/run_list.h"

static void put(const folder *f, const char *name, const char *text)
{
    folder_write(f, name, text, strlen(text));
}

static void test_a_list_says_what_differs_among_runs_of_a_name(void **state)
{
    (void)state;
    folder f = folder_create();
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        char path[64], text[128];
        assert_int_equal(mkdir(folder_file(&f, names[i]), 0700), 0);
        (void)snprintf(path, sizeof path, "%s/effective.ini", names[i]);
        (void)snprintf(text, sizeof text, "[run]\nname = %s\nout = /%d\nseed = %d\n",
                       i < 2 ? "twins" : "other", i, i);
        put(&f, path, text);
    }
    run_list runs;
    table t = {0};
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(run_list_find(f.path, &runs), ODEON_OK);
    assert_int_equal(runs.n, 3);
    assert_int_equal(run_list_table(&runs, &t), ODEON_OK);
    assert_int_equal(table_print(&t, TABLE_CSV, out), ODEON_OK);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "/a,run.seed=0\n"));
    assert_non_null(strstr(text, "/b,run.seed=1\n"));
    assert_non_null(strstr(text, "/c,\n"));
    assert_null(strstr(text, "run.out"));
    free(text);
    table_fini(&t);
    run_list_fini(&runs);
    folder_remove(&f);
    assert_int_equal(run_list_find(f.path, &runs), ODEON_ERR_IO);
    run_list_fini(&runs);
    diag_clear();
}

/* The text of the last column of the run in folder/name, to the end of the line. */
static void assert_differs(const char *csv, const char *name, const char *expected)
{
    char end[64];
    (void)snprintf(end, sizeof end, "/%s,%s\n", name, expected);
    if (strstr(csv, end) == NULL) {
        fail_msg("no line ends with '%s' in:\n%s", end, csv);
    }
}

/* A key that one of many has otherwise, one that the first has not, one that only the first has. */
static void test_what_one_run_has_otherwise_stands_at_all_that_have_the_key(void **state)
{
    (void)state;
    enum { RUNS = 60 };
    folder f = folder_create();
    for (int i = 0; i < RUNS; i++) {
        char name[32], path[64], text[256];
        (void)snprintf(name, sizeof name, "r%02d", i);
        (void)snprintf(path, sizeof path, "%s/effective.ini", name);
        (void)snprintf(text, sizeof text,
                       "[run]\nname = %s\nseed = 1\nepochs = %d\n%s[train]\nlr = 0.1\n%s",
                       i % 2 == 0 ? "even" : "odd", i == 31 ? 7 : 3, i == 0 ? "threads = 1\n" : "",
                       i == 2 ? "ema = 0.5\n" : "");
        assert_int_equal(mkdir(folder_file(&f, name), 0700), 0);
        put(&f, path, text);
    }
    run_list runs;
    table t = {0};
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(run_list_find(f.path, &runs), ODEON_OK);
    assert_int_equal(runs.n, RUNS);
    assert_int_equal(run_list_table(&runs, &t), ODEON_OK);
    assert_int_equal(table_print(&t, TABLE_CSV, out), ODEON_OK);
    assert_int_equal(fclose(out), 0);
    assert_differs(text, "r00", "run.threads=1");
    assert_differs(text, "r02", "train.ema=0.5");
    assert_differs(text, "r04", "");
    assert_differs(text, "r01", "run.epochs=3");
    assert_differs(text, "r31", "run.epochs=7");
    assert_differs(text, "r59", "run.epochs=3");
    free(text);
    table_fini(&t);
    run_list_fini(&runs);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_says_what_differs_among_runs_of_a_name),
        cmocka_unit_test(test_what_one_run_has_otherwise_stands_at_all_that_have_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
