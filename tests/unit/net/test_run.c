/* Plans of a chain and its calls: nothing that saves work changes a number. */
#include "net/net.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/device_pointwise.h"
#include "session/members.h"
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

enum { SAMPLES = 3, INPUTS = SAMPLES * 16, OUTPUTS = SAMPLES * 3 };

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

#define HEAD_CPU                                                                                   \
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"                             \
    "[data]\ndataset = drawn(shape=1 4 4, classes=3)\n"

/* On a device whose convolutions apply batch norms to what they read: outside of a block and in its
 * body, at its beginning, twice in a row, before a layer that does not, and with the function that
 * is not the last epilogue. A layer that does nothing keeps each from the convolution. */
static void test_norms_before_convolutions_change_no_number(void **state)
{
    (void)state;
    static const char *const acts[] = {"relu", "tanh", "softplus", "sigmoid", "identity"};
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        char *both[2];
        for (int k = 0; k < 2; k++) {
            const char *between = k == 0 ? "" : "faulty(call=0), ", *norm = "batchnorm, ";
            both[k] = mem_printf(
                HEAD_CPU
                "[model.z]\nlayer = batchnorm\nthen = %s conv2d(filters=3, kernel=3, padding=1), "
                "%s%s, %sconv2d(filters=2, kernel=3, padding=1), batchnorm(affine=no), "
                "%sconv2d(filters=2, kernel=1), groupnorm, relu\n"
                "[model.ode]\n" ODE "[model.ode.a]\nlayer = batchnorm\n"
                "then = %s%sconv2d(filters=4, kernel=3, padding=1), %s%s, "
                "%sconv2d(filters=state, kernel=3, padding=1)\n"
                "[model.flat]\nlayer = batchnorm\nthen = %s, flatten\n"
                "[model.b]\nlayer = dense(units=classes)\n" TRAIN,
                between, norm, acts[i], between, between, "relu, ", between, norm, acts[i], between,
                acts[i]);
        }
        check_same(both[0], both[1]);
        mem_free(both[0]);
        mem_free(both[1]);
    }
}

/* A channel of the time, first or last, that a convolution behind it does without: also behind a
 * norm that it applies. */
