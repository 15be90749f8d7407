/* Containers: layers made of the sections below them, nested, inside ODE blocks and around them.
 * Smooth layers, float64. */
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"
#include "session/members.h"
#include "support_session.h"

#define HEAD                                                                                       \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = drawn(shape=1 5 4, classes=3, length=16)\n"                                 \
    "[model.stem]\nlayer = conv2d(filters=2, kernel=3, padding=1)\nthen = softplus\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n"                  \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.01)\n"
#define FIXED "layer = ode(steps=2)\nintegrator = rk4\ngradient = direct\n"

enum { SAMPLES = 3, INPUTS = SAMPLES * 20, OUTPUTS = SAMPLES * 3 };

/* Three containers in one another, twice; a shortcut that changes the shape. */
static const char nested[] =
    HEAD "[model.block]\nlayer = residual\nrepeat = 2\n"
         "[model.block.inner]\nlayer = chain\n"
         "[model.block.inner.both]\nlayer = sum\n"
         "[model.block.inner.both.a]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\n"
         "[model.block.inner.both.b]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
         "[model.block.inner.both.c]\nlayer = identity\n"
         "[model.block.inner.norm]\nlayer = groupnorm(groups=1)\n"
         "[model.down]\nlayer = residual\nthen = tanh\n"
         "[model.down.shortcut]\nlayer = conv2d(filters=3, kernel=1, stride=2, bias=no)\n"
         "[model.down.a]\nlayer = conv2d(filters=3, kernel=3, stride=2, padding=1)\n"
         "then = softplus, conv2d(filters=3, kernel=1)\n" TAIL;

/* A field of containers, in which all bodies see the time. */
static const char within[] = HEAD
    "[model.ode]\n" FIXED "span = 0.25 1.5\n"
    "[model.ode.r]\nlayer = residual(time=100)\n" /* of no effect in here */
    "[model.ode.r.time]\nlayer = concat_time\n"
    "then = conv2d(filters=3, kernel=3, padding=1), tanh\n"
    "[model.ode.r.more]\nlayer = sum\n"
    "[model.ode.r.more.a]\nlayer = conv2d(filters=state, kernel=1)\nthen = groupnorm(groups=1)\n"
    "[model.ode.r.more.b]\nlayer = concat_time\n"
    "then = conv2d(filters=2, kernel=1), softplus\n"
    "[model.ode.r.shortcut]\nlayer = concat_time(at=first)\n"
    "then = conv2d(filters=2, kernel=1), tanh\n" TAIL;

/* A block of its own in a container's body, beside layers. */
static const char around[] =
    HEAD "[model.r]\nlayer = residual\n"
         "[model.r.a]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\n"
         "[model.r.ode]\n" FIXED "[model.r.ode.time]\nlayer = concat_time\n"
         "[model.r.ode.f]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n" TAIL;

/* Layers that meet other workers, keep running state and draw random numbers, in bodies. Without
 * biases that a batch norm takes away again, whose gradient is nothing but rounding. */
static const char coupled[] =
    HEAD "[model.r]\nlayer = residual\n"
         "[model.r.a]\nlayer = conv2d(filters=state, kernel=3, padding=1, bias=no)\n"
         "then = batchnorm, tanh, dropout(p=0.3)\n"
         "[model.ode]\n" FIXED "[model.ode.s]\nlayer = sum\n"
         "[model.ode.s.a]\n"
         "layer = conv2d(filters=state, kernel=3, padding=1, bias=no, time=first)\n"
         "then = batchnorm, softplus\n"
         "[model.ode.s.b]\nlayer = batchnorm\n" TAIL;

