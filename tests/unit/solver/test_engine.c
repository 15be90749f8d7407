/* The engine alone: this program links the objects of the wings up to core/solver and nothing else
 * of the host, so that it could not even name a network, a session or an INI file. Equations are
 * solved on devices' plugins, forward and in reverse, against what is known of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "plugin/component.h"
#include "plugin/registry.h"
#include "solver/solver.h"
#include "solver/workspace.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

enum { SAMPLES = 3, MAX_TIMES = 8, MAX_STEPS = 512 };

static registry *plugins;

static int open_plugins(void **state)
{
    static const char *const paths[] = {ODEON_TEST_PLUGINS, ODEON_BUILD "/plugins"};
    (void)state;
    return registry_create(2, paths, &plugins) == ODEON_OK ? 0 : -1;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static void require(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("status %d: %s", (int)status, diag_message());
    }
}

/* ---- equations: y' = theta A y, with A = [-1] or [0 1; -1 0], for a few samples ---- */

typedef struct equation {
    host_field host;
    odeon_part part;
    const device_lane *lane;
    int32_t size; /* 1: decay, 2: oscillator, whose state is SAMPLES positions, then velocities */
    double theta;
    double *grad;                 /* device, F64 [2]: dL/dtheta, and what is added to it */
    double wall;                  /* beyond this time there is no value; NAN: none */
    int64_t evals, calls, copies; /* copies: arguments that were not in their frame already */
    odeon_frame work;
} equation;

static odeon_tensor block(const equation *e, void *data, int32_t i)
{
    (void)e;
    return (odeon_tensor){.data = (double *)data + (int64_t)i * SAMPLES,
                          .dim = {SAMPLES},
                          .ndim = 1,
                          .dtype = ODEON_DTYPE_F64};
}

/* out = factor x, block by block; to and from name blocks. */
static odeon_status scale(const equation *e, void *out, int32_t to, void *x, int32_t from,
                          double factor)
{
    odeon_tensor y = block(e, out, to), term = block(e, x, from);
    const odeon_tensor *terms[1] = {&term};
    odeon_scalar coefficient[1] = {odeon_imm(factor)};
    return e->lane->device->ops->lincomb(e->lane->queue, &y, NULL, 1, terms, coefficient, NULL);
}

/* out = theta A x, or theta A^T x */
static odeon_status multiply(const equation *e, double theta, void *x, void *out)
{
    if (e->size == 1) {
        return scale(e, out, 0, x, 0, -theta);
    }
    ODEON_TRY(scale(e, out, 0, x, 1, theta));
    return scale(e, out, 1, x, 0, -theta);
}

static odeon_status equation_eval(void *self, const odeon_tensor *t, const odeon_tensor *y,
                                  const odeon_tensor *dy, odeon_frame *keep)
{
    equation *e = self;
    e->evals++;
    e->calls++;
    if (!isnan(e->wall)) {
        double now;
        ODEON_TRY(e->lane->device->ops->download(e->lane->queue, &now, t->data, sizeof now));
        if (now > e->wall) {
            (void)diag_fail(ODEON_ERR_NUMERIC, "no value at %g", now);
            return 1;
        }
    }
    if (keep != NULL && y->data != keep->memory) {
        odeon_tensor kept = *y;
        kept.data = keep->memory;
        e->copies++;
        ODEON_TRY(e->lane->device->ops->copy(e->lane->queue, y, &kept));
    }
    return multiply(e, e->theta, y->data, dy->data);
}

