/* What a configuration owns, and its nodes by path. */
#include "config/config.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static void test_node_is_found_by_path(void **state)
{
    (void)state;
    config *c = config_files_load(NEST MODEL "[model.off]\nlayer = relu\nenabled = no\n" REST);
    assert_ptr_equal(config_find_node(c, "n"), c->nodes[0]);
    assert_ptr_equal(config_find_node(c, "n.x"), c->nodes[0]->children[0]);
    assert_ptr_equal(config_find_node(c, "a"), c->nodes[1]);
    assert_null(config_find_node(c, "off")); /* left out */
    assert_null(config_find_node(c, "x"));
    assert_null(config_find_node(c, "model.a"));
    config_destroy(c);
}

/* Every text and component that a configuration can have is its own. */
static void test_destroy_frees_all_that_is_in_it(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    static const char text[] =
        "[run]\nname = n\nout = o\n[data]\ndataset = idx(path=d)\norder = l\n[data.p]\n"
        "layer = relu\n" NEST "[model.b]\nlayer = dense(units=4)\nbias = no\n"
        "[train]\nloss = cross_entropy, mse\noptimizer = sgd(lr=1)\nschedule = cosine\n"
        "weights = w\n";
    config_destroy(config_files_load_with(text, 1, overrides)); /* plugins are loaded now */
    int64_t live = mem_live_blocks();
    config *c = config_files_load_with(text, 1, overrides);
    assert_non_null(c->schedule);
    assert_int_equal(c->n_losses, 2);
    assert_int_equal(c->n_data_nodes, 1);
    assert_int_equal(c->n_dropped, 1);
    assert_true(mem_live_blocks() > live);
    config_destroy(c);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_destroy_takes_null_and_what_is_empty(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    config_destroy(NULL);
    config_destroy(mem_zalloc(1, sizeof(config)));
    assert_int_equal(mem_live_blocks(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_is_found_by_path),
        cmocka_unit_test(test_destroy_frees_all_that_is_in_it),
        cmocka_unit_test(test_destroy_takes_null_and_what_is_empty),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
