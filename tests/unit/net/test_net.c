/* Chains of layers: shapes, paths, what does not fit, and that nothing which saves work changes a
 * number. */
#include "net/net.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

#define HEAD                                                                                       \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = drawn(shape=1 4 4, classes=3)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n"                  \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define TRAIN "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define ODE   "layer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"

enum { SAMPLES = 3, INPUTS = SAMPLES * 16, OUTPUTS = SAMPLES * 3 };

/* ---- shapes and paths ---- */

static void test_shapes_follow_from_the_layers_before(void **state)
{
    (void)state;
    static const char ini[] = HEAD "[model.stem]\nlayer = conv2d(filters=5, kernel=3)\n"
                                   "then = relu, avgpool(kernel=2)\n"
                                   "[model.ode]\n" ODE "[model.ode.time]\nlayer = concat_time\n"
                                   "[model.ode.a]\nlayer = conv2d(filters=state, kernel=1)\n" TAIL;
    static const struct {
        const char *path, *layer;
        int32_t depth, ndim;
        int64_t dim[3], parameters;
    } expected[] = {{"stem", "conv2d", 0, 3, {5, 2, 2}, 50},
                    {"stem.relu", "relu", 0, 3, {5, 2, 2}, 0},
                    {"stem.avgpool", "avgpool", 0, 3, {5, 1, 1}, 0},
                    {"ode", "ode", 0, 3, {5, 1, 1}, 0},
                    {"ode.time", "concat_time", 1, 3, {6, 1, 1}, 0},
                    {"ode.a", "conv2d", 1, 3, {5, 1, 1}, 35},
                    {"flat", "flatten", 0, 1, {5}, 0},
                    {"head", "dense", 0, 1, {3}, 18}};
    support_session s = support_session_open(ini, SAMPLES, NULL);
    size_t n = sizeof expected / sizeof expected[0];
    assert_int_equal(session_layer_count(s.session), n);
    for (size_t i = 0; i < n; i++) {
        session_layer layer = session_layer_at(s.session, i);
        assert_string_equal(layer.path, expected[i].path);
        assert_string_equal(layer.layer, expected[i].layer);
        assert_int_equal(layer.depth, expected[i].depth);
        assert_int_equal(layer.ndim, expected[i].ndim);
        assert_memory_equal(layer.dim, expected[i].dim, (size_t)layer.ndim * sizeof *layer.dim);
        assert_int_equal(layer.parameters, expected[i].parameters);
        assert_null(layer.shared);
    }
    assert_int_equal(session_parameter_count(s.session), 50 + 35 + 18);
    support_session_close(&s);
}

static void check_paths(const char *ini, const char *const *expected, size_t n)
{
    support_session s = support_session_open(ini, SAMPLES, NULL);
    assert_int_equal(session_parameters(s.session), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(session_parameter_at(s.session, i).path, expected[i]);
    }
    support_session_close(&s);
}

static void test_repeat_and_then_name_the_parameters(void **state)
{
    (void)state;
    static const char ini[] =
        HEAD "[model.flat]\nlayer = flatten\n"
             "[model.a]\nlayer = dense(units=4, bias=no)\nrepeat = 2\n"
             "then = tanh, dense(units=5, bias=no), dense(units=6, bias=no)\n"
             "[model.ode]\n" ODE "[model.ode.b]\nlayer = dense(units=state, bias=no)\nrepeat = 2\n"
             "[model.head]\nlayer = dense(units=classes)\n" TRAIN;
    static const char *const expected[] = {
        "a.0.weight",       "a.0.dense.weight",   "a.0.dense_2.weight", "a.1.weight",
        "a.1.dense.weight", "a.1.dense_2.weight", "ode.b.0.weight",     "ode.b.1.weight",
        "head.weight",      "head.bias"};
    check_paths(ini, expected, sizeof expected / sizeof expected[0]);
}

/* repeat = 1 is a repetition too: adding a second one renames nothing. */
static void test_one_repetition_is_numbered(void **state)
{
    (void)state;
    static const char ini[] =
        HEAD "[model.flat]\nlayer = flatten\n"
             "[model.a]\nlayer = dense(units=classes, bias=no)\nrepeat = 1\n" TRAIN;
    static const char *const expected[] = {"a.0.weight"};
    check_paths(ini, expected, 1);
}

