/* A layer's kernel for the device in the layer's place: the same numbers in fewer launches,
 * recorded as operators are; and refused where it is not the same layer. */
#include <string.h>

#include "support_session.h"

#include "../plugins/device/common/host_kernels.h"
#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "capture_fixture.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "session/members.h"

#define NETWORK(solve)                                                                             \
    "[run]\nname = test\ndevice = remote\ndtype = float64\nworkers = 1\ncapture = no\n"            \
    "[data]\ndataset = drawn(shape=6, classes=3, length=16)\n"                                     \
    "[model.ode]\nlayer = ode\n" solve "gradient = direct\n"                                       \
    "[model.ode.a]\nlayer = dense(units=state)\nthen = swish(beta=1.5)\n"                          \
    "[model.head]\nlayer = dense(units=classes)\nthen = swish\n"                                   \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-2)\n"

static const char network[] = NETWORK("integrator = rk4\nsteps = 2\n");
static const char adaptive[] = NETWORK("integrator = tsit5\nrtol = 1e-5\natol = 1e-5\n");

enum { SAMPLES = 8, INPUTS = 6, CLASSES = 3 };

/* The last one runs the host side of the kernel for the device cuda. */
static const char *const devices[] = {"run.device=remote", "run.device=remote(late=yes)",
                                      "run.device=emulated", "run.device=mocked"};
enum { DEVICES = sizeof devices / sizeof *devices };

static int n_devices(void)
{
    return capture_n_devices() == CAPTURE_DEVICES ? DEVICES : DEVICES - 1; /* is mocked built */
}

static const char with[] = "run.kernels=yes", without[] = "run.kernels=no";

static support_session open_on(const char *text, const char *device, const char *choice,
                               const char *more)
{
    const char *overrides[] = {device, choice, more, NULL};
    return support_session_open(text, SAMPLES, overrides);
}

/* ---- numbers ---- */

typedef struct numbers {
    double output[SAMPLES * CLASSES], d_x[SAMPLES * INPUTS];
    double *gradients;
    int64_t n;
} numbers;

static numbers differentiate(const char *device, const char *choice, const char *more)
{
    numbers out;
    support_session s = open_on(network, device, choice, more);
    (void)support_differentiate(&s, out.output, out.d_x);
    out.gradients = support_gradients(&s, &out.n);
    support_session_close(&s);
    return out;
}

static void check_same_numbers(const char *more)
{
    for (int i = 0; i < n_devices(); i++) {
        numbers a = differentiate(devices[i], with, more);
        numbers b = differentiate(devices[i], without, more);
        /* Exponentials and the order of products differ: an ulp here and there, relative to all. */
        assert_true(support_distance(SAMPLES * CLASSES, a.output, b.output) < 1e-15);
        assert_true(support_distance(SAMPLES * INPUTS, a.d_x, b.d_x) < 1e-15);
        assert_int_equal(a.n, b.n);
        assert_true(support_distance(a.n, a.gradients, b.gradients) < 1e-15);
        mem_free(a.gradients);
        mem_free(b.gradients);
    }
}

static void test_kernel_gives_the_numbers_of_its_layer(void **state)
{
    (void)state;
    check_same_numbers("model.ode.gradient=direct");
    check_same_numbers("model.ode.gradient=adjoint");
}

static void test_kernel_works_for_several_workers(void **state)
{
    (void)state;
    check_same_numbers("run.workers=3");
}

/* Differences are good to 1e-10, see support_gradient_gap; gradients are near 1. */
static void test_gradient_of_a_kernel_is_that_of_the_loss(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        support_session s = open_on(network, devices[i], with, NULL);
        assert_true(support_gradient_gap(&s) < 1e-8);
        support_session_close(&s);
    }
}

/* ---- training ---- */

typedef struct training {
    double first, last;
    int64_t launches, waits, allocs; /* of the last step */
} training;

static void count(const session *s, int64_t sign, training *out)
{
    int64_t launches, waits, allocs, live;
    const odeon_device *device = s->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    counters->read(device->handle, &launches, &waits, &allocs, &live);
    out->launches += sign * launches;
    out->waits += sign * waits;
    out->allocs += sign * allocs;
}

