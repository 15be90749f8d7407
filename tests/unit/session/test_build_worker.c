#include "session/build_worker.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"

enum { N = 4 };

static void test_workers_share_values_and_own_the_rest(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    const worker *a = &s.session->workers[0], *b = &s.session->workers[1];
    assert_ptr_equal(a->site.values, s.session->model.values.data);
    assert_ptr_equal(b->site.values, a->site.values);
    assert_ptr_equal(a->site.grads, a->grads.data);
    assert_ptr_equal(b->site.states, b->states.data);
    assert_ptr_not_equal(a->site.grads, b->site.grads);
    assert_ptr_not_equal(a->site.states, b->site.states);
    assert_ptr_not_equal(a->site.lane.queue, b->site.lane.queue);
    assert_true(a->site.first && !b->site.first);
    assert_int_equal(b->rank, 1);
    support_session_close(&s);
}

/* The second worker's network finds the parameters that the first one's has listed. */
static void test_only_the_first_worker_lists_parameters(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    assert_int_equal(s.session->model.params.n, 4);
    assert_int_equal(s.session->model.params.count, 9 + 3 + 6 + 2);
    const worker *w = s.session->workers;
    assert_int_equal(w[0].net->layers[0].index[0], w[1].net->layers[0].index[0]);
    support_session_close(&s);
}

static void test_losses_and_optimizer_are_each_workers_own(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    const worker *a = &s.session->workers[0], *b = &s.session->workers[1];
    assert_int_equal(a->n_losses, 1);
    assert_ptr_not_equal(a->losses[0], b->losses[0]);
    assert_ptr_not_equal(a->optimizer, b->optimizer);
    support_session_close(&s);
}

static void test_a_model_until_its_ode_has_nothing_to_learn_from(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    session *flow = NULL;
    support_require(session_create_flow(s.registry, s.config, &s.fields, N, &flow), "flow");
    assert_int_equal(flow->workers[0].n_losses, 0);
    assert_null(flow->workers[0].optimizer);
    assert_int_equal(flow->workers[0].net->n, 1); /* the head is left out */
    session_destroy(flow);
    support_session_close(&s);
}

#define WITH_TRANSFORM(layer, shape)                                                               \
    "[run]\nworkers = 1\n"                                                                         \
    "[data]\ndataset = drawn(shape=" shape ", classes=2)\n"                                        \
    "[data.change]\nlayer = " layer "\n"                                                           \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

static void test_transforms_with_parameters_are_refused(void **state)
{
    (void)state;
    support_session s;
    assert_int_equal(support_session_try(WITH_TRANSFORM("dense(units=3)", "3"), N, NULL, &s),
                     ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(),
                        "data.change.weight: nothing trains the layers of [data.*]; a layer with "
                        "parameters belongs into [model.*]");
}

/* Left out of evaluation, the layer would leave the network another shape there. */
static void test_transforms_must_make_one_shape_in_both_modes(void **state)
{
    (void)state;
    support_session s;
    assert_int_equal(support_session_try(WITH_TRANSFORM("doubled(flat=yes)", "1 3"), N, NULL, &s),
                     ODEON_ERR_CONFIG);
    assert_string_equal(
        diag_message(),
        "data: the transforms make [3] in training and [1, 3] in evaluation; a layer "
        "of training alone must leave the shape");
    s = support_session_open(WITH_TRANSFORM("tanh", "3"), N, NULL);
    assert_int_equal(session_layer_count(s.session), 2);
    assert_string_equal(session_layer_at(s.session, 0).path, "data.change");
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_share_values_and_own_the_rest),
        cmocka_unit_test(test_only_the_first_worker_lists_parameters),
        cmocka_unit_test(test_losses_and_optimizer_are_each_workers_own),
        cmocka_unit_test(test_a_model_until_its_ode_has_nothing_to_learn_from),
        cmocka_unit_test(test_transforms_with_parameters_are_refused),
        cmocka_unit_test(test_transforms_must_make_one_shape_in_both_modes),
    };
    return cmocka_run_group_tests_name("build_worker", tests, NULL, NULL);
}