/* ---- what does not fit ---- */

static void check_refused(const char *ini, odeon_status status, const char *const *words)
{
    support_session s;
    int64_t live = mem_live_blocks();
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), status);
    assert_int_equal(mem_live_blocks(), live);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strstr(diag_message(), words[i]) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), words[i]);
        }
    }
}

static void test_misfit_names_both_layers_and_shapes(void **state)
{
    (void)state;
    const char *const dense[] = {"head: dense", "flatten", "[5, 2, 2]", "layer stem.relu (relu)",
                                 NULL};
    check_refused(HEAD "[model.stem]\nlayer = conv2d(filters=5, kernel=3)\nthen = relu\n"
                       "[model.head]\nlayer = dense(units=classes)\n" TRAIN,
                  ODEON_ERR_CONFIG, dense);
    const char *const conv[] = {"stem: conv2d", "network's, [1, 4, 4]", NULL};
    check_refused(HEAD "[model.stem]\nlayer = conv2d(filters=5, kernel=7)\n" TAIL, ODEON_ERR_CONFIG,
                  conv);
    const char *const body[] = {"ode.a: dense", "[1, 4, 4]", "input", "layer ode (ode)", NULL};
    check_refused(HEAD "[model.ode]\n" ODE "[model.ode.a]\nlayer = dense(units=state)\n" TAIL,
                  ODEON_ERR_CONFIG, body);
}

static void test_two_layers_of_one_path_are_refused(void **state)
{
    (void)state;
    const char *const words[] = {"ode.dense.weight: two layers have this path", NULL};
    check_refused(HEAD "[model.flat]\nlayer = flatten\n"
                       "[model.ode]\n" ODE "then = dense(units=classes)\n"
                       "[model.ode.dense]\nlayer = dense(units=state)\n" TRAIN,
                  ODEON_ERR_CONFIG, words);
}

static void test_container_without_a_body_is_refused(void **state)
{
    (void)state;
    const char *const words[] = {"[model.ode] ode is made of nested sections", "there is none",
                                 NULL};
    check_refused(HEAD "[model.ode]\n" ODE TAIL, ODEON_ERR_CONFIG, words);
}

static void test_body_of_a_leaf_is_refused(void **state)
{
    (void)state;
    const char *const words[] = {"[model.a.b] nothing can be nested in [model.a]", "relu", NULL};
    check_refused(HEAD "[model.a]\nlayer = relu\n[model.a.b]\nlayer = relu\n" TAIL,
                  ODEON_ERR_CONFIG, words);
}

static void test_body_must_keep_the_shape(void **state)
{
    (void)state;
    const char *const words[] = {"ode: dy/dt must have the shape of y", "[2, 4, 4] of [1, 4, 4]",
                                 "ode.time", NULL};
    check_refused(HEAD "[model.ode]\n" ODE "[model.ode.time]\nlayer = concat_time\n" TAIL,
                  ODEON_ERR_CONFIG, words);
}

static void test_block_within_a_block_is_refused(void **state)
{
    (void)state;
    const char *const words[] = {"ode: its body holds another ODE block", NULL};
    check_refused(HEAD "[model.ode]\n" ODE "[model.ode.inner]\n" ODE
                       "[model.ode.inner.a]\nlayer = tanh\n" TAIL,
                  ODEON_ERR_CONFIG, words);
}

static void test_sharing_needs_a_layer_above(void **state)
{
    (void)state;
    const char *const later[] = {"head", NULL};
    check_refused(HEAD "[model.flat]\nlayer = flatten\n[model.a]\nshare = model.head\n"
                       "[model.head]\nlayer = dense(units=classes)\n" TRAIN,
                  ODEON_ERR_CONFIG, later);
}

/* ---- numbers ---- */

typedef struct numbers {
    double loss, output[OUTPUTS], d_x[INPUTS];
    double *gradient;
    int64_t n;
} numbers;

