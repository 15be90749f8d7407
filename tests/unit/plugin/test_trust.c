#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "folder.h"
#include "plugin/trust.h"

enum { ME = 1000, OTHER = 1001, MAKER = 1002 };

/* ---- the rule, on files that nobody has to make ---- */

static trust_verdict judged(uid_t owner, gid_t group, mode_t mode)
{
    struct stat s = {.st_uid = owner, .st_gid = group, .st_mode = mode};
    return trust_judge(&s, ME, ME);
}

static void test_files_of_root_and_of_the_user_are_trusted(void **state)
{
    (void)state;
    assert_int_equal(judged(0, 0, S_IFREG | 0644), TRUST_YES);
    assert_int_equal(judged(ME, ME, S_IFREG | 0755), TRUST_YES);
    assert_int_equal(judged(ME, 50, S_IFDIR | 0755), TRUST_YES);
    assert_int_equal(judged(0, 50, S_IFDIR | 0555), TRUST_YES);
}

static void test_files_of_others_are_not_trusted_whatever_their_mode(void **state)
{
    (void)state;
    assert_int_equal(judged(OTHER, ME, S_IFREG | 0444), TRUST_OWNER);
    assert_int_equal(judged(OTHER, 0, S_IFDIR | 0500), TRUST_OWNER);
    assert_int_equal(judged(OTHER, 0, S_IFREG | 0), TRUST_OWNER);
}

static void test_files_that_others_may_write_are_not_trusted(void **state)
{
    (void)state;
    assert_int_equal(judged(0, 0, S_IFREG | 0646), TRUST_WRITERS);
    assert_int_equal(judged(ME, ME, S_IFDIR | 0702), TRUST_WRITERS);
    assert_int_equal(judged(ME, ME, S_IFDIR | S_ISVTX | 0777), TRUST_WRITERS);
    assert_int_equal(judged(0, 0, S_IFDIR | S_ISVTX | 0777), TRUST_WRITERS);
}

static void test_groups_may_not_write_but_for_the_users_own(void **state)
{
    (void)state;
    assert_int_equal(judged(ME, 50, S_IFREG | 0664), TRUST_WRITERS);
    assert_int_equal(judged(ME, 0, S_IFREG | 0664), TRUST_WRITERS);
    assert_int_equal(judged(0, 0, S_IFREG | 0664), TRUST_WRITERS);
    assert_int_equal(judged(0, ME, S_IFDIR | 0775), TRUST_WRITERS);
    assert_int_equal(judged(ME, ME, S_IFREG | 0664), TRUST_GROUP);
    assert_int_equal(judged(ME, ME, S_IFREG | 0666), TRUST_WRITERS);
}

static void test_root_trusts_its_own_files_alone(void **state)
{
    (void)state;
    struct stat s = {.st_uid = ME, .st_gid = ME, .st_mode = S_IFREG | 0600};
    assert_int_equal(trust_judge(&s, 0, 0), TRUST_OWNER);
    s = (struct stat){.st_uid = 0, .st_gid = 0, .st_mode = S_IFREG | 0660};
    assert_int_equal(trust_judge(&s, 0, 0), TRUST_WRITERS);
}

static void test_owner_of_the_program_is_trusted_where_it_is_given(void **state)
{
    (void)state;
    struct stat s = {.st_uid = MAKER, .st_gid = MAKER, .st_mode = S_IFREG | 0644};
    assert_int_equal(trust_judge(&s, ME, MAKER), TRUST_YES);
    s.st_mode = S_IFREG | 0664;
    assert_int_equal(trust_judge(&s, ME, MAKER), TRUST_WRITERS);
    s.st_uid = OTHER;
    assert_int_equal(trust_judge(&s, ME, MAKER), TRUST_OWNER);
}

/* ---- ways to a file ---- */

/* A folder with plugins/integrator/x.so in it. */
static folder made(void)
{
    folder f = folder_create();
    assert_int_equal(mkdir(folder_file(&f, "plugins"), 0755), 0);
    assert_int_equal(mkdir(folder_file(&f, "plugins/integrator"), 0755), 0);
    folder_write(&f, "plugins/integrator/x.so", "x", 1);
    return f;
}

static odeon_status check(const folder *f, const char *below, const char *file)
{
    char path[2 * FOLDER_BYTES];
    (void)snprintf(path, sizeof path, "%s", folder_file(f, file));
    diag_clear();
    return trust_check(path, below != NULL ? folder_file(f, below) : NULL, false);
}

