#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "plugin/component.h"
#include "plugin/registry.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

const odeon_ode_spec bench_ten_steps = {.mode = ODEON_STEPS_COUNT, .steps = 10};
const odeon_ode_spec bench_adaptive = {.mode = ODEON_STEPS_ADAPTIVE, .end = ODEON_END_CLIP};
const odeon_ode_spec bench_passing = {.mode = ODEON_STEPS_ADAPTIVE, .end = ODEON_END_INTERPOLATE};

static registry *plugins;

int bench_open_plugins(void **state)
{
    static const char *const paths[] = {ODEON_TEST_PLUGINS, ODEON_BUILD "/plugins"};
    (void)state;
    return registry_create(2, paths, &plugins) == ODEON_OK ? 0 : -1;
}

int bench_close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

void bench_require(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("status %d: %s", (int)status, diag_message());
    }
}

/* ---- the equation ---- */

odeon_tensor bench_vector(void *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

/* One of the state's blocks, of SAMPLES numbers each. */
static odeon_view block(const odeon_view *x, int32_t i)
{
    odeon_view part = *x;
    part.byte_offset += (uint64_t)i * SAMPLES * sizeof(double);
    part.shape.dim[0] = SAMPLES;
    return part;
}

/* out = factor x, block by block; to and from name blocks. */
static odeon_status scale(const equation *e, const odeon_tensor *out, int32_t to,
                          const odeon_view *x, int32_t from, double factor)
{
    const odeon_tensor y = {.view = block(&out->view, to)};
    const odeon_view term = block(x, from), *terms[1] = {&term};
    const odeon_scalar coefficient[1] = {odeon_imm(factor)};
    return ODEON_DO(e->lane->device, solver, lincomb, e->lane->queue, .y = &y, .n = 1, .x = terms,
                    .coefficient = coefficient);
}

/* out = theta A x, or theta A^T x */
static odeon_status multiply(const equation *e, double theta, const odeon_view *x,
                             const odeon_tensor *out)
{
    if (e->size == 1) {
        return scale(e, out, 0, x, 0, -theta);
    }
    ODEON_TRY(scale(e, out, 0, x, 1, theta));
    return scale(e, out, 1, x, 0, -theta);
}

/* A positive status where the time lies beyond the wall. */
static odeon_status check_wall(const equation *e, const odeon_view *t)
{
    double now;
    if (isnan(e->wall)) {
        return ODEON_OK;
    }
    ODEON_TRY(e->lane->device->ops->download(e->lane->queue, &now, odeon_read(t), sizeof now));
    if (now > e->wall) {
        (void)diag_fail(ODEON_ERR_NUMERIC, "no value at %g", now);
        return 1;
    }
    return ODEON_OK;
}

static odeon_status equation_eval(void *self, const odeon_field_eval *call)
{
    equation *e = self;
    e->evals++;
    e->calls++;
    ODEON_TRY(check_wall(e, call->t));
    if (call->keep != NULL && odeon_read(call->y) != call->keep->memory) {
        const odeon_tensor kept = bench_vector(call->keep->memory, e->host.abi.n);
        e->copies++;
        ODEON_TRY(ODEON_DO(e->lane->device, move, copy, e->lane->queue, .x = call->y, .y = &kept));
    }
    return multiply(e, e->theta, call->y, call->dy);
}

/* theta_bar += dy_bar . A y, with y_bar's memory for A y. */
static odeon_status add_parameter(equation *e, const odeon_field_vjp *call)
{
    const odeon_tensor grad = bench_vector(e->grad, 1), share = bench_vector(e->grad + 1, 1);
    const odeon_tensor y = bench_vector(call->kept->memory, e->host.abi.n);
    const odeon_view *terms[1] = {&share.view};
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    ODEON_TRY(multiply(e, 1.0, &y.view, call->y_bar));
    ODEON_TRY(ODEON_DO(e->lane->device, solver, dot, e->lane->queue, .a = call->dy_bar,
                       .b = &call->y_bar->view, .slots = e->grad, .slot = 1));
    return ODEON_DO(e->lane->device, solver, lincomb, e->lane->queue, .y = &grad,
                    .base = &grad.view, .n = 1, .x = terms, .coefficient = one);
}

/* y_bar = theta A^T dy_bar */
static odeon_status equation_vjp(void *self, const odeon_field_vjp *call)
{
    equation *e = self;
    assert_null(call->t_bar);
    if ((call->flags & ODEON_CALL_NO_PARAM_GRAD) == 0) {
        ODEON_TRY(add_parameter(e, call));
    }
    return multiply(e, e->size == 1 ? e->theta : -e->theta, call->dy_bar, call->y_bar);
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

/* ---- the bench ---- */

static odeon_config *read_component(int32_t kind, const char *expression)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    bench_require(
        component_read(plugins, kind, expression, where, "test", ODEON_BUILD, 0, NULL, &config));
    return config;
}

static void start_device(bench *b, const char *id, bool capture)
{
    b->device_config = read_component(ODEON_KIND_DEVICE, id);
    bench_require(device_open(plugins, b->device_config, "device", &b->opened));
    b->device = &b->opened.device;
    bench_require(b->device->ops->probe(b->device->self));
    bench_require(collective_create(1, &b->workers));
    worker_group_init(&b->group, b->workers, b->device, 0, 1);
    b->lane = (device_lane){
        .device = b->device, .group = &b->group, .capture = capture, .dtype = ODEON_DTYPE_F64};
    bench_require(device_queue_create(b->device, 0, &b->lane.queue));
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
    bench_require(b->device->ops->alloc(b->device->handle, bytes, &memory));
    b->memory = memory;
    for (int i = 0; i < 2 * MAX_TIMES + 1; i++, at += n) {
        odeon_tensor *x = i < MAX_TIMES       ? &b->y[i]
                          : i < 2 * MAX_TIMES ? &b->d_y[i - MAX_TIMES]
                                              : &b->d_y0;
        *x = bench_vector(b->memory + at, n);
    }
    for (int i = 0; i < MAX_TIMES; i++) {
        b->cotangents[i] = b->d_y[i].view;
    }
    b->f.grad = b->memory + at;
}

static int64_t live_bytes(const bench *b)
{
    const odeon_device_counters *counters = b->device->get_table(b->device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, bytes = 0;
    counters->read(b->device->handle, &launches, &waits, &allocs, &bytes);
    return bytes;
}

bench *bench_open(const char *device, bool capture, const char *method, int32_t dense,
                  odeon_ode_spec spec, int32_t size, double theta)
{
    bench *b = mem_zalloc(1, sizeof *b);
    assert_non_null(b);
    diag_clear();
    start_device(b, device, capture);
    b->method_config = read_component(ODEON_KIND_INTEGRATOR, method);
    equation_init(&b->f, &b->lane, size, theta);
    allocate(b);
    b->live_blocks = mem_live_blocks();
    b->live_bytes = live_bytes(b);
    bench_require(stepper_create(b->method_config, "equation", dense, &b->method));
    b->rtol = 1e-8;
    b->atol = 1e-10;
    b->spec = spec;
    b->spec.struct_size = sizeof b->spec;
    b->control = controller();
    b->control.rtol = b->rtol;
    b->control.atol = b->atol;
    b->spec.control = &b->control;
    b->spec.exponents_per_order = 1;
    b->spec.rtol = &b->rtol;
    b->spec.atol = &b->atol;
    b->spec.n_rtol = b->spec.n_atol = 1;
    b->spec.max_steps = spec.max_steps != 0 ? spec.max_steps : MAX_STEPS;
    bench_require(solver_create(&b->lane, b->method, &b->spec, "equation", &b->solve));
    return b;
}

void bench_close(bench *b)
{
    solver_destroy(b->solve);
    stepper_destroy(b->method);
    assert_int_equal(mem_live_blocks(), b->live_blocks);
    assert_int_equal(live_bytes(b), b->live_bytes);
    b->device->ops->free(b->device->handle, b->memory);
    device_queue_destroy(b->device, b->lane.queue);
    device_close(&b->opened);
    collective_destroy(b->workers);
    schema_destroy(b->method_config);
    schema_destroy(b->device_config);
    mem_free(b);
}

void bench_put(bench *b, const odeon_tensor *x, const double *values)
{
    uint64_t bytes = (uint64_t)x->view.shape.dim[0] * sizeof *values;
    bench_require(b->device->ops->upload(b->lane.queue, odeon_write(x), values, bytes));
}

void bench_get(bench *b, const odeon_view *x, double *values)
{
    uint64_t bytes = (uint64_t)x->shape.dim[0] * sizeof *values;
    bench_require(b->device->ops->download(b->lane.queue, values, odeon_read(x), bytes));
}

const double bench_start[2 * SAMPLES] = {1.0, -0.5, 2.0, 0.25, 1.5, -1.0};
const double bench_cotangents[2 * SAMPLES] = {0.5, 1.0, -2.0, 1.0, -0.75, 0.5};

odeon_status bench_solve(bench *b, int32_t n_times, const double *times, int32_t keep)
{
    bench_put(b, &b->y[0], bench_start);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

/* dL/dy0 and dL/dtheta of L = bench_cotangents . y at the times that are marked; all others count
 * 0. */
void bench_reverse(bench *b, int32_t n_times, const bool *counts, double *d_y0, double *d_theta)
{
    const double none[2] = {0.0};
    const odeon_tensor grad = bench_vector(b->f.grad, 2);
    for (int32_t i = 0; i < n_times; i++) {
        b->cotangents[i].data = counts[i] ? b->d_y[i].view.data : NULL;
        if (counts[i]) {
            bench_put(b, &b->d_y[i], bench_cotangents);
        }
    }
    bench_put(b, &grad, none);
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    bench_get(b, &b->d_y0.view, d_y0);
    double both[2];
    bench_get(b, &grad.view, both);
    *d_theta = both[0];
}

void bench_assert_close(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fmax(1.0, fabs(expected)))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

void bench_set_tolerance(bench *b, double tolerance)
{
    b->rtol = b->atol = b->control.rtol = b->control.atol = tolerance;
}