/* y_bar = theta A^T dy_bar; theta_bar += dy_bar . A y, with y_bar's memory for A y. */
static odeon_status equation_vjp(void *self, const odeon_tensor *t, const odeon_tensor *y,
                                 odeon_frame *kept, const odeon_tensor *dy_bar,
                                 const odeon_tensor *y_bar, const odeon_tensor *t_bar)
{
    equation *e = self;
    const odeon_device_ops *ops = e->lane->device->ops;
    odeon_tensor grad = {.data = e->grad, .dim = {1}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    odeon_tensor share = grad;
    const odeon_tensor *terms[1] = {&share};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    (void)t;
    (void)y;
    assert_null(t_bar);
    share.data = e->grad + 1;
    ODEON_TRY(multiply(e, 1.0, kept->memory, y_bar->data));
    ODEON_TRY(ops->dot(e->lane->queue, dy_bar, y_bar, e->grad, 1));
    ODEON_TRY(ops->lincomb(e->lane->queue, &grad, &grad, 1, terms, one, NULL));
    return multiply(e, e->size == 1 ? e->theta : -e->theta, dy_bar->data, y_bar->data);
}

static void equation_init(equation *e, const device_lane *lane, int32_t size, double theta)
{
    int64_t n = (int64_t)size * SAMPLES, bytes = n * (int64_t)sizeof(double);
    *e = (equation){.lane = lane, .size = size, .theta = theta, .wall = (double)NAN};
    e->part = (odeon_part){.name = "y", .n = n, .n_global = n};
    e->host = (host_field){.evals = &e->evals,
                           .is_alone = true,
                           .is_recordable = true,
                           .frame_bytes = bytes,
                           .frame_in = 0,
                           .frame_out = -1,
                           .samples = SAMPLES};
    e->host.abi = (odeon_field){.struct_size = sizeof(odeon_field),
                                .n_parts = 1,
                                .parts = &e->part,
                                .n = n,
                                .dtype = ODEON_DTYPE_F64,
                                .self = e,
                                .eval = equation_eval,
                                .vjp = equation_vjp};
}

/* ---- all that a solve stands on ---- */

typedef struct bench {
    odeon_config *device_config, *method_config;
    instance *device_instance;
    odeon_device device;
    collective *meeting;
    worker_group group;
    device_lane lane;
    stepper *method;
    odeon_ode_spec spec;
    double rtol, atol;
    solver *solve;
    equation f;
    double *memory;                  /* device: y, d_y, d_y0, grad */
    int64_t live_blocks, live_bytes; /* before stepper and solver were made */
    odeon_tensor y[MAX_TIMES], d_y[MAX_TIMES], d_y0;
} bench;

static odeon_config *read_component(int32_t kind, const char *expression)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    require(
        component_read(plugins, kind, expression, where, "test", ODEON_BUILD, 0, NULL, &config));
    return config;
}

static void open_device(bench *b, const char *id, bool capture)
{
    b->device_config = read_component(ODEON_KIND_DEVICE, id);
    require(instance_create(b->device_config, "device", &b->device_instance));
    b->device = (odeon_device){.struct_size = sizeof b->device,
                               .self = b->device_instance->self,
                               .ops = b->device_instance->component->ops};
    require(b->device.ops->probe(b->device.self));
    require(collective_create(1, &b->meeting));
    worker_group_init(&b->group, b->meeting, &b->device, 0, 1);
    b->lane = (device_lane){
        .device = &b->device, .group = &b->group, .capture = capture, .dtype = ODEON_DTYPE_F64};
    require(b->device.ops->queue_create(b->device.self, 0, &b->lane.queue));
}

/* PI control as SciML has it, of order p: the rule is per order. */
static odeon_control controller(void)
{
    return (odeon_control){.accept_rule = ODEON_ACCEPT_LE,
                           .norm = ODEON_NORM_RMS,
                           .parts_rule = ODEON_PARTS_JOINT,
                           .safety = 0.9,
                           .factor_min = 0.2,
                           .factor_max = 10.0,
                           .factor_max_first = 10.0,
                           .factor_min_accept = 0.2,
                           .beta = {0.7, -0.4, 0.0},
                           .beta_reject = 0.7,
                           .history_start = 1.0,
                           .history_floor = 1e-4,
                           .steady_low = 1.0,
                           .steady_high = 1.0,
                           .h_max = HUGE_VAL,
                           .start_exponent = 1.0};
}

