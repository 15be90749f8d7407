/* One ODE block against another implementation (PyTorch and torchdiffeq in float64): the field and
 * its vector-Jacobian products, fixed steps and their exact gradients, tight solves with both
 * gradient methods; on both devices, with one worker and with two. */
#include "fixture_session.h"

#include <math.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "session/members.h"

typedef struct field_case {
    const char *fixture;
    int64_t samples;
    const char *ini;
    /* Of tight solves. A step across a kink of ReLU makes an error of its own, in the fixture too,
     * which was made at tolerance 1e-9: its y1 is 2.85e-7 off what 4000 and 16000 steps of rk4
     * agree on. Through the steps the gradient feels it more: the fixture's own, direct and
     * adjoint, differ by 1.07e-3 (a_small's by 6.7e-4), of which three times is allowed. */
    double value, direct, adjoint;
    size_t tight_from; /* first of the setups that tight solves are tried on: thousands of steps */
} field_case;

/* Norm, function, convolution, the same norm again. */
#define NORMS(act)                                                                                 \
    "[run]\nname = test\ndtype = float64\n"                                                        \
    "[data]\ndataset = idx(path=/nowhere, shape=3 8 8, classes=2)\n"                               \
    "[model.ode]\nlayer = ode\nintegrator = tsit5\ngradient = direct\n"                            \
    "[model.ode.gn]\nlayer = groupnorm(groups=3)\nthen = " act "\n"                                \
    "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"                       \
    "[model.ode.again]\nshare = model.ode.gn\n"                                                    \
    "[model.flat]\nlayer = flatten\n"                                                              \
    "[train]\noptimizer = sgd(lr=0.1)\n"

static const field_case cases[] = {
    {.fixture = "b_small.safetensors",
     .samples = 4,
     .ini = "[run]\nname = test\ndtype = float64\n"
            "[data]\ndataset = idx(path=/nowhere, shape=1 1 30, classes=4)\n"
            "[model.flat]\nlayer = flatten\n"
            "[model.ode]\nlayer = ode\nintegrator = tsit5\ngradient = direct\n"
            "[model.ode.l1]\nlayer = dense(units=5)\nthen = relu\n"
            "[model.ode.l2]\nlayer = dense(units=5)\nthen = relu\n"
            "[model.ode.l3]\nlayer = dense(units=state)\nthen = relu\n"
            "[train]\noptimizer = sgd(lr=0.1)\n",
     .value = 1e-6,
     .direct = 3.2e-3,
     .adjoint = 2e-6},
    {.fixture = "d_iris_smooth.safetensors",
     .samples = 5,
     .ini = "[run]\nname = test\ndtype = float64\n"
            "[data]\ndataset = idx(path=/nowhere, shape=1 1 6, classes=5)\n"
            "[model.flat]\nlayer = flatten\n"
            "[model.ode]\nlayer = ode\nintegrator = tsit5\ngradient = direct\n"
            "[model.ode.time]\nlayer = concat_time(at=first)\n"
            "[model.ode.fc1]\nlayer = dense(units=10)\nthen = softplus\n"
            "[model.ode.fc2]\nlayer = dense(units=10)\nthen = softplus\n"
            "[model.ode.fc3]\nlayer = dense(units=state)\n"
            "[train]\noptimizer = sgd(lr=0.1)\n",
     .value = 1e-10,
     .direct = 1e-10,
     .adjoint = 1e-10},
    {.fixture = "a_small.safetensors",
     .samples = 2,
     .ini = NORMS("relu"),
     .value = 1e-6,
     .direct = 2.1e-3,
     .adjoint = 2e-6,
     .tight_from = 2},
    {.fixture = "a_smooth.safetensors",
     .samples = 2,
     .ini = NORMS("softplus"),
     .value = 1e-10,
     .direct = 1e-10,
     .adjoint = 1e-10},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* Devices and workers that every claim is tried on. */
static const char *const setups[][2] = {
    {"run.device=reference", "run.workers=1"},
    {"run.device=reference", "run.workers=2"},
    {"run.device=cpu", "run.workers=1"},
    {"run.device=cpu", "run.workers=2"},
};
enum { N_SETUPS = sizeof setups / sizeof setups[0], MAX_CHOICES = 4 };

/* sums of at most a hundred rounded products, in another order */
static const double rounding = 1e-13;

static const fixture_name names[] = {{"ode.", ""}, {NULL, NULL}};

static safetensors *files[N_CASES];

static int open_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        files[i] = support_fixture(cases[i].fixture);
    }
    return 0;
}