static training train_on(const char *text, const char *device, const char *choice, const char *more,
                         int steps)
{
    static const int64_t indices[SAMPLES] = {7, 3, 0, 12, 5, 1, 9, 2};
    support_session s = open_on(text, device, choice, more);
    data_source *source = support_batch_source(&s);
    training out = {0};
    session_result result = {0};
    for (int step = 1; step <= steps; step++) {
        if (step == steps) {
            count(s.session, -1, &out);
        }
        support_require(session_train(s.session, source, SAMPLES, indices, 1, step, 1.0, &result),
                        "train");
        out.first = step == 1 ? result.loss : out.first;
    }
    count(s.session, 1, &out);
    out.last = result.loss;
    data_close(source);
    support_session_close(&s);
    return out;
}

static training train(const char *device, const char *choice, const char *more, int steps)
{
    return train_on(network, device, choice, more, steps);
}

/* Adam's first steps turn an ulp of a gradient into as much of a step, so losses stay together. */
static void test_network_with_kernels_trains_as_without(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        training a = train(devices[i], with, NULL, 20), b = train(devices[i], without, NULL, 20);
        assert_true(a.last < 0.9 * a.first);
        assert_float_equal(a.last, b.last, 1e-12);
    }
}

/* Forward the kernel is one launch for three, backward one for six. rk4 asks for four evaluations a
 * step; direct keeps what they need, adjoint takes as many backward, each forward and then back.
 * The swish behind the block adds one evaluation. */
static void check_launches(const char *gradient, int64_t forward, int64_t backward)
{
    for (int i = 0; i < n_devices(); i++) {
        training a = train(devices[i], with, gradient, 3);
        training b = train(devices[i], without, gradient, 3);
        assert_int_equal(b.launches - a.launches, 2 * (forward + 1) + 5 * (backward + 1));
        assert_int_equal(a.waits, b.waits);
        assert_int_equal(a.allocs, 0);
    }
}

static void test_kernel_is_one_launch_each_way(void **state)
{
    (void)state;
    enum { STEPS = 2, STAGES = 4 };
    check_launches("model.ode.gradient=direct", STEPS * STAGES, STEPS * STAGES);
    check_launches("model.ode.gradient=adjoint", 2 * STEPS * STAGES, STEPS * STAGES);
}

/* ---- recordings ---- */

/* Devices that record: all but emulated. */
static const char *const recorders[] = {"run.device=remote", "run.device=remote(late=yes)",
                                        "run.device=mocked"};

/* Solves with the kernel give, recorded, the numbers that they give otherwise (adaptive ones add
 * up gradients in another order). Only what stands behind the block is launched by itself then:
 * there the kernel does in 2 what takes 9 launches. */
static void check_recorded_solve(const char *text)
{
    for (int i = 0; i < capture_n_devices(); i++) {
        training eager = train_on(text, recorders[i], with, "run.capture=no", 10);
        training recorded = train_on(text, recorders[i], with, "run.capture=yes", 10);
        training operators = train_on(text, recorders[i], without, "run.capture=yes", 10);
        assert_float_equal(recorded.last, eager.last, 1e-13);
        assert_int_equal(operators.launches - recorded.launches, 9 - 2);
        assert_true(recorded.launches < eager.launches / 2);
        assert_int_equal(recorded.allocs, 0);
    }
}

static void test_kernel_is_part_of_a_recorded_solve(void **state)
{
    (void)state;
    check_recorded_solve(network);
    check_recorded_solve(adaptive);
}

/* One layer by itself. */
typedef struct lone_layer {
    instance *instance;
    const odeon_layer_ops *ops;
    odeon_layer_call call;
    odeon_tensor x, dy, y, dx;
} lone_layer;

static lone_layer open_kernel(capture_fixture *f)
{
    static const int64_t dim[] = {5, 7};
    const location where = {.file = "test"};
    odeon_config *chosen = NULL;
    const odeon_component *kernel = NULL;
    lone_layer out = {.x = capture_tensor(f, 1, 2, dim),
                      .dy = capture_tensor(f, 2, 2, dim),
                      .y = capture_tensor(f, 3, 2, dim),
                      .dx = capture_tensor(f, 4, 2, dim)};
    capture_check(component_read(f->plugins, ODEON_KIND_LAYER, "swish(beta=2)", where, "a", NULL, 0,
                                 NULL, &chosen));
    capture_check(registry_find_kernel(f->plugins, "swish", f->d.device->id, &kernel));
    assert_non_null(kernel);
    capture_check(instance_create_as(kernel, NULL, ODEON_ABI_MINOR, chosen, "a", &out.instance));
    out.instance->owned = chosen; /* destroyed with it */
    out.ops = kernel->ops;
    out.call = (odeon_layer_call){
        .struct_size = sizeof out.call, .queue = f->queue, .device = f->d.device};
    return out;
}

