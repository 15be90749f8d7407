/* Where a key belongs that stands elsewhere: the search and its words. */
#include "config/hints.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static void check_place(const config_place *place, const char *section, const char *option,
                        const char *through, const char *id, bool own)
{
    assert_string_equal(place->section, section);
    assert_string_equal(place->option, option);
    assert_true((place->through == NULL) == (through == NULL));
    if (through != NULL) {
        assert_string_equal(place->through, through);
        assert_string_equal(place->id, id);
    }
    assert_true(place->own == own);
}

static bool find(const loading *l, const char *here, const char *name, config_place *out)
{
    bool found;
    const document_section *section = here != NULL ? document_find(l->document, here) : NULL;
    assert_int_equal(config_find_place(l->r, l->document, section, name, out, &found), ODEON_OK);
    return found;
}

#define TEXT                                                                                       \
    "[run]\ndevice = cpu\n[model.a]\nlayer = relu\n[model.n]\nlayer = nest(word=w)\n"              \
    "part = every_option\n[model.n.x]\nlayer = relu\n[model.nx]\nlayer = "                         \
    "relu\n[model.gone]\nlayer = not_there\n" REST

static void test_host_keys_of_other_sections_are_found(void **state)
{
    (void)state;
    config_place place;
    loading l = config_files_begin(TEXT);
    assert_true(find(&l, "train", "batch", &place));
    check_place(&place, "data", "batch", NULL, "", false);
    assert_true(find(&l, "run", "share", &place));
    check_place(&place, "model.NAME", "share", NULL, "", false); /* any of them would do */
    assert_true(find(&l, NULL, "seed", &place));
    check_place(&place, "run", "seed", NULL, "", false);
    assert_true(find(&l, "model.a", "randomseed", &place)); /* another name of it */
    check_place(&place, "run", "seed", NULL, "", false);
    assert_false(find(&l, "run", "seed", &place)); /* its own section is not elsewhere */
    config_files_end(&l);
}

static void test_options_of_chosen_components_are_found(void **state)
{
    (void)state;
    config_place place;
    loading l = config_files_begin(TEXT);
    assert_true(find(&l, "run", "lr", &place));
    check_place(&place, "train", "lr", "optimizer", "sgd", true);
    assert_true(find(&l, NULL, "word", &place));
    check_place(&place, "model.n", "word", "layer", "nest", true);
    assert_false(find(&l, "train", "lr", &place)); /* asked at home: not a hint */
    config_files_end(&l);
}

/* A layer's key may belong to one that it stands in, but not to one beside it. */
static void test_layers_look_at_what_they_stand_in(void **state)
{
    (void)state;
    config_place place;
    loading l = config_files_begin(TEXT);
    assert_true(find(&l, "model.n.x", "word", &place));
    check_place(&place, "model.n", "word", "layer", "nest", true);
    assert_false(find(&l, "model.a", "word", &place));
    assert_false(find(&l, "model.nx", "word", &place)); /* whose name only begins like it */
    assert_true(find(&l, "run", "word", &place));
    assert_false(find(&l, "run", "no_such_key_at_all", &place));
    config_files_end(&l);
}

static void test_memory_that_is_missing_is_no_missing_plugin(void **state)
{
    (void)state;
    config_place place;
    bool found;
    loading l = config_files_begin(TEXT);
    registry *fresh = support_registry(); /* nothing is loaded yet */
    int failures = 0;
    int64_t n = 1;
    for (odeon_status status = ODEON_ERR_NOMEM; status != ODEON_OK && n < 200; n++) {
        mem_fail_at(n);
        status = config_find_place(fresh, l.document, NULL, "word", &place, &found);
        mem_fail_at(0);
        failures += status == ODEON_ERR_NOMEM;
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
    }
    assert_true(failures > 0);
    diag_clear();
    registry_destroy(fresh);
    config_files_end(&l);
}

static void test_place_is_written_as_a_question(void **state)
{
    (void)state;
    char text[128];
    config_place place = {.section = "run", .option = "epochs"};
    config_write_place(&place, text, sizeof text);
    assert_string_equal(text, ": did you mean 'epochs' of [run]?");
    config_write_override(&place, "3", text, sizeof text);
    assert_string_equal(text, ": did you mean run.epochs=3?");
    place =
        (config_place){.section = "train", .option = "lr", .through = "optimizer", .id = "adam"};
    config_write_place(&place, text, sizeof text);
    assert_string_equal(text, ": did you mean [train] optimizer = adam(lr=...)?");
    config_write_override(&place, "1e-2", text, sizeof text);
    assert_string_equal(text, ": did you mean train.optimizer=adam(lr=1e-2)?");
    place.own = true;
    config_write_place(&place, text, sizeof text);
    assert_string_equal(text, ": did you mean 'lr' of [train], an option of optimizer = adam?");
    config_write_override(&place, "1e-2", text, sizeof text);
    assert_string_equal(text, ": did you mean train.lr=1e-2?");
    config_write_override(&place, "1e-2", text, 12); /* cut, and ended */
    assert_string_equal(text, ": did you m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_keys_of_other_sections_are_found),
        cmocka_unit_test(test_options_of_chosen_components_are_found),
        cmocka_unit_test(test_layers_look_at_what_they_stand_in),
        cmocka_unit_test(test_memory_that_is_missing_is_no_missing_plugin),
        cmocka_unit_test(test_place_is_written_as_a_question),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