static void assert_trusted(const folder *f, const char *below, const char *file)
{
    if (check(f, below, file) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
}

static void assert_refused(const folder *f, const char *below, const char *file, const char *reason)
{
    assert_int_equal(check(f, below, file), ODEON_ERR_PLUGIN);
    assert_ptr_equal(strstr(diag_message(), folder_file(f, file)), diag_message());
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("'%s' does not stand in '%s'", reason, diag_message());
    }
}

static void set_mode(const folder *f, const char *name, mode_t mode)
{
    assert_int_equal(chmod(folder_file(f, name), mode), 0);
}

static const char below[] = "plugins", x[] = "plugins/integrator/x.so";

static void test_file_in_folders_of_the_users_own_is_trusted(void **state)
{
    (void)state;
    folder f = made();
    assert_trusted(&f, below, x);
    assert_trusted(&f, NULL, x);
    assert_trusted(&f, "layer/..//plugins/.", "layer/..//plugins/./integrator/x.so");
    folder_remove(&f);
}

static void test_every_folder_above_counts(void **state)
{
    (void)state;
    static const char *const above[] = {"", "plugins", "plugins/integrator"};
    folder f = made();
    for (size_t i = 0; i < 3; i++) {
        set_mode(&f, above[i], 0777);
        assert_refused(&f, below, x, "others may write to its folder (mode 0777)");
        assert_refused(&f, NULL, x, "others may write to its folder (mode 0777)");
        set_mode(&f, above[i], 0755);
    }
    set_mode(&f, x, 0646);
    assert_refused(&f, below, x, "others may write to it (mode 0646)");
    folder_remove(&f);
}

static void test_sticky_folder_passes_only_above_those_of_plugins(void **state)
{
    (void)state;
    folder f = made();
    set_mode(&f, "", 01777);
    assert_trusted(&f, below, x);
    set_mode(&f, "plugins", 01777);
    assert_refused(&f, below, x, "others may add to its folder");
    assert_refused(&f, "plugins/.", x, "others may add to its folder");
    assert_refused(&f, "plugins/integrator/..", x, "others may add to its folder");
    assert_trusted(&f, NULL, x); /* named, and not looked for below it */
    set_mode(&f, "plugins", 0755);
    set_mode(&f, "plugins/integrator", 01777);
    assert_refused(&f, below, x, "others may add to its folder");
    assert_refused(&f, NULL, x, "others may add to its folder");
    folder_remove(&f);
}

static void test_links_are_judged_with_the_way_to_their_ends(void **state)
{
    (void)state;
    folder f = made();
    char target[2 * FOLDER_BYTES];
    (void)snprintf(target, sizeof target, "%s", folder_file(&f, "plugins/integrator"));
    assert_int_equal(mkdir(folder_file(&f, "links"), 0755), 0);
    assert_int_equal(symlink(target, folder_file(&f, "links/integrator")), 0);
    assert_int_equal(symlink("../plugins/integrator/x.so", folder_file(&f, "links/x.so")), 0);
    assert_trusted(&f, "links", "links/integrator/x.so");
    assert_trusted(&f, NULL, "links/x.so");

    set_mode(&f, "plugins/integrator", 0777);
    assert_refused(&f, "links", "links/integrator/x.so", "its folder (mode 0777)");
    assert_refused(&f, NULL, "links/x.so", "its folder (mode 0777)");
    set_mode(&f, "plugins/integrator", 0755);

    set_mode(&f, "links", 0777);
    assert_refused(&f, "links", "links/integrator/x.so", "its folder (mode 0777)");
    assert_refused(&f, NULL, "links/x.so", "its folder (mode 0777)");
    set_mode(&f, "links", 01777);
    assert_refused(&f, NULL, "links/x.so", "others may add to its folder");
    folder_remove(&f);
}

static void test_links_that_lead_nowhere_are_no_answer(void **state)
{
    (void)state;
    folder f = made();
    assert_int_equal(symlink("loop", folder_file(&f, "loop")), 0);
    assert_int_equal(symlink("nowhere", folder_file(&f, "dangling")), 0);
    assert_int_equal(check(&f, NULL, "loop"), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "Too many levels of symbolic links"));
    assert_int_equal(check(&f, NULL, "dangling"), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "No such file"));
    folder_remove(&f);
}

