/* Times operators at the shapes of the five models: bench_operators EXPRESSION [SECONDS [LEAST
 * [FOLDER of plugins [SHRINK]]]]. A line each, tab-separated as tests/gpu/README.md has it:
 * float32, sixteen calls in a recording where the device has them. SHRINK divides the samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench_timer.h"
#include "device/open.h"
#include "odeon/device_conv.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { TERMS = 7, ROOM = 1 << 25 }; /* elements for all tensors of a line */

typedef enum operation {
    COPY,
    RELU,
    LINCOMB,
    ERROR_SUM,
    STEP_CONTROL,
    SELECT,
    GEMM,
    GEMM_WEIGHTS,
    CONV,
    CONV_X,
    CONV_W,
    GROUP_NORM,
    GROUP_NORM_VJP,
    MOMENT,
    BATCH_NORM
} operation;

/* n: elements; gemm: [n,k] = [n,m] [k,m]^T; conv: n images of m channels, edge e, k filters of r x
 * r, padded to keep the edge; norms: n samples of m channels in k groups, e places. */
typedef struct line {
    const char *name;
    operation what;
    int64_t n, m, k, e, r;
} line;

static const line lines[] = {
    {"copy, e", COPY, .n = 294912},
    {"relu, e", RELU, .n = 294912},
    {"lincomb of 7 and base, a", LINCOMB, .n = 64896},
    {"lincomb of 7 and base, b", LINCOMB, .n = 259584},
    {"lincomb of 7 and base, c e", LINCOMB, .n = 294912},
    {"lincomb of 7 and base, d", LINCOMB, .n = 1204224},
    {"error_sum of 7, e", ERROR_SUM, .n = 294912},
    {"step_control", STEP_CONTROL, .n = 1},
    {"select of 2, e", SELECT, .n = 294912},
    {"gemm 2028 to 16, b", GEMM, .n = 128, .m = 2028, .k = 16},
    {"gemm 16 to 16, b", GEMM, .n = 128, .m = 16, .k = 16},
    {"gemm 16 to 2028, b", GEMM, .n = 128, .m = 16, .k = 2028},
    {"gemm of weights 16 x 2028, b", GEMM_WEIGHTS, .n = 128, .m = 2028, .k = 16},
    {"conv2d 6 to 6, a", CONV, .n = 16, .m = 6, .k = 6, .e = 26, .r = 3},
    {"conv2d_vjp_x, a", CONV_X, .n = 16, .m = 6, .k = 6, .e = 26, .r = 3},
    {"conv2d_vjp_w, a", CONV_W, .n = 16, .m = 6, .k = 6, .e = 26, .r = 3},
    {"conv2d 65 to 64, c e", CONV, .n = 128, .m = 65, .k = 64, .e = 6, .r = 3},
    {"conv2d_vjp_x, c e", CONV_X, .n = 128, .m = 65, .k = 64, .e = 6, .r = 3},
    {"conv2d_vjp_w, c e", CONV_W, .n = 128, .m = 65, .k = 64, .e = 6, .r = 3},
    {"conv2d 1x1 6 to 16, d", CONV, .n = 256, .m = 6, .k = 16, .e = 28, .r = 1},
    {"conv2d 16 to 16, d", CONV, .n = 256, .m = 16, .k = 16, .e = 28, .r = 3},
    {"conv2d_vjp_x, d", CONV_X, .n = 256, .m = 16, .k = 16, .e = 28, .r = 3},
    {"conv2d_vjp_w, d", CONV_W, .n = 256, .m = 16, .k = 16, .e = 28, .r = 3},
    {"group_norm, a", GROUP_NORM, .n = 16, .m = 6, .k = 6, .e = 676},
    {"group_norm_vjp, a", GROUP_NORM_VJP, .n = 16, .m = 6, .k = 6, .e = 676},
    {"group_norm, e", GROUP_NORM, .n = 128, .m = 64, .k = 32, .e = 36},
    {"group_norm_vjp, e", GROUP_NORM_VJP, .n = 128, .m = 64, .k = 32, .e = 36},
    {"channel_moment, c", MOMENT, .n = 128, .m = 64, .e = 36},
    {"batch_norm and relu, c", BATCH_NORM, .n = 128, .m = 64, .e = 36},
};

typedef struct scene {
    open_device opened;
    odeon_config *config;
    const odeon_device *device; /* what opened is as a device */
    odeon_queue *queue;
    const line *l;
    char *memory; /* device: ROOM numbers in [0,1) */
    int64_t used; /* bytes */
    double *slots;
    void *scratch;
    odeon_conv_geometry geometry;
    odeon_control control;
    odeon_tensor x, y, z, w, b, dw, stats, state[TERMS + 2];
} scene;

/* ---- the device and its memory ---- */