/* Weights depend on paths: those of source, where given, are put in, in order. */
static numbers run(const char *ini, support_session *source)
{
    support_session s = support_session_open(ini, SAMPLES, NULL);
    numbers out;
    for (size_t i = 0; source != NULL && i < session_parameters(s.session); i++) {
        double *values =
            mem_zalloc((size_t)session_parameter_at(s.session, i).count, sizeof *values);
        support_require(session_parameter_get(source->session, i, values), "get");
        support_require(session_parameter_set(s.session, i, values), "set");
        mem_free(values);
    }
    out.loss = support_differentiate(&s, out.output, out.d_x).loss;
    out.gradient = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

/* Two networks that should be one, with the weights of the first. */
static void check_same(const char *one, const char *other)
{
    static const double rounding = 1e-13;
    support_session weights = support_session_open(one, SAMPLES, NULL);
    numbers a = run(one, &weights), b = run(other, &weights);
    support_assert_close("loss", 1, &b.loss, &a.loss, rounding);
    support_assert_close("output", OUTPUTS, b.output, a.output, rounding);
    support_assert_close("d_x", INPUTS, b.d_x, a.d_x, rounding);
    assert_int_equal(a.n, b.n);
    support_assert_close("gradients", a.n, b.gradient, a.gradient, rounding);
    assert_true(support_distance(INPUTS, a.d_x, (const double[INPUTS]){0}) > 0.0);
    mem_free(a.gradient);
    mem_free(b.gradient);
    support_session_close(&weights);
}

/* A layer that does nothing keeps the activation from becoming the epilogue of the one before. */
static void test_epilogues_change_no_number(void **state)
{
    (void)state;
    static const char *const acts[] = {"relu", "tanh", "softplus", "sigmoid"};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        char *both[2];
        for (int k = 0; k < 2; k++) {
            const char *between = k == 0 ? "" : "faulty(call=0), ";
            both[k] = mem_printf(
                HEAD "[model.a]\nlayer = conv2d(filters=3, kernel=3, padding=1)\nthen = %s%s\n"
                     "[model.ode]\n" ODE
                     "[model.ode.a]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
                     "then = %s%s\n"
                     "[model.flat]\nlayer = flatten\n"
                     "[model.b]\nlayer = dense(units=7)\nthen = %s%s, dense(units=classes)\n" TRAIN,
                between, acts[i], between, acts[i], between, acts[i]);
        }
        check_same(both[0], both[1]);
        mem_free(both[0]);
        mem_free(both[1]);
    }
}

/* Two activations in a row: the first may be an epilogue, the second may not. */
static void test_only_one_activation_is_an_epilogue(void **state)
{
    (void)state;
    check_same(HEAD
               "[model.flat]\nlayer = flatten\n"
               "[model.a]\nlayer = dense(units=7)\nthen = tanh, sigmoid, dense(units=3)\n" TRAIN,
               HEAD "[model.flat]\nlayer = flatten\n"
                    "[model.a]\nlayer = dense(units=7)\n"
                    "then = faulty(call=0), tanh, faulty(call=0), sigmoid, dense(units=3)\n" TRAIN);
}

/* A view between a product and its activation, at the start, at the end, several in a row. */
static void test_views_change_no_number(void **state)
{
    (void)state;
    check_same(HEAD "[model.a]\nlayer = conv2d(filters=3, kernel=3)\nthen = tanh, flatten\n"
                    "[model.head]\nlayer = dense(units=classes)\n" TRAIN,
               HEAD "[model.v]\nlayer = identity\n"
                    "[model.a]\nlayer = conv2d(filters=3, kernel=3)\n"
                    "then = identity, flatten, identity, tanh, identity\n"
                    "[model.head]\nlayer = dense(units=classes)\nthen = identity\n" TRAIN);
}

/* Nothing but views: y = x and dL/dx = (softmax(x) - onehot) / samples. */
static void test_network_of_views_passes_its_input_on(void **state)
{
    (void)state;
    static const char ini[] = "[run]\nname = test\ndevice = reference\ndtype = float64\n"
                              "workers = 1\n[data]\ndataset = drawn(shape=1 3, classes=3)\n"
                              "[model.v]\nlayer = flatten\nthen = identity\n" TRAIN;
    support_session s = support_session_open(ini, SAMPLES, NULL);
    double output[OUTPUTS], d_x[OUTPUTS], expected[OUTPUTS];
    (void)support_differentiate(&s, output, d_x);
    assert_memory_equal(output, s.x, sizeof output);
    for (int b = 0; b < SAMPLES; b++) {
        double sum = exp(s.x[3 * b]) + exp(s.x[3 * b + 1]) + exp(s.x[3 * b + 2]);
        for (int k = 0; k < 3; k++) {
            expected[3 * b + k] =
                (exp(s.x[3 * b + k]) / sum - (s.labels[b] == k ? 1.0 : 0.0)) / SAMPLES;
        }
    }
    support_assert_close("d_x", OUTPUTS, d_x, expected, 1e-14);
    support_session_close(&s);
}

