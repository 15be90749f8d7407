/* Nodes of the model: appended, found by path, freed, and which body a child belongs to. */
#include "config/tree.h"

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static config_node *make(const char *path)
{
    config_node *node = mem_zalloc(1, sizeof *node);
    assert_non_null(node);
    node->path = mem_strdup(path);
    return node;
}

static config_node *append(size_t *n, config_node ***list, const char *path)
{
    config_node *node = make(path);
    assert_int_equal(node_append(n, list, node), ODEON_OK);
    return node;
}

static void test_path_is_below_at_a_dot_alone(void **state)
{
    (void)state;
    assert_true(model_is_below("ode.block", "ode"));
    assert_true(model_is_below("ode.a.b", "ode.a"));
    assert_false(model_is_below("ode", "ode"));
    assert_false(model_is_below("odeblock", "ode"));
    assert_false(model_is_below("ode2.block", "ode"));
    assert_false(model_is_below("ode", "ode.block"));
}

static void test_nodes_are_found_by_path_at_any_depth(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    size_t n = 0;
    config_node **list = NULL;
    (void)append(&n, &list, "stem");
    config_node *ode = append(&n, &list, "ode");
    config_node *a = append(&ode->n_children, &ode->children, "ode.a");
    config_node *b = append(&ode->n_children, &ode->children, "ode.b");
    config_node *c = append(&b->n_children, &b->children, "ode.b.c");
    assert_int_equal(n, 2);
    assert_ptr_equal(list[1], ode);
    assert_ptr_equal(model_find(n, list, "ode"), ode);
    assert_ptr_equal(model_find(n, list, "ode.a"), a);
    assert_ptr_equal(model_find(n, list, "ode.b.c"), c);
    assert_null(model_find(n, list, "ode.c"));
    assert_null(model_find(n, list, "od"));
    assert_null(model_find(n, list, "ode.b.c.d"));
    assert_null(model_find(0, NULL, "ode"));
    nodes_destroy(n, list); /* with all that is nested */
    assert_int_equal(mem_live_blocks(), live);
    nodes_destroy(0, NULL);
}

static void test_append_that_finds_no_memory_leaves_the_node(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    size_t n = 0;
    config_node **list = NULL, *node = make("x.y");
    mem_fail_at(1);
    assert_int_equal(node_append(&n, &list, node), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "out of memory for [x.y]");
    diag_clear();
    assert_int_equal(n, 0);
    assert_null(list);
    node_destroy(node); /* still the caller's */
    assert_int_equal(mem_live_blocks(), live);
}

/* Body 0 has all children that no name claims; the last segment of the path is the name. */
static void test_children_belong_to_the_body_of_their_name(void **state)
{
    (void)state;
    static const char *const names[] = {"left", "right", NULL};
    odeon_layer_ops ops = {.bodies = ODEON_BODIES_CHAIN, .body_names = names};
    config_node *node = make("m");
    static const char *const paths[] = {"m.right", "m.left", "m.other", "m.leftmost"};
    static const size_t bodies[] = {2, 1, 0, 0};
    for (size_t i = 0; i < 4; i++) {
        (void)append(&node->n_children, &node->children, paths[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(node_body_of(&ops, node, i), bodies[i]);
    }
    ops.body_names = NULL;
    assert_int_equal(node_body_of(&ops, node, 0), 0);
    ops.bodies = ODEON_BODIES_BRANCHES; /* each child a body of its own */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(node_body_of(&ops, node, i), i);
    }
    node_destroy(node);
}

static void test_layer_has_a_body_unless_it_says_none(void **state)
{
    (void)state;
    odeon_layer_ops ops = {.bodies = ODEON_BODIES_NONE};
    odeon_component component = {.ops = &ops};
    odeon_config layer = {.component = &component};
    assert_false(node_has_body(&layer));
    ops.bodies = ODEON_BODIES_FIELD;
    assert_true(node_has_body(&layer));
    ops.bodies = ODEON_BODIES_BRANCHES;
    assert_true(node_has_body(&layer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_is_below_at_a_dot_alone),
        cmocka_unit_test(test_nodes_are_found_by_path_at_any_depth),
        cmocka_unit_test(test_append_that_finds_no_memory_leaves_the_node),
        cmocka_unit_test(test_children_belong_to_the_body_of_their_name),
        cmocka_unit_test(test_layer_has_a_body_unless_it_says_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
