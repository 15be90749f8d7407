/* One section of layers: made, printed, counted. */
#include "config/node.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static config_node *make(loading *l, const char *section, const char *root)
{
    config_node *node = NULL;
    if (node_create(l, document_find(l->document, section), root, &node) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return node;
}

static void test_node_has_its_layer_and_those_that_follow(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.n.a]\nlayer = dense(units=4)\nthen = relu, tanh\n"
                                   "repeat = 3\n[model.b]\nlayer = relu\n");
    config_node *node = make(&l, "model.n.a", "model");
    assert_string_equal(node->root, "model");
    assert_string_equal(node->path, "n.a");
    assert_int_equal(node->n_items, 3);
    assert_string_equal(node->items[0]->component->id, "dense");
    assert_string_equal(node->items[2]->component->id, "tanh");
    assert_int_equal(node->repeat, 3);
    assert_null(node->share);
    assert_int_equal(node->where.line, 1);
    assert_int_equal(node->n_children, 0);
    node_destroy(node);
    node = make(&l, "model.b", "model");
    assert_int_equal(node->n_items, 1);
    assert_int_equal(node->repeat, 0); /* not given, which is not 1 */
    node_destroy(node);
    config_files_end(&l);
}

static void test_node_that_shares_has_no_layer(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.b]\nshare = model.n.a\n");
    config_node *node = make(&l, "model.b", "model");
    assert_string_equal(node->share, "n.a");
    assert_int_equal(node->n_items, 1);
    assert_null(node->items[0]);
    node_destroy(node);
    config_files_end(&l);
}

static void refuse(const char *text, const char *section, const char *root, const char *words)
{
    loading l = config_files_begin(text);
    config_node *node = NULL;
    int64_t live = mem_live_blocks();
    config_files_expect(node_create(&l, document_find(l.document, section), root, &node),
                        ODEON_ERR_CONFIG, words);
    assert_null(node);
    assert_int_equal(mem_live_blocks(), live);
    config_files_end(&l);
}

static void test_contradictions_are_refused(void **state)
{
    (void)state;
    refuse("[model.a]\nthen = relu\n", "model.a", "model",
           "t.ini:1: [model.a] 'layer' must be given: layer = NAME");
    refuse("[model.a]\nlayer = relu\nshare = model.b\n", "model.a", "model",
           "t.ini:3: [model.a] 'layer' cannot stand beside share: the layer and its options are "
           "those of model.b");
    refuse("[model.a]\nthen = relu\nshare = model.b\n", "model.a", "model",
           "'then' cannot stand beside share");
    refuse("[model.a]\nshare = data.b\n", "model.a", "model",
           "share = data.b: expected model.PATH");
    refuse("[data.a]\nlayer = relu\nshare = model.b\n", "data.a", "data",
           "'share' is no key of the section");
    refuse("[model.a]\nlayer = relu\nthen = relu, no_such_layer\n", "model.a", "model",
           "no_such_layer");
}

static bool enabled(loading *l, const char *section)
{
    bool out = false;
    assert_int_equal(node_is_enabled(l, document_find(l->document, section), &out), ODEON_OK);
    return out;
}

static void test_section_is_enabled_unless_it_says_no(void **state)
{
    (void)state;
    bool out;
    loading l = config_files_begin("[model.a]\nlayer = relu\n[model.b]\nenabled = yes\n"
                                   "[model.c]\nenabled = no\n[data.d]\nenabled = no\n"
                                   "[model.e]\nenabled = perhaps\n");
    assert_true(enabled(&l, "model.a"));
    assert_true(enabled(&l, "model.b"));
    assert_false(enabled(&l, "model.c"));
    assert_false(enabled(&l, "data.d"));
    config_files_expect(node_is_enabled(&l, document_find(l.document, "model.e"), &out),
                        ODEON_ERR_CONFIG, "t.ini:10: [model.e] enabled = perhaps");
    config_files_end(&l);
}

static void check_print(const char *text, const char *section, const char *root,
                        const char *expected)
{
    loading l = config_files_begin(text);
    config_node *node = make(&l, section, root);
    assert_int_equal(node_print(&l.effective, node), ODEON_OK);
    assert_string_equal(l.effective.data, expected);
    node_destroy(node);
    config_files_end(&l);
}

static void test_node_is_printed_with_what_makes_it_again(void **state)
{
    (void)state;
    check_print("[model.a]\nlayer = relu\n", "model.a", "model", "\n[model.a]\nlayer = relu\n");
    check_print("[model.n.a]\nlayer = relu\nthen = tanh, relu\nrepeat = 1\n", "model.n.a", "model",
                "\n[model.n.a]\nlayer = relu\nthen = tanh, relu\nrepeat = 1\n");
    check_print("[model.a]\nshare = model.b\nrepeat = 2\n", "model.a", "model",
                "\n[model.a]\nshare = model.b\nrepeat = 2\n");
    check_print("[data.p]\nlayer = normalize(mean=0.50, std=2)\n", "data.p", "data",
                "\n[data.p]\nlayer = normalize\nmean = 0.5\nstd = 2\n");
}

/* Items times repetitions; 0 repetitions stand for one. */
static void test_layers_are_counted_with_their_repetitions(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.a]\nlayer = relu\nthen = relu, relu\n");
    config_node *node = make(&l, "model.a", "model");
    assert_int_equal(node_count_layers(&l, 0, NULL), ODEON_OK);
    assert_int_equal(node_count_layers(&l, 1, &node), ODEON_OK);
    node->repeat = CONFIG_MAX_LAYERS / 3; /* 65535 layers */
    assert_int_equal(node_count_layers(&l, 1, &node), ODEON_OK);
    node->repeat++;
    config_files_expect(node_count_layers(&l, 1, &node), ODEON_ERR_CONFIG,
                        "t.ini:1: [model.a] with this section, 21846 times 3 layers, there are "
                        "more than the 65536 layers that are allowed in all");
    diag_clear();
    node->repeat = INT64_MAX; /* the product overflows */
    assert_int_equal(node_count_layers(&l, 1, &node), ODEON_ERR_CONFIG);
    node_destroy(node);
    config_files_end(&l);
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.a]\nlayer = dense(units=4)\nthen = relu\n");
    config_node *node = make(&l, "model.a", "model"); /* plugins are loaded now */
    node_destroy(node);
    int64_t live = mem_live_blocks(), n = 1;
    odeon_status status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && n < 200; n++) {
        node = NULL;
        mem_fail_at(n);
        status = node_create(&l, document_find(l.document, "model.a"), "model", &node);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks() > live, status == ODEON_OK);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 5);
    node_destroy(node);
    diag_clear();
    config_files_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_has_its_layer_and_those_that_follow),
        cmocka_unit_test(test_node_that_shares_has_no_layer),
        cmocka_unit_test(test_contradictions_are_refused),
        cmocka_unit_test(test_section_is_enabled_unless_it_says_no),
        cmocka_unit_test(test_node_is_printed_with_what_makes_it_again),
        cmocka_unit_test(test_layers_are_counted_with_their_repetitions),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
