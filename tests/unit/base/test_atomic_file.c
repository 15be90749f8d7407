/* Files that appear whole or not at all. */
#include "base/atomic_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "support.h"

static void check_contents(const folder *f, const char *name, const char *expected)
{
    size_t bytes;
    char *data = folder_read(folder_file(f, name), &bytes);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(data, expected, bytes);
    free(data);
}

/* Files of a folder, of folder_create's two folders and of . and .. aside. */
static int count_files(const folder *f)
{
    int n = 0;
    DIR *list = opendir(f->path);
    assert_non_null(list);
    for (const struct dirent *e = readdir(list); e != NULL; e = readdir(list)) {
        n += e->d_type == DT_REG;
    }
    (void)closedir(list);
    return n;
}

static void test_the_old_file_stays_until_the_commit(void **state)
{
    (void)state;
    folder f = folder_create();
    atomic_file file;
    folder_write(&f, "a", "old", 3);
    assert_int_equal(atomic_file_open(folder_file(&f, "a"), &file), ODEON_OK);
    assert_int_equal(atomic_file_write(&file, "new one", 7), ODEON_OK);
    check_contents(&f, "a", "old");
    assert_int_equal(atomic_file_commit(&file), ODEON_OK);
    check_contents(&f, "a", "new one");
    atomic_file_abandon(&file); /* nothing is left to do */
    check_contents(&f, "a", "new one");
    assert_int_equal(count_files(&f), 1);
    folder_remove(&f);
}

static void test_abandoned_files_leave_nothing_behind(void **state)
{
    (void)state;
    folder f = folder_create();
    atomic_file file;
    assert_int_equal(atomic_file_open(folder_file(&f, "a"), &file), ODEON_OK);
    assert_int_equal(atomic_file_write(&file, "new", 3), ODEON_OK);
    atomic_file_abandon(&file);
    assert_int_equal(count_files(&f), 0);
    folder_remove(&f);
}

static void test_mode_is_the_one_asked_for_less_the_mask(void **state)
{
    (void)state;
    folder f = folder_create();
    atomic_file file;
    struct stat info;
    mode_t mask = umask(027);
    assert_int_equal(atomic_file_open_mode(folder_file(&f, "a"), 0666, &file), ODEON_OK);
    assert_int_equal(atomic_file_finish(&file, "x", 1), ODEON_OK);
    (void)umask(mask);
    assert_int_equal(stat(folder_file(&f, "a"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    folder_remove(&f);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    folder f = folder_create();
    int64_t live = mem_live_blocks();
    diag_clear();
    assert_int_equal(atomic_file_put(folder_file(&f, "no/such"), "x", 1), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "no/such"));
    assert_int_equal(mem_live_blocks(), live);
    folder_remove(&f);
}

static void test_a_rename_that_fails_leaves_no_temporary(void **state)
{
    (void)state;
    folder f = folder_create(); /* with a folder "layer" in it */
    diag_clear();
    assert_int_equal(atomic_file_put(folder_file(&f, "layer"), "x", 1), ODEON_ERR_IO);
    assert_int_equal(count_files(&f), 0);
    folder_remove(&f);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "a", "old", 3);
    int64_t live = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status != ODEON_OK) {
        mem_fail_at(++n);
        status = atomic_file_put(folder_file(&f, "a"), "new", 3);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_int_equal(count_files(&f), 1);
        check_contents(&f, "a", status == ODEON_OK ? "new" : "old");
    }
    assert_true(n > 2);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_old_file_stays_until_the_commit),
        cmocka_unit_test(test_abandoned_files_leave_nothing_behind),
        cmocka_unit_test(test_mode_is_the_one_asked_for_less_the_mask),
        cmocka_unit_test(test_a_folder_that_is_not_there),
        cmocka_unit_test(test_a_rename_that_fails_leaves_no_temporary),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
