/* Sections [data.NAME]: layers that the data goes through before the model. */
#include "support_session.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { SAMPLES = 6, SIZE = 16 };

/* Images [1,4,4] and a model that tells inputs apart; transforms come between. */
#define HEAD                                                                                       \
    "[run]\nname = test\ndtype = float64\ndevice = reference\nworkers = 1\n"                       \
    "[data]\ndataset = drawn(shape=1 4 4, classes=3, length=6)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define NORMALIZE "[data.pixels]\nlayer = normalize(mean=0.25, std=2)\n"

static const int64_t all[SAMPLES] = {0, 1, 2, 3, 4, 5};

static support_session open_session(const char *ini)
{
    return support_session_open(ini, SAMPLES, NULL);
}

static void assert_refused(const char *ini, const char *message)
{
    support_session s;
    odeon_status status = support_session_try(ini, SAMPLES, NULL, &s);
    if (status != ODEON_ERR_CONFIG || strstr(diag_message(), message) == NULL) {
        fail_msg("expected '%s', got %d '%s'", message, (int)status, diag_message());
    }
}

/* Makes the session's own batch that of the data set, as scale * x + shift. */
static void take_data(support_session *s, double scale, double shift)
{
    float x[SAMPLES * SIZE];
    data_source *source = support_batch_source(s);
    support_require(data_batch(source, SAMPLES, all, (void *[DATA_ROLES]){x, s->labels}), "batch");
    for (size_t i = 0; i < SAMPLES * SIZE; i++) {
        s->x[i] = scale * (double)x[i] + shift;
    }
    data_close(source);
}

static double evaluated_loss(support_session *s)
{
    session_result result;
    data_source *source = support_batch_source(s);
    support_require(session_evaluate(s->session, source, SAMPLES, all, &result), "evaluate");
    data_close(source);
    return result.loss;
}

static double trained_loss(support_session *s)
{
    session_result result;
    data_source *source = support_batch_source(s);
    support_require(session_train(s->session, source, SAMPLES, all, 1, 1, 1.0, &result), "train");
    data_close(source);
    return result.loss;
}

static double given_loss(support_session *s)
{
    return support_differentiate(s, NULL, NULL).loss;
}

static double relative(double value, double expected)
{
    return fabs(value - expected) / fabs(expected);
}

/* ---- configuration ---- */

static void test_transforms_stand_in_file_order(void **state)
{
    (void)state;
    support_session s = open_session(HEAD "[data.z]\nlayer = relu\nthen = tanh\n" TAIL
                                          "[data.a]\nlayer = identity\nrepeat = 2\n");
    const config *c = s.config;
    assert_int_equal(c->n_data_nodes, 2);
    assert_string_equal(c->data_nodes[0]->path, "z");
    assert_int_equal(c->data_nodes[0]->n_items, 2);
    assert_string_equal(c->data_nodes[0]->items[1]->component->id, "tanh");
    assert_string_equal(c->data_nodes[1]->path, "a");
    assert_int_equal(c->data_nodes[1]->repeat, 2);
    assert_int_equal(c->n_nodes, 1);
    support_session_close(&s);
}

static void test_disabled_transform_is_left_out(void **state)
{
    (void)state;
    support_session s = open_session(HEAD "[data.a]\nlayer = none\nenabled = no\n" TAIL);
    assert_int_equal(s.config->n_data_nodes, 0);
    support_session_close(&s);
}

static void test_effective_holds_transforms(void **state)
{
    (void)state;
    support_session s =
        open_session(HEAD NORMALIZE "then = relu\nrepeat = 2\n"
                                    "[data.off]\nlayer = relu\nenabled = no\n" TAIL);
    assert_non_null(strstr(s.config->effective,
                           "\n[data.pixels]\nlayer = normalize\nmean = 0.25\nstd = 2\nthen = relu\n"
                           "repeat = 2\n\n[model.flat]\n"));
    assert_null(strstr(s.config->effective, "data.off"));
    support_session again = open_session(s.config->effective);
    assert_string_equal(again.config->effective, s.config->effective);
    support_session_close(&again);
    support_session_close(&s);
}