static odeon_status take_device(scene *s, registry *r, const char *expression)
{
    location where = {.file = "bench", .line = 0};
    s->device = &s->opened.device;
    ODEON_TRY(
        component_read(r, ODEON_KIND_DEVICE, expression, where, "run", "/", 0, NULL, &s->config));
    ODEON_TRY(device_open(r, s->config, "run.device", &s->opened));
    ODEON_TRY(s->device->ops->probe(s->device->self));
    return device_queue_create(s->device, 0, &s->queue);
}

static odeon_status fill_memory(scene *s)
{
    const odeon_device_ops *ops = s->device->ops;
    void *memory, *slots;
    ODEON_TRY(ops->alloc(s->device->handle, ROOM * sizeof(float), &memory));
    s->memory = memory;
    ODEON_TRY(ops->alloc(s->device->handle, ODEON_SLOTS * sizeof(double), &slots));
    s->slots = slots;
    float *values = mem_alloc(ROOM * sizeof *values);
    if (values == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    uint64_t key = rng_key(3, "bench", 0, 0);
    for (int64_t i = 0; i < ROOM; i++) {
        uint32_t bits = (uint32_t)((uint64_t)i * 2654435761u + key);
        values[i] = (float)(bits >> 8) * 0x1p-24f;
    }
    odeon_status status = ops->upload(s->queue, memory, values, ROOM * sizeof *values);
    mem_free(values);
    return status;
}

static void close_scene(scene *s)
{
    if (s->queue != NULL) {
        s->device->ops->free(s->device->handle, s->memory);
        s->device->ops->free(s->device->handle, s->slots);
        device_queue_destroy(s->device, s->queue);
    }
    device_close(&s->opened);
    schema_destroy(s->config);
}

static odeon_tensor take(scene *s, uint32_t dtype, int32_t ndim, const int64_t *dim)
{
    odeon_shape shape = {.ndim = ndim, .dtype = dtype};
    memcpy(shape.dim, dim, (size_t)ndim * sizeof *dim);
    odeon_tensor x = odeon_tensor_at(s->memory + s->used, shape);
    s->used += (odeon_bytes(&shape) + 255) / 256 * 256;
    return x;
}

/* ---- a line's tensors ---- */

static void take_product(scene *s)
{
    const line *l = s->l;
    s->x = take(s, ODEON_DTYPE_F32, 2, (int64_t[]){l->n, l->m});
    s->w = take(s, ODEON_DTYPE_F32, 2, (int64_t[]){l->k, l->m});
    s->y = take(s, ODEON_DTYPE_F32, 2, (int64_t[]){l->n, l->k});
    s->b = take(s, ODEON_DTYPE_F32, 1, (int64_t[]){l->k});
}

static void take_images(scene *s)
{
    const line *l = s->l;
    int32_t padding = (int32_t)(l->r / 2);
    s->geometry = (odeon_conv_geometry){1, 1, padding, padding};
    s->x = take(s, ODEON_DTYPE_F32, 4, (int64_t[]){l->n, l->m, l->e, l->e});
    s->w = take(s, ODEON_DTYPE_F32, 4, (int64_t[]){l->k, l->m, l->r, l->r});
    s->y = take(s, ODEON_DTYPE_F32, 4, (int64_t[]){l->n, l->k, l->e, l->e});
    s->b = take(s, ODEON_DTYPE_F32, 1, (int64_t[]){l->k});
}

static odeon_status take_norm(scene *s)
{
    const line *l = s->l;
    const int64_t values[] = {l->n, l->m, l->e}, group[] = {l->n, l->k, 2}, channel[] = {2, l->m};
    s->x = take(s, ODEON_DTYPE_F32, 3, values);
    s->y = take(s, ODEON_DTYPE_F32, 3, values);
    s->z = take(s, ODEON_DTYPE_F32, 3, values);
    s->w = take(s, ODEON_DTYPE_F32, 1, (int64_t[]){l->m});
    s->b = take(s, ODEON_DTYPE_F32, 1, (int64_t[]){l->m});
    s->dw = take(s, ODEON_DTYPE_F32, 1, (int64_t[]){l->m});
    s->stats = l->k > 0 ? take(s, ODEON_DTYPE_F64, 3, group) : take(s, ODEON_DTYPE_F64, 2, channel);
    return ODEON_DO(s->device, move, fill, s->queue, .y = &s->stats, .value = odeon_imm(0.5));
}

static odeon_status set_slots(scene *s)
{
    double values[ODEON_MAX_PARTS] = {[ODEON_SLOT_H] = 0.1, [ODEON_SLOT_ACCEPT] = 1.0};
    return ODEON_DO(s->device, solver, slots_write, s->queue, .slots = s->slots,
                    .n = ODEON_MAX_PARTS, .values = values);
}

static odeon_status prepare(scene *s)
{
    const line *l = s->l;
    s->used = 0;
    s->scratch = NULL;
    s->control = (odeon_control){.struct_size = sizeof s->control,
                                 .n_parts = 1,
                                 .count = {l->n},
                                 .rtol = 1e-3,
                                 .atol = 1e-3,
                                 .safety = 0.9,
                                 .factor_min = 0.2,
                                 .factor_max = 10.0,
                                 .factor_max_first = 10.0,
                                 .factor_min_accept = 1.0,
                                 .beta = {0.2},
                                 .beta_reject = 0.2};
    ODEON_TRY(set_slots(s));
    if (l->what >= GROUP_NORM) {
        return take_norm(s);
    }
    if (l->what >= CONV) {
        take_images(s);
        uint64_t bytes = s->device->conv->conv2d_scratch(s->device, &s->geometry, &s->x.view.shape,
                                                         &s->w.view.shape);
        return s->device->ops->alloc(s->device->handle, bytes, &s->scratch);
    }
    if (l->what >= GEMM) {
        take_product(s);
        return ODEON_OK;
    }
    for (int32_t i = 0; i < TERMS + 2; i++) {
        s->state[i] = take(s, ODEON_DTYPE_F32, 1, &l->n);
    }
    return ODEON_OK;
}

/* ---- a line's call ---- */

static odeon_status call_solver(scene *s)
{
    const odeon_view *term[TERMS];
    const odeon_tensor *const chosen[] = {&s->state[2], &s->state[3]};
    odeon_scalar coefficient[TERMS];
    for (int32_t i = 0; i < TERMS; i++) {
        term[i] = &s->state[i].view;
        coefficient[i] = odeon_imm(0.01 * (i + 1));
    }
    switch (s->l->what) {
    case COPY:
        return ODEON_DO(s->device, move, copy, s->queue, .x = &s->state[0].view, .y = &s->state[1]);
    case RELU:
        return ODEON_DO(s->device, pointwise, unary, s->queue, .id = ODEON_UNARY_RELU,
                        .x = &s->state[0].view, .y = &s->state[1]);
    case LINCOMB:
        return ODEON_DO(s->device, solver, lincomb, s->queue, .y = &s->state[TERMS],
                        .base = &s->state[TERMS + 1].view, .n = TERMS, .x = term,
                        .coefficient = coefficient, .slots = s->slots);
    case ERROR_SUM:
        return ODEON_DO(s->device, solver, error_sum, s->queue, .control = &s->control,
                        .y0 = &s->state[TERMS].view, .y1 = &s->state[TERMS + 1].view, .n = TERMS,
                        .x = term, .coefficient = coefficient, .slots = s->slots,
                        .slot = ODEON_SLOT_ERROR_SUM);
    case SELECT:
        return ODEON_DO(s->device, solver, select, s->queue, .n = 2, .x = term, .y = chosen,
                        .slots = s->slots, .slot = ODEON_SLOT_ACCEPT);
    default:
        return ODEON_DO(s->device, solver, step_control, s->queue, .control = &s->control,
                        .slots = s->slots);
    }
}

static odeon_status call_product(scene *s)
{
    switch (s->l->what) {
    case GEMM:
        return ODEON_DO(s->device, product, gemm, s->queue, .trans_b = 1, .alpha = 1.0,
                        .a = &s->x.view, .b = &s->w.view, .c = &s->y, .bias = &s->b.view,
                        .act = ODEON_UNARY_RELU);
    case GEMM_WEIGHTS:
        return ODEON_DO(s->device, product, gemm, s->queue, .trans_a = 1, .alpha = 1.0,
                        .a = &s->y.view, .b = &s->x.view, .c = &s->w);
    case CONV:
        return ODEON_DO(s->device, conv, conv2d, s->queue, .geometry = s->geometry, .x = &s->x.view,
                        .w = &s->w.view, .bias = &s->b.view, .act = ODEON_UNARY_RELU, .y = &s->y,
                        .scratch = s->scratch);
    case CONV_X:
        return ODEON_DO(s->device, conv, conv2d_vjp_x, s->queue, .geometry = s->geometry,
                        .w = &s->w.view, .dy = &s->y.view, .dx = &s->x, .scratch = s->scratch);
    default:
        return ODEON_DO(s->device, conv, conv2d_vjp_w, s->queue, .geometry = s->geometry,
                        .x = &s->x.view, .dy = &s->y.view, .dw = &s->w, .scratch = s->scratch);
    }
}

static odeon_status call_norm(scene *s)
{
    odeon_shape channels = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {s->l->m}};
    odeon_tensor sums = odeon_tensor_at(odeon_write(&s->stats), channels);
    switch (s->l->what) {
    case GROUP_NORM:
        return ODEON_DO(s->device, norm, group_norm, s->queue, .groups = (int32_t)s->l->k,
                        .epsilon = 1e-5, .x = &s->x.view, .w = &s->w.view, .b = &s->b.view,
                        .y = &s->y, .stats = &s->stats);
    case GROUP_NORM_VJP:
        return ODEON_DO(s->device, norm, group_norm_vjp, s->queue, .groups = (int32_t)s->l->k,
                        .x = &s->x.view, .w = &s->w.view, .stats = &s->stats.view, .dy = &s->z.view,
                        .dx = &s->y, .dw = &s->dw, .db = &s->b);
    case MOMENT:
        return ODEON_DO(s->device, norm, channel_moment, s->queue, .x = &s->x.view, .out = &sums);
    default:
        return ODEON_DO(s->device, norm, batch_norm, s->queue, .x = &s->x.view,
                        .stats = &s->stats.view, .w = &s->w.view, .b = &s->b.view,
                        .act = ODEON_UNARY_RELU, .y = &s->y);
    }
}