/* Gates, branches one behind the other, and a field of second order of a state of two channels. */
static const char joined[] =
    HEAD "[model.gate]\nlayer = product\n"
         "[model.gate.a]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\n"
         "[model.gate.b]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = sigmoid\n"
         "[model.gate.c]\nlayer = identity\n"
         "[model.join]\nlayer = concat\n"
         "[model.join.a]\nlayer = conv2d(filters=3, kernel=1)\nthen = softplus\n"
         "[model.join.b]\nlayer = identity\n"
         "[model.pick]\nlayer = select(channels=4 1)\n"
         "[model.ode]\n" FIXED "span = 0.25 1.5\n"
         "[model.ode.f]\nlayer = second_order\n"
         "[model.ode.f.time]\nlayer = concat_time\n"
         "then = conv2d(filters=2, kernel=3, padding=1), tanh, conv2d(filters=1, kernel=1)\n" TAIL;

static const char *const networks[] = {nested, within, around, joined, coupled};
enum { N_NETWORKS = 5 };

/* ---- derivatives ---- */

static void check_gradient(const char *ini)
{
    support_session s = support_session_open(ini, SAMPLES, NULL);
    double gap = support_gradient_gap(&s);
    print_message("distance to central differences %.2e\n", gap);
    assert_true(gap <= 1e-7);
    support_session_close(&s);
}

static void test_nested_containers_have_the_gradient_of_what_they_compute(void **state)
{
    (void)state;
    check_gradient(nested);
}

static void test_containers_in_a_field_have_the_gradient_of_the_solve(void **state)
{
    (void)state;
    check_gradient(within);
}

static void test_block_in_a_container_has_the_gradient_of_the_solve(void **state)
{
    (void)state;
    check_gradient(around);
}

static void test_coupled_layers_in_containers_have_their_gradient(void **state)
{
    (void)state;
    check_gradient(coupled);
}

static void test_products_and_joined_branches_have_their_gradient(void **state)
{
    (void)state;
    check_gradient(joined);
}

/* The continuous adjoint reaches the parameters of all bodies: order 4 of either solve. */
static void check_adjoint(const char *ini, const char *block, const char *gradient)
{
    char *steps = mem_printf("model.%s.steps=100", block);
    char *method = mem_printf("model.%s.gradient=%s", block, gradient);
    const char *adjoint[] = {steps, method, NULL}, *direct[] = {steps, NULL};
    support_session a = support_session_open(ini, SAMPLES, direct);
    support_session b = support_session_open(ini, SAMPLES, adjoint);
    double d_x[2][INPUTS];
    int64_t n;
    (void)support_differentiate(&a, NULL, d_x[0]);
    session_result result = support_differentiate(&b, NULL, d_x[1]);
    assert_true(result.blocks[0].evals_backward > 0);
    double *g = support_gradients(&a, &n), *h = support_gradients(&b, &n);
    print_message("%s: adjoint to direct %.2e\n", gradient, support_distance(n, h, g));
    support_assert_close("gradients", n, h, g, 1e-8);
    support_assert_close("d_x", INPUTS, d_x[1], d_x[0], 1e-8);
    mem_free(g);
    mem_free(h);
    mem_free(steps);
    mem_free(method);
    support_session_close(&a);
    support_session_close(&b);
}

static void test_adjoint_reaches_the_parameters_of_all_bodies(void **state)
{
    (void)state;
    check_adjoint(within, "ode", "adjoint");
    check_adjoint(within, "ode", "adjoint(norm=full)");
    check_adjoint(around, "r.ode", "adjoint");
    check_adjoint(joined, "ode", "adjoint");
}

/* ---- what they compute ---- */

typedef struct numbers {
    double loss, output[OUTPUTS], d_x[INPUTS];
    double *gradient;
    int64_t n;
} numbers;