static void test_override_reaches_a_transform(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.pixels.std=4", NULL};
    support_session s = support_session_open(HEAD NORMALIZE TAIL, SAMPLES, overrides);
    assert_non_null(strstr(s.config->effective, "\nstd = 4\n"));
    support_session_close(&s);
}

static void test_bad_transform_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAD "[data.a.b]\nlayer = relu\n" TAIL, "[data.a.b] sections [data.NAME] stand");
    assert_refused(HEAD "[data.layer]\nlayer = relu\n" TAIL, "a kind's name");
    assert_refused(HEAD "[data.]\nlayer = relu\n" TAIL, "names between the dots");
    assert_refused(HEAD "[data.a]\nthen = relu\n" TAIL, "[data.a] 'layer' must be given");
    assert_refused(HEAD "[data.a]\nlayer = relu\nshare = model.flat\n" TAIL,
                   "'share' is no key of the section");
    assert_refused(HEAD "[data.a]\nlayer = ode(integrator=rk4, gradient=direct, steps=1)\n" TAIL,
                   "[data.a] ode is made of nested sections and can stand in [model.*] only");
    assert_refused(HEAD
                   "[data.a]\nlayer = relu\nthen = ode(integrator=rk4, gradient=direct)\n" TAIL,
                   "[data.a] ode is made of nested sections");
}

static void test_transform_with_parameters_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAD "[data.a]\nlayer = groupnorm(groups=1)\n" TAIL,
                   "data.a.weight: nothing trains the layers of [data.*]");
    support_session s =
        open_session(HEAD "[data.a]\nlayer = groupnorm(groups=1, affine=no)\n" TAIL);
    support_session_close(&s);
}

static void test_transform_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_refused(HEAD "[data.a]\nlayer = avgpool(kernel=9)\n" TAIL, "data.a: avgpool");
    assert_refused(HEAD "[data.a]\nlayer = flatten\n"
                        "[model.c]\nlayer = conv2d(filters=2, kernel=3)\n" TAIL,
                   "conv2d");
}

static void test_transform_of_training_alone_must_keep_the_shape(void **state)
{
    (void)state;
    assert_refused(HEAD "[data.a]\nlayer = doubled(flat=yes)\n" TAIL,
                   "[16] in training and [1, 4, 4] in evaluation");
}

/* ---- what they do ---- */

/* Both losses come from the same numbers through the same operators: one rounding of the shift. */
static void test_evaluation_goes_through_transforms(void **state)
{
    (void)state;
    support_session s = open_session(HEAD NORMALIZE TAIL);
    take_data(&s, 0.5, -0.125);
    assert_true(relative(evaluated_loss(&s), given_loss(&s)) <= 1e-15);
    support_session_close(&s);
}

static void test_training_goes_through_transforms(void **state)
{
    (void)state;
    support_session s = open_session(HEAD NORMALIZE TAIL);
    take_data(&s, 0.5, -0.125);
    double expected = given_loss(&s);
    assert_true(relative(trained_loss(&s), expected) <= 1e-15);
    support_session_close(&s);
}

static void test_given_batch_passes_transforms_by(void **state)
{
    (void)state;
    support_session with = open_session(HEAD NORMALIZE TAIL), without = open_session(HEAD TAIL);
    assert_true(given_loss(&with) == given_loss(&without));
    support_session_close(&with);
    support_session_close(&without);
}

