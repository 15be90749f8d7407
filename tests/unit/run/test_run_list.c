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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_says_what_differs_among_runs_of_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
