#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"

#include "base/text.h"
#include "folder.h"
#include "option/kinds.h"
#include "plugin/files.h"

/* Adds "layer/a:2 ", with the number of the folder that the file stands in. */
typedef struct seen {
    const folder *folders;
    text_buffer text;
} seen;

static void note(int32_t kind, const char *id, const char *file, void *context)
{
    seen *s = context;
    int which = strncmp(file, s->folders[0].path, strlen(s->folders[0].path)) == 0 ? 1 : 2;
    char expected[2 * FOLDER_BYTES];
    (void)snprintf(expected, sizeof expected, "%s/%s/%s.so", s->folders[which - 1].path,
                   kind_name(kind), id);
    assert_string_equal(file, expected);
    text_printf(&s->text, "%s/%s:%d ", kind_name(kind), id, which);
}

static void test_first_folder_counts_and_the_list_is_sorted(void **state)
{
    (void)state;
    folder folders[2] = {folder_create(), folder_create()};
    seen s = {.folders = folders};
    static const char *const first[] = {"layer/b.so", "layer/a@cpu.so", "integrator/z.so"};
    static const char *const second[] = {"layer/b.so", "layer/a.so", "integrator/y.so"};
    for (int i = 0; i < 3; i++) {
        folder_write(&folders[0], first[i], "x", 1);
        folder_write(&folders[1], second[i], "x", 1);
    }
    const char *const paths[] = {folders[0].path, folders[1].path, "/nowhere/at/all"};
    assert_int_equal(plugin_files_visit(3, paths, note, &s), ODEON_OK);
    assert_string_equal(s.text.data,
                        "layer/a:2 layer/a@cpu:1 layer/b:1 integrator/y:2 integrator/z:1 ");
    text_fini(&s.text);
    folder_remove(&folders[0]);
    folder_remove(&folders[1]);
}

static void test_what_no_component_can_be_called_is_left_out(void **state)
{
    (void)state;
    folder f = folder_create();
    seen s = {.folders = &f};
    static const char *const names[] = {
        "layer/.so",    "layer/no-id.so",      "layer/a.txt",       "layer/a@b@c.so",
        "layer/a.so.1", "integrator/a@cpu.so", "integrator/1st.so", "integrator/e.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        folder_write(&f, names[i], "x", 1);
    }
    assert_int_equal(mkdir(folder_file(&f, "other"), 0755), 0);
    folder_write(&f, "other/a.so", "x", 1);
    const char *path = f.path;
    assert_int_equal(plugin_files_visit(1, &path, note, &s), ODEON_OK);
    assert_string_equal(s.text.data, "integrator/e:1 ");
    text_fini(&s.text);
    folder_remove(&f);
}

static void test_without_folders_there_is_nothing(void **state)
{
    (void)state;
    seen s = {.folders = NULL};
    assert_int_equal(plugin_files_visit(0, NULL, note, &s), ODEON_OK);
    assert_int_equal(s.text.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_folder_counts_and_the_list_is_sorted),
        cmocka_unit_test(test_what_no_component_can_be_called_is_left_out),
        cmocka_unit_test(test_without_folders_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