static void allocate(bench *b)
{
    int64_t n = b->f.host.abi.n, at = 0;
    void *memory = NULL;
    uint64_t bytes = (uint64_t)((2 * MAX_TIMES + 1) * n + 2) * sizeof(double);
    require(b->device.ops->alloc(b->device.self, bytes, &memory));
    b->memory = memory;
    for (int i = 0; i < 2 * MAX_TIMES + 1; i++, at += n) {
        odeon_tensor *x = i < MAX_TIMES       ? &b->y[i]
                          : i < 2 * MAX_TIMES ? &b->d_y[i - MAX_TIMES]
                                              : &b->d_y0;
        *x =
            (odeon_tensor){.data = b->memory + at, .dim = {n}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    }
    b->f.grad = b->memory + at;
}

static int64_t live_bytes(const bench *b)
{
    const odeon_device_counters *counters =
        b->device.ops->get_extension(b->device.self, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, bytes = 0;
    counters->read(b->device.self, &launches, &waits, &allocs, &bytes);
    return bytes;
}

/* spec: how steps are chosen; tolerances are the bench's. */
static bench *bench_open(const char *device, bool capture, const char *method, int32_t dense,
                         odeon_ode_spec spec, int32_t size, double theta)
{
    bench *b = mem_zalloc(1, sizeof *b);
    assert_non_null(b);
    diag_clear();
    open_device(b, device, capture);
    b->method_config = read_component(ODEON_KIND_INTEGRATOR, method);
    equation_init(&b->f, &b->lane, size, theta);
    allocate(b);
    b->live_blocks = mem_live_blocks();
    b->live_bytes = live_bytes(b);
    require(stepper_create(b->method_config, "equation", dense, &b->method));
    b->rtol = 1e-8;
    b->atol = 1e-10;
    b->spec = spec;
    b->spec.struct_size = sizeof b->spec;
    b->spec.control = controller();
    b->spec.control.rtol = b->rtol;
    b->spec.control.atol = b->atol;
    b->spec.exponents_per_order = 1;
    b->spec.rtol = &b->rtol;
    b->spec.atol = &b->atol;
    b->spec.n_rtol = b->spec.n_atol = 1;
    b->spec.max_steps = spec.max_steps != 0 ? spec.max_steps : MAX_STEPS;
    require(solver_create(&b->lane, b->method, &b->spec, "equation", &b->solve));
    return b;
}

static void bench_close(bench *b)
{
    solver_destroy(b->solve);
    stepper_destroy(b->method);
    assert_int_equal(mem_live_blocks(), b->live_blocks);
    assert_int_equal(live_bytes(b), b->live_bytes);
    b->device.ops->free(b->device.self, b->memory);
    b->device.ops->queue_destroy(b->lane.queue);
    instance_destroy(b->device_instance);
    collective_destroy(b->meeting);
    schema_destroy(b->method_config);
    schema_destroy(b->device_config);
    mem_free(b);
}

static void put(bench *b, const odeon_tensor *x, const double *values)
{
    uint64_t bytes = (uint64_t)x->dim[0] * sizeof *values;
    require(b->device.ops->upload(b->lane.queue, x->data, values, bytes));
}

static void get(bench *b, const odeon_tensor *x, double *values)
{
    uint64_t bytes = (uint64_t)x->dim[0] * sizeof *values;
    require(b->device.ops->download(b->lane.queue, values, x->data, bytes));
}

static const double start[2 * SAMPLES] = {1.0, -0.5, 2.0, 0.25, 1.5, -1.0};
static const double cotangents[2 * SAMPLES] = {0.5, 1.0, -2.0, 1.0, -0.75, 0.5};

static odeon_status solve(bench *b, int32_t n_times, const double *times, int32_t keep)
{
    put(b, &b->y[0], start);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

/* dL/dy0 and dL/dtheta of L = cotangents . y at the times that are marked; all others count 0. */
static void reverse(bench *b, int32_t n_times, const bool *counts, double *d_y0, double *d_theta)
{
    const double none[2] = {0.0};
    odeon_tensor grad = {.data = b->f.grad, .dim = {2}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    odeon_tensor d_y[MAX_TIMES];
    for (int32_t i = 0; i < n_times; i++) {
        d_y[i] = b->d_y[i];
        d_y[i].data = counts[i] ? d_y[i].data : NULL;
        if (counts[i]) {
            put(b, &b->d_y[i], cotangents);
        }
    }
    put(b, &grad, none);
    require(solver_reverse(b->solve, d_y, &b->d_y0));
    get(b, &b->d_y0, d_y0);
    double both[2];
    get(b, &grad, both);
    *d_theta = both[0];
}

static void assert_close(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fmax(1.0, fabs(expected)))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

/* ---- fixed steps ---- */

static const odeon_ode_spec ten_steps = {.mode = ODEON_STEPS_COUNT, .steps = 10};

/* The stability polynomial of a method of order 4 with 4 stages, and its derivative. */
static double rk4(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0)));
}

static double rk4_slope(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0));
}