/* With the weights of source, in order. */
static numbers run(const char *ini, const support_session *source)
{
    support_session s = support_session_open(ini, SAMPLES, NULL);
    numbers out;
    assert_int_equal(session_parameters(s.session), session_parameters(source->session));
    for (size_t i = 0; i < session_parameters(s.session); i++) {
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

/* Two ways to write one network, whose sums may be taken in another order. */
static void check_same(const char *one, const char *other)
{
    static const double rounding = 1e-14;
    support_session weights = support_session_open(one, SAMPLES, NULL);
    numbers a = run(one, &weights), b = run(other, &weights);
    support_assert_close("loss", 1, &b.loss, &a.loss, rounding);
    support_assert_close("output", OUTPUTS, b.output, a.output, rounding);
    support_assert_close("d_x", INPUTS, b.d_x, a.d_x, rounding);
    support_assert_close("gradients", a.n, b.gradient, a.gradient, rounding);
    assert_true(support_distance(INPUTS, a.d_x, (const double[INPUTS]){0}) > 0.0);
    mem_free(a.gradient);
    mem_free(b.gradient);
    support_session_close(&weights);
}

#define FIELD(path)                                                                                \
    "[model." path ".a]\nlayer = concat_time\nthen = conv2d(filters=state, kernel=3, padding=1)\n" \
    "[model." path ".b]\nlayer = groupnorm(groups=1)\nthen = tanh\n"

/* Euler's step of size 1 from t = 0.5. */
static void test_residual_is_one_step_of_euler(void **state)
{
    (void)state;
    check_same(HEAD "[model.b]\nlayer = ode(steps=1, span=0.5 1.5)\nintegrator = euler\n"
                    "gradient = direct\n" FIELD("b") TAIL,
               HEAD "[model.b]\nlayer = residual(time=0.5)\n" FIELD("b") TAIL);
}

static void test_chain_is_its_layers_in_a_row(void **state)
{
    (void)state;
    static const char layers[] = "layer = conv2d(filters=3, kernel=1)\nthen = tanh, softplus\n";
    char *flat = mem_printf("%s[model.a]\n%s[model.b]\n%s%s", HEAD, layers, layers, TAIL);
    char *deep = mem_printf("%s[model.c]\nlayer = chain\n[model.c.a]\n%s[model.c.d]\n"
                            "layer = chain\n[model.c.d.b]\n%s%s",
                            HEAD, layers, layers, TAIL);
    check_same(flat, deep);
    mem_free(flat);
    mem_free(deep);
}

/* With a branch that passes its input on, and as a shortcut of nothing but a view. */
static void test_sum_and_shortcut_are_the_residual(void **state)
{
    (void)state;
    static const char conv[] = "layer = conv2d(filters=2, kernel=3, padding=1)\nthen = tanh\n";
    char *plain = mem_printf("%s[model.r]\nlayer = residual\n[model.r.a]\n%s%s", HEAD, conv, TAIL);
    char *sum = mem_printf("%s[model.r]\nlayer = sum\n[model.r.x]\nlayer = identity\n"
                           "[model.r.a]\n%s%s",
                           HEAD, conv, TAIL);
    char *shortcut = mem_printf("%s[model.r]\nlayer = residual\n[model.r.shortcut]\n"
                                "layer = identity\n[model.r.a]\n%s%s",
                                HEAD, conv, TAIL);
    check_same(plain, sum);
    check_same(plain, shortcut);
    mem_free(plain);
    mem_free(sum);
    mem_free(shortcut);
}

static void test_sum_of_one_branch_is_that_branch(void **state)
{
    (void)state;
    check_same(HEAD "[model.s]\nlayer = chain\n[model.s.a]\nlayer = tanh\n" TAIL,
               HEAD "[model.s]\nlayer = sum\n[model.s.a]\nlayer = tanh\n" TAIL);
}

/* (v, f) is the state's second half with f behind it. */
static void test_second_order_is_the_velocity_with_the_acceleration(void **state)
{
    (void)state;
#define ACCELERATION "layer = conv2d(filters=1, kernel=3, padding=1)\nthen = tanh\n"
    check_same(HEAD "[model.s]\nlayer = second_order\n[model.s.f]\n" ACCELERATION TAIL,
               HEAD "[model.s]\nlayer = concat\n[model.s.v]\nlayer = select(channels=1)\n"
                    "[model.s.f]\n" ACCELERATION TAIL);
}

/* x^3, as a product of three branches and as a power. */
static void test_product_of_branches_is_a_power(void **state)
{
    (void)state;
    check_same(HEAD "[model.p]\nlayer = product\n[model.p.a]\nlayer = identity\n"
                    "[model.p.b]\nlayer = identity\n[model.p.c]\nlayer = identity\n" TAIL,
               HEAD "[model.p]\nlayer = power(exponent=3)\n" TAIL);
}

/* ---- parameters, paths, shapes ---- */

static void test_parameters_are_named_by_path_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const char *const expected[] = {"stem.weight",
                                           "stem.bias",
                                           "block.0.inner.both.a.weight",
                                           "block.0.inner.both.a.bias",
                                           "block.0.inner.both.b.weight",
                                           "block.0.inner.both.b.bias",
                                           "block.0.inner.norm.weight",
                                           "block.0.inner.norm.bias",
                                           "block.1.inner.both.a.weight",
                                           "block.1.inner.both.a.bias",
                                           "block.1.inner.both.b.weight",
                                           "block.1.inner.both.b.bias",
                                           "block.1.inner.norm.weight",
                                           "block.1.inner.norm.bias",
                                           "down.shortcut.weight",
                                           "down.a.weight",
                                           "down.a.bias",
                                           "down.a.conv2d.weight",
                                           "down.a.conv2d.bias",
                                           "head.weight",
                                           "head.bias"};
    support_session s = support_session_open(nested, SAMPLES, NULL);
    size_t n = sizeof expected / sizeof expected[0];
    assert_int_equal(session_parameters(s.session), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(session_parameter_at(s.session, i).path, expected[i]);
    }
    support_session_close(&s);
}

static void test_layers_are_listed_with_their_depth(void **state)
{
    (void)state;
    static const struct {
        const char *path, *layer;
        int32_t depth;
    } expected[] = {{"stem", "conv2d", 0},
                    {"stem.softplus", "softplus", 0},
                    {"r", "residual", 0},
                    {"r.a", "conv2d", 1},
                    {"r.a.tanh", "tanh", 1},
                    {"r.ode", "ode", 1},
                    {"r.ode.time", "concat_time", 2},
                    {"r.ode.f", "conv2d", 2},
                    {"r.ode.f.tanh", "tanh", 2},
                    {"flat", "flatten", 0},
                    {"head", "dense", 0}};
    support_session s = support_session_open(around, SAMPLES, NULL);
    size_t n = sizeof expected / sizeof expected[0];
    assert_int_equal(session_layer_count(s.session), n);
    for (size_t i = 0; i < n; i++) {
        session_layer layer = session_layer_at(s.session, i);
        assert_string_equal(layer.path, expected[i].path);
        assert_string_equal(layer.layer, expected[i].layer);
        assert_int_equal(layer.depth, expected[i].depth);
    }
    support_session_close(&s);
}

static void check_refused(const char *ini, const char *words)
{
    support_session s;
    int64_t live = mem_live_blocks();
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), ODEON_ERR_CONFIG);
    assert_int_equal(mem_live_blocks(), live);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), words);
    }
}