/* y' = y by a body that costs nothing. */
static void test_body_of_views_is_the_exponential(void **state)
{
    (void)state;
    static const char ini[] = "[run]\nname = test\ndevice = reference\ndtype = float64\n"
                              "workers = 1\n[data]\ndataset = drawn(shape=3, classes=3)\n"
                              "[model.ode]\nlayer = ode(steps=40)\nintegrator = dopri5\n"
                              "gradient = direct\n[model.ode.v]\nlayer = identity\n" TRAIN;
    support_session s = support_session_open(ini, SAMPLES, NULL);
    double output[OUTPUTS], expected[OUTPUTS];
    (void)support_differentiate(&s, output, NULL);
    for (int i = 0; i < OUTPUTS; i++) {
        expected[i] = exp(1.0) * s.x[i];
    }
    support_assert_close("y(1)", OUTPUTS, output, expected, 1e-10);
    support_session_close(&s);
}

/* ---- sharing ---- */

static const char unshared[] =
    HEAD "[model.flat]\nlayer = flatten\n[model.in]\n"
         "layer = dense(units=6)\nthen = tanh\n"
         "[model.a]\nlayer = dense(units=6)\nthen = tanh\n"
         "[model.b]\nlayer = dense(units=6)\n[model.c]\nlayer = softplus\n"
         "[model.head]\nlayer = dense(units=classes)\n" TRAIN;
static const char shared[] = HEAD "[model.flat]\nlayer = flatten\n[model.in]\n"
                                  "layer = dense(units=6)\nthen = tanh\n"
                                  "[model.a]\nlayer = dense(units=6)\nthen = tanh\n"
                                  "[model.b]\nshare = model.a\n[model.c]\nlayer = softplus\n"
                                  "[model.head]\nlayer = dense(units=classes)\n" TRAIN;

static double *tensor_of(support_session *s, const char *path, bool gradient, int64_t *n)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        session_parameter p = session_parameter_at(s->session, i);
        if (strcmp(p.path, path) == 0) {
            double *out = mem_zalloc((size_t)p.count, sizeof *out);
            support_require(gradient ? session_gradient_get(s->session, i, out)
                                     : session_parameter_get(s->session, i, out),
                            path);
            *n = p.count;
            return out;
        }
    }
    fail_msg("no tensor %s", path);
    return NULL;
}

static void give(support_session *s, const char *path, const double *values)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        if (strcmp(session_parameter_at(s->session, i).path, path) == 0) {
            support_require(session_parameter_set(s->session, i, values), path);
        }
    }
}

/* The gradient of what two layers use is the sum of what each would get alone. */
static void test_shared_parameters_gather_from_both_users(void **state)
{
    (void)state;
    static const char *const names[] = {"weight", "bias"};
    support_session two = support_session_open(unshared, SAMPLES, NULL);
    support_session one = support_session_open(shared, SAMPLES, NULL);
    assert_int_equal(session_parameters(one.session), session_parameters(two.session) - 2);
    for (int k = 0; k < 2; k++) { /* b starts as a, as it does where it is shared */
        int64_t n;
        char *a = mem_printf("a.%s", names[k]), *b = mem_printf("b.%s", names[k]);
        double *values = tensor_of(&two, a, false, &n);
        give(&two, b, values);
        mem_free(values);
        mem_free(a);
        mem_free(b);
    }
    double apart = support_differentiate(&two, NULL, NULL).loss;
    double together = support_differentiate(&one, NULL, NULL).loss;
    support_assert_close("loss", 1, &together, &apart, 1e-14);
    for (int k = 0; k < 2; k++) {
        int64_t n;
        char *a = mem_printf("a.%s", names[k]), *b = mem_printf("b.%s", names[k]);
        double *sum = tensor_of(&two, a, true, &n), *other = tensor_of(&two, b, true, &n);
        double *got = tensor_of(&one, a, true, &n);
        for (int64_t i = 0; i < n; i++) {
            sum[i] += other[i];
        }
        support_assert_close(a, n, got, sum, 1e-13);
        mem_free(sum);
        mem_free(other);
        mem_free(got);
        mem_free(a);
        mem_free(b);
    }
    assert_string_equal(session_layer_at(one.session, 5).shared, "a");
    assert_int_equal(session_layer_at(one.session, 5).parameters, 0);
    support_session_close(&one);
    support_session_close(&two);
}

