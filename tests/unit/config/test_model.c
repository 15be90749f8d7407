/* The sections [model.*] as a tree, and what they say about one another. */
#include "config/model.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static void test_sections_nest_by_path_in_file_order(void **state)
{
    (void)state;
    config *c = config_files_load(
        "[model.z]\nlayer = relu\n[model.n.two]\nlayer = relu\n"
        "[model.n]\nlayer = nest(word=w)\n[model.n.one]\nlayer = conv2d(filters=2, "
        "kernel=3)\nthen = relu, every_option(whole=2)\nrepeat = 3\n" REST);
    assert_int_equal(c->n_nodes, 2);
    assert_string_equal(c->nodes[0]->path, "z");
    assert_int_equal(c->nodes[0]->repeat, 0);
    const config_node *nest = c->nodes[1];
    assert_int_equal(nest->n_children, 2);
    assert_string_equal(nest->children[0]->path, "n.two");
    const config_node *one = nest->children[1];
    assert_string_equal(one->path, "n.one");
    assert_int_equal(one->repeat, 3);
    assert_int_equal(one->n_items, 3);
    assert_string_equal(one->items[1]->component->id, "relu");
    assert_int_equal(schema_value(one->items[2], "whole")->i, 2);
    assert_int_equal(one->where.line, 7);
    config_destroy(c);
}

static void test_disabled_section_goes_with_what_is_below(void **state)
{
    (void)state;
    config *c =
        config_files_load(MODEL "[model.n]\nlayer = nest(word=w)\nenabled = no\n[model.n.x]\n"
                                "layer = no_such_layer\n[model.n.x.y]\nlayer = relu\n" REST);
    assert_int_equal(c->n_nodes, 1);
    config_destroy(c);
}

static void test_share_names_its_lender(void **state)
{
    (void)state;
    config *c = config_files_load("[model.n]\nlayer = nest(word=w)\n[model.n.x]\nlayer = relu\n"
                                  "[model.b]\nshare = model.n.x\nrepeat = 2\n" REST);
    assert_string_equal(c->nodes[1]->share, "n.x");
    assert_int_equal(c->nodes[1]->n_items, 1);
    assert_null(c->nodes[1]->items[0]);
    assert_int_equal(c->nodes[1]->repeat, 2);
    config_destroy(c);
}

static void test_bad_share_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {MODEL "[model.b]\nshare = model.c\n", "t.ini:4: [model.b] share = model.c: there is no "
                                               "such section"},
        {MODEL "[model.b]\nshare = a\n", "t.ini:4: [model.b] share = a: expected model.PATH"},
        {MODEL "[model.b]\nshare = model.b\n", "only a section above this one"},
        {"[model.b]\nshare = model.a\n" MODEL, "t.ini:2: [model.b] share = model.a: only a section "
                                               "above this one"},
        {MODEL "[model.b]\nshare = model.a\nlayer = relu\n", "'layer' cannot stand beside share"},
        {MODEL "[model.b]\nshare = model.a\nthen = relu\n", "'then' cannot stand beside share"},
        {MODEL "[model.b]\nshare = model.a\nwhole = 1\n", "t.ini:5: [model.b] 'whole' is no key"},
        {MODEL "[model.b]\nshare = model.a\n[model.c]\nshare = model.b\n",
         "t.ini:6: [model.c] share = model.b: that section has no parameters of its own"},
        {MODEL "enabled = no\n[model.b]\nshare = model.a\n", "left out"},
        {"[model.n]\nlayer = nest(word=w)\n[model.n.x]\nshare = model.n\n",
         "this section is nested in that one"},
        {MODEL "[model.b]\nshare = model.a\n[model.b.c]\nlayer = relu\n", "nothing can be nested "
                                                                          "here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mem_printf("%s" REST, cases[i].text);
        config_files_refuse(text, NULL, cases[i].message);
        mem_free(text);
    }
}

/* A section that is not enabled is no place for others and lends nothing, whoever asks. */
static void test_children_wait_for_their_parents(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.n.x.y]\nlayer = relu\n[model.n.x]\nlayer = chain\n"
                                   "[model.n]\nlayer = chain\n");
    assert_int_equal(model_read(&l), ODEON_OK);
    assert_int_equal(l.c->n_nodes, 1);
    assert_string_equal(l.c->nodes[0]->children[0]->children[0]->path, "n.x.y");
    config_files_end(&l);
}

