/* INI files and their includes as one document. */
#include "config/document_load.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/ini_file.h"
#include <unistd.h>

static void test_includer_wins_key_by_key(void **state)
{
    (void)state;
    config_files_write(
        "base.ini", "[run]\nseed = 1\nepochs = 2\n[model.b]\nlayer = every_option(whole=2)\n" REST);
    config *c = config_files_load("include = base.ini\n[model.a]\nlayer = relu\n[run]\nseed = 3\n"
                                  "[model.b]\nreal = 7\nwhole = 5\n");
    assert_int_equal(c->seed, 3);
    assert_int_equal(c->epochs, 2);
    assert_string_equal(c->nodes[0]->path, "b");
    assert_string_equal(config_files_own_text(c->nodes[0], "real"), "7");
    assert_string_equal(config_files_own_text(c->nodes[0], "whole"), "5");
    config_destroy(c);
}

static void test_includers_parentheses_beat_included_keys(void **state)
{
    (void)state;
    config_files_write("base.ini", "[model.b]\nlayer = every_option\nwhole = 2\n" REST);
    config *c = config_files_load("include = base.ini\n[model.b]\nlayer = every_option(whole=5)\n");
    assert_string_equal(config_files_own_text(c->nodes[0], "whole"), "5");
    config_destroy(c);
}

static void test_paths_count_from_the_file_they_stand_in(void **state)
{
    (void)state;
    config_files_write("sub/inner.ini", REST);
    config *c = config_files_load("include = sub/inner.ini\n" MODEL "[train]\nweights = w\n");
    char path[64];
    (void)snprintf(path, sizeof path, "%s/sub/data", config_files_folder);
    assert_string_equal(schema_value(c->dataset, "path")->text, path);
    (void)snprintf(path, sizeof path, "%s/w", config_files_folder);
    assert_string_equal(c->weights, path);
    config_destroy(c);
}

static void test_file_that_two_include_is_read_once(void **state)
{
    (void)state;
    config_files_write("sub/inner.ini", "[run]\nseed = 1\n" REST);
    config_files_write("base.ini", "include = sub/inner.ini\n[run]\nseed = 2\n");
    config_files_write("more.ini", "include = sub/inner.ini\n" MODEL);
    config *c = config_files_load("include = base.ini, more.ini\n");
    assert_int_equal(c->seed, 2);
    config_destroy(c);
}

static void test_bad_include_is_refused(void **state)
{
    (void)state;
    config_files_write("base.ini", "include = t.ini\n");
    config_files_refuse("include = base.ini\n" MODEL REST, NULL,
                        "t.ini: included by itself, by way of");
    config_files_refuse("include = t.ini\n" MODEL REST, NULL, "t.ini: included by itself");
    config_files_write("base.ini", "[run]\nsed = 1\n");
    config_files_refuse("include = base.ini\n" MODEL REST, NULL,
                        "base.ini:2: [run] 'sed' is no key of the section: did you mean 'seed'?");
    config *c = NULL;
    config_files_write("t.ini", "include = sub\n");
    config_files_expect(config_files_try(0, NULL, &c), ODEON_ERR_IO, "/t.ini:1: /tmp/");
    config_files_write("t.ini", "include = none.ini\n");
    config_files_expect(config_files_try(0, NULL, &c), ODEON_ERR_IO,
                        "none.ini: cannot be opened: No such file");
}

static void test_deep_includes_are_refused(void **state)
{
    (void)state;
    char name[32], text[64], path[64];
    for (int i = 0; i < 18; i++) {
        (void)snprintf(name, sizeof name, "sub/deep%d.ini", i);
        (void)snprintf(text, sizeof text, i < 17 ? "include = deep%d.ini\n" : "[run]\nseed = %d\n",
                       i + 1);
        config_files_write(name, text);
    }
    config_files_refuse("include = sub/deep1.ini\n", NULL,
                        "files include one another more than 16 deep");
    config *c = config_files_load("include = sub/deep2.ini\n" MODEL REST);
    assert_int_equal(c->seed, 18);
    config_destroy(c);
    for (int i = 0; i < 18; i++) {
        (void)snprintf(path, sizeof path, "%s/sub/deep%d.ini", config_files_folder, i);
        (void)unlink(path);
    }
}