static void test_shapes_that_cannot_be_added_are_refused(void **state)
{
    (void)state;
    check_refused(HEAD "[model.r]\nlayer = residual\n[model.r.a]\n"
                       "layer = conv2d(filters=3, kernel=1)\n" TAIL,
                  "r: residual: the body makes [1, 3, 5, 4] of [1, 2, 5, 4]; add a section named "
                  "shortcut");
    check_refused(HEAD "[model.r]\nlayer = residual\n[model.r.a]\n"
                       "layer = conv2d(filters=3, kernel=1)\n"
                       "[model.r.shortcut]\nlayer = conv2d(filters=4, kernel=1)\n" TAIL,
                  "the body makes [1, 3, 5, 4], the shortcut [1, 4, 5, 4]");
    check_refused(HEAD "[model.s]\nlayer = sum\n[model.s.a]\nlayer = tanh\n[model.s.b]\n"
                       "layer = flatten\n" TAIL,
                  "s: sum: branch 1 makes [1, 2, 5, 4], branch 2 [1, 40]; a sum needs one shape; "
                  "its input is the output [2, 5, 4] of layer stem.softplus (softplus)");
}

static void test_shapes_that_cannot_be_joined_are_refused(void **state)
{
    (void)state;
    check_refused(HEAD "[model.p]\nlayer = product\n[model.p.a]\nlayer = tanh\n[model.p.b]\n"
                       "layer = flatten\n" TAIL,
                  "product: branch 1 makes [1, 2, 5, 4], branch 2 [1, 40]; a product needs one "
                  "shape");
    check_refused(HEAD "[model.c]\nlayer = concat\n[model.c.a]\nlayer = tanh\n[model.c.b]\n"
                       "layer = flatten\n" TAIL,
                  "concat: branch 1 makes [1, 2, 5, 4], branch 2 [1, 40]; they may differ in their "
                  "channels");
    check_refused(HEAD "[model.s]\nlayer = second_order\n[model.s.a]\nlayer = tanh\n" TAIL,
                  "second_order: of [1, 2, 5, 4], which is (y, y'), the body makes [1, 2, 5, 4]");
    check_refused(HEAD "[model.s]\nlayer = select(channels=1 2)\n" TAIL,
                  "select: channels of the input [1, 2, 5, 4] are 0 to 1, each at most once; 2 is "
                  "not one more of them");
    check_refused(HEAD "[model.s]\nlayer = select(channels=1 1)\n" TAIL, "each at most once; 1");
}