static void test_time_channels_before_convolutions_change_no_number(void **state)
{
    (void)state;
    static const char *const wheres[] = {"first", "last"};
    for (size_t i = 0; i < 2; i++) {
        char *both[2];
        for (int k = 0; k < 2; k++) {
            const char *between = k == 0 ? "" : "faulty(call=0), ";
            both[k] = mem_printf(
                HEAD_CPU "[model.ode]\n" ODE "[model.ode.a]\nlayer = concat_time(at=%s)\n"
                         "then = %sconv2d(filters=2, kernel=3, padding=1), batchnorm, relu, %s"
                         "concat_time(at=%s), %sconv2d(filters=state, kernel=3, padding=1)\n" TAIL,
                wheres[i], between, between, wheres[1 - i], between);
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

/* ---- plans ---- */

static const int64_t two[] = {2};

static void test_plan_is_made_once_for_a_batch_and_a_mode(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\n", 1, two);
    const net_plan *a, *b, *c;
    assert_int_equal(net_plan_for(s->net, 4, ODEON_CALL_TRAIN, &a), ODEON_OK);
    assert_int_equal(net_plan_for(s->net, 5, ODEON_CALL_TRAIN, &b), ODEON_OK);
    assert_int_equal(net_plan_for(s->net, 4, 0, &c), ODEON_OK);
    assert_true(a != b && a != c && b != c);
    assert_int_equal(a->in.dim[0], 4);
    assert_int_equal(b->out.dim[0], 5);
    assert_int_equal(c->flags, 0);
    int64_t live = mem_live_blocks();
    assert_int_equal(net_plan_for(s->net, 4, ODEON_CALL_TRAIN | ODEON_CALL_UPDATE_STATE, &b),
                     ODEON_OK); /* only the mode counts */
    assert_ptr_equal(a, b);
    assert_int_equal(mem_live_blocks(), live);
    net_plans_destroy(s->net);
    assert_null(s->net->plans);
    assert_int_equal(net_plan_for(s->net, 0, 0, &a), ODEON_OK); /* an empty slice */
    assert_int_equal(a->in.dim[0], 0);
    small_net_close(s);
}

/* A larger plan moves the scratch of all, and a smaller one finds room in it. */
static void test_plans_of_a_network_share_their_scratch(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\nthen = tanh, relu\n", 1, two);
    const net_plan *a, *b, *c, *shapes;
    assert_int_equal(net_plan_for(s->net, 8, ODEON_CALL_TRAIN, &a), ODEON_OK);
    assert_int_equal(net_plan_shapes(s->net, 2, 0, &shapes), ODEON_OK);
    assert_int_equal(net_plan_for(s->net, 9, 0, &b), ODEON_OK);
    assert_true(a->scratch == b->scratch && b->scratch == s->net->scratch);
    int64_t bytes = s->net->scratch_bytes, live = mem_live_blocks();
    assert_int_equal(bytes, b->scratch_bytes);
    assert_null(shapes->scratch);
    assert_int_equal(net_plan_for(s->net, 2, 0, &c), ODEON_OK);
    assert_true(c == shapes && c->scratch == b->scratch && s->net->scratch_bytes == bytes);
    assert_int_equal(mem_live_blocks(), live);
    small_net_close(s);
}

/* Its input is its output. */
static void test_chain_of_views_has_no_scratch(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = flatten\n", 1, two);
    const net_plan *p;
    assert_int_equal(net_plan_for(s->net, 8, 0, &p), ODEON_OK);
    assert_null(s->net->scratch);
    small_net_close(s);
}

/* dense (+ tanh as its epilogue), relu; the view is no step. */
static void test_steps_are_fused_and_views_left_out(void **state)
{
    (void)state;
    small_net *s =
        small_net_open("[model.a]\nlayer = dense(units=3)\nthen = tanh, identity, relu\n", 1, two);
    const net_plan *p;
    assert_int_equal(net_plan_for(s->net, 4, ODEON_CALL_TRAIN, &p), ODEON_OK);
    assert_int_equal(p->n, 2);
    assert_int_equal(p->steps[0].act, ODEON_UNARY_TANH);
    assert_int_equal(p->steps[1].act, ODEON_UNARY_IDENTITY);
    assert_string_equal(p->steps[1].layer->path, "a.relu");
    assert_int_equal(p->layer_flags & ODEON_LAYER_LINEAR, 0);
    assert_int_equal(p->frame_bytes % 64, 0);
    assert_int_equal(p->steps[0].out_at, 0); /* [4,3] doubles: tanh's output is read */
    assert_int_equal(p->steps[1].in_at, 0);
    assert_int_equal(p->inner_bytes, 128);
    assert_int_equal(p->in_at, 128);           /* both ends behind; dense reads its input */
    assert_int_equal(p->out_at, 192);          /* and relu its output */
    assert_int_equal(p->cells_bytes, 2 * 128); /* [4,3] doubles, rounded up to 64 */
    small_net_close(s);
}

/* The plan of a session's only batch so far. */
static const net_plan *plan_of(const support_session *s)
{
    return s->session->workers[0].net->plans;
}

/* float32: images of 3072 bytes, then of 768; the statistics of 4 channels are 64. */
static void test_norms_before_convolutions_are_kept_once(void **state)
{
    (void)state;
    support_session s = support_session_open(
        "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 1\n"
        "[data]\ndataset = drawn(shape=2 8 8, classes=3)\n"
        "[model.a]\nlayer = conv2d(filters=4, kernel=3, padding=1)\nthen = batchnorm, relu, "
        "conv2d(filters=4, kernel=3, padding=1, stride=2), batchnorm, relu\n" TAIL,
        SAMPLES, NULL);
    (void)support_differentiate(&s, NULL, NULL);
    const net_plan *p = plan_of(&s);
    assert_int_equal(p->n, 5); /* two convolutions, two norms, dense */
    assert_true(p->steps[1].is_deferred && p->steps[2].has_prologue);
    assert_false(p->steps[3].is_deferred);
    /* before each norm, behind the last */
    assert_int_equal(p->inner_bytes, 3072 + 768 + 768 + 2 * 64);
    /* cotangents: behind the norms, which work in place */
    assert_int_equal(p->cells_bytes, 3072 + 768);
    assert_int_equal(p->deferred_bytes, 64);
    support_session_close(&s);
}

/* Of three samples: y [6,28,28], behind the first convolution [16,28,28], behind the second as
 * much. The first is a small part of the work, so that direct differentiation, which has a frame
 * for every evaluation, makes it again; the adjoint has one frame. */
static void test_cheap_values_are_made_again_where_frames_are_many(void **state)
{
    (void)state;
    static const char *const gradients[] = {"direct", "adjoint"};
    for (int64_t i = 0; i < 2; i++) {
        char *ini = mem_printf(
            "[run]\nname = test\ndevice = cpu\ndtype = float32\nworkers = 1\n"
            "[data]\ndataset = drawn(shape=6 28 28, classes=3)\n"
            "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\ngradient = %s\n"
            "[model.ode.a]\nlayer = conv2d(filters=16, kernel=1)\nthen = relu, "
            "conv2d(filters=16, kernel=3, padding=1), relu, conv2d(filters=state, kernel=1)\n" TAIL,
            gradients[i]);
        support_session s = support_session_open(ini, SAMPLES, NULL);
        (void)support_differentiate(&s, NULL, NULL);
        const net_plan *p = plan_of(&s)->steps[0].layer->bodies[0]->plans;
        int64_t wide = SAMPLES * 16 * 28 * 28 * 4, narrow = SAMPLES * 6 * 28 * 28 * 4;
        assert_int_equal(p->steps[0].is_remade, i == 0);
        assert_int_equal(p->inner_bytes, (1 + i) * wide);
        assert_int_equal(p->remade_bytes, (1 - i) * wide);
        assert_int_equal(p->frame_bytes - p->inner_bytes, narrow); /* y */
        support_session_close(&s);
        mem_free(ini);
    }
}

static void test_empty_chain_keeps_nothing_and_copies(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = identity\n", 1, two);
    const net_plan *p;
    double x[] = {1.0, 2.0}, y[2] = {0.0}, d_y[] = {3.0, 4.0}, d_x[2] = {0.0};
    assert_int_equal(net_plan_for(s->net, 1, 0, &p), ODEON_OK);
    assert_int_equal(p->n, 0);
    assert_int_equal(p->frame_bytes, 64); /* some, so that there is something to allocate */
    assert_int_equal(p->layer_flags, ODEON_LAYER_LINEAR);
    small_net_forward(s, 1, x, y);
    assert_memory_equal(x, y, sizeof x);
    small_net_vjp(s, 1, d_y, d_x);
    assert_memory_equal(d_x, d_y, sizeof d_x);
    small_net_vjp(s, 1, d_y, NULL);
    small_net_close(s);
}

static void test_flags_of_layers_become_those_of_the_chain(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t flags, train;
    } cases[] = {
        {"[model.a]\nlayer = dense(units=2)\n[model.b]\nlayer = dense(units=2)\n",
         ODEON_LAYER_LINEAR, ODEON_CALL_TRAIN},
        {"[model.a]\nlayer = dropout\n", ODEON_LAYER_RANDOM, ODEON_CALL_TRAIN},
        {"[model.a]\nlayer = dropout\n", 0, 0},
        {"[model.a]\nlayer = residual\n[model.a.x]\nlayer = dropout\n", ODEON_LAYER_RANDOM,
         ODEON_CALL_TRAIN},
        {"[model.a]\nlayer = residual\n[model.a.x]\nlayer = dropout\n", 0, 0},
        {"[model.a]\nlayer = dense(units=2, time=last)\n", ODEON_LAYER_USES_T, ODEON_CALL_TRAIN}};
    const uint32_t seen = ODEON_LAYER_RANDOM | ODEON_LAYER_USES_T;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        small_net *s = small_net_open(cases[i].text, 1, two);
        const net_plan *p;
        assert_int_equal(net_plan_for(s->net, 3, cases[i].train, &p), ODEON_OK);
        assert_int_equal(p->layer_flags & seen, cases[i].flags & seen);
        if (i == 0) {
            assert_int_equal(p->layer_flags, ODEON_LAYER_LINEAR);
        }
        small_net_close(s);
    }
}

static void shapes_only(net_site *site)
{
    site->shapes_only = true;
}

static void test_plan_of_shapes_has_no_memory(void **state)
{
    (void)state;
    odeon_status status;
    const net_plan *p;
    small_net *s =
        small_net_try_with("[model.a]\nlayer = dense(units=3)\n", 1, two, shapes_only, &status);
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(net_plan_for(s->net, 1, 0, &p), ODEON_OK);
    assert_null(p->scratch);
    assert_int_equal(p->out.dim[1], 3);
    small_net_close(s);
}

static void test_plan_that_finds_no_memory_is_not_kept(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\n", 1, two);
    const net_plan *p;
    int64_t live = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 1;
    for (; status != ODEON_OK && n < 20; n++) {
        diag_clear();
        mem_fail_at(n);
        status = net_plan_for(s->net, 6, 0, &p);
        mem_fail_at(0);
        if (n <= 2) {
            assert_string_equal(diag_message(), "no memory to plan a batch of 6");
        }
        assert_true((p == NULL) == (status != ODEON_OK));
        assert_true(status == ODEON_OK || mem_live_blocks() == live);
    }
    assert_true(n > 3);
    diag_clear();
    small_net_close(s);
}

/* ---- calls ---- */

/* y = tanh(W x), by hand: d_x = W^T ((1 - y^2) d_y), d_W = ((1 - y^2) d_y) x^T. */
static void test_epilogue_is_undone_in_the_vjp(void **state)
{
    (void)state;
    small_net *s =
        small_net_open("[model.a]\nlayer = dense(units=1, bias=no)\nthen = tanh\n", 1, two);
    double *w = small_net_values(s, "a.weight");
    double x[] = {0.5, -1.0}, y, d_y = 2.0, d_x[2];
    w[0] = 0.3;
    w[1] = 0.7;
    small_net_forward(s, 1, x, &y);
    assert_true(fabs(y - tanh(0.15 - 0.7)) < 1e-15);
    small_net_vjp(s, 1, &d_y, d_x);
    double inner = (1.0 - y * y) * d_y;
    const double *g = small_net_grads(s, "a.weight");
    assert_true(fabs(d_x[0] - 0.3 * inner) < 1e-15 && fabs(d_x[1] - 0.7 * inner) < 1e-15);
    assert_true(fabs(g[0] - 0.5 * inner) < 1e-15 && fabs(g[1] + inner) < 1e-15);
    small_net_vjp(s, 1, &d_y, NULL); /* gradients are added, d_in is not wanted */
    assert_true(fabs(g[0] - inner) < 1e-15);
    small_net_close(s);
}

/* Without a frame the value is the same. */
static void test_forward_without_a_frame_gives_the_same(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=4)\nthen = tanh, dense(units=3), "
                                  "softplus\n",
                                  1, two);
    const net_plan *p;
    double x[] = {0.5, -1.0}, kept[3], plain[3];
    for (int64_t i = 0; i < s->params.trainable; i++) {
        s->values[i] = support_random(3, (uint64_t)i);
    }
    small_net_forward(s, 1, x, kept);
    assert_int_equal(net_plan_for(s->net, 1, ODEON_CALL_TRAIN, &p), ODEON_OK);
    assert_int_equal(net_forward(p, &s->call, x, plain, NULL), ODEON_OK);
    assert_memory_equal(kept, plain, sizeof kept);
    assert_int_equal(net_prepare(s->net, &s->call), ODEON_OK);
    assert_int_equal(net_prepare(NULL, &s->call), ODEON_OK);
    assert_int_equal(net_finish(NULL, &s->call), ODEON_OK);
    small_net_close(s);
}