static void test_paths_that_are_too_long_are_no_answer(void **state)
{
    (void)state;
    static char path[6000];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    assert_int_equal(trust_check(path, NULL, false), ODEON_ERR_IO);
    path[300] = '\0';
    diag_clear();
    assert_int_equal(trust_check(path, NULL, false), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "File name too long"));
}

static void test_own_folder_is_not_judged_by_those_above(void **state)
{
    (void)state;
    folder f = made();
    char path[2 * FOLDER_BYTES];
    (void)snprintf(path, sizeof path, "%s", folder_file(&f, x));
    set_mode(&f, "", 0777);
    assert_int_equal(trust_check(path, folder_file(&f, below), true), ODEON_OK);
    set_mode(&f, "plugins", 0777);
    assert_int_equal(trust_check(path, folder_file(&f, below), true), ODEON_ERR_PLUGIN);
    set_mode(&f, "plugins", 0755);
    set_mode(&f, "plugins/integrator", 0777);
    assert_int_equal(trust_check(path, folder_file(&f, below), true), ODEON_ERR_PLUGIN);
    folder_remove(&f);
}

/* ---- other owners, whom only root can make ---- */

static bool is_root(void)
{
    if (geteuid() != 0) {
        print_message("not covered: plugins of other users (not root)\n");
    }
    return geteuid() == 0;
}

static void give(const folder *f, const char *name, uid_t owner)
{
    assert_int_equal(lchown(folder_file(f, name), owner, owner), 0);
}

static void test_every_owner_on_the_way_counts(void **state)
{
    (void)state;
    static const char *const places[] = {"", "plugins", "plugins/integrator",
                                         "plugins/integrator/x.so"};
    if (!is_root()) {
        return;
    }
    folder f = made();
    for (size_t i = 0; i < 4; i++) {
        give(&f, places[i], OTHER);
        assert_refused(&f, below, x, "belongs to another user (number 1001)");
        assert_refused(&f, NULL, x, "belongs to another user (number 1001)");
        give(&f, places[i], 0);
    }
    assert_trusted(&f, below, x);
    folder_remove(&f);
}

/* Its owner may rename what stands in it, sticky or not. */
static void test_sticky_folder_of_another_user_is_refused(void **state)
{
    (void)state;
    if (!is_root()) {
        return;
    }
    folder f = made();
    give(&f, "", OTHER);
    set_mode(&f, "", 01777);
    assert_refused(&f, below, x, "belongs to another user (number 1001)");
    folder_remove(&f);
}

static void test_links_of_others_in_a_sticky_folder_are_refused(void **state)
{
    (void)state;
    if (!is_root()) {
        return;
    }
    folder f = made();
    assert_int_equal(mkdir(folder_file(&f, "shared"), 0755), 0);
    assert_int_equal(symlink("../plugins", folder_file(&f, "shared/plugins")), 0);
    set_mode(&f, "shared", 01777);
    assert_trusted(&f, "shared/plugins", "shared/plugins/integrator/x.so");
    give(&f, "shared/plugins", OTHER);
    assert_refused(&f, "shared/plugins", "shared/plugins/integrator/x.so",
                   "belongs to another user (number 1001)");
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_root_and_of_the_user_are_trusted),
        cmocka_unit_test(test_files_of_others_are_not_trusted_whatever_their_mode),
        cmocka_unit_test(test_files_that_others_may_write_are_not_trusted),
        cmocka_unit_test(test_groups_may_not_write_but_for_the_users_own),
        cmocka_unit_test(test_root_trusts_its_own_files_alone),
        cmocka_unit_test(test_owner_of_the_program_is_trusted_where_it_is_given),
        cmocka_unit_test(test_file_in_folders_of_the_users_own_is_trusted),
        cmocka_unit_test(test_every_folder_above_counts),
        cmocka_unit_test(test_sticky_folder_passes_only_above_those_of_plugins),
        cmocka_unit_test(test_links_are_judged_with_the_way_to_their_ends),
        cmocka_unit_test(test_links_that_lead_nowhere_are_no_answer),
        cmocka_unit_test(test_paths_that_are_too_long_are_no_answer),
        cmocka_unit_test(test_own_folder_is_not_judged_by_those_above),
        cmocka_unit_test(test_every_owner_on_the_way_counts),
        cmocka_unit_test(test_sticky_folder_of_another_user_is_refused),
        cmocka_unit_test(test_links_of_others_in_a_sticky_folder_are_refused),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
