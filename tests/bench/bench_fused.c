/* Times the fused operators of convolutions beside the operators that they stand for, as a layer
 * calls them: bench_fused [PATTERN [DEVICE]]. A line each shape: microseconds forward and of all
 * gradients, in parts and fused, the best of rounds in which the two take turns, in processor time
 * of this thread. Not a test: the machine decides. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "plugin/registry.h"

enum { ROUNDS = 25 };

/* x[B,C,H,H], w[K,C + timed,R,R]. */
typedef struct place {
    const char *name;
    int64_t B, C, H, K, R;
    int32_t stride, padding, timed, act;
} place;

static const place places[] = {
    {"a 6-6 3x3 26", 16, 6, 26, 6, 3, 1, 1, 0, ODEON_UNARY_IDENTITY},
    {"ce 64-64 3x3 6 time", 128, 64, 6, 64, 3, 1, 1, 1, ODEON_UNARY_IDENTITY},
    {"ce 64-64 3x3 6 time, 16", 16, 64, 6, 64, 3, 1, 1, 1, ODEON_UNARY_IDENTITY},
    {"c 64-64 4x4/2 26", 64, 64, 26, 64, 4, 2, 1, 0, ODEON_UNARY_IDENTITY},
    {"c 64-64 4x4/2 13", 128, 64, 13, 64, 4, 2, 1, 0, ODEON_UNARY_IDENTITY},
    {"d 16-16 3x3 28 relu", 256, 16, 28, 16, 3, 1, 1, 0, ODEON_UNARY_RELU},
    {"d 6-16 1x1 28 relu", 256, 6, 28, 16, 1, 1, 0, 0, ODEON_UNARY_RELU},
    {"d 16-6 1x1 28", 256, 16, 28, 6, 1, 1, 0, 0, ODEON_UNARY_IDENTITY},
    {"g 3-3 3x3 32 time relu", 64, 3, 32, 3, 3, 1, 1, 1, ODEON_UNARY_RELU},
};

typedef struct scene {
    const place *p;
    support_device d;
    odeon_conv_geometry geometry;
    odeon_tensor x, w, bias, t, y, dy, d_before, dx, dw, dbias, joined, d_joined;
    void *scratch;
} scene;

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static odeon_tensor tensor(support_device *d, int64_t a, int64_t b, int64_t c, int64_t e)
{
    const int64_t dim[] = {a, b, c, e};
    double *values = mem_alloc((size_t)(a * b * c * e) * sizeof *values);
    for (int64_t i = 0; i < a * b * c * e; i++) {
        values[i] = support_random(1, (uint64_t)i);
    }
    odeon_tensor x = support_upload(d, values, 4, dim);
    mem_free(values);
    return x;
}

static void prepare(scene *s, const place *p)
{
    const odeon_device *device = s->d.device;
    int64_t P = (p->H + 2 * p->padding - p->R) / p->stride + 1, C = p->C + p->timed;
    s->p = p;
    s->geometry = (odeon_conv_geometry){p->stride, p->stride, p->padding, p->padding};
    s->x = tensor(&s->d, p->B, p->C, p->H, p->H);
    s->dx = tensor(&s->d, p->B, p->C, p->H, p->H);
    s->joined = tensor(&s->d, p->B, C, p->H, p->H);
    s->d_joined = tensor(&s->d, p->B, C, p->H, p->H);
    s->w = tensor(&s->d, p->K, C, p->R, p->R);
    s->dw = tensor(&s->d, p->K, C, p->R, p->R);
    s->y = tensor(&s->d, p->B, p->K, P, P);
    s->dy = tensor(&s->d, p->B, p->K, P, P);
    s->d_before = tensor(&s->d, p->B, p->K, P, P);
    s->bias = tensor(&s->d, 1, p->K, 1, 1);
    s->dbias = tensor(&s->d, 1, p->K, 1, 1);
    s->t = tensor(&s->d, 2, 1, 1, 1);
    s->t.view.shape = (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    uint64_t fused = device->conv->conv2d_fused_scratch(device, &s->geometry, &s->x.view.shape,
                                                        &s->w.view.shape);
    uint64_t plain =
        device->conv->conv2d_scratch(device, &s->geometry, &s->joined.view.shape, &s->w.view.shape);
    uint64_t bytes = fused > plain ? fused : plain;
    assert_int_equal(device->ops->alloc(device->handle, bytes, &s->scratch), ODEON_OK);
    (void)printf("%-24s scratch %7.0f KB fused %7.0f KB", p->name, (double)plain / 1024,
                 (double)fused / 1024);
}

static void release(scene *s)
{
    odeon_tensor *all[] = {&s->x,        &s->w,  &s->bias, &s->t,     &s->y,      &s->dy,
                           &s->d_before, &s->dx, &s->dw,   &s->dbias, &s->joined, &s->d_joined};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(&s->d, all[i]);
    }
    s->d.device->ops->free(s->d.device->handle, s->scratch);
}