static int close_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        safetensors_destroy(files[i]);
    }
    return 0;
}

/* A session of a case with the fixture's parameters and y0; choices, of the solve, ends with NULL.
 */
static support_session open_session(size_t which, size_t setup, const char *const *choices)
{
    const field_case *c = &cases[which];
    char *loss = fixture_cotangent(files[which]);
    const char *overrides[MAX_CHOICES + 4] = {loss, setups[setup][0], setups[setup][1]};
    for (size_t i = 0; i < MAX_CHOICES && choices[i] != NULL; i++) {
        overrides[3 + i] = choices[i];
    }
    support_session s = support_session_open(c->ini, c->samples, overrides);
    mem_free(loss);
    fixture_set_parameters(&s, files[which], names);
    fixture_set_batch(&s, files[which], "y0", NULL);
    return s;
}

/* What a solve of the block gives, and how far it is from the fixture's. */
typedef struct solve_gaps {
    double value, d_y0;
    fixture_gaps gradients; /* of parameters, and of y0 */
} solve_gaps;

/* Distances from "TAG/y1", "TAG/grad_y0SUFFIX" and, where with_parameters, "TAG/grad_paramSUFFIX/".
 */
static solve_gaps measure(size_t which, size_t setup, const char *const *choices, const char *tag,
                          const char *suffix, bool with_parameters)
{
    const safetensors *file = files[which];
    support_session s = open_session(which, setup, choices);
    int64_t n = s.n * s.input_size;
    double *y1 = mem_zalloc((size_t)n, sizeof *y1), *d_y0 = mem_zalloc((size_t)n, sizeof *d_y0);
    char *y1_name = mem_printf("%s/y1", tag), *y0_name = mem_printf("%s/grad_y0%s", tag, suffix);
    char *prefix = mem_printf("%s/grad_param%s/", tag, suffix);
    solve_gaps gaps = {.gradients = {.worst = 0.0}};
    (void)support_differentiate(&s, y1, d_y0);
    gaps.value = fixture_distance(file, y1_name, n, y1);
    gaps.d_y0 = fixture_distance(file, y0_name, n, d_y0);
    if (with_parameters) {
        gaps.gradients = fixture_gradients(&s, file, names, prefix, d_y0, y0_name);
    }
    mem_free(prefix);
    mem_free(y0_name);
    mem_free(y1_name);
    mem_free(d_y0);
    mem_free(y1);
    support_session_close(&s);
    return gaps;
}

static void at_most(const char *what, size_t which, size_t setup, double gap, double allowed)
{
    if (!(gap <= allowed)) { /* written so that NaN fails */
        fail_msg("%s: %s, %s %s: distance %.3g, allowed %.3g", cases[which].fixture, what,
                 setups[setup][0], setups[setup][1], gap, allowed);
    }
}

/* ---- one evaluation of the field ---- */

/* The block's body at t = 0.3 on worker 0, outside of any solve. */
typedef struct body_run {
    support_session session;
    worker *worker;
    const net_plan *plan;
    odeon_layer_call call;
    odeon_tensor t, d_t, y, dy, cot, d_y;
    device_buffer memory[7];
    size_t n_memory;
} body_run;

