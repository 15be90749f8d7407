#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "folder.h"
#include "plugin/search_path.h"

static search_path *made(size_t n, const char *const *paths)
{
    search_path *p = NULL;
    diag_clear();
    if (search_path_create(n, paths, &p) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return p;
}

static void set(const char *list, const char *data, const char *home)
{
    const char *const names[] = {"ODEON_PLUGIN_PATH", "XDG_DATA_HOME", "HOME"};
    const char *const values[] = {list, data, home};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(values[i] != NULL ? setenv(names[i], values[i], 1) : unsetenv(names[i]),
                         0);
    }
}

static void assert_folders(const search_path *p, size_t n, const char *const *expected)
{
    assert_int_equal(p->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(p->folders[i], expected[i]);
    }
}

static const char own[] = ODEON_BUILD "/plugins";

static void test_places_follow_each_other(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *given = f.path;
    const char *const expected[] = {given, "/a", "/b", "/data/odeon/plugins", own};
    set("/a:/b", "/data", "/home/me");
    search_path *p = made(1, &given);
    assert_folders(p, 5, expected);
    assert_int_equal(p->shipped, 4);
    assert_int_equal(p->own, 4);
    search_path_destroy(p);
    folder_remove(&f);
}

static void test_user_has_a_folder_below_home_without_another_word(void **state)
{
    (void)state;
    const char *const expected[] = {"/home/me/.local/share/odeon/plugins", own};
    set(NULL, NULL, "/home/me");
    search_path *p = made(0, NULL);
    assert_folders(p, 2, expected);
    search_path_destroy(p);
    set(NULL, NULL, NULL);
    p = made(0, NULL);
    assert_folders(p, 1, expected + 1);
    search_path_destroy(p);
}

/* They would be folders of the working directory. */
static void test_relative_paths_of_the_environment_do_not_count(void **state)
{
    (void)state;
    const char *const expected[] = {"/a", own};
    set("here:.::/a:..", "share", "me");
    search_path *p = made(0, NULL);
    assert_folders(p, 2, expected);
    search_path_destroy(p);
}

static void test_folder_that_is_named_twice_stands_where_it_was_first(void **state)
{
    (void)state;
    const char *given = own;
    const char *const expected[] = {own, "/a"};
    set("/a:/a", NULL, NULL);
    search_path *p = made(1, &given);
    assert_folders(p, 2, expected);
    assert_int_equal(p->shipped, 0); /* what stands there ships with the program all the same */
    assert_int_equal(p->own, 2);     /* but is judged as what was given */
    search_path_destroy(p);
}

static void test_given_path_that_is_no_folder_is_refused(void **state)
{
    (void)state;
    const char *given = "/nowhere/at/all";
    search_path *p = NULL;
    diag_clear();
    assert_int_equal(search_path_create(1, &given, &p), ODEON_ERR_CONFIG);
    assert_null(p);
    assert_string_equal(diag_message(), "plugin path /nowhere/at/all: it is no folder");
    search_path_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_follow_each_other),
        cmocka_unit_test(test_user_has_a_folder_below_home_without_another_word),
        cmocka_unit_test(test_relative_paths_of_the_environment_do_not_count),
        cmocka_unit_test(test_folder_that_is_named_twice_stands_where_it_was_first),
        cmocka_unit_test(test_given_path_that_is_no_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