/* 30 steps over three intervals: y_k = R(-theta h)^k y_0, to rounding. */
static void test_decay_by_equal_steps_is_powers_of_a_polynomial(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, ten_steps, 1, 0.8);
    double y[SAMPLES], r = rk4(-0.8 * 0.05);
    require(solve(b, 4, times, ODEON_KEEP_NONE));
    for (int i = 1; i < 4; i++) {
        get(b, &b->y[i], y);
        for (int k = 0; k < SAMPLES; k++) {
            assert_close(y[k], pow(r, 10.0 * i) * start[k], 1e-14);
        }
    }
    assert_int_equal(b->f.evals, 4 * 30);
    assert_int_equal(solver_stats(b->solve).accepted, 30);
    assert_close(solver_stats(b->solve).h_max, 0.05, 1e-14);
    bench_close(b);
}

/* L = c . y_30 + c . y_10: dL/dy0 = (R^30 + R^10) c, dL/dtheta = (30 R^29 + 10 R^9) R' (-h) c . y0
 */
static void test_reverse_of_equal_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    static const bool counts[] = {false, true, false, true};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, ten_steps, 1, 0.8);
    double d_y0[SAMPLES], d_theta, z = -0.8 * 0.05, r = rk4(z), product = 0.0;
    require(solve(b, 4, times, ODEON_KEEP_FRAMES));
    assert_int_equal(b->f.copies, 30); /* of y0 alone: stages are computed in their frames */
    reverse(b, 4, counts, d_y0, &d_theta);
    for (int k = 0; k < SAMPLES; k++) {
        assert_close(d_y0[k], (pow(r, 30.0) + pow(r, 10.0)) * cotangents[k], 1e-14);
        product += cotangents[k] * start[k];
    }
    double powers = 30.0 * pow(r, 29.0) + 10.0 * pow(r, 9.0);
    assert_close(d_theta, powers * rk4_slope(z) * -0.05 * product, 1e-13);
    bench_close(b);
}

/* Steps at 0.4, 0.8, and one that is cut to 1; then on the grid again. */
static void test_steps_of_a_size_end_at_every_time(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0, 1.6};
    static const odeon_ode_spec sized = {.mode = ODEON_STEPS_SIZE, .step_size = 0.4};
    static const double ends[] = {0.4, 0.8, 1.0, 1.2, 1.6};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, sized, 1, 1.0);
    size_t n;
    require(solve(b, 3, times, ODEON_KEEP_NONE));
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        assert_true(attempts[i].accepted && isnan(attempts[i].error));
        assert_close(attempts[i].t + attempts[i].h, ends[i], 1e-14);
    }
    bench_close(b);
}

/* ---- adaptive steps ---- */

static const odeon_ode_spec adaptive = {.mode = ODEON_STEPS_ADAPTIVE, .end = ODEON_END_CLIP};
static const odeon_ode_spec passing = {.mode = ODEON_STEPS_ADAPTIVE, .end = ODEON_END_INTERPOLATE};

/* Position and velocity of every sample: a rotation by theta t. */
static void check_rotation(bench *b, int32_t i, double t)
{
    double y[2 * SAMPLES], c = cos(b->f.theta * t), s = sin(b->f.theta * t);
    get(b, &b->y[i], y);
    for (int k = 0; k < SAMPLES; k++) {
        double q = start[k], p = start[SAMPLES + k];
        assert_close(y[k], c * q + s * p, 1e-6); /* rtol 1e-8, some dozens of steps */
        assert_close(y[SAMPLES + k], c * p - s * q, 1e-6);
    }
}

static void test_oscillator_turns_at_all_times(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.3, 2.0, 2.1, 5.0}, back[] = {5.0, 1.0, 0.0};
    static const int32_t dense[] = {DENSE_UNUSED, DENSE_IF_OFFERED};
    for (int i = 0; i < 2; i++) {
        bench *b = bench_open("cpu", false, "tsit5", dense[i], adaptive, 2, 1.5);
        require(solve(b, 5, times, ODEON_KEEP_NONE));
        for (int k = 1; k < 5; k++) {
            check_rotation(b, k, times[k]);
        }
        size_t n;
        const solve_stats stats = solver_stats(b->solve);
        (void)solver_attempts(b->solve, &n);
        assert_int_equal(stats.accepted + stats.rejected, n);
        assert_true(stats.accepted > 10 && stats.h_min <= stats.h_max);
        require(solve(b, 3, back, ODEON_KEEP_NONE));
        check_rotation(b, 2, -5.0);
        bench_close(b);
    }
}

/* With these steps the solve is linear in its start: y_N = M y_0, where M comes of replaying them
 * from unit vectors. So dL/dy0 = M^T c, which the reverse gives to rounding. */
