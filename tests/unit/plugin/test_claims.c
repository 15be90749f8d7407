#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "captured.h"
#include "folder.h"
#include "option/kinds.h"
#include "plugin/claims.h"

/* ---- lists ---- */

static void test_list_of_a_note_is_taken_apart(void **state)
{
    (void)state;
    const char *list = "layer/swish,layer/swish@cuda,spell/fire,odd,loss/a@b,integrator/tsit5,"
                       "integrator/a:stepper,integrator/a:layer,layer/a:";
    static const claim expected[] = {
        {ODEON_KIND_LAYER, ODEON_INTERFACE_LAYER, "swish", true},
        {ODEON_KIND_LAYER, ODEON_INTERFACE_LAYER, "swish@cuda", true},
        {0, 0, "fire", false},
        {0, 0, "", false},
        {ODEON_KIND_LOSS, ODEON_INTERFACE_LOSS, "a@b", false},
        {ODEON_KIND_INTEGRATOR, 0, "tsit5", true},
        {ODEON_KIND_INTEGRATOR, ODEON_INTERFACE_STEPPER, "a", true},
        {ODEON_KIND_INTEGRATOR, 0, "a", true},
        {ODEON_KIND_LAYER, 0, "a", true},
    };
    claim c;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(claim_next(&list, &c));
        assert_int_equal(c.kind, expected[i].kind);
        assert_int_equal(c.interface, expected[i].interface);
        assert_string_equal(c.id, expected[i].id);
        assert_int_equal(c.valid, expected[i].valid);
    }
    assert_false(claim_next(&list, &c));
}

static void test_words_that_are_too_long_are_no_claims(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text, "layer/", 6);
    text[sizeof text - 1] = '\0';
    const char *list = text;
    claim c;
    assert_true(claim_next(&list, &c));
    assert_int_equal(c.kind, 0);
    assert_string_equal(c.id, "");
    assert_false(claim_next(&list, &c));
}

static void test_component_is_found_in_a_list_as_a_whole(void **state)
{
    (void)state;
    assert_true(claim_is_in("layer/a,layer/ab", ODEON_KIND_LAYER, "ab"));
    assert_false(claim_is_in("layer/a,layer/ab", ODEON_KIND_LAYER, "b"));
    assert_false(claim_is_in("layer/a", ODEON_KIND_LOSS, "a"));
    assert_false(claim_is_in("", ODEON_KIND_LAYER, "a"));
}

static void test_what_may_be_replaced_is_named_by_kind_and_id(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "dense", "layer/", "layer/no-id", "spell/fire", "layer/a,loss/b", "layer/..", ""};
    claim_list list = {.n = 0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        diag_clear();
        assert_int_equal(claim_list_add(&list, wrong[i]), ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), "expected KIND/ID"));
    }
    assert_int_equal(claim_list_add(&list, "layer/dense@cuda"), ODEON_OK);
    assert_int_equal(list.n, 1);
    claim_list_fini(&list);
    assert_int_equal(list.n, 0);
}

/* ---- who may offer what ---- */

/* The folder of the program with layer/own.so in it, and one of a user's. */
typedef struct places {
    folder program, user;
    char *folders[2];
    search_path path;
} places;

static void set_up(places *p)
{
    p->program = folder_create();
    p->user = folder_create();
    p->folders[0] = p->user.path;
    p->folders[1] = p->program.path;
    p->path = (search_path){.n = 2, .folders = p->folders, .shipped = 1, .own = 1};
    folder_write(&p->program, "layer/own.so", "x", 1);
}

static void tear_down(const places *p)
{
    folder_remove(&p->program);
    folder_remove(&p->user);
}

static odeon_status check(const places *p, const folder *from, const char *name,
                          const char *components, const char *replaced)
{
    claim_list list = {.n = 0};
    if (replaced != NULL) {
        assert_int_equal(claim_list_add(&list, replaced), ODEON_OK);
    }
    diag_clear();
    odeon_status status =
        claims_check(&list, &p->path, folder_file(from, name), from->path, components);
    claim_list_fini(&list);
    return status;
}

static void test_file_takes_over_what_ships_only_where_that_is_allowed(void **state)
{
    (void)state;
    places p;
    set_up(&p);
    folder_write(&p.user, "layer/own.so", "y", 1);
    assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", NULL), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "ships with the program"));
    assert_non_null(strstr(diag_message(), folder_file(&p.program, "layer/own.so")));
    assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", "layer/other"),
                     ODEON_ERR_PLUGIN);
    assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", "layer/own"), ODEON_OK);
    tear_down(&p);
}

