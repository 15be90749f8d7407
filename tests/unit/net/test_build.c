/* Chains of layers as they are built: shapes, paths, sharing, what does not fit. */
#include "net/net.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "small_net.h"
#include "support_session.h"

#define HEAD                                                                                       \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = drawn(shape=1 4 4, classes=3)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n"                  \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define TRAIN "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define ODE   "layer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"

enum { SAMPLES = 3 };

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
    const char *const body[] = {"ode.a: dense", "[1, 4, 4]",
                                "its input is the input [1, 4, 4] of layer ode (ode)", NULL};
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

static void test_sharing_needs_a_layer_above(void **state)
{
    (void)state;
    const char *const later[] = {"head", NULL};
    check_refused(HEAD "[model.flat]\nlayer = flatten\n[model.a]\nshare = model.head\n"
                       "[model.head]\nlayer = dense(units=classes)\n" TRAIN,
                  ODEON_ERR_CONFIG, later);
}

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
    static const char ini[] =
        HEAD "[model.flat]\nlayer = flatten\n[model.in]\n"
             "layer = dense(units=6)\nthen = tanh\n"
             "[model.a]\nlayer = dense(units=6)\nthen = tanh\n"
             "[model.ode]\nlayer = ode(steps=200)\nintegrator = rk4\ngradient = direct\n"
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

/* ---- a network by itself ---- */

static const int64_t three[] = {3};

static void test_layers_are_listed_with_containers_before_their_bodies(void **state)
{
    (void)state;
    static const char *const paths[] = {"a", "r", "r.x", "r.y", "b"};
    small_net *s = small_net_open("[model.a]\nlayer = relu\n[model.r]\nlayer = chain\n[model.r.x]\n"
                                  "layer = relu\n[model.r.y]\nlayer = relu\n[model.b]\n"
                                  "layer = relu\n",
                                  1, three);
    assert_int_equal(s->site.n_layers, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(s->site.layers[i]->path, paths[i]);
        assert_int_equal(name_index_find(&s->site.layers_by_path, paths[i]), i);
    }
    assert_ptr_equal(s->site.layers[2]->container, s->site.layers[1]);
    assert_null(s->site.layers[0]->container);
    assert_int_equal(s->net->in.dim[0], 1);
    assert_false(s->net->holds_ode);
    small_net_close(s);
}

static void stop_at_ode(net_site *site)
{
    site->until_ode = true;
}

/* What comes behind is not built, and so need not fit. */
static void test_model_may_end_with_its_first_block(void **state)
{
    (void)state;
    odeon_status status;
    small_net *s = small_net_try_with(
        "[model.a]\nlayer = relu\n[model.o]\nlayer = ode(steps=2)\n"
        "integrator = rk4\ngradient = direct\n[model.o.f]\nlayer = tanh\n[model.c]\n"
        "layer = conv2d(filters=1, kernel=3)\n",
        1, three, stop_at_ode, &status);
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(s->net->n, 2);
    assert_true(s->net->holds_ode);
    small_net_close(s);
}

/* `state` is the number of channels at the block's start, and of a body outside of a field its own
 * input's. */
static void test_state_is_the_size_of_the_field_around(void **state)
{
    (void)state;
    small_net *s =
        small_net_open("[model.a]\nlayer = dense(units=5)\n[model.o]\n"
                       "layer = ode(steps=2)\nintegrator = rk4\ngradient = direct\n[model.o.d]\n"
                       "layer = dense(units=7)\n[model.o.r]\nlayer = residual\n"
                       "[model.o.r.x]\nlayer = dense(units=7)\n[model.o.e]\n"
                       "layer = dense(units=state)\n[model.r]\nlayer = residual\n"
                       "[model.r.x]\nlayer = dense(units=state)\n",
                       1, three);
    const odeon_net *body = s->net->layers[1].bodies[0];
    assert_int_equal(body->scope.state, 5);
    assert_true(body->scope.in_field);
    assert_int_equal(body->out.dim[1], 5);
    assert_int_equal(body->layers[1].bodies[0]->scope.state, 5); /* the field's, not 7 */
    assert_int_equal(s->net->layers[2].bodies[0]->scope.state, 5);
    assert_false(s->net->layers[2].bodies[0]->scope.in_field);
    small_net_close(s);
}

static void test_seed_and_path_make_a_layers_key(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = relu\n[model.b]\nlayer = relu\n", 1, three);
    uint64_t a = s->net->layers[0].key, b = s->net->layers[1].key;
    assert_true(a != b);
    small_net_close(s);
    s = small_net_open("[model.b]\nlayer = relu\n", 1, three);
    assert_true(s->net->layers[0].key == b); /* wherever it stands */
    small_net_close(s);
}

static const char mixed[] =
    "[model.a]\nlayer = dense(units=classes)\nthen = tanh\nrepeat = 2\n"
    "[model.r]\nlayer = residual\n[model.r.x]\nlayer = dense(units=3)\n"
    "[model.s]\nshare = model.r\n[model.o]\nlayer = ode(steps=2)\n"
    "integrator = rk4\ngradient = direct\n[model.o.f]\nlayer = dense(units=state)\n";

/* Whatever fails, net_create leaves nothing but what the site's lists hold. */
static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    small_net *s = small_net_open(mixed, 1, three);
    odeon_shape in = s->net->in;
    net_destroy(s->net);
    net_site_fini(&s->site);
    params_fini(&s->params);
    s->net = NULL;
    int64_t live = mem_live_blocks(), n = 1;
    odeon_status status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && n < 500; n++) {
        net_site site = s->site;
        site.n_layers = site.n_odes = 0;
        site.layers_by_path = (name_index){0};
        mem_fail_at(n);
        status = net_create(&site, &(net_scope){.path = ""}, s->config->n_nodes, s->config->nodes,
                            &in, &s->net);
        mem_fail_at(0);
        assert_true((s->net != NULL) == (status == ODEON_OK));
        net_destroy(s->net);
        net_site_fini(&site);
        params_fini(&s->params);
        s->net = NULL;
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 40);
    diag_clear();
    net_destroy(NULL);
    small_net_close(s);
}

static void test_field_needs_features(void **state)
{
    (void)state;
    odeon_status status;
    small_net *s = small_net_try(
        "[model.o]\nlayer = ode(steps=2)\nintegrator = rk4\ngradient = direct\n[model.o.f]\n"
        "layer = tanh\n",
        0, three, &status);
    assert_int_equal(status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "o: its input has no features");
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_follow_from_the_layers_before),
        cmocka_unit_test(test_repeat_and_then_name_the_parameters),
        cmocka_unit_test(test_one_repetition_is_numbered),
        cmocka_unit_test(test_misfit_names_both_layers_and_shapes),
        cmocka_unit_test(test_two_layers_of_one_path_are_refused),
        cmocka_unit_test(test_sharing_needs_a_layer_above),
        cmocka_unit_test(test_shared_parameters_gather_from_both_users),
        cmocka_unit_test(test_body_may_share_with_a_layer_outside),
        cmocka_unit_test(test_layers_are_listed_with_containers_before_their_bodies),
        cmocka_unit_test(test_model_may_end_with_its_first_block),
        cmocka_unit_test(test_state_is_the_size_of_the_field_around),
        cmocka_unit_test(test_seed_and_path_make_a_layers_key),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_field_needs_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