static void multiply_by_transposed(const bench *b, int32_t n_times, const double *times,
                                   const double *c, double *out)
{
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"};
    size_t n, n_steps = 0;
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    double(*steps)[2] = mem_zalloc(n, sizeof *steps);
    assert_non_null(steps);
    for (size_t i = 0; i < n; i++) {
        steps[n_steps][0] = attempts[i].t;
        steps[n_steps][1] = attempts[i].h;
        n_steps += attempts[i].accepted;
    }
    odeon_ode_spec spec = replay;
    spec.end = b->spec.end;
    int32_t dense = b->method->dense ? DENSE_REQUIRED : DENSE_UNUSED;
    bench *r = bench_open("cpu", false, "tsit5", dense, spec, 2, b->f.theta);
    solver_set_replay(r->solve, n_steps, (const double(*)[2])steps);
    for (int k = 0; k < 2 * SAMPLES; k++) {
        double unit[2 * SAMPLES] = {0.0}, end[2 * SAMPLES];
        unit[k] = 1.0;
        put(r, &r->y[0], unit);
        require(solver_solve(r->solve, &r->f.host, n_times, times, ODEON_KEEP_NONE, r->y));
        out[k] = 0.0;
        get(r, &r->y[n_times - 1], end);
        for (int i = 0; i < 2 * SAMPLES; i++) {
            out[k] += end[i] * c[i];
        }
    }
    bench_close(r);
    mem_free(steps);
}

static void check_reverse(odeon_ode_spec spec, int32_t dense, const char *device, bool capture)
{
    static const double times[] = {0.0, 4.0};
    static const bool counts[] = {false, true};
    bench *b = bench_open(device, capture, "tsit5", dense, spec, 2, 1.5);
    double d_y0[2 * SAMPLES], expected[2 * SAMPLES], d_theta, slope = 0.0;
    for (int pass = 0; pass < 4; pass++) { /* eager, captured, replayed twice */
        require(solve(b, 2, times, ODEON_KEEP_FRAMES));
        reverse(b, 2, counts, d_y0, &d_theta);
        multiply_by_transposed(b, 2, times, cotangents, expected);
        for (int k = 0; k < 2 * SAMPLES; k++) {
            assert_close(d_y0[k], expected[k], 1e-13);
        }
    }
    double y[2 * SAMPLES]; /* dL/dtheta = T c . A y(T), but for the solve's own error */
    get(b, &b->y[1], y);
    for (int k = 0; k < SAMPLES; k++) {
        slope += 4.0 * (cotangents[k] * y[SAMPLES + k] - cotangents[SAMPLES + k] * y[k]);
    }
    assert_close(d_theta, slope, 1e-5);
    bench_close(b);
}

static void test_reverse_of_adaptive_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    check_reverse(adaptive, DENSE_UNUSED, "cpu", false);
    check_reverse(passing, DENSE_REQUIRED, "cpu", false);
}

static void test_reverse_of_captured_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        check_reverse(adaptive, DENSE_UNUSED, devices[i], true);
        check_reverse(passing, DENSE_REQUIRED, devices[i], true);
    }
}

/* ---- eager and captured ---- */

enum { PASSES = 5 };

typedef struct trace {
    double y[PASSES][MAX_TIMES][2 * SAMPLES], d_y0[PASSES][2 * SAMPLES], d_theta[PASSES];
    int64_t evals[PASSES], accepted[PASSES], rejected[PASSES];
    double attempts[PASSES][MAX_STEPS][4]; /* t, h, error, accepted */
    size_t n_attempts[PASSES];
    int64_t calls;
} trace;

/* The times differ from pass to pass where shifts is set, so that what is replayed are other steps
 * than those recorded. */
static void take_trace(bench *b, bool shifts, int32_t n_times, trace *t)
{
    static const bool counts[] = {false, true, true};
    for (int pass = 0; pass < PASSES; pass++) {
        double times[] = {0.0, 1.0, 2.5};
        times[n_times - 1] += shifts ? 0.3 * pass : 0.0;
        b->f.evals = 0;
        require(solve(b, n_times, times, ODEON_KEEP_FRAMES));
        reverse(b, n_times, counts, t->d_y0[pass], &t->d_theta[pass]);
        for (int32_t i = 0; i < n_times; i++) {
            get(b, &b->y[i], t->y[pass][i]);
        }
        solve_stats stats = solver_stats(b->solve);
        const solve_attempt *attempts = solver_attempts(b->solve, &t->n_attempts[pass]);
        assert_true(t->n_attempts[pass] <= MAX_STEPS);
        for (size_t i = 0; i < t->n_attempts[pass]; i++) {
            const solve_attempt *a = &attempts[i];
            const double row[] = {a->t, a->h, a->error, a->accepted};
            memcpy(t->attempts[pass][i], row, sizeof row);
        }
        t->evals[pass] = b->f.evals;
        t->accepted[pass] = stats.accepted;
        t->rejected[pass] = stats.rejected;
    }
    t->calls = b->f.calls;
}