/* From the data set, from numbers as it stores them, and from what the model takes. */
static void test_prediction_goes_through_transforms(void **state)
{
    (void)state;
    enum { OUTPUTS = SAMPLES * 3 };
    support_session s = open_session(HEAD NORMALIZE TAIL);
    float stored[SAMPLES * SIZE];
    double by_index[OUTPUTS], by_stored[OUTPUTS], by_input[OUTPUTS];
    data_source *source = support_batch_source(&s);
    support_require(data_batch(source, SAMPLES, all, (void *[DATA_ROLES]){stored, s.labels}),
                    "batch");
    take_data(&s, 0.5, -0.125);
    session_samples samples = {.n = SAMPLES, .source = source, .indices = all};
    support_require(session_predict(s.session, &samples, by_index, NULL), "predict");
    samples = (session_samples){.n = SAMPLES, .stored = stored};
    support_require(session_predict(s.session, &samples, by_stored, NULL), "predict");
    samples = (session_samples){.n = SAMPLES, .given = {s.x}};
    support_require(session_predict(s.session, &samples, by_input, NULL), "predict");
    assert_memory_equal(by_stored, by_index, sizeof by_index);
    support_assert_close("output", OUTPUTS, by_input, by_index, 1e-15);
    data_close(source);
    support_session_close(&s);
}

static void test_layer_of_training_alone_rests_in_evaluation(void **state)
{
    (void)state;
    support_session s = open_session(HEAD "[data.a]\nlayer = doubled\n" TAIL);
    take_data(&s, 1.0, 0.0);
    assert_true(evaluated_loss(&s) == given_loss(&s));
    take_data(&s, 2.0, 0.0);
    double doubled = given_loss(&s);
    assert_true(trained_loss(&s) == doubled);
    support_session_close(&s);
}

static void test_model_begins_with_the_shape_that_transforms_make(void **state)
{
    (void)state;
    support_session s = open_session(HEAD "[data.small]\nlayer = avgpool(kernel=2)\n" TAIL);
    odeon_shape input = session_input(s.session);
    assert_int_equal(odeon_count(&input), 4);
    assert_string_equal(session_layer_at(s.session, 0).path, "data.small");
    assert_string_equal(session_layer_at(s.session, 1).path, "flat");
    assert_int_equal(session_layer_count(s.session), 3);
    assert_int_equal(session_parameter_count(s.session), 4 * 3 + 3);
    assert_true(evaluated_loss(&s) > 0.0);
    support_session_close(&s);
}

/* Workers differ in the order of a sum over the batch. */
static void test_workers_transform_their_slices(void **state)
{
    (void)state;
    static const char *const overrides[] = {"run.workers=4", "run.device=remote", NULL};
    support_session one = open_session(HEAD NORMALIZE TAIL);
    support_session four = support_session_open(HEAD NORMALIZE TAIL, SAMPLES, overrides);
    assert_true(relative(trained_loss(&four), trained_loss(&one)) <= 1e-14);
    assert_true(relative(evaluated_loss(&four), evaluated_loss(&one)) <= 1e-14);
    support_session_close(&one);
    support_session_close(&four);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transforms_stand_in_file_order),
        cmocka_unit_test(test_disabled_transform_is_left_out),
        cmocka_unit_test(test_effective_holds_transforms),
        cmocka_unit_test(test_override_reaches_a_transform),
        cmocka_unit_test(test_bad_transform_is_refused),
        cmocka_unit_test(test_transform_with_parameters_is_refused),
        cmocka_unit_test(test_transform_that_does_not_fit_is_refused),
        cmocka_unit_test(test_transform_of_training_alone_must_keep_the_shape),
        cmocka_unit_test(test_evaluation_goes_through_transforms),
        cmocka_unit_test(test_training_goes_through_transforms),
        cmocka_unit_test(test_given_batch_passes_transforms_by),
        cmocka_unit_test(test_prediction_goes_through_transforms),
        cmocka_unit_test(test_layer_of_training_alone_rests_in_evaluation),
        cmocka_unit_test(test_model_begins_with_the_shape_that_transforms_make),
        cmocka_unit_test(test_workers_transform_their_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