static void *device_room(body_run *b, int64_t bytes)
{
    device_buffer *r = &b->memory[b->n_memory++];
    if (buffer_fit(b->worker->site.lane.device, r, bytes) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r->data;
}

static odeon_tensor send(body_run *b, int64_t n, const double *values)
{
    const odeon_shape shape = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}};
    const device_lane *lane = &b->worker->site.lane;
    uint64_t bytes = (uint64_t)n * sizeof *values;
    void *memory = device_room(b, (int64_t)bytes);
    assert_int_equal(lane->device->ops->upload(lane->queue, memory, values, bytes), ODEON_OK);
    return odeon_tensor_at(memory, shape);
}

static double *receive(const body_run *b, const odeon_view *x)
{
    uint64_t bytes = (uint64_t)odeon_count(&x->shape) * sizeof(double);
    double *values = mem_zalloc(1, bytes);
    assert_int_equal(b->worker->site.lane.device->ops->download(b->worker->site.lane.queue, values,
                                                                x->data, bytes),
                     ODEON_OK);
    return values;
}

static body_run run_body(size_t which, size_t setup)
{
    static const char *const choices[] = {NULL};
    body_run b = {.session = open_session(which, setup, choices)};
    b.worker = &b.session.session->workers[0];
    odeon_ode *block = b.worker->site.odes[0];
    int64_t n = 0;
    double *cot = support_tensor(files[which], "cot", &n);
    b.t = send(&b, 1, (const double[]){0.3});
    b.d_t = send(&b, 1, (const double[]){0.0});
    b.y = send(&b, n, b.session.x);
    b.cot = send(&b, n, cot);
    b.dy = send(&b, n, cot);
    b.d_y = send(&b, n, cot);
    mem_free(cot);
    b.call = worker_call(b.worker, ODEON_CALL_TRAIN);
    b.call.slots = solver_slots(block->forward);
    b.call.n_global = b.session.n;
    b.call.t = &b.t.view;
    assert_int_equal(net_plan_for(block->body, b.session.n, ODEON_CALL_TRAIN, &b.plan), ODEON_OK);
    char *frame = device_room(&b, b.plan->frame_bytes);
    assert_int_equal(net_forward(b.plan, &b.call, b.y.view.data, odeon_write(&b.dy), frame),
                     ODEON_OK);
    assert_int_equal(net_vjp(b.plan, &b.call, frame, b.cot.view.data, odeon_write(&b.d_y), &b.d_t),
                     ODEON_OK);
    assert_int_equal(net_finish(block->body, &b.call), ODEON_OK);
    return b;
}

static void close_body(body_run *b)
{
    for (size_t i = 0; i < b->n_memory; i++) {
        buffer_release(b->worker->site.lane.device, &b->memory[i]);
    }
    support_session_close(&b->session);
}

static void check_tensor(const body_run *b, size_t which, size_t setup, const char *name,
                         const odeon_view *x)
{
    double *values = receive(b, x);
    at_most(name, which, setup,
            fixture_distance(files[which], name, odeon_count(&x->shape), values), rounding);
    mem_free(values);
}

static void test_field_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES * N_SETUPS; i++) {
        body_run b = run_body(i / N_SETUPS, i % N_SETUPS);
        check_tensor(&b, i / N_SETUPS, i % N_SETUPS, "rhs/out", &b.dy.view);
        close_body(&b);
    }
}

static void test_field_vector_jacobian_products_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES * N_SETUPS; i++) {
        size_t which = i / N_SETUPS, setup = i % N_SETUPS;
        body_run b = run_body(which, setup);
        check_tensor(&b, which, setup, "rhs/vjp_y", &b.d_y.view);
        check_tensor(&b, which, setup, "rhs/vjp_t", &b.d_t.view);
        fixture_gaps gaps =
            fixture_gradients(&b.session, files[which], names, "rhs/vjp_param/", NULL, NULL);
        at_most("rhs/vjp_param", which, setup, gaps.worst, rounding);
        close_body(&b);
    }
}

/* ---- solves ---- */

