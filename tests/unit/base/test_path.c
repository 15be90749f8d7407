/* Names of files that count from a working directory of any length, or from one that is gone. */
#include "base/path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "support.h"

enum { DEPTH = 30, NAME = 200 };

/* Goes DEPTH folders down, one name after the other. */
static void descend(void)
{
    char name[NAME + 1];
    memset(name, 'd', NAME);
    name[NAME] = '\0';
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
    }
}

static void ascend(void)
{
    char name[NAME + 1];
    memset(name, 'd', NAME);
    name[NAME] = '\0';
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(chdir(".."), 0);
        assert_int_equal(rmdir(name), 0);
    }
}

static void test_path_counts_from_a_working_directory_of_any_length(void **state)
{
    (void)state;
    char top[] = "/tmp/odeon-path-XXXXXX", *before = getcwd(NULL, 0);
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    descend();
    char *path = path_absolute("./x.ini", NULL);
    ascend();
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(top), 0);
    free(before);
    assert_non_null(path);
    assert_int_equal(strncmp(path, top, strlen(top)), 0);
    assert_int_equal(strlen(path), strlen(top) + DEPTH * (NAME + 1) + strlen("/x.ini"));
    mem_free(path);
}

/* Never from the root: what is to be written there would be. */
static void test_path_does_not_count_from_the_root_where_the_directory_is_gone(void **state)
{
    (void)state;
    char top[] = "/tmp/odeon-path-XXXXXX", *before = getcwd(NULL, 0);
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    assert_int_equal(rmdir(top), 0);
    char *path = path_absolute("x.ini", NULL);
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_string_equal(path, "./x.ini");
    mem_free(path);
}

static void test_path_too_long_to_be_opened_holds_nothing(void **state)
{
    (void)state;
    char long_name[2 * PATH_MAX];
    memset(long_name, '/', sizeof long_name); /* as a path, the root */
    long_name[sizeof long_name - 1] = '\0';
    assert_true(path_holds("/", "tmp"));
    assert_false(path_holds("/", "no such entry"));
    assert_false(path_holds("/no such folder", "tmp"));
    assert_false(path_holds(long_name, "tmp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_counts_from_a_working_directory_of_any_length),
        cmocka_unit_test(test_path_does_not_count_from_the_root_where_the_directory_is_gone),
        cmocka_unit_test(test_path_too_long_to_be_opened_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
