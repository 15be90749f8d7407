/* Times operators at the shapes of a small neural ODE on Fashion-MNIST: bench_device [DEVICE ...],
 * each an expression such as "cpu(blas=own)"; cpu and reference without arguments. Not a test: the
 * machine decides about the figures. Best of several rounds, one thread. */
#include "support.h"

#include <stdio.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

enum { BATCH = 128, WIDE = 2028, NARROW = 16, TERMS = 7, STATE = BATCH * WIDE };

/* Every tensor that a line below needs. */
typedef struct scene {
    support_device device;
    odeon_tensor wide, narrow, weight_in, weight_out, bias_narrow, bias_wide, product;
    odeon_tensor state[TERMS + 2];
    const odeon_view *term[TERMS];
    odeon_scalar coefficient[TERMS];
    odeon_control control;
    odeon_conv_geometry geometry;
    odeon_tensor image, filters, map;
    double *slots;
    void *scratch;
} scene;

static odeon_tensor tensor(support_device *d, int32_t ndim, const int64_t *dim)
{
    int64_t n = 1;
    for (int32_t i = 0; i < ndim; i++) {
        n *= dim[i];
    }
    double *values = mem_alloc((size_t)n * sizeof *values);
    if (values == NULL) {
        fail_msg("no memory for %lld numbers", (long long)n);
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = support_random(1, (uint64_t)i);
    }
    odeon_tensor x = support_upload(d, values, ndim, dim);
    mem_free(values);
    return x;
}

static void *memory(support_device *d, uint64_t bytes)
{
    void *block = NULL;
    if (d->device->ops->alloc(d->device->handle, bytes, &block) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return block;
}

static void prepare(scene *s)
{
    support_device *d = &s->device;
    s->wide = tensor(d, 2, (int64_t[]){BATCH, WIDE});
    s->narrow = tensor(d, 2, (int64_t[]){BATCH, NARROW});
    s->weight_in = tensor(d, 2, (int64_t[]){NARROW, WIDE});
    s->weight_out = tensor(d, 2, (int64_t[]){WIDE, NARROW});
    s->bias_narrow = tensor(d, 1, (int64_t[]){NARROW});
    s->bias_wide = tensor(d, 1, (int64_t[]){WIDE});
    s->product = tensor(d, 2, (int64_t[]){BATCH, WIDE});
    for (int i = 0; i < TERMS + 2; i++) {
        s->state[i] = tensor(d, 1, (int64_t[]){STATE});
    }
    for (int i = 0; i < TERMS; i++) {
        s->term[i] = &s->state[i].view;
        s->coefficient[i] = odeon_imm(0.1 * (i + 1));
    }
    s->control = (odeon_control){.struct_size = sizeof s->control, .rtol = 1e-3, .atol = 1e-3};
    s->geometry = (odeon_conv_geometry){.stride_h = 1, .stride_w = 1};
    s->image = tensor(d, 4, (int64_t[]){BATCH, 1, 28, 28});
    s->filters = tensor(d, 4, (int64_t[]){3, 1, 3, 3});
    s->map = tensor(d, 4, (int64_t[]){BATCH, 3, 26, 26});
    s->slots = memory(d, ODEON_SLOTS * sizeof *s->slots);
    s->scratch =
        memory(d, d->device->conv->conv2d_scratch(d->device, &s->geometry, &s->image.view.shape,
                                                  &s->filters.view.shape));
}

static void release(scene *s)
{
    support_device *d = &s->device;
    odeon_tensor *const all[] = {&s->wide,        &s->narrow,    &s->weight_in, &s->weight_out,
                                 &s->bias_narrow, &s->bias_wide, &s->product,   &s->image,
                                 &s->filters,     &s->map};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(d, all[i]);
    }
    for (int i = 0; i < TERMS + 2; i++) {
        support_release(d, &s->state[i]);
    }
    d->device->ops->free(d->device->handle, s->slots);
    d->device->ops->free(d->device->handle, s->scratch);
}

/* ---- the lines ---- */

static odeon_status gemm_in(scene *s)
{
    return ODEON_DO(s->device.device, product, gemm, s->device.queue, .trans_b = 1, .alpha = 1.0,
                    .a = &s->wide.view, .b = &s->weight_in.view, .c = &s->narrow,
                    .bias = &s->bias_narrow.view, .act = ODEON_UNARY_RELU);
}

static odeon_status gemm_out(scene *s)
{
    return ODEON_DO(s->device.device, product, gemm, s->device.queue, .trans_b = 1, .alpha = 1.0,
                    .a = &s->narrow.view, .b = &s->weight_out.view, .c = &s->product,
                    .bias = &s->bias_wide.view, .act = ODEON_UNARY_RELU);
}

