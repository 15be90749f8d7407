/* Sections and keys of a document: found, set over one another, kept and freed. */
#include "config/document.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static odeon_status set(document_section *s, const char *name, const char *value, int level)
{
    document_key source = {.where = {.file = "f", .line = level}, .level = level};
    return document_set(s, name, value, source);
}

/* A document with two sections that the test owns until document_destroy. */
static document *make(void)
{
    document *d = mem_zalloc(1, sizeof *d);
    assert_non_null(d);
    d->sections = mem_zalloc(2, sizeof *d->sections);
    d->n_sections = 2;
    d->sections[0].name = mem_strdup("run");
    d->sections[1].name = mem_strdup("model.a");
    return d;
}

static void test_sections_and_keys_are_found_by_whole_name(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    document *d = make();
    assert_ptr_equal(document_find(d, "model.a"), &d->sections[1]);
    assert_ptr_equal(document_find(d, "run"), &d->sections[0]);
    assert_null(document_find(d, "model"));
    assert_null(document_find(d, "model.a.b"));
    assert_null(document_find_key(&d->sections[0], "seed"));
    assert_int_equal(set(&d->sections[0], "seed", "1", 0), ODEON_OK);
    assert_int_equal(set(&d->sections[0], "out", "o", 0), ODEON_OK);
    assert_ptr_equal(document_find_key(&d->sections[0], "out"), &d->sections[0].keys[1]);
    assert_null(document_find_key(&d->sections[0], "see"));
    assert_null(document_find_key(&d->sections[1], "out"));
    document_destroy(d);
    assert_int_equal(mem_live_blocks(), live);
    document_destroy(NULL);
}

static void test_later_value_holds_and_earlier_ones_are_listed(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    document *d = make();
    document_section *run = &d->sections[0];
    char value[] = "1";
    document_key source = {
        .where = {.file = "a", .line = 3}, .folder = "here", .level = 2, .n_replaced = 7};
    assert_int_equal(document_set(run, "seed", value, source), ODEON_OK);
    value[0] = 'x'; /* it was copied */
    document_key *key = document_find_key(run, "seed");
    assert_string_equal(key->name, "seed");
    assert_string_equal(key->value, "1");
    assert_string_equal(key->where.file, "a");
    assert_int_equal(key->where.line, 3);
    assert_string_equal(key->folder, "here");
    assert_int_equal(key->level, 2);
    assert_int_equal(key->n_replaced, 0); /* only place and level come from source */
    assert_int_equal(set(run, "seed", "2", 4), ODEON_OK);
    assert_int_equal(set(run, "seed", "3", DOCUMENT_OVERRIDE), ODEON_OK);
    assert_int_equal(run->n_keys, 1);
    assert_string_equal(key->value, "3");
    assert_null(key->folder);
    assert_int_equal(key->level, DOCUMENT_OVERRIDE);
    assert_int_equal(key->n_replaced, 2);
    assert_string_equal(key->replaced[0], "1");
    assert_string_equal(key->replaced[1], "2");
    document_destroy(d);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_set_that_finds_no_memory_leaves_the_value(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    document *d = make();
    int failures = 0;
    assert_int_equal(set(&d->sections[0], "seed", "1", 0), ODEON_OK);
    for (int64_t n = 1; n <= 3; n++) { /* the value, the list, the name */
        mem_fail_at(n);
        odeon_status status = set(&d->sections[1], "layer", "relu", 1);
        mem_fail_at(0);
        failures += status == ODEON_ERR_NOMEM;
        assert_int_equal(d->sections[1].n_keys, 0);
    }
    assert_int_equal(failures, 3);
    assert_string_equal(diag_message(), "out of memory while the configuration is read");
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(set(&d->sections[0], "seed", "2", 1), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(document_find_key(&d->sections[0], "seed")->value, "1");
    document_destroy(d);
    assert_int_equal(mem_live_blocks(), live);
}

/* Text that is kept is the document's also where keeping it fails. */
static void test_kept_texts_belong_to_the_document(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    document *d = make();
    assert_int_equal(document_keep(d, mem_strdup("a")), ODEON_OK);
    assert_int_equal(document_keep_path(d, mem_strdup("/b")), ODEON_OK);
    assert_int_equal(document_keep_path(d, mem_strdup("/c")), ODEON_OK);
    assert_int_equal(d->n_strings, 1);
    assert_string_equal(d->strings[0], "a");
    assert_int_equal(d->n_paths, 2);
    assert_string_equal(d->paths[1], "/c");
    assert_int_equal(document_keep(d, NULL), ODEON_ERR_NOMEM);
    assert_int_equal(document_keep_path(d, NULL), ODEON_ERR_NOMEM);
    assert_int_equal(d->n_strings, 1);
    document_destroy(d);
    d = make();
    char *text = mem_strdup("lost");
    mem_fail_at(1);
    assert_int_equal(document_keep(d, text), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    document_destroy(d);
    assert_int_equal(mem_live_blocks(), live);
    diag_clear();
}

static void test_nearest_section_is_suggested(void **state)
{
    (void)state;
    char hint[64] = "old";
    document *d = make();
    assert_int_equal(document_suggest(d, "rum", hint, sizeof hint), ODEON_OK);
    assert_string_equal(hint, ": did you mean 'run'?");
    assert_int_equal(document_suggest(d, "model.b", hint, sizeof hint), ODEON_OK);
    assert_string_equal(hint, ": did you mean 'model.a'?");
    mem_fail_at(1);
    assert_int_equal(document_suggest(d, "rum", hint, sizeof hint), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    diag_clear();
    document_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_and_keys_are_found_by_whole_name),
        cmocka_unit_test(test_later_value_holds_and_earlier_ones_are_listed),
        cmocka_unit_test(test_set_that_finds_no_memory_leaves_the_value),
        cmocka_unit_test(test_kept_texts_belong_to_the_document),
        cmocka_unit_test(test_nearest_section_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
