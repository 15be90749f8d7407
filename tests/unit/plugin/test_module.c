#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "plugin/module.h"

static const char harmless[] = ODEON_HOSTILE_PLUGINS "/integrator/harmless.so";
static const char marks[] = ODEON_HOSTILE_PLUGINS "/integrator/leaves_mark.so";

static module *opened(const char *file)
{
    module *m = NULL;
    diag_clear();
    if (module_open(file, NULL, false, &m) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return m;
}

static void assert_message_has(const char *text)
{
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text, diag_message());
    }
}

static void test_opening_reads_the_note_and_runs_nothing(void **state)
{
    (void)state;
    folder f = folder_create();
    assert_int_equal(setenv("ODEON_TEST_MARK", folder_file(&f, "mark"), 1), 0);
    module *m = opened(marks);
    assert_string_equal(m->elf.components, "integrator/leaves_mark:tableau");
    assert_int_equal(m->elf.abi_major, ODEON_ABI_MAJOR);
    assert_null(m->plugin.root);
    module_destroy(m);
    assert_int_equal(access(folder_file(&f, "mark"), F_OK), -1);
    folder_remove(&f);
}

static void test_started_plugin_is_described(void **state)
{
    (void)state;
    module *m = opened(harmless);
    char *real = realpath(harmless, NULL);
    assert_int_equal(module_start(m), ODEON_OK);
    assert_true(m->started);
    assert_int_equal(m->library.fd, -1);
    assert_string_equal(m->plugin.file, real);
    assert_string_equal(m->plugin.root->components[0]->id, "harmless");
    assert_string_equal(m->plugin.sha256, "");
    assert_string_equal(m->plugin.replaces, "");
    module_destroy(m);
    free(real);
}

/* Between the two another file takes its place. */
static void test_what_was_opened_is_what_is_started(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "a.so", harmless);
    folder_copy(&f, "b.so", marks);
    assert_int_equal(setenv("ODEON_TEST_MARK", folder_file(&f, "mark"), 1), 0);
    module *m = opened(folder_file(&f, "a.so"));
    assert_int_equal(rename(folder_file(&f, "b.so"), folder_file(&f, "a.so")), 0);
    assert_int_equal(module_start(m), ODEON_OK);
    assert_string_equal(m->plugin.root->components[0]->id, "harmless");
    assert_int_equal(access(folder_file(&f, "mark"), F_OK), -1);
    module_destroy(m);
    folder_remove(&f);
}

static void assert_not_opened(const char *file, odeon_status status, const char *reason)
{
    module *m = NULL;
    int64_t live = mem_live_blocks();
    diag_clear();
    assert_int_equal(module_open(file, NULL, false, &m), status);
    assert_null(m);
    assert_message_has(file);
    assert_message_has(reason);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_what_is_no_plugin_is_not_opened(void **state)
{
    (void)state;
    folder f = folder_create();
    char file[2 * FOLDER_BYTES];
    (void)snprintf(file, sizeof file, "%s", folder_file(&f, "a.so"));
    assert_not_opened(file, ODEON_ERR_IO, "No such file");
    folder_write(&f, "a.so", "", 0);
    assert_not_opened(file, ODEON_ERR_PLUGIN, "it is empty");
    folder_write(&f, "a.so", "text", 4);
    assert_not_opened(file, ODEON_ERR_PLUGIN, "it is no ELF file");
    (void)snprintf(file, sizeof file, "%s", folder_file(&f, "layer"));
    assert_not_opened(file, ODEON_ERR_PLUGIN, "it is no plain file");
    assert_not_opened(ODEON_PROGRAM, ODEON_ERR_PLUGIN, "no Odeon plugin");
    folder_remove(&f);
}

static void assert_not_started(const char *id, odeon_status status, const char *reason)
{
    char file[512];
    (void)snprintf(file, sizeof file, ODEON_HOSTILE_PLUGINS "/integrator/%s.so", id);
    module *m = opened(file);
    assert_int_equal(module_start(m), status);
    assert_message_has(id);
    assert_message_has(reason);
    assert_int_equal(m->library.fd, -1);
    module_destroy(m);
}

static void test_what_its_code_says_is_wrong_is_not_started(void **state)
{
    (void)state;
    assert_not_started("undefined", ODEON_ERR_PLUGIN, "undefined symbol");
    assert_not_started("no_entry", ODEON_ERR_PLUGIN, "it does not export odeon_plugin_v1");
    assert_not_started("lying_layouts", ODEON_ERR_PLUGIN, "are not those of its note");
    assert_not_started("bad_id_inside", ODEON_ERR_PLUGIN, "the id of its integrator is not of");
    assert_not_started("init_fails", ODEON_ERR_DEVICE, "no such hardware here");
    assert_not_started("init_void", ODEON_ERR_PLUGIN, "it gives no reason");
    module_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening_reads_the_note_and_runs_nothing),
        cmocka_unit_test(test_started_plugin_is_described),
        cmocka_unit_test(test_what_was_opened_is_what_is_started),
        cmocka_unit_test(test_what_is_no_plugin_is_not_opened),
        cmocka_unit_test(test_what_its_code_says_is_wrong_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