static void test_misfit_in_a_body_names_the_container(void **state)
{
    (void)state;
    check_refused(HEAD "[model.s]\nlayer = sum\n[model.s.a]\nlayer = tanh\n[model.s.b]\n"
                       "layer = conv2d(filters=2, kernel=9)\n" TAIL,
                  "its input is the input [2, 5, 4] of layer s (sum)");
}

static void test_shortcut_alone_is_no_body(void **state)
{
    (void)state;
    check_refused(
        HEAD "[model.r]\nlayer = residual\n[model.r.shortcut]\nlayer = tanh\n" TAIL,
        "[model.r] residual is made of nested sections, such as [model.r.body], and there "
        "is none");
}

static void test_block_in_a_container_in_a_block_is_refused(void **state)
{
    (void)state;
    check_refused(HEAD "[model.ode]\n" FIXED
                       "[model.ode.r]\nlayer = residual\n[model.ode.r.inner]\n" FIXED
                       "[model.ode.r.inner.a]\nlayer = tanh\n" TAIL,
                  "ode: its body holds another ODE block");
}

/* ---- sharing ---- */

static const char *const shared_paths[] = {"stem.weight", "stem.bias",     "a.in.weight",
                                           "a.in.bias",   "a.norm.weight", "a.norm.bias",
                                           "head.weight", "head.bias"};

static void check_paths(const support_session *s, const char *const *expected, size_t n)
{
    assert_int_equal(session_parameters(s->session), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(session_parameter_at(s->session, i).path, expected[i]);
    }
}

static const char shared_block[] =
    HEAD "[model.a]\nlayer = residual\n"
         "[model.a.in]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"
         "[model.a.norm]\nlayer = groupnorm(groups=2)\n[model.a.mid]\nlayer = tanh\n"
         "[model.a.again]\nshare = model.a.norm\n"
         "[model.between]\nlayer = softplus\n"
         "[model.b]\nshare = model.a\n" TAIL;