/* What matters is what the file holds, not what it is called. */
/* By its contents alone: a byte more, less or another makes it a file of its own. */
static void test_copy_of_what_ships_takes_nobodys_place(void **state)
{
    static const char *const others[] = {"xy", "", "z"};
    (void)state;
    places p;
    set_up(&p);
    folder_write(&p.user, "layer/own.so", "x", 1);
    assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", NULL), ODEON_OK);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        folder_write(&p.user, "layer/own.so", others[i], strlen(others[i]));
        assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", NULL), ODEON_ERR_PLUGIN);
    }
    tear_down(&p);
}

static void test_file_of_another_name_takes_nothing_over_either(void **state)
{
    (void)state;
    places p;
    set_up(&p);
    folder_write(&p.user, "layer/mine.so", "y", 1);
    assert_int_equal(check(&p, &p.user, "layer/mine.so", "layer/mine", NULL), ODEON_OK);
    assert_int_equal(check(&p, &p.user, "layer/mine.so", "layer/mine,layer/own", NULL),
                     ODEON_ERR_PLUGIN);
    assert_int_equal(check(&p, &p.user, "layer/mine.so", "layer/own@cpu", NULL), ODEON_OK);
    tear_down(&p);
}

static void test_the_programs_own_file_is_no_rival_by_whatever_path(void **state)
{
    (void)state;
    places p;
    set_up(&p);
    assert_int_equal(
        symlink(folder_file(&p.program, "layer/own.so"), folder_file(&p.user, "layer/own.so")), 0);
    assert_int_equal(check(&p, &p.program, "layer/own.so", "layer/own", NULL), ODEON_OK);
    assert_int_equal(check(&p, &p.user, "layer/own.so", "layer/own", NULL), ODEON_OK);
    tear_down(&p);
}

static void test_two_files_of_one_folder_with_one_component_are_refused(void **state)
{
    (void)state;
    places p;
    set_up(&p);
    folder_write(&p.user, "layer/a.so", "y", 1);
    folder_write(&p.user, "layer/b.so", "y", 1);
    assert_int_equal(check(&p, &p.user, "layer/a.so", "layer/a,layer/b", NULL), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), folder_file(&p.user, "layer/a.so")));
    assert_non_null(strstr(diag_message(), folder_file(&p.user, "layer/b.so")));
    assert_int_equal(check(&p, &p.user, "layer/a.so", "layer/a,loss/b", NULL), ODEON_OK);
    tear_down(&p);
}

static void test_names_that_are_none_are_not_made_into_paths(void **state)
{
    (void)state;
    places p;
    set_up(&p);
    folder_write(&p.program, "secret.so", "x", 1);
    assert_int_equal(check(&p, &p.user, "layer/a.so", "layer/../secret,spell/own", NULL), ODEON_OK);
    tear_down(&p);
}

static void test_what_is_replaced_is_listed(void **state)
{
    (void)state;
    places p;
    captured c;
    text_buffer t = {0};
    set_up(&p);
    folder_write(&p.user, "layer/a.so", "y", 1);
    captured_start(&c);
    odeon_status status = claims_tell(&p.path, folder_file(&p.user, "layer/a.so"),
                                      "layer/a,layer/own,odd,layer/own", &t);
    captured_stop(&c);
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(t.data, "layer/own,layer/own");
    assert_non_null(strstr(c.text, "its layer own takes the place of the one that ships"));
    text_fini(&t);
    tear_down(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_of_a_note_is_taken_apart),
        cmocka_unit_test(test_words_that_are_too_long_are_no_claims),
        cmocka_unit_test(test_component_is_found_in_a_list_as_a_whole),
        cmocka_unit_test(test_what_may_be_replaced_is_named_by_kind_and_id),
        cmocka_unit_test(test_file_takes_over_what_ships_only_where_that_is_allowed),
        cmocka_unit_test(test_copy_of_what_ships_takes_nobodys_place),
        cmocka_unit_test(test_file_of_another_name_takes_nothing_over_either),
        cmocka_unit_test(test_the_programs_own_file_is_no_rival_by_whatever_path),
        cmocka_unit_test(test_two_files_of_one_folder_with_one_component_are_refused),
        cmocka_unit_test(test_names_that_are_none_are_not_made_into_paths),
        cmocka_unit_test(test_what_is_replaced_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