/* A field that borrows from a layer outside of it: direct and adjoint give the lender its part. */
static void test_body_may_share_with_a_layer_outside(void **state)
{
    (void)state;
    static const char ini[] = HEAD "[model.flat]\nlayer = flatten\n[model.in]\n"
                                   "layer = dense(units=6)\nthen = tanh\n"
                                   "[model.a]\nlayer = dense(units=6)\nthen = tanh\n"
                                   "[model.ode]\nlayer = ode(steps=200)\nintegrator = rk4\n"
                                   "gradient = direct\n"
                                   "[model.ode.own]\nlayer = dense(units=state)\nthen = tanh\n"
                                   "[model.ode.b]\nshare = model.a\n"
                                   "[model.head]\nlayer = dense(units=classes)\n" TRAIN;
    const char *adjoint[] = {"model.ode.gradient=adjoint", NULL};
    support_session a = support_session_open(ini, SAMPLES, NULL);
    support_session b = support_session_open(ini, SAMPLES, adjoint);
    int64_t n;
    (void)support_differentiate(&a, NULL, NULL);
    (void)support_differentiate(&b, NULL, NULL);
    double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
    support_assert_close("gradients", n, h, g, 1e-8); /* h^4 of either solve */
    mem_free(g);
    mem_free(h);
    support_session_close(&a);
    support_session_close(&b);
}

/* ---- training and evaluation ---- */

/* A layer for training alone breaks there and is absent from evaluation. */
static void test_train_only_layers_are_left_out_of_evaluation(void **state)
{
    (void)state;
    static const char ini[] = HEAD "[model.a]\nlayer = conv2d(filters=2, kernel=3)\n"
                                   "then = faulty(train_only=yes, call=1, calls=9), tanh\n" TAIL;
    static const char without[] =
        HEAD "[model.a]\nlayer = conv2d(filters=2, kernel=3)\nthen = tanh\n" TAIL;
    static const int64_t indices[SAMPLES] = {0, 1, 2};
    support_session s = support_session_open(ini, SAMPLES, NULL);
    support_session t = support_session_open(without, SAMPLES, NULL);
    data_source *source = support_batch_source(&s);
    session_result a, b;
    support_require(session_evaluate(s.session, source, SAMPLES, indices, &a), "evaluate");
    support_require(session_evaluate(t.session, source, SAMPLES, indices, &b), "evaluate");
    assert_true(a.loss == b.loss && isnan(a.grad_norm));
    assert_int_equal(support_differentiate_try(&s, &a), ODEON_ERR_DEVICE);
    data_close(source);
    support_session_close(&s);
    support_session_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_follow_from_the_layers_before),
        cmocka_unit_test(test_repeat_and_then_name_the_parameters),
        cmocka_unit_test(test_one_repetition_is_numbered),
        cmocka_unit_test(test_misfit_names_both_layers_and_shapes),
        cmocka_unit_test(test_two_layers_of_one_path_are_refused),
        cmocka_unit_test(test_container_without_a_body_is_refused),
        cmocka_unit_test(test_body_of_a_leaf_is_refused),
        cmocka_unit_test(test_body_must_keep_the_shape),
        cmocka_unit_test(test_block_within_a_block_is_refused),
        cmocka_unit_test(test_sharing_needs_a_layer_above),
        cmocka_unit_test(test_epilogues_change_no_number),
        cmocka_unit_test(test_only_one_activation_is_an_epilogue),
        cmocka_unit_test(test_views_change_no_number),
        cmocka_unit_test(test_network_of_views_passes_its_input_on),
        cmocka_unit_test(test_body_of_views_is_the_exponential),
        cmocka_unit_test(test_shared_parameters_gather_from_both_users),
        cmocka_unit_test(test_body_may_share_with_a_layer_outside),
        cmocka_unit_test(test_train_only_layers_are_left_out_of_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