static void compare(const char *device, const char *method, odeon_ode_spec spec, int32_t dense,
                    bool shifts, int32_t n_times)
{
    trace *traces[2];
    for (int i = 0; i < 2; i++) {
        traces[i] = mem_zalloc(1, sizeof *traces[i]);
        assert_non_null(traces[i]);
        bench *b = bench_open(device, i == 1, method, dense, spec, 2, 1.5);
        take_trace(b, shifts, n_times, traces[i]);
        bench_close(b);
    }
    assert_true(traces[1]->calls < traces[0]->calls); /* a replay does not call the field */
    traces[1]->calls = traces[0]->calls;
    if (spec.mode == ODEON_STEPS_ADAPTIVE) { /* rows are made again in reverse, frames are not */
        memset(traces[0]->evals, 0, sizeof traces[0]->evals);
        memset(traces[1]->evals, 0, sizeof traces[1]->evals);
    }
    assert_memory_equal(traces[0], traces[1], sizeof *traces[0]);
    mem_free(traces[0]);
    mem_free(traces[1]);
}

static void test_captured_operations_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    compare("remote", "rk4", ten_steps, DENSE_UNUSED, false, 3);
    compare("remote", "adams_bashforth(order=3)", ten_steps, DENSE_UNUSED, false, 3);
}

static void test_captured_loops_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        compare(devices[i], "tsit5", adaptive, DENSE_UNUSED, true, 2);
        compare(devices[i], "dopri5", passing, DENSE_REQUIRED, true, 2);
    }
}

/* Other times are other calls for steps known beforehand: nothing is replayed for them. */
static void test_other_times_are_not_replayed(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, ten_steps, 1, 1.0);
    double y[SAMPLES];
    for (int pass = 0; pass < 6; pass++) {
        double times[] = {0.0, pass < 4 ? 1.0 : 2.0};
        require(solve(b, 2, times, ODEON_KEEP_NONE));
        get(b, &b->y[1], y);
        assert_close(y[0], pow(rk4(-times[1] / 10.0), 10.0), 1e-14);
    }
    bench_close(b);
}

/* A field that has changed says so by its identity: another recording is made for it. */
static void test_other_identities_are_not_replayed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    static const bool counts[] = {false, true};
    static const odeon_ode_spec *const specs[] = {&ten_steps, &adaptive};
    for (int i = 0; i < 2; i++) {
        double y[SAMPLES], d_y0[SAMPLES], d_theta;
        bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, *specs[i], 1, 1.0);
        for (int pass = 0; pass < 8; pass++) {
            b->f.theta = pass < 4 ? 1.0 : 0.5;
            b->f.host.identity.bytes[3] = pass < 4;
            require(solve(b, 2, times, ODEON_KEEP_FRAMES));
            reverse(b, 2, counts, d_y0, &d_theta);
            get(b, &b->y[1], y);
            assert_close(y[0], exp(-b->f.theta), 1e-6);
            assert_close(d_y0[0], cotangents[0] * exp(-b->f.theta), 1e-6);
        }
        bench_close(b);
    }
}

enum { MANY = 30 }; /* passes, in which a vector that is not given back would be missing */

