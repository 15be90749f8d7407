/* Temporary files and folders: where they are, what is in them, and what cannot be made. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "base/temporary.h"
#include "folder.h"

static folder work;

static int set_up(void **state)
{
    (void)state;
    work = folder_create();
    return setenv("TMPDIR", work.path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&work);
    return unsetenv("TMPDIR");
}

static void test_a_file_has_its_text(void **state)
{
    (void)state;
    char *path, *text;
    size_t n;
    assert_int_equal(temporary_file("a\nb", 3, &path), ODEON_OK);
    assert_int_equal(strncmp(path, work.path, strlen(work.path)), 0);
    assert_int_equal(read_file(path, &text, &n), ODEON_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(text, "a\nb", 3);
    assert_int_equal(unlink(path), 0);
    mem_free(text);
    mem_free(path);
}

static void test_a_folder_is_the_caller_s_alone(void **state)
{
    (void)state;
    char *path;
    struct stat about;
    assert_int_equal(temporary_folder(&path), ODEON_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_true(S_ISDIR(about.st_mode));
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(rmdir(path), 0);
    mem_free(path);
}

static void test_what_cannot_be_made_is_named(void **state)
{
    (void)state;
    char *path;
    assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    assert_int_equal(temporary_file("", 0, &path), ODEON_ERR_IO);
    assert_null(path);
    assert_non_null(strstr(diag_message(), "a temporary file /nowhere/at/all/odeon-"));
    diag_clear();
    assert_int_equal(temporary_folder(&path), ODEON_ERR_IO);
    assert_null(path);
    assert_non_null(strstr(diag_message(), "a temporary folder /nowhere/at/all/odeon-"));
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(temporary_folder(&path), ODEON_ERR_NOMEM);
    assert_null(path);
    diag_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_has_its_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_is_the_caller_s_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_made_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