static odeon_status join(scene *s)
{
    const place *p = s->p;
    const odeon_device *d = s->d.device;
    int64_t plane = p->H * p->H, cols = p->C * plane;
    ODEON_TRY(ODEON_DO(d, move, copy2d, s->d.queue, .x = &s->x.view, .y = &s->joined, .rows = p->B,
                       .cols = cols, .x_pitch = cols, .y_pitch = cols + plane, .y_at = plane));
    return ODEON_DO(d, move, rows_fill, s->d.queue, .y = &s->joined, .rows = p->B, .cols = plane,
                    .pitch = cols + plane, .v = &s->t.view);
}

static odeon_status forward_in_parts(scene *s)
{
    ODEON_TRY(s->p->timed ? join(s) : ODEON_OK);
    return ODEON_DO(s->d.device, conv, conv2d, s->d.queue, .geometry = s->geometry,
                    .x = s->p->timed ? &s->joined.view : &s->x.view, .w = &s->w.view,
                    .bias = &s->bias.view, .act = s->p->act, .y = &s->y, .scratch = s->scratch);
}

static odeon_status forward_fused(scene *s)
{
    return ODEON_DO(s->d.device, conv, conv2d_fused, s->d.queue, .geometry = s->geometry,
                    .x = &s->x.view, .w = &s->w.view, .bias = &s->bias.view,
                    .t = s->p->timed ? &s->t.view : NULL, .time_first = 1, .act = s->p->act,
                    .y = &s->y, .scratch = s->scratch);
}

static odeon_status vjp_in_parts(scene *s)
{
    const place *p = s->p;
    const odeon_device *d = s->d.device;
    int64_t plane = p->H * p->H, cols = p->C * plane;
    const odeon_view *dy = p->act == ODEON_UNARY_IDENTITY ? &s->dy.view : &s->d_before.view;
    if (p->act != ODEON_UNARY_IDENTITY) {
        ODEON_TRY(ODEON_DO(d, pointwise, unary_vjp, s->d.queue, .id = p->act, .kept = &s->y.view,
                           .dy = &s->dy.view, .dx = &s->d_before));
    }
    ODEON_TRY(ODEON_DO(d, conv, conv2d_vjp_x, s->d.queue, .geometry = s->geometry, .w = &s->w.view,
                       .dy = dy, .dx = p->timed ? &s->d_joined : &s->dx, .scratch = s->scratch));
    if (p->timed) {
        ODEON_TRY(ODEON_DO(d, move, copy2d, s->d.queue, .x = &s->d_joined.view, .y = &s->dx,
                           .rows = p->B, .cols = cols, .x_pitch = cols + plane, .x_at = plane,
                           .y_pitch = cols));
        ODEON_TRY(join(s));
    }
    ODEON_TRY(ODEON_DO(d, conv, conv2d_vjp_w, s->d.queue, .geometry = s->geometry,
                       .x = p->timed ? &s->joined.view : &s->x.view, .dy = dy, .dw = &s->dw,
                       .scratch = s->scratch));
    odeon_view flat = *dy;
    flat.shape.ndim = 3;
    flat.shape.dim[2] *= flat.shape.dim[3];
    odeon_tensor bias = s->dbias;
    bias.view.shape = (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F32, .dim = {p->K}};
    return ODEON_DO(d, product, channel_sum, s->d.queue, .x = &flat, .bias = &bias);
}

static odeon_status vjp_fused(scene *s)
{
    return ODEON_DO(s->d.device, conv, conv2d_fused_vjp, s->d.queue, .geometry = s->geometry,
                    .x = &s->x.view, .w = &s->w.view, .t = s->p->timed ? &s->t.view : NULL,
                    .time_first = 1, .act = s->p->act, .y = &s->y.view, .dy = &s->dy.view,
                    .dx = &s->dx, .dw = &s->dw, .dbias = &s->dbias, .scratch = s->scratch);
}

static double measure(scene *s, odeon_status (*call)(scene *))
{
    double begin = seconds(), now = begin;
    int64_t calls = 0;
    do {
        assert_int_equal(call(s), ODEON_OK);
        calls++;
        now = seconds();
    } while (now - begin < 0.0015);
    return (now - begin) / (double)calls;
}

static void compare(scene *s, const char *what, odeon_status (*parts)(scene *),
                    odeon_status (*fused)(scene *))
{
    double best[2] = {1e9, 1e9};
    for (int r = 0; r < ROUNDS; r++) {
        double a = measure(s, parts), b = measure(s, fused);
        best[0] = a < best[0] ? a : best[0];
        best[1] = b < best[1] ? b : best[1];
    }
    (void)printf("  %s %8.1f %8.1f us %5.3f", what, 1e6 * best[0], 1e6 * best[1],
                 best[1] / best[0]);
}

int main(int count, char **arguments)
{
    registry *r = support_registry();
    scene s = {.p = NULL};
    s.d = support_device_open(r, count > 2 ? arguments[2] : "cpu", ODEON_DTYPE_F32);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (count > 1 && strstr(places[i].name, arguments[1]) == NULL) {
            continue;
        }
        prepare(&s, &places[i]);
        compare(&s, "forward", forward_in_parts, forward_fused);
        compare(&s, "vjp", vjp_in_parts, vjp_fused);
        (void)printf("\n");
        (void)fflush(stdout);
        release(&s);
    }
    support_device_close(&s.d);
    registry_destroy(r);
    return 0;
}