/* In reverse the steps of an adaptive solve on the device are made again, each once. */
static void test_evaluations_are_counted_where_they_are_replayed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 4.0};
    static const bool counts[] = {false, true};
    static const char *const devices[] = {"remote", "remote(loops=no)"};
    for (int i = 0; i < 2; i++) {
        bench *b = bench_open(devices[i], true, "tsit5", DENSE_UNUSED, adaptive, 2, 1.5);
        double d_y0[2 * SAMPLES], d_theta;
        int64_t evals[MANY], reversed[MANY];
        for (int pass = 0; pass < MANY; pass++) {
            b->f.evals = 0;
            require(solve(b, 2, times, ODEON_KEEP_FRAMES));
            evals[pass] = b->f.evals;
            reverse(b, 2, counts, d_y0, &d_theta);
            reversed[pass] = b->f.evals - evals[pass];
        }
        int64_t steps = solver_stats(b->solve).accepted;
        assert_int_equal(reversed[0], 0); /* frames were kept */
        for (int pass = 1; pass < MANY; pass++) {
            assert_int_equal(evals[pass], evals[0]);
            assert_int_equal(reversed[pass], 6 * steps + 1); /* tsit5, and its start */
        }
        bench_close(b);
    }
}

/* ---- failures ---- */

static void set_tolerance(bench *b, double tolerance)
{
    b->rtol = b->atol = b->spec.control.rtol = b->spec.control.atol = tolerance;
}

static void check_failure(odeon_ode_spec spec, const char *method, double wall, double tolerance,
                          const char *words)
{
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, spec, 1, 1.0);
    b->f.wall = wall;
    set_tolerance(b, tolerance);
    odeon_status status = solve(b, 2, times, ODEON_KEEP_FRAMES);
    if (status != ODEON_ERR_NUMERIC || strstr(diag_message(), words) == NULL) {
        fail_msg("status %d: '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    assert_true(solver_diagnosis(b->solve)->failed);
    diag_clear();
    b->f.wall = (double)NAN; /* the solver serves on */
    set_tolerance(b, 1e-3);
    b->spec.max_steps = MAX_STEPS;
    require(solve(b, 2, times, ODEON_KEEP_FRAMES));
    assert_false(solver_diagnosis(b->solve)->failed);
    bench_close(b);
}

static void test_failures_are_named_and_can_be_gone_on_from(void **state)
{
    (void)state;
    odeon_ode_spec few = adaptive;
    few.max_steps = 3;
    check_failure(ten_steps, "rk4", 0.42, 1e-3,
                  "a layer cannot be evaluated at t = 0.4, h = 0.1, after 18 evaluations, 4 "
                  "accepted and 0 rejected steps (no value at 0.45)");
    check_failure(adaptive, "tsit5", 0.42, 1e-3,
                  "step size underflow: a layer cannot be evaluated");
    check_failure(few, "tsit5", (double)NAN, 1e-12, "max_steps reached");
    check_failure(adaptive, "tsit5", (double)NAN, 1e-18,
                  "rtol = 1e-18 is below the rounding of float64");
}

/* Not one void step is counted twice, nor the last one, which ends the solve. */
static void test_attempts_and_counts_agree_on_void_steps(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, adaptive, 1, 1.0);
    size_t n, rejected = 0;
    b->f.wall = 0.42;
    assert_int_equal(solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    for (size_t i = 0; i < n; i++) {
        rejected += !attempts[i].accepted;
    }
    assert_false(attempts[n - 1].accepted);
    assert_int_equal(solver_stats(b->solve).rejected, rejected - 1);
    assert_int_equal(solver_stats(b->solve).accepted, n - rejected);
    diag_clear();
    bench_close(b);
}

/* The rule's own probe lies behind the wall, nearer ones do not; each gives its vectors back. */
static void test_probe_comes_nearer_where_there_is_no_value(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1e-3};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, adaptive, 1, 1.0);
    double y[SAMPLES];
    b->f.wall = 1e-3;
    for (int pass = 0; pass < MANY; pass++) {
        require(solve(b, 2, times, ODEON_KEEP_NONE));
        get(b, &b->y[1], y);
        assert_close(y[2], start[2] * exp(-1e-3), 1e-12);
    }
    bench_close(b);
}

static void check_cause(bench *b, const double *y0, double theta, int32_t kind, int64_t sample)
{
    static const double times[] = {0.0, 1.0};
    put(b, &b->y[0], y0);
    b->f.theta = theta;
    assert_int_equal(solver_solve(b->solve, &b->f.host, 2, times, ODEON_KEEP_NONE, b->y),
                     ODEON_ERR_NUMERIC);
    const solve_diagnosis *d = solver_diagnosis(b->solve);
    assert_true(d->failed);
    assert_int_equal(d->cause.kind, kind);
    assert_string_equal(d->worst.part, "y");
    assert_int_equal(d->worst.sample, sample);
    assert_true(isnan(d->worst.error));
    diag_clear();
    solver_forget(b->solve);
    assert_null(solver_diagnosis(b->solve)->worst.part);
}