static odeon_status gemm_weight(scene *s)
{
    return ODEON_DO(s->device.device, product, gemm, s->device.queue, .trans_a = 1, .alpha = 1.0,
                    .a = &s->narrow.view, .b = &s->wide.view, .c = &s->weight_in);
}

static odeon_status lincomb(scene *s)
{
    return ODEON_DO(s->device.device, solver, lincomb, s->device.queue, .y = &s->state[TERMS + 1],
                    .base = &s->state[TERMS].view, .n = TERMS, .x = s->term,
                    .coefficient = s->coefficient);
}

static odeon_status error_sum(scene *s)
{
    return ODEON_DO(s->device.device, solver, error_sum, s->device.queue, .control = &s->control,
                    .y0 = &s->state[TERMS].view, .y1 = &s->state[TERMS + 1].view, .n = TERMS,
                    .x = s->term, .coefficient = s->coefficient, .slots = s->slots,
                    .slot = ODEON_SLOT_ERROR_SUM);
}

static odeon_status conv(scene *s)
{
    return ODEON_DO(s->device.device, conv, conv2d, s->device.queue, .geometry = s->geometry,
                    .x = &s->image.view, .w = &s->filters.view, .y = &s->map,
                    .scratch = s->scratch);
}

static odeon_status conv_vjp_w(scene *s)
{
    return ODEON_DO(s->device.device, conv, conv2d_vjp_w, s->device.queue, .geometry = s->geometry,
                    .x = &s->image.view, .dy = &s->map.view, .dw = &s->filters,
                    .scratch = s->scratch);
}

static odeon_status relu(scene *s)
{
    return ODEON_DO(s->device.device, pointwise, unary, s->device.queue, .id = ODEON_UNARY_RELU,
                    .x = &s->state[0].view, .y = &s->state[TERMS + 1]);
}

static odeon_status hyperbolic(scene *s)
{
    return ODEON_DO(s->device.device, pointwise, unary, s->device.queue, .id = ODEON_UNARY_TANH,
                    .x = &s->state[0].view, .y = &s->state[TERMS + 1]);
}

typedef struct line {
    const char *name;
    odeon_status (*run)(scene *s);
    double work; /* floating-point operations, or bytes that have to move, in units of 1e9 */
    const char *unit;
} line;

static const line lines[] = {
    {"gemm 128x16x2028, bias, relu", gemm_in, 2e-9 * BATCH *NARROW *WIDE, "GFLOP/s"},
    {"gemm 128x2028x16, bias, relu", gemm_out, 2e-9 * BATCH *NARROW *WIDE, "GFLOP/s"},
    {"gemm 16x2028x128, weights", gemm_weight, 2e-9 * BATCH *NARROW *WIDE, "GFLOP/s"},
    {"conv2d 1->3, 3x3, 28x28", conv, 2e-9 * BATCH * 3 * 9 * 676, "GFLOP/s"},
    {"conv2d_vjp_w of it", conv_vjp_w, 2e-9 * BATCH * 3 * 9 * 676, "GFLOP/s"},
    {"lincomb, 7 terms and base", lincomb, 4e-9 * STATE *(TERMS + 2), "GB/s"},
    {"error_sum, 7 terms", error_sum, 4e-9 * STATE *(TERMS + 2), "GB/s"},
    {"relu", relu, 4e-9 * STATE * 2, "GB/s"},
    {"tanh", hyperbolic, 4e-9 * STATE * 2, "GB/s"},
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call: the best of at least five calls and a fifth of a second. */
static double seconds(const line *l, scene *s)
{
    double best = 1e30, start = now();
    for (int i = 0; i < 5 || now() - start < 0.2; i++) {
        double before = now();
        if (l->run(s) != ODEON_OK || s->device.device->ops->wait(s->device.queue) != ODEON_OK) {
            fail_msg("%s: %s", l->name, diag_message());
        }
        double took = now() - before;
        best = took < best ? took : best;
    }
    return best;
}

static void bench(registry *plugins, const char *expression)
{
    char text[128] = "";
    scene s = {.device = support_device_open(plugins, expression, ODEON_DTYPE_F32)};
    (void)s.device.device->ops->describe(s.device.device->self, text, sizeof text);
    (void)printf("%s: %s\n", expression, text);
    prepare(&s);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        double took = seconds(&lines[i], &s);
        (void)printf("  %-30s %10.1f us %8.2f %s\n", lines[i].name, 1e6 * took,
                     lines[i].work / took, lines[i].unit);
    }
    release(&s);
    support_device_close(&s.device);
}

int main(int count, char **arguments)
{
    registry *plugins = support_registry();
    for (int i = 1; i < count; i++) {
        bench(plugins, arguments[i]);
    }
    if (count == 1) {
        bench(plugins, "cpu");
        bench(plugins, "reference");
    }
    registry_destroy(plugins);
    return 0;
}