static void close_kernel(capture_fixture *f, lone_layer *k)
{
    instance_destroy(k->instance);
    support_release(&f->d, &k->x);
    support_release(&f->d, &k->dy);
    support_release(&f->d, &k->y);
    support_release(&f->d, &k->dx);
}

static odeon_status forward_of(const lone_layer *k, const odeon_view *x)
{
    odeon_layer_call call = k->call;
    call.in = x;
    call.out = &k->y;
    return k->ops->forward(k->instance->self, &call);
}

static void run_both_ways(const lone_layer *k)
{
    odeon_layer_call call = k->call;
    call.in = &k->x.view;
    call.d_out = &k->dy.view;
    call.d_in = &k->dx;
    capture_check(forward_of(k, &k->x.view));
    capture_check(k->ops->vjp(k->instance->self, &call));
}

static void check_recorded(const char *device, uint32_t dtype)
{
    capture_fixture *f = capture_open(device, dtype), *g = capture_open(device, dtype);
    lone_layer eager = open_kernel(f), recorded = open_kernel(g);
    odeon_recording *recording = NULL;
    run_both_ways(&eager);
    capture_counts before = capture_count(g);
    capture_check(g->capture->begin(g->queue));
    run_both_ways(&recorded);
    capture_check(g->capture->end(g->queue, &recording));
    assert_int_equal(capture_count(g).launches, before.launches);
    capture_check(g->capture->replay(g->queue, recording));
    assert_int_equal(capture_count(g).launches, before.launches + 1);
    assert_int_equal(capture_count(g).allocs, before.allocs);
    capture_assert_same_bits(f, &eager.y.view, g, &recorded.y.view);
    capture_assert_same_bits(f, &eager.dx.view, g, &recorded.dx.view);
    g->capture->destroy(recording);
    close_kernel(f, &eager);
    close_kernel(g, &recorded);
    capture_close(f);
    capture_close(g);
}

/* x = swish(x), PASSES times. */
enum { PASSES = 3 };

static void pass(capture_fixture *f, const lone_layer *k)
{
    capture_check(forward_of(k, &k->x.view));
    capture_check(ODEON_DO(f->device, move, copy, f->queue, .x = &k->y.view, .y = &k->x));
}

static void check_in_loop(const char *device)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F32);
    capture_fixture *g = capture_open(device, ODEON_DTYPE_F32);
    lone_layer eager = open_kernel(f), recorded = open_kernel(g);
    odeon_recording *recording = NULL;
    for (int i = 0; i < PASSES; i++) {
        pass(f, &eager);
    }
    capture_check(g->capture->begin(g->queue));
    capture_check(g->capture->loop_begin(g->queue, g->slots, ODEON_SLOT_USER, PASSES));
    pass(g, &recorded);
    capture_check(g->capture->loop_end(g->queue));
    capture_check(g->capture->end(g->queue, &recording));
    capture_check(g->capture->replay(g->queue, recording));
    capture_assert_same_bits(f, &eager.x.view, g, &recorded.x.view);
    g->capture->destroy(recording);
    close_kernel(f, &eager);
    close_kernel(g, &recorded);
    capture_close(f);
    capture_close(g);
}

static void test_kernel_runs_in_every_pass_of_a_recorded_loop(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_in_loop(capture_devices[i]);
    }
}

static void test_recorded_kernel_does_the_same_when_replayed(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_recorded(capture_devices[i], ODEON_DTYPE_F32);
        check_recorded(capture_devices[i], ODEON_DTYPE_F64);
    }
}