/* All that is nested in the lender is shared, what is shared in there included. */
static void test_container_can_be_shared_as_a_whole(void **state)
{
    (void)state;
    support_session s = support_session_open(shared_block, SAMPLES, NULL);
    check_paths(&s, shared_paths, sizeof shared_paths / sizeof shared_paths[0]);
    session_layer in = session_layer_at(s.session, 10), again = session_layer_at(s.session, 14);
    assert_string_equal(in.path, "b.in");
    assert_string_equal(in.shared, "a.in");
    assert_string_equal(again.path, "b.again");
    assert_string_equal(again.shared, "a.norm");
    assert_int_equal(session_parameter_count(s.session), 20 + 38 + 4 + 123);
    assert_true(support_gradient_gap(&s) <= 1e-7);
    support_session_close(&s);
}

/* It computes what a second block with the same numbers does. */
static void test_shared_container_computes_what_the_lender_does(void **state)
{
    (void)state;
    static const char *const second[] = {"b.in.weight", "b.in.bias", "b.norm.weight",
                                         "b.norm.bias"};
    static const char lent[] = "[model.b]\nshare = model.a\n";
    char text[sizeof shared_block + 400];
    size_t before = (size_t)(strstr(shared_block, lent) - shared_block);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)before, shared_block,
                   "[model.b]\nlayer = residual\n"
                   "[model.b.in]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"
                   "[model.b.norm]\nlayer = groupnorm(groups=2)\n[model.b.mid]\nlayer = tanh\n"
                   "[model.b.again]\nshare = model.b.norm\n",
                   strstr(shared_block, lent) + strlen(lent));
    support_session one = support_session_open(shared_block, SAMPLES, NULL);
    support_session two = support_session_open(text, SAMPLES, NULL);
    double output[2][OUTPUTS], values[256];
    for (size_t i = 0; i < 4; i++) { /* b starts as a, whose parameters stand from index 2 on */
        assert_string_equal(session_parameter_at(two.session, 6 + i).path, second[i]);
        support_require(session_parameter_get(one.session, 2 + i, values), "get");
        support_require(session_parameter_set(two.session, 6 + i, values), "set");
    }
    (void)support_differentiate(&one, output[0], NULL);
    (void)support_differentiate(&two, output[1], NULL);
    assert_memory_equal(output[0], output[1], sizeof output[0]);
    support_session_close(&one);
    support_session_close(&two);
}

/* Each repetition of a container shares within itself. */
static void test_sharing_within_a_repeated_container_stays_in_it(void **state)
{
    (void)state;
    static const char ini[] =
        HEAD "[model.r]\nlayer = residual\nrepeat = 2\n"
             "[model.r.c]\nlayer = chain\n"
             "[model.r.c.a]\nlayer = conv2d(filters=state, kernel=1, bias=no)\nthen = tanh\n"
             "[model.r.b]\nshare = model.r.c.a\n" TAIL;
    static const char *const expected[] = {"stem.weight",    "stem.bias",   "r.0.c.a.weight",
                                           "r.1.c.a.weight", "head.weight", "head.bias"};
    support_session s = support_session_open(ini, SAMPLES, NULL);
    check_paths(&s, expected, 6);
    assert_string_equal(session_layer_at(s.session, 6).shared, "r.0.c.a");
    assert_true(support_gradient_gap(&s) <= 1e-7);
    support_session_close(&s);
}

static void test_block_can_be_shared_as_a_whole(void **state)
{
    (void)state;
    static const char ini[] =
        HEAD "[model.ode]\n" FIXED "[model.ode.time]\nlayer = concat_time\n"
             "[model.ode.f]\nlayer = conv2d(filters=state, kernel=3, padding=1)\nthen = tanh\n"
             "[model.more]\nshare = model.ode\n" TAIL;
    support_session s = support_session_open(ini, SAMPLES, NULL);
    assert_int_equal(session_parameters(s.session), 6);
    assert_int_equal(support_differentiate(&s, NULL, NULL).n_blocks, 2);
    assert_true(support_gradient_gap(&s) <= 1e-7);
    support_session_close(&s);
}

