#include <string.h>

#include "support_session.h"

#include "base/diag.h"

static const char ini[] =
    "[run]\nworkers = 3\n"
    "[data]\ndataset = idx(path=data, shape=1 1 3, classes=2)\n"
    "[data.pixels]\nlayer = flatten\n"
    "[model.ode]\nlayer = ode(steps=2)\nintegrator = euler\ngradient = direct\n"
    "[model.ode.f]\nlayer = dense(units=state)\n"
    "[model.out]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.25)\n";

static void assert_layer(const session *s, size_t i, const char *path, const char *id,
                         int32_t depth, int64_t parameters)
{
    session_layer layer = session_layer_at(s, i);
    assert_string_equal(layer.path, path);
    assert_string_equal(layer.layer, id);
    assert_int_equal(layer.depth, depth);
    assert_int_equal(layer.parameters, parameters);
}

static void test_layers_are_described_in_file_order(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, 4, NULL);
    assert_int_equal(session_layer_count(s.session), 4);
    assert_layer(s.session, 0, "data.pixels", "flatten", 0, 0);
    assert_layer(s.session, 1, "ode", "ode", 0, 0);
    assert_layer(s.session, 2, "ode.f", "dense", 1, 12);
    assert_layer(s.session, 3, "out", "dense", 0, 8);
    assert_int_equal(session_parameter_count(s.session), 20);
    assert_int_equal(session_output_size(s.session), 2);
    assert_int_equal(session_input(s.session).dim[1], 3);
    assert_int_equal(session_stored_bytes(s.session), 3);
    support_session_close(&s);
}

static void test_a_session_of_shapes_is_described_alike(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, 4, NULL);
    session *shapes = NULL;
    support_require(session_create_shapes(s.registry, s.config, &s.fields, 4, &shapes), "shapes");
    assert_int_equal(session_workers(shapes), 3);
    assert_int_equal(session_workers(s.session), 3);
    assert_int_equal(session_layer_count(shapes), session_layer_count(s.session));
    assert_string_equal(session_device_text(shapes), session_device_text(s.session));
    assert_int_equal(session_parameter_count(shapes), session_parameter_count(s.session));
    session_destroy(shapes);
    support_session_close(&s);
}

static void test_metrics_are_the_losses(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, 4, NULL);
    const char *name;
    session_result result = {.loss = 0.5, .metrics = {0.75}};
    assert_int_equal(session_metric_count(s.session), 1);
    assert_string_equal(session_metric_names(s.session)[0], "accuracy");
    assert_int_equal(session_headline(s.session), 0);
    assert_true(session_score(s.session, &result, &name) == 0.75);
    assert_string_equal(name, "accuracy");
    assert_true(session_learning_rate(s.session) == 0.25);
    support_session_close(&s);
}

static void test_blocks_count_what_the_last_batch_took(void **state)
{
    (void)state;
    support_session s = support_session_open(ini, 4, NULL);
    ode_counters *blocks;
    session_result result;
    support_require(support_differentiate_try(&s, &result), "differentiate");
    assert_int_equal(session_blocks(s.session, &blocks), 1);
    assert_string_equal(blocks[0].path, "ode");
    assert_int_equal(blocks[0].accepted, 2);
    assert_ptr_equal(result.blocks, blocks);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_are_described_in_file_order),
        cmocka_unit_test(test_a_session_of_shapes_is_described_alike),
        cmocka_unit_test(test_metrics_are_the_losses),
        cmocka_unit_test(test_blocks_count_what_the_last_batch_took),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