/* Of a chain that keeps both ends the frame is written at neither, and the vjp is the same. */
static void test_ends_that_stay_are_not_copied(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=4)\nthen = tanh, dense(units=3), "
                                  "sigmoid\n",
                                  1, two);
    const net_plan *p;
    double x[] = {0.5, -1.0}, y[3], bar[] = {1.0, 2.0, -1.0}, kept[3], d_x[2], expected[2];
    for (int64_t i = 0; i < s->params.trainable; i++) {
        s->values[i] = support_random(3, (uint64_t)i);
    }
    small_net_forward(s, 1, x, kept);
    small_net_vjp(s, 1, bar, expected);
    assert_int_equal(net_plan_for(s->net, 1, ODEON_CALL_TRAIN, &p), ODEON_OK);
    assert_true(p->in_at >= p->inner_bytes && p->out_at >= p->inner_bytes);
    memset(s->frame.data, 0x5a, (size_t)p->frame_bytes);
    assert_int_equal(net_forward_at(p, &s->call, x, y, s->frame.data), ODEON_OK);
    for (int64_t i = p->inner_bytes; i < p->frame_bytes; i++) {
        assert_int_equal(s->frame.data[i], 0x5a);
    }
    assert_int_equal(net_vjp_at(p, &s->call, s->frame.data, x, y, bar, d_x, NULL), ODEON_OK);
    assert_memory_equal(y, kept, sizeof y);
    assert_memory_equal(d_x, expected, sizeof d_x);
    small_net_close(s);
}