static odeon_status call(void *context)
{
    scene *s = context;
    return s->l->what >= GROUP_NORM ? call_norm(s)
           : s->l->what >= GEMM     ? call_product(s)
                                    : call_solver(s);
}

/* ---- what a call has to do ---- */

/* Bytes that are read and written, once each. */
static double bytes_of(const scene *s)
{
    const line *l = s->l;
    double n = 4.0 * (double)l->n;
    switch (l->what) {
    case COPY:
    case RELU:
        return 2.0 * n;
    case LINCOMB:
    case ERROR_SUM:
        return (TERMS + 2) * n;
    case SELECT:
        return 4.0 * n;
    case STEP_CONTROL:
        return 0.0;
    case GROUP_NORM_VJP:
        return 4.0 * 3.0 * (double)odeon_count(&s->x.view.shape);
    case MOMENT:
        return 4.0 * (double)odeon_count(&s->x.view.shape);
    case GROUP_NORM:
    case BATCH_NORM:
        return 4.0 * 2.0 * (double)odeon_count(&s->x.view.shape);
    default:
        return 4.0 * (double)(odeon_count(&s->x.view.shape) + odeon_count(&s->w.view.shape) +
                              odeon_count(&s->y.view.shape));
    }
}

/* Multiply-adds of products count two; of the rest none. */
static double operations_of(const line *l)
{
    double n = 2.0 * (double)(l->n * l->m * l->k);
    return l->what >= GROUP_NORM || l->what < GEMM ? 0.0
           : l->what >= CONV                       ? n * (double)(l->e * l->e * l->r * l->r)
                                                   : n;
}