/* ---- devices, workers, memory ---- */

static numbers run_on(const char *ini, const char *device, const char *workers,
                      const char *gradient)
{
    const char *overrides[] = {device, workers, gradient, NULL};
    support_session s = support_session_open(ini, SAMPLES, overrides);
    numbers out;
    out.loss = support_differentiate(&s, out.output, out.d_x).loss;
    out.gradient = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

/* More workers than samples have empty slices; what the device `remote` lets be overwritten, it
 * overwrites. 1e-12: sums over samples in another order. */
static void check_workers(const char *ini, const char *gradient)
{
    static const char *const devices[] = {"run.device=cpu", "run.device=remote",
                                          "run.device=remote(late=yes)"};
    static const char *const counts[] = {"run.workers=1", "run.workers=2", "run.workers=5"};
    numbers one = run_on(ini, "run.device=reference", counts[0], gradient);
    for (int i = 0; i < 9; i++) {
        numbers other = run_on(ini, devices[i % 3], counts[i / 3], gradient);
        support_assert_close("loss", 1, &other.loss, &one.loss, 1e-12);
        support_assert_close("output", OUTPUTS, other.output, one.output, 1e-12);
        support_assert_close("d_x", INPUTS, other.d_x, one.d_x, 1e-12);
        support_assert_close("gradients", one.n, other.gradient, one.gradient, 1e-12);
        mem_free(other.gradient);
    }
    mem_free(one.gradient);
}

static void test_containers_do_the_same_on_devices_and_workers(void **state)
{
    (void)state;
    for (int i = 0; i < N_NETWORKS; i++) {
        check_workers(networks[i], NULL);
    }
    check_workers(within, "model.ode.gradient=adjoint(norm=full)");
}

/* Running state in bodies moves in training, alike on all workers, and not in evaluation. */
static void test_running_state_in_containers_moves_in_training_alone(void **state)
{
    (void)state;
    static const int64_t indices[] = {7, 3, 0};
    double *before, *after[3];
    int64_t n;
    for (int k = 0; k < 3; k++) {
        static const char *const counts[] = {"run.workers=1", "run.workers=2", "run.workers=5"};
        const char *overrides[] = {counts[k], NULL};
        support_session s = support_session_open(coupled, SAMPLES, overrides);
        data_source *source = support_batch_source(&s);
        before = support_parameters(&s, &n);
        support_require(session_evaluate(s.session, source, SAMPLES, indices, NULL), "evaluate");
        after[k] = support_parameters(&s, &n);
        assert_memory_equal(before, after[k], (size_t)n * sizeof *before);
        mem_free(before);
        before = after[k];
        support_require(session_train(s.session, source, SAMPLES, indices, 1, 1, 0.0, NULL),
                        "train"); /* at a learning rate of 0 */
        after[k] = support_parameters(&s, &n);
        assert_true(support_distance(n, after[k], before) > 1e-3);
        support_assert_close("state", n, after[k], after[0], 1e-12); /* sums in another order */
        mem_free(before);
        data_close(source);
        support_session_close(&s);
    }
    for (int k = 0; k < 3; k++) {
        mem_free(after[k]);
    }
}

static int64_t allocations(const support_session *s)
{
    const odeon_device *device = s->session->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocated, live;
    counters->read(device->handle, &launches, &waits, &allocated, &live);
    return mem_total_allocs() + allocated;
}

static void check_settles(const char *ini, const char *gradient)
{
    static const int64_t indices[] = {7, 3, 0};
    const char *overrides[] = {"run.device=cpu", "run.workers=2", gradient, NULL};
    support_session s = support_session_open(ini, SAMPLES, overrides);
    data_source *source = support_batch_source(&s);
    session_result result;
    int64_t before = 0;
    for (int64_t step = 1; step <= 6; step++) {
        int64_t n = step % 2 == 0 ? SAMPLES - 1 : SAMPLES;
        support_require(session_train(s.session, source, n, indices, 1, step, 1.0, &result),
                        "train");
        support_require(session_evaluate(s.session, source, n, indices, &result), "evaluate");
        if (step > 2) {
            assert_int_equal(allocations(&s), before);
        }
        before = allocations(&s);
    }
    data_close(source);
    support_session_close(&s);
}

static void test_nothing_is_allocated_for_a_batch_size_seen_before(void **state)
{
    (void)state;
    for (int i = 0; i < N_NETWORKS; i++) {
        check_settles(networks[i], NULL);
    }
    check_settles(within, "model.ode.gradient=adjoint");
}

/* An evaluation that nothing follows keeps no frame; its numbers are those of one that does. */
static void test_evaluation_computes_what_training_does(void **state)
{
    (void)state;
    static const int64_t indices[] = {7, 3, 0};
    for (int i = 0; i < N_NETWORKS - 1; i++) { /* in the last one it does not */
        support_session s = support_session_open(networks[i], SAMPLES, NULL);
        data_source *source = support_batch_source(&s);
        session_result trained, evaluated;
        support_require(session_evaluate(s.session, source, SAMPLES, indices, &evaluated), "test");
        support_require(session_train(s.session, source, SAMPLES, indices, 1, 1, 1.0, &trained),
                        "train");
        assert_memory_equal(&evaluated.loss, &trained.loss, sizeof trained.loss);
        data_close(source);
        support_session_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_containers_have_the_gradient_of_what_they_compute),
        cmocka_unit_test(test_containers_in_a_field_have_the_gradient_of_the_solve),
        cmocka_unit_test(test_block_in_a_container_has_the_gradient_of_the_solve),
        cmocka_unit_test(test_coupled_layers_in_containers_have_their_gradient),
        cmocka_unit_test(test_products_and_joined_branches_have_their_gradient),
        cmocka_unit_test(test_second_order_is_the_velocity_with_the_acceleration),
        cmocka_unit_test(test_product_of_branches_is_a_power),
        cmocka_unit_test(test_shapes_that_cannot_be_joined_are_refused),
        cmocka_unit_test(test_adjoint_reaches_the_parameters_of_all_bodies),
        cmocka_unit_test(test_residual_is_one_step_of_euler),
        cmocka_unit_test(test_chain_is_its_layers_in_a_row),
        cmocka_unit_test(test_sum_and_shortcut_are_the_residual),
        cmocka_unit_test(test_sum_of_one_branch_is_that_branch),
        cmocka_unit_test(test_parameters_are_named_by_path_in_the_order_of_the_file),
        cmocka_unit_test(test_layers_are_listed_with_their_depth),
        cmocka_unit_test(test_shapes_that_cannot_be_added_are_refused),
        cmocka_unit_test(test_misfit_in_a_body_names_the_container),
        cmocka_unit_test(test_shortcut_alone_is_no_body),
        cmocka_unit_test(test_block_in_a_container_in_a_block_is_refused),
        cmocka_unit_test(test_container_can_be_shared_as_a_whole),
        cmocka_unit_test(test_shared_container_computes_what_the_lender_does),
        cmocka_unit_test(test_sharing_within_a_repeated_container_stays_in_it),
        cmocka_unit_test(test_block_can_be_shared_as_a_whole),
        cmocka_unit_test(test_containers_do_the_same_on_devices_and_workers),
        cmocka_unit_test(test_running_state_in_containers_moves_in_training_alone),
        cmocka_unit_test(test_nothing_is_allocated_for_a_batch_size_seen_before),
        cmocka_unit_test(test_evaluation_computes_what_training_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