static void test_failure_of_a_layer_ends_the_pass(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.a]\nlayer = faulty(call=2)\n[model.b]\n"
                                  "layer = faulty(in=vjp)\n",
                                  1, two);
    const net_plan *p;
    double x[] = {1.0, 2.0}, y[2], d_x[2];
    small_net_forward(s, 1, x, y);
    assert_int_equal(net_plan_for(s->net, 1, ODEON_CALL_TRAIN, &p), ODEON_OK);
    assert_int_equal(net_vjp(p, &s->call, s->frame.data, y, d_x, NULL), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "call 1 of vjp broke"));
    diag_clear();
    assert_int_equal(net_forward(p, &s->call, x, y, s->frame.data), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "call 2 of forward broke"));
    small_net_close(s);
}

/* What was overwritten, in order. */
static struct {
    const void *memory[8];
    uint64_t bytes[8];
    int n;
} poisoned;

static odeon_status note_poison(odeon_queue *queue, void *memory, uint64_t bytes)
{
    (void)queue;
    memset(memory, 0xff, bytes);
    poisoned.memory[poisoned.n % 8] = memory;
    poisoned.bytes[poisoned.n++ % 8] = bytes;
    return ODEON_OK;
}

/* On a device made for tests each call of a layer finds what it has to write overwritten, and its
 * scratch: the output, the cotangent of the input where one is wanted. */