/* In the order of the file, although parents are made first: a share looks up. */
static void test_model_is_printed_in_file_order(void **state)
{
    (void)state;
    loading l = config_files_begin("[run]\nseed = 2\n[model.n.x]\nlayer = relu\n[model.off]\n"
                                   "layer = relu\nenabled = no\n[model.n]\nlayer = chain\n"
                                   "[model.s]\nshare = model.n\n");
    assert_int_equal(model_read(&l), ODEON_OK);
    assert_int_equal(model_print(&l, &l.effective), ODEON_OK);
    assert_string_equal(l.effective.data,
                        "\n[model.n.x]\nlayer = relu\n\n[model.n]\nlayer = chain\n"
                        "\n[model.s]\nshare = model.n\n");
    config_files_end(&l);
}

static void refuse(const char *text, const char *words)
{
    loading l = config_files_begin(text);
    config_files_expect(model_read(&l), ODEON_ERR_CONFIG, words);
    config_files_end(&l);
}

/* What is nested goes only where the later layer holds nothing. */
static void test_container_in_place_of_another_keeps_its_sections(void **state)
{
    (void)state;
    config_files_write("base.ini", "[model.c]\nlayer = chain\n[model.c.x]\nlayer = relu\n");
    loading l = config_files_begin("include = base.ini\n[model.c]\nlayer = residual\n");
    assert_int_equal(model_read(&l), ODEON_OK);
    assert_int_equal(l.c->nodes[0]->n_children, 1);
    assert_int_equal(l.c->n_dropped, 0);
    config_files_end(&l);
}

static void test_nested_sections_must_fit_their_layer(void **state)
{
    (void)state;
    refuse("[model.b.c]\nlayer = relu\n", "t.ini:1: [model.b.c] there is no section [model.b] that "
                                          "this one could be nested in");
    refuse("[model.r]\nlayer = residual\n[model.r.shortcut]\nlayer = relu\n",
           "t.ini:2: [model.r] residual is made of nested sections, such as [model.r.body], and "
           "there is none");
    refuse("[model.r]\nlayer = relu\nthen = chain\n",
           "t.ini:3: [model.r] then: chain is made of nested sections, so that it needs a section "
           "of its own");
    refuse("[model.r]\nlayer = relu\n[model.r.x]\nlayer = relu\n",
           "[model.r.x] nothing can be nested in [model.r]: relu is a single layer");
}

static void test_model_without_layers_is_refused(void **state)
{
    (void)state;
    refuse("[run]\nseed = 1\n", "t.ini: there is no layer: a model is made of sections such as "
                                "[model.head]");
    refuse("[model.a]\nlayer = relu\nenabled = no\n", "there is no layer");
}

/* Shared bodies count as often as they stand in the model. */
static void test_layers_are_counted_up_to_the_limit(void **state)
{
    (void)state;
    static const char full[] = "[model.n]\nlayer = chain\n[model.n.x]\nlayer = relu\n"
                               "repeat = 4096\n[model.s]\nshare = model.n\nrepeat = 14\n"
                               "[model.t]\nlayer = relu\nrepeat = 4081\n";
    loading l = config_files_begin(full);
    /* 4097 of n, 14 * 4097 of s: 61455; and 4081 of t make 65536 */
    assert_int_equal(model_read(&l), ODEON_OK);
    config_files_end(&l);
    char *more = mem_printf("%s[model.one]\nlayer = relu\n", full);
    refuse(more, "[model.one] with this section, 1 times 1 layer, there are more than the 65536 "
                 "layers that are allowed in all");
    mem_free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_nest_by_path_in_file_order),
        cmocka_unit_test(test_disabled_section_goes_with_what_is_below),
        cmocka_unit_test(test_share_names_its_lender),
        cmocka_unit_test(test_bad_share_is_refused),
        cmocka_unit_test(test_children_wait_for_their_parents),
        cmocka_unit_test(test_model_is_printed_in_file_order),
        cmocka_unit_test(test_container_in_place_of_another_keeps_its_sections),
        cmocka_unit_test(test_nested_sections_must_fit_their_layer),
        cmocka_unit_test(test_model_without_layers_is_refused),
        cmocka_unit_test(test_layers_are_counted_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