static void measure(scene *s, double seconds, int32_t least)
{
    bench_call one = {.run = call,
                      .context = s,
                      .device = s->device,
                      .queue = s->queue,
                      .quick = !(seconds > 0.0)};
    bench_time t;
    odeon_status status = prepare(s);
    if (status == ODEON_OK) {
        status = bench_measure_recorded(&one, seconds, least, &t);
    }
    if (status == ODEON_OK) {
        (void)printf("operator\t%s\t%.3f\t%.3f\t%.3f\t%lld\t%.0f\t%.0f\n", s->l->name,
                     1e6 * t.median, 1e6 * t.low, 1e6 * t.high, (long long)t.launches, bytes_of(s),
                     operations_of(s->l));
    } else {
        (void)printf("skip\toperator\t%s\t%s\n", s->l->name, diag_message());
        diag_clear();
    }
    (void)fflush(stdout);
    s->device->ops->free(s->device->handle, s->scratch);
}

int main(int count, char **arguments)
{
    registry *r = NULL;
    scene s = {.queue = NULL};
    int64_t shrink = count > 5 ? strtol(arguments[5], NULL, 10) : 1;
    const char *const *folders = count > 4 ? (const char *const *)arguments + 4 : NULL;
    if (count < 2) {
        (void)fprintf(stderr, "bench_operators EXPRESSION [SECONDS [LEAST [FOLDER [SHRINK]]]]\n");
        return 2;
    }
    odeon_status status = registry_create(count > 4 ? 1 : 0, folders, &r);
    if (status == ODEON_OK) {
        status = take_device(&s, r, arguments[1]);
    }
    if (status == ODEON_OK) {
        status = fill_memory(&s);
    }
    for (size_t i = 0; i < sizeof lines / sizeof *lines && status == ODEON_OK; i++) {
        line l = lines[i];
        l.n = l.n < shrink ? 1 : l.n / shrink;
        s.l = &l;
        measure(&s, count > 2 ? strtod(arguments[2], NULL) : 0.2,
                count > 3 ? (int32_t)strtol(arguments[3], NULL, 10) : 5);
    }
    if (status != ODEON_OK) {
        (void)printf("skip\toperator\t-\t%s\n", diag_message());
    }
    close_scene(&s);
    registry_destroy(r);
    return status == ODEON_OK ? 0 : 1;
}