static const struct {
    const char *tag, *integrator, *steps;
    bool with_parameters; /* the fixture has their gradients */
} fixed[] = {
    {"euler1", "model.ode.integrator=euler", "model.ode.steps=1", true},
    {"euler4", "model.ode.integrator=euler", "model.ode.steps=4", false},
    {"midpoint1", "model.ode.integrator=midpoint", "model.ode.steps=1", true},
    {"midpoint4", "model.ode.integrator=midpoint", "model.ode.steps=4", false},
    {"rk41", "model.ode.integrator=rk4", "model.ode.steps=1", true},
    {"rk44", "model.ode.integrator=rk4", "model.ode.steps=4", true},
};
enum { N_FIXED = sizeof fixed / sizeof fixed[0] };

static void larger(double *worst, double gap)
{
    *worst = gap > *worst ? gap : *worst;
}

static void test_fixed_steps_and_their_gradients_agree(void **state)
{
    (void)state;
    for (size_t which = 0; which < N_CASES; which++) {
        double worst = 0.0;
        for (size_t i = 0; i < N_FIXED * N_SETUPS; i++) {
            size_t k = i / N_SETUPS, setup = i % N_SETUPS;
            const char *choices[] = {fixed[k].integrator, fixed[k].steps, NULL};
            solve_gaps gaps =
                measure(which, setup, choices, fixed[k].tag, "", fixed[k].with_parameters);
            at_most(fixed[k].tag, which, setup, gaps.value, rounding);
            at_most(fixed[k].tag, which, setup, gaps.d_y0, rounding);
            at_most(fixed[k].tag, which, setup, gaps.gradients.worst, rounding);
            larger(&worst, fmax(gaps.value, fmax(gaps.d_y0, gaps.gradients.worst)));
        }
        print_message("%s: fixed steps within %.2e\n", cases[which].fixture, worst);
    }
}

/* Of plain loops one number of workers is enough, but for ODEON_PARITY. */
static size_t first_tight(const field_case *c)
{
    return c->tight_from > 0 || fixture_is_whole() ? c->tight_from : 1;
}

/* Both gradients are held to the fixture's adjoint one, which is the nearer to the truth. */
static void check_tight(const char *integrator, bool adjoint)
{
    const char *gradient = adjoint ? "model.ode.gradient=adjoint" : "model.ode.gradient=direct";
    for (size_t which = 0; which < N_CASES; which++) {
        const field_case *c = &cases[which];
        double value = 0.0, whole = 0.0;
        for (size_t setup = first_tight(c); setup < N_SETUPS; setup++) {
            const char *choices[] = {integrator, gradient, "model.ode.rtol=1e-11",
                                     "model.ode.atol=1e-11", NULL};
            solve_gaps gaps = measure(which, setup, choices, "exact", "_adjoint", true);
            at_most("exact/y1", which, setup, gaps.value, c->value);
            at_most("exact/grad", which, setup, gaps.gradients.whole,
                    adjoint ? c->adjoint : c->direct);
            larger(&value, gaps.value);
            larger(&whole, gaps.gradients.whole);
        }
        print_message("%s, %s %s: value within %.2e, gradient within %.2e\n", c->fixture,
                      integrator, gradient, value, whole);
    }
}

static void test_tight_direct_solves_agree(void **state)
{
    (void)state;
    check_tight("model.ode.integrator=dopri5", false);
    check_tight("model.ode.integrator=tsit5", false);
}

static void test_tight_adjoint_solves_agree(void **state)
{
    (void)state;
    check_tight("model.ode.integrator=dopri5", true);
    check_tight("model.ode.integrator=tsit5", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_agrees),
        cmocka_unit_test(test_field_vector_jacobian_products_agree),
        cmocka_unit_test(test_fixed_steps_and_their_gradients_agree),
        cmocka_unit_test(test_tight_direct_solves_agree),
        cmocka_unit_test(test_tight_adjoint_solves_agree),
    };
    return cmocka_run_group_tests(tests, open_fixtures, close_fixtures);
}
