#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "folder.h"
#include "odeon/plugin.h"
#include "plugin/library.h"

static const char harmless[] = ODEON_HOSTILE_PLUGINS "/integrator/harmless.so";
static const char marks[] = ODEON_HOSTILE_PLUGINS "/integrator/leaves_mark.so";

static library_file opened(const char *file)
{
    library_file f = {.file = file, .fd = open(file, O_RDONLY | O_CLOEXEC)};
    assert_true(f.fd >= 0);
    assert_int_equal(fstat(f.fd, &f.seen), 0);
    return f;
}

static const odeon_plugin *root_of(void *handle)
{
    const odeon_plugin *root = dlsym(handle, ODEON_PLUGIN_SYMBOL);
    assert_non_null(root);
    return root;
}

static void assert_message_has(const char *text)
{
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text, diag_message());
    }
}

/* Loads file, closes the descriptor, and answers whose root it has. */
static const odeon_plugin *load(const char *file)
{
    library_file f = opened(file);
    void *handle = NULL;
    diag_clear();
    if (library_open(&f, &handle) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(close(f.fd), 0);
    return root_of(handle);
}

static void test_file_is_known_by_its_name_once_its_descriptor_is_closed(void **state)
{
    (void)state;
    folder f = folder_create();
    char file[2 * FOLDER_BYTES];
    folder_copy(&f, "a.so", harmless);
    (void)snprintf(file, sizeof file, "%s", folder_file(&f, "a.so"));
    Dl_info info;
    assert_int_not_equal(dladdr(load(file), &info), 0);
    assert_string_equal(info.dli_fname, file);
    folder_remove(&f);
}

/* The loader must not take the second for the first, whose descriptor had the same number. */
static void test_files_opened_one_after_the_other_are_told_apart(void **state)
{
    (void)state;
    const odeon_plugin *a = load(harmless),
                       *b = load(ODEON_HOSTILE_PLUGINS "/integrator/prints.so");
    assert_ptr_not_equal(a, b);
    assert_string_equal(a->components[0]->id, "harmless");
    assert_string_equal(b->components[0]->id, "prints");
    assert_ptr_equal(load(harmless), a);
}

static void set_mark(const folder *f)
{
    assert_int_equal(setenv("ODEON_TEST_MARK", folder_file(f, "mark"), 1), 0);
}

static bool has_mark(const folder *f)
{
    return access(folder_file(f, "mark"), F_OK) == 0;
}

/* a.so is harmless when it is opened, and then another file takes its place. */
static library_file swapped(const folder *f, const char *file)
{
    folder_copy(f, "a.so", harmless);
    folder_copy(f, "b.so", marks);
    library_file checked = opened(file);
    assert_int_equal(rename(folder_file(f, "b.so"), file), 0);
    set_mark(f);
    diag_clear();
    return checked;
}

static void test_file_put_in_its_place_is_not_what_is_loaded(void **state)
{
    (void)state;
    folder f = folder_create();
    char file[2 * FOLDER_BYTES];
    void *handle = NULL;
    (void)snprintf(file, sizeof file, "%s", folder_file(&f, "a.so"));
    library_file checked = swapped(&f, file);
    assert_int_equal(library_open(&checked, &handle), ODEON_OK);
    assert_string_equal(root_of(handle)->components[0]->id, "harmless");
    assert_false(has_mark(&f));
    assert_int_equal(close(checked.fd), 0);
    folder_remove(&f);
}

static void test_file_put_in_its_place_is_refused_where_it_is_loaded_by_name(void **state)
{
    (void)state;
    folder f = folder_create();
    char file[2 * FOLDER_BYTES];
    void *handle = NULL;
    (void)snprintf(file, sizeof file, "%s", folder_file(&f, "a.so"));
    library_file checked = swapped(&f, file);
    checked.by_name = true;
    assert_int_equal(library_open(&checked, &handle), ODEON_ERR_PLUGIN);
    assert_message_has("a.so: it was replaced or written to while it was being loaded");
    assert_false(has_mark(&f));
    assert_int_equal(close(checked.fd), 0);
    folder_remove(&f);
}

static void test_file_that_was_written_to_since_is_refused(void **state)
{
    (void)state;
    static const struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    folder f = folder_create();
    void *handle = NULL;
    folder_copy(&f, "a.so", marks);
    set_mark(&f);
    library_file checked = opened(folder_file(&f, "a.so"));
    assert_int_equal(futimens(checked.fd, then), 0);
    diag_clear();
    assert_int_equal(library_open(&checked, &handle), ODEON_ERR_PLUGIN);
    assert_message_has("written to while it was being loaded");
    assert_false(has_mark(&f));
    assert_int_equal(close(checked.fd), 0);
    folder_remove(&f);
}

static void test_file_that_looks_beside_itself_is_loaded_by_name(void **state)
{
    (void)state;
    folder f = folder_create();
    void *handle = NULL;
    folder_copy(&f, "a.so", harmless);
    library_file checked = opened(folder_file(&f, "a.so"));
    checked.by_name = true;
    assert_int_equal(library_open(&checked, &handle), ODEON_OK);
    assert_string_equal(root_of(handle)->components[0]->id, "harmless");
    assert_int_equal(close(checked.fd), 0);
    folder_remove(&f);
}

static void test_loaders_own_words_name_the_file(void **state)
{
    (void)state;
    static const char file[] = ODEON_HOSTILE_PLUGINS "/integrator/undefined.so";
    library_file f = opened(file);
    void *handle = NULL;
    diag_clear();
    assert_int_equal(library_open(&f, &handle), ODEON_ERR_PLUGIN);
    assert_message_has("undefined.so: undefined symbol: odeon_no_such_function");
    assert_null(strstr(diag_message(), "/proc/"));
    assert_int_equal(close(f.fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_known_by_its_name_once_its_descriptor_is_closed),
        cmocka_unit_test(test_files_opened_one_after_the_other_are_told_apart),
        cmocka_unit_test(test_file_put_in_its_place_is_not_what_is_loaded),
        cmocka_unit_test(test_file_put_in_its_place_is_refused_where_it_is_loaded_by_name),
        cmocka_unit_test(test_file_that_was_written_to_since_is_refused),
        cmocka_unit_test(test_file_that_looks_beside_itself_is_loaded_by_name),
        cmocka_unit_test(test_loaders_own_words_name_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
