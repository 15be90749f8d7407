/* Times convolutions and batch norms at the shapes of image networks: bench_images [DEVICE ...],
 * each an expression such as "cpu(blas=own)"; cpu without arguments. Not a test: the machine
 * decides about the figures. Best of several rounds, one thread. */
#include "support.h"

#include <stdio.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

enum { BATCH = 128 };

/* x[BATCH,C,H,H], w[K,C,R,R]. */
typedef struct place {
    const char *name;
    int64_t C, H, K, R;
    int32_t stride, padding;
} place;

static const place places[] = {
    {"1->64, 3x3, 28x28", 1, 28, 64, 3, 1, 0},
    {"64->64, 4x4 by 2, 26x26", 64, 26, 64, 4, 2, 1},
    {"64->64, 4x4 by 2, 13x13", 64, 13, 64, 4, 2, 1},
    {"65->64, 3x3, 6x6", 65, 6, 64, 3, 1, 1},
    {"17->16, 3x3, 28x28", 17, 28, 16, 3, 1, 1},
};

typedef struct scene {
    support_device device;
    odeon_conv_geometry geometry;
    odeon_tensor x, w, y, dx, channels, dy_channels, stats, sums;
    void *scratch;
} scene;

static odeon_tensor tensor(support_device *d, uint32_t dtype, int32_t ndim, const int64_t *dim)
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
        values[i] = 0.5 + 0.5 * support_random(1, (uint64_t)i);
    }
    odeon_tensor x = support_upload_as(d, dtype, values, ndim, dim);
    mem_free(values);
    return x;
}

static int64_t edge(const place *p)
{
    return (p->H + 2 * p->padding - p->R) / p->stride + 1;
}

static void prepare(scene *s, const place *p)
{
    support_device *d = &s->device;
    int64_t P = edge(p);
    s->geometry = (odeon_conv_geometry){p->stride, p->stride, p->padding, p->padding};
    s->x = tensor(d, d->dtype, 4, (int64_t[]){BATCH, p->C, p->H, p->H});
    s->dx = tensor(d, d->dtype, 4, (int64_t[]){BATCH, p->C, p->H, p->H});
    s->w = tensor(d, d->dtype, 4, (int64_t[]){p->K, p->C, p->R, p->R});
    s->y = tensor(d, d->dtype, 4, (int64_t[]){BATCH, p->K, P, P});
    s->channels = tensor(d, d->dtype, 3, (int64_t[]){BATCH, p->K, P * P});
    s->dy_channels = tensor(d, d->dtype, 3, (int64_t[]){BATCH, p->K, P * P});
    s->stats = tensor(d, ODEON_DTYPE_F64, 2, (int64_t[]){2, p->K});
    s->sums = tensor(d, ODEON_DTYPE_F64, 2, (int64_t[]){2, p->K});
    uint64_t bytes = d->device->conv->conv2d_scratch(d->device, &s->geometry, &s->x.view.shape,
                                                     &s->w.view.shape);
    if (d->device->ops->alloc(d->device->handle, bytes, &s->scratch) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
}

static void release(scene *s)
{
    odeon_tensor *const all[] = {&s->x,        &s->dx,          &s->w,     &s->y,
                                 &s->channels, &s->dy_channels, &s->stats, &s->sums};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(&s->device, all[i]);
    }
    s->device.device->ops->free(s->device.device->handle, s->scratch);
}

/* ---- the lines ---- */

static odeon_status forward(scene *s)
{
    return ODEON_DO(s->device.device, conv, conv2d, s->device.queue, .geometry = s->geometry,
                    .x = &s->x.view, .w = &s->w.view, .y = &s->y, .scratch = s->scratch);
}

static odeon_status vjp_x(scene *s)
{
    return ODEON_DO(s->device.device, conv, conv2d_vjp_x, s->device.queue, .geometry = s->geometry,
                    .w = &s->w.view, .dy = &s->y.view, .dx = &s->dx, .scratch = s->scratch);
}

static odeon_status vjp_w(scene *s)
{
    return ODEON_DO(s->device.device, conv, conv2d_vjp_w, s->device.queue, .geometry = s->geometry,
                    .x = &s->x.view, .dy = &s->y.view, .dw = &s->w, .scratch = s->scratch);
}

/* The row of a pair that a pass of statistics reads or writes. */
static odeon_tensor row(const odeon_tensor *pair)
{
    return odeon_tensor_at(
        odeon_write(pair),
        (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {pair->view.shape.dim[1]}});
}

static odeon_status norm(scene *s)
{
    odeon_tensor mean = row(&s->stats), sum = row(&s->sums);
    ODEON_TRY(ODEON_DO(s->device.device, norm, channel_moment, s->device.queue,
                       .x = &s->channels.view, .out = &sum));
    ODEON_TRY(ODEON_DO(s->device.device, norm, channel_moment, s->device.queue,
                       .x = &s->channels.view, .mean = &mean.view, .out = &sum));
    return ODEON_DO(s->device.device, norm, batch_norm, s->device.queue, .x = &s->channels.view,
                    .stats = &s->stats.view, .act = ODEON_UNARY_RELU, .y = &s->y);
}

static odeon_status norm_vjp(scene *s)
{
    ODEON_TRY(ODEON_DO(s->device.device, norm, batch_norm_vjp_sums, s->device.queue,
                       .x = &s->channels.view, .stats = &s->stats.view, .dy = &s->dy_channels.view,
                       .sums = &s->sums));
    return ODEON_DO(s->device.device, norm, batch_norm_vjp, s->device.queue, .x = &s->channels.view,
                    .stats = &s->stats.view, .dy = &s->dy_channels.view, .sums = &s->sums.view,
                    .count = 1e4, .dx = &s->y);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Prints one line: the best of at least five calls and a fifth of a second; work in units of 1e9.
 */
static void measure(scene *s, const char *name, odeon_status (*run)(scene *s), double work,
                    const char *unit)
{
    double best = 1e30, start = now();
    for (int i = 0; i < 5 || now() - start < 0.2; i++) {
        double before = now();
        if (run(s) != ODEON_OK || s->device.device->ops->wait(s->device.queue) != ODEON_OK) {
            fail_msg("%s: %s", name, diag_message());
        }
        double took = now() - before;
        best = took < best ? took : best;
    }
    (void)printf("    %-24s %10.1f us %8.2f %s\n", name, 1e6 * best, work / best, unit);
}

static void bench(registry *plugins, const char *expression)
{
    char text[128] = "";
    scene s = {.device = support_device_open(plugins, expression, ODEON_DTYPE_F32)};
    (void)s.device.device->ops->describe(s.device.device->self, text, sizeof text);
    (void)printf("%s: %s\n", expression, text);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const place *p = &places[i];
        int64_t outputs = BATCH * p->K * edge(p) * edge(p);
        double flops = 2e-9 * (double)(outputs * p->C * p->R * p->R);
        prepare(&s, p);
        (void)printf("  %s\n", p->name);
        measure(&s, "conv2d", forward, flops, "GFLOP/s");
        measure(&s, "conv2d_vjp_x", vjp_x, flops, "GFLOP/s");
        measure(&s, "conv2d_vjp_w", vjp_w, flops, "GFLOP/s");
        measure(&s, "batch norm, relu", norm, 4e-9 * 4.0 * (double)outputs, "GB/s");
        measure(&s, "its vjp", norm_vjp, 4e-9 * 5.0 * (double)outputs, "GB/s");
        release(&s);
    }
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
    }
    registry_destroy(plugins);
    return 0;
}
