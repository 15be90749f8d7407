#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "device/worker_group.h"
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

/* ---- the bench ---- */

static odeon_config *read_component(int32_t kind, const char *expression)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    bench_require(
        component_read(plugins, kind, expression, where, "test", ODEON_BUILD, 0, NULL, &config));
    return config;
}

static void open_device(bench *b, const char *id, bool capture)
{
    b->device_config = read_component(ODEON_KIND_DEVICE, id);
    bench_require(instance_create(b->device_config, "device", &b->device_instance));
    b->device = (odeon_device){.struct_size = sizeof b->device,
                               .self = b->device_instance->self,
                               .ops = b->device_instance->component->ops};
    bench_require(b->device.ops->probe(b->device.self));
    bench_require(collective_create(1, &b->workers));
    worker_group_init(&b->group, b->workers, &b->device, 0, 1);
    b->lane = (device_lane){
        .device = &b->device, .group = &b->group, .capture = capture, .dtype = ODEON_DTYPE_F64};
    bench_require(b->device.ops->queue_create(b->device.self, 0, &b->lane.queue));
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
    bench_require(b->device.ops->alloc(b->device.self, bytes, &memory));
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

bench *bench_open(const char *device, bool capture, const char *method, int32_t dense,
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
    bench_require(stepper_create(b->method_config, "equation", dense, &b->method));
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
    bench_require(solver_create(&b->lane, b->method, &b->spec, "equation", &b->solve));
    return b;
}

void bench_close(bench *b)
{
    solver_destroy(b->solve);
    stepper_destroy(b->method);
    assert_int_equal(mem_live_blocks(), b->live_blocks);
    assert_int_equal(live_bytes(b), b->live_bytes);
    b->device.ops->free(b->device.self, b->memory);
    b->device.ops->queue_destroy(b->lane.queue);
    instance_destroy(b->device_instance);
    collective_destroy(b->workers);
    schema_destroy(b->method_config);
    schema_destroy(b->device_config);
    mem_free(b);
}

void bench_put(bench *b, const odeon_tensor *x, const double *values)
{
    uint64_t bytes = (uint64_t)x->dim[0] * sizeof *values;
    bench_require(b->device.ops->upload(b->lane.queue, x->data, values, bytes));
}

void bench_get(bench *b, const odeon_tensor *x, double *values)
{
    uint64_t bytes = (uint64_t)x->dim[0] * sizeof *values;
    bench_require(b->device.ops->download(b->lane.queue, values, x->data, bytes));
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
    odeon_tensor grad = {.data = b->f.grad, .dim = {2}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    odeon_tensor d_y[MAX_TIMES];
    for (int32_t i = 0; i < n_times; i++) {
        d_y[i] = b->d_y[i];
        d_y[i].data = counts[i] ? d_y[i].data : NULL;
        if (counts[i]) {
            bench_put(b, &b->d_y[i], bench_cotangents);
        }
    }
    bench_put(b, &grad, none);
    bench_require(solver_reverse(b->solve, d_y, &b->d_y0));
    bench_get(b, &b->d_y0, d_y0);
    double both[2];
    bench_get(b, &grad, both);
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
    b->rtol = b->atol = b->spec.control.rtol = b->spec.control.atol = tolerance;
}