/* Memory of the host: refused when its turn comes, which late is when somebody waits. */
static void test_kernel_that_is_given_what_is_not_the_device_s_fails(void **state)
{
    (void)state;
    for (int i = 0; i < CAPTURE_CUDA; i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        lone_layer k = open_kernel(f);
        const double here[35] = {0.0};
        odeon_view x = odeon_view_at(here, k.x.view.shape);
        odeon_status status = forward_of(&k, &x);
        status = status == ODEON_OK ? f->ops->wait(f->queue) : status;
        assert_int_equal(status, ODEON_ERR_INTERNAL);
        assert_non_null(strstr(diag_message(), "a kernel was given what it cannot use"));
        close_kernel(f, &k);
        capture_close(f);
    }
}

/* ---- parameters, and what a kernel derives from them ---- */

static const char mixed[] = "model.ode.a.layer=mixed";

static void test_kernel_has_the_parameters_of_its_layer(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        training a = train(devices[i], with, mixed, 5), b = train(devices[i], without, mixed, 5);
        /* the same operators on a copy of the matrix */
        assert_memory_equal(&a.last, &b.last, sizeof a.last);
        assert_true(a.last < a.first);
    }
}

/* ---- what is refused ---- */

typedef struct refusal {
    const char *fault;
    odeon_status status;
    const char *reason;
} refusal;

static void check_refused(const refusal *r)
{
    char override[80];
    support_session s;
    (void)snprintf(override, sizeof override, "model.ode.a.layer=mixed(fault=%s)", r->fault);
    const char *overrides[] = {override, NULL};
    odeon_status status = support_session_try(network, SAMPLES, overrides, &s);
    if (status != r->status || strstr(diag_message(), r->reason) == NULL ||
        strstr(diag_message(), "run.kernels=no does without") == NULL) {
        fail_msg("%s: %d, %s", r->fault, (int)status, diag_message());
    }
    diag_clear();
    const char *remedy[] = {override, without, NULL};
    s = support_session_open(network, SAMPLES, remedy);
    support_session_close(&s);
}

static void test_kernel_that_differs_from_its_layer_is_refused(void **state)
{
    (void)state;
    static const refusal refusals[] = {
        {"shape", ODEON_ERR_PLUGIN, "[7] of float64 as its output where layer mixed has [6]"},
        {"dtype", ODEON_ERR_PLUGIN, "[6] of another dtype as its output where layer mixed has [6]"},
        {"flags", ODEON_ERR_PLUGIN, "has USES_T as its flags where layer mixed has LINEAR"},
        {"no_parameter", ODEON_ERR_PLUGIN, "nothing as parameter 0 where layer mixed has weight"},
        {"more", ODEON_ERR_PLUGIN, "as parameter 1 where layer mixed has nothing"},
        {"name", ODEON_ERR_PLUGIN, "weights [6, 6] (role 0, init 1, -0.5, 0.5) as parameter 0"},
        {"dims", ODEON_ERR_PLUGIN, "weight [7, 6] (role 0, init 1, -0.5, 0.5) as parameter 0"},
        {"role", ODEON_ERR_PLUGIN, "weight [6, 6] (role 2, init 1, -0.5, 0.5) as parameter 0"},
        {"start", ODEON_ERR_PLUGIN, "weight [6, 6] (role 0, init 1, -0.5, 0.25) as parameter 0"},
        {"plan", ODEON_ERR_UNSUPPORTED, "mixed@remote: not this dtype"},
        {"init", ODEON_ERR_DEVICE, "mixed@remote: the GPU has no such unit"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        check_refused(&refusals[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_gives_the_numbers_of_its_layer),
        cmocka_unit_test(test_kernel_works_for_several_workers),
        cmocka_unit_test(test_gradient_of_a_kernel_is_that_of_the_loss),
        cmocka_unit_test(test_network_with_kernels_trains_as_without),
        cmocka_unit_test(test_kernel_is_one_launch_each_way),
        cmocka_unit_test(test_kernel_is_part_of_a_recorded_solve),
        cmocka_unit_test(test_recorded_kernel_does_the_same_when_replayed),
        cmocka_unit_test(test_kernel_runs_in_every_pass_of_a_recorded_loop),
        cmocka_unit_test(test_kernel_that_is_given_what_is_not_the_device_s_fails),
        cmocka_unit_test(test_kernel_has_the_parameters_of_its_layer),
        cmocka_unit_test(test_kernel_that_differs_from_its_layer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