static void test_layers_do_not_see_what_was_in_their_outputs(void **state)
{
    (void)state;
    static const odeon_device_poison table = {.struct_size = sizeof table, .poison = note_poison};
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\n", 1, two);
    double x[] = {0.5, -1.0}, y[3], bar[] = {1.0, 2.0, -1.0}, d_x[2];
    small_net_forward(s, 1, x, y);
    s->site.lane.poison = &table;
    const net_plan *p;
    assert_int_equal(net_plan_for(s->net, 1, ODEON_CALL_TRAIN, &p), ODEON_OK);
    assert_int_equal(net_forward_at(p, &s->call, x, y, s->frame.data), ODEON_OK);
    assert_int_equal(poisoned.n, 2);
    assert_ptr_equal(poisoned.memory[0], y);
    assert_int_equal(poisoned.bytes[0], sizeof y);
    assert_int_equal(poisoned.bytes[1], p->layer_scratch_bytes);
    assert_int_equal(net_vjp_at(p, &s->call, s->frame.data, x, y, bar, d_x, NULL), ODEON_OK);
    assert_int_equal(poisoned.n, 4);
    assert_ptr_equal(poisoned.memory[2], d_x);
    assert_int_equal(poisoned.bytes[2], sizeof d_x);
    assert_true(d_x[0] == d_x[0] && d_x[1] == d_x[1]); /* written, all of it */
    assert_int_equal(net_vjp_at(p, &s->call, s->frame.data, x, y, bar, NULL, NULL), ODEON_OK);
    assert_int_equal(poisoned.n, 5); /* the scratch alone */
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epilogues_change_no_number),
        cmocka_unit_test(test_norms_before_convolutions_change_no_number),
        cmocka_unit_test(test_time_channels_before_convolutions_change_no_number),
        cmocka_unit_test(test_only_one_activation_is_an_epilogue),
        cmocka_unit_test(test_views_change_no_number),
        cmocka_unit_test(test_network_of_views_passes_its_input_on),
        cmocka_unit_test(test_train_only_layers_are_left_out_of_evaluation),
        cmocka_unit_test(test_plan_is_made_once_for_a_batch_and_a_mode),
        cmocka_unit_test(test_plans_of_a_network_share_their_scratch),
        cmocka_unit_test(test_chain_of_views_has_no_scratch),
        cmocka_unit_test(test_steps_are_fused_and_views_left_out),
        cmocka_unit_test(test_norms_before_convolutions_are_kept_once),
        cmocka_unit_test(test_cheap_values_are_made_again_where_frames_are_many),
        cmocka_unit_test(test_empty_chain_keeps_nothing_and_copies),
        cmocka_unit_test(test_flags_of_layers_become_those_of_the_chain),
        cmocka_unit_test(test_plan_of_shapes_has_no_memory),
        cmocka_unit_test(test_plan_that_finds_no_memory_is_not_kept),
        cmocka_unit_test(test_epilogue_is_undone_in_the_vjp),
        cmocka_unit_test(test_forward_without_a_frame_gives_the_same),
        cmocka_unit_test(test_ends_that_stay_are_not_copied),
        cmocka_unit_test(test_failure_of_a_layer_ends_the_pass),
        cmocka_unit_test(test_layers_do_not_see_what_was_in_their_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