/* A state that is not finite, a field that is not where the state is: 2e200 * 1e200 overflows. */
static void test_cause_and_sample_are_found(void **state)
{
    (void)state;
    static const double broken[] = {1.0, (double)NAN, (double)INFINITY}, huge[] = {1.0, 2.0, 2e200};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, adaptive, 1, 1.0);
    check_cause(b, broken, 1.0, CAUSE_STATE, 1);
    check_cause(b, huge, 1e200, CAUSE_FIELD, 2);
    bench_close(b);
}

/* y' = -1e4 y: stability keeps the steps near 3.3e-4. */
static void test_stiff_decay_is_named(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    odeon_ode_spec few = adaptive;
    few.max_steps = 200;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, few, 1, 1e4);
    set_tolerance(b, 1e-3);
    assert_int_equal(solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "max_steps reached: the problem is stiff"));
    assert_non_null(strstr(diag_message(), "|h lambda| is "));
    assert_int_equal(b->f.evals, 6 * 200 + 2); /* those of the diagnosis do not count */
    diag_clear();
    bench_close(b);
}

static void test_list_of_another_span_is_refused(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0}, steps[][2] = {{0.0, 0.25}, {0.25, 0.5}};
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "list.csv"};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, replay, 1, 1.0);
    solver_set_replay(b->solve, 2, steps);
    assert_int_equal(solve(b, 2, times, ODEON_KEEP_NONE), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "equation: list.csv lists steps from 0 to 0.75, but the "
                                        "span is 0 to 1");
    diag_clear();
    bench_close(b);
}

static void test_creation_and_solves_report_allocations_that_fail(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.7, 1.0};
    static const bool counts[] = {true, true, true};
    double first[SAMPLES], d_y0[SAMPLES], d_theta;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, ten_steps, 1, 1.0);
    solver_destroy(b->solve);
    b->solve = NULL;
    int64_t live = mem_live_blocks();
    for (int64_t n = 1; b->solve == NULL && n < 100; n++) {
        mem_fail_at(n);
        odeon_status status = solver_create(&b->lane, b->method, &b->spec, "equation", &b->solve);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_true(status == ODEON_OK || mem_live_blocks() == live);
    }
    int failures = 0;
    for (int64_t n = 1; n < 100; n++) { /* each is the first solve that gets so far */
        mem_fail_at(n);
        odeon_status status = solve(b, 3, times, ODEON_KEEP_FRAMES);
        mem_fail_at(0);
        failures += status != ODEON_OK;
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
    }
    assert_true(failures >= 5); /* vectors, frames, records, attempts, times */
    reverse(b, 3, counts, d_y0, &d_theta);
    memcpy(first, d_y0, sizeof first);
    require(solve(b, 3, times, ODEON_KEEP_FRAMES));
    reverse(b, 3, counts, d_y0, &d_theta);
    assert_memory_equal(first, d_y0, sizeof first);
    diag_clear();
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decay_by_equal_steps_is_powers_of_a_polynomial),
        cmocka_unit_test(test_reverse_of_equal_steps_is_their_exact_derivative),
        cmocka_unit_test(test_steps_of_a_size_end_at_every_time),
        cmocka_unit_test(test_oscillator_turns_at_all_times),
        cmocka_unit_test(test_reverse_of_adaptive_steps_is_their_exact_derivative),
        cmocka_unit_test(test_reverse_of_captured_steps_is_their_exact_derivative),
        cmocka_unit_test(test_captured_operations_give_the_same_bits_and_counts),
        cmocka_unit_test(test_captured_loops_give_the_same_bits_and_counts),
        cmocka_unit_test(test_other_times_are_not_replayed),
        cmocka_unit_test(test_other_identities_are_not_replayed),
        cmocka_unit_test(test_evaluations_are_counted_where_they_are_replayed),
        cmocka_unit_test(test_failures_are_named_and_can_be_gone_on_from),
        cmocka_unit_test(test_attempts_and_counts_agree_on_void_steps),
        cmocka_unit_test(test_probe_comes_nearer_where_there_is_no_value),
        cmocka_unit_test(test_cause_and_sample_are_found),
        cmocka_unit_test(test_stiff_decay_is_named),
        cmocka_unit_test(test_list_of_another_span_is_refused),
        cmocka_unit_test(test_creation_and_solves_report_allocations_that_fail),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