static document *load_document(const char *text, size_t n, const char *const *overrides)
{
    char path[64];
    document *d = NULL;
    config_files_write("t.ini", text);
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    diag_clear();
    if (document_load(path, n, overrides, NULL, &d) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return d;
}

/* Fixed sections are there although nothing says them, the INI's own come behind in order. */
static void test_fixed_sections_come_first(void **state)
{
    (void)state;
    static const char *const names[] = {"run",   "data",    "train",  "let",    "plugins",
                                        "audit", "model.b", "data.x", "model.a"};
    char path[64];
    document *d =
        load_document("[model.b]\nk = 1\n[train]\nloss = l\n[data.x]\n[model.a]\n", 0, NULL);
    assert_int_equal(d->n_sections, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_string_equal(d->sections[i].name, names[i]);
    }
    assert_int_equal(d->sections[2].where.line, 3);
    assert_int_equal(d->sections[0].n_keys, 0);
    assert_int_equal(d->sections[0].where.line, 0);
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    assert_string_equal(d->ini, path);
    assert_string_equal(d->folder, config_files_folder);
    document_destroy(d);
}

/* An included file is read first, on a lower level, and names its own folder. */
static void test_levels_rise_from_the_innermost_file(void **state)
{
    (void)state;
    char sub[64];
    config_files_write("sub/inner.ini", "[run]\nseed = 1\nout = o\n");
    config_files_write("base.ini", "include = sub/inner.ini\n[run]\nseed = 2\n");
    document *d = load_document("include = base.ini\n[run]\nseed = 3\n", 0, NULL);
    const document_key *seed = document_find_key(document_find(d, "run"), "seed");
    const document_key *out = document_find_key(document_find(d, "run"), "out");
    assert_int_equal(out->level, 0);
    assert_int_equal(seed->level, 2);
    assert_int_equal(seed->n_replaced, 2);
    (void)snprintf(sub, sizeof sub, "%s/sub", config_files_folder);
    assert_string_equal(out->folder, sub);
    assert_string_equal(seed->folder, config_files_folder);
    document_destroy(d);
}

static void refuse(const char *text, size_t n, const char *const *overrides, odeon_status status,
                   const char *words)
{
    char path[64];
    document *d = (document *)1;
    int64_t live = mem_live_blocks();
    config_files_write("t.ini", text);
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    diag_clear();
    config_files_expect(document_load(path, n, overrides, NULL, &d), status, words);
    assert_null(d);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_sections_that_cannot_be_are_refused(void **state)
{
    (void)state;
    refuse("[model]\n", 0, NULL, ODEON_ERR_CONFIG,
           "t.ini:1: [model] a layer's section has a name: [model.head]");
    refuse("[modle.a]\n", 0, NULL, ODEON_ERR_CONFIG,
           "there is no such section: did you mean 'model.a'?");
    refuse("[dato.a]\n", 0, NULL, ODEON_ERR_CONFIG, "did you mean 'data.a'?");
    refuse("[trian]\n", 0, NULL, ODEON_ERR_CONFIG, "did you mean 'train'?");
    refuse("[data.a.b]\n", 0, NULL, ODEON_ERR_CONFIG,
           "[data.a.b] sections [data.NAME] stand in a row and do not nest");
    refuse("[model.a.]\n", 0, NULL, ODEON_ERR_CONFIG,
           "names between the dots are letters, digits and underscores");
    refuse("[data.a b]\n", 0, NULL, ODEON_ERR_CONFIG, "names between the dots");
    refuse("[model.a.integrator]\n", 0, NULL, ODEON_ERR_CONFIG,
           "a kind's name (layer, integrator, ...) cannot name a section");
}

static void test_keys_before_any_section_name_their_home(void **state)
{
    (void)state;
    refuse("epochs = 1\n", 0, NULL, ODEON_ERR_CONFIG,
           "t.ini:1: 'epochs' comes before the first [section]: only include may; put it below "
           "[run]");
    refuse("colour = 1\n", 0, NULL, ODEON_ERR_CONFIG,
           "'colour' comes before the first [section]: only include may");
    assert_null(strstr(diag_message(), "put it"));
}

/* 6 fixed sections, and with them one less than an INI may have. */
static void test_number_of_sections_is_bounded(void **state)
{
    (void)state;
    text_buffer text = {0};
    for (int i = 6; i < INI_FILE_MAX_SECTIONS - 1; i++) {
        text_printf(&text, "[model.m%d]\nlayer = relu\n", i);
    }
    document *d = load_document(text.data, 0, NULL);
    assert_int_equal(d->n_sections, INI_FILE_MAX_SECTIONS - 1);
    document_destroy(d);
    text_fini(&text);
    text = (text_buffer){0};
    for (int i = 6; i < INI_FILE_MAX_SECTIONS; i++) {
        if (i == INI_FILE_MAX_SECTIONS / 2) {
            config_files_write("base.ini", text.data);
            text_fini(&text);
            text = (text_buffer){0};
            text_add(&text, "include = base.ini\n");
        }
        text_printf(&text, "[model.m%d]\nlayer = relu\n", i);
    }
    refuse(text.data, 0, NULL, ODEON_ERR_CONFIG, "with this one there are more than ");
    text_fini(&text);
}

static void test_overrides_and_let_come_after_all_files(void **state)
{
    (void)state;
    static const char *const good[] = {"let.w=2", "run.name=n${w}"}, *const bad[] = {"no.such=1"};
    document *d = load_document("[let]\nw = 1\n", 2, good);
    assert_string_equal(document_find_key(document_find(d, "run"), "name")->value, "n2");
    document_destroy(d);
    refuse("[let]\nw = 1\n", 1, bad, ODEON_ERR_CONFIG, "override no.such=1: there is no section");
    refuse("[run]\nname = ${w}\n", 0, NULL, ODEON_ERR_CONFIG, "[let] has no 'w'");
}

static void test_missing_ini_is_an_io_error(void **state)
{
    (void)state;
    document *d = (document *)1;
    diag_clear();
    assert_int_equal(document_load("/nowhere/x.ini", 0, NULL, NULL, &d), ODEON_ERR_IO);
    assert_null(d);
    assert_non_null(strstr(diag_message(), "/nowhere/x.ini"));
    diag_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_includer_wins_key_by_key),
        cmocka_unit_test(test_includers_parentheses_beat_included_keys),
        cmocka_unit_test(test_paths_count_from_the_file_they_stand_in),
        cmocka_unit_test(test_file_that_two_include_is_read_once),
        cmocka_unit_test(test_bad_include_is_refused),
        cmocka_unit_test(test_deep_includes_are_refused),
        cmocka_unit_test(test_fixed_sections_come_first),
        cmocka_unit_test(test_levels_rise_from_the_innermost_file),
        cmocka_unit_test(test_sections_that_cannot_be_are_refused),
        cmocka_unit_test(test_keys_before_any_section_name_their_home),
        cmocka_unit_test(test_number_of_sections_is_bounded),
        cmocka_unit_test(test_overrides_and_let_come_after_all_files),
        cmocka_unit_test(test_missing_ini_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
