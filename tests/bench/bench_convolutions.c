/* Times convolutions by every way of computing them: bench_convolutions [float32|float64 [PATTERN
 * [DEVICE ...]]], each device an expression such as "cpu(convolution=unroll)"; without one, the
 * ways of the device cpu. A table line each shape (those with PATTERN in their name) and direction:
 * GFLOP/s of nominal operations, the best of rounds in which the devices take turns, in processor
 * time of this thread, behind those of multiply-adds alone. Not a test: the machine decides. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "plugin/registry.h"

enum { BATCH = 32, ROUNDS = 25, MOST_DEVICES = 8, MODES = 3 };

/* x[BATCH,C,H,H], w[K,C,R,R]. */
typedef struct place {
    const char *name;
    int64_t C, H, K, R;
    int32_t stride, padding;
} place;

static const place places[] = {
    {"a 6-6 3x3 26", 6, 26, 6, 3, 1, 1},       {"a 1-6 3x3 28", 1, 28, 6, 3, 1, 0},
    {"a 7-6 3x3 26", 7, 26, 6, 3, 1, 1},       {"ce 65-64 3x3 6", 65, 6, 64, 3, 1, 1},
    {"ce 64-64 3x3 6", 64, 6, 64, 3, 1, 1},    {"c 64-64 4x4/2 26", 64, 26, 64, 4, 2, 1},
    {"c 64-64 4x4/2 13", 64, 13, 64, 4, 2, 1}, {"c 1-64 3x3 28", 1, 28, 64, 3, 1, 0},
    {"d 16-16 3x3 28", 16, 28, 16, 3, 1, 1},   {"d 17-16 3x3 28", 17, 28, 16, 3, 1, 1},
    {"d 6-16 1x1 28", 6, 28, 16, 1, 1, 0},     {"d 16-6 1x1 28", 16, 28, 6, 1, 1, 0},
    {"g 3-16 3x3 32", 3, 32, 16, 3, 1, 1},     {"g 3-3 3x3 32", 3, 32, 3, 3, 1, 1},
    {"g 8-8 3x3 14", 8, 14, 8, 3, 1, 1},       {"g 12-12 3x3 14", 12, 14, 12, 3, 1, 1},
    {"g 20-20 5x5 12", 20, 12, 20, 5, 1, 2},   {"g 32-32 3x3 16", 32, 16, 32, 3, 1, 1},
    {"g 64-64 3x3 32", 64, 32, 64, 3, 1, 1},   {"g 128-128 3x3 8", 128, 8, 128, 3, 1, 1},
    {"g 256-256 3x3 4", 256, 4, 256, 3, 1, 1}, {"g 64-64 1x1 8", 64, 8, 64, 1, 1, 0},
    {"g 16-32 3x3/2 16", 16, 16, 32, 3, 2, 1}, {"g 6-6 3x3/2 26", 6, 26, 6, 3, 2, 1},
    {"g 16-32 1x1/2 16", 16, 16, 32, 1, 2, 0}, {"g 40-24 3x3 10", 40, 10, 24, 3, 1, 1},
    {"g 64-64 3x3 3", 64, 3, 64, 3, 1, 1},     {"g 64-10 3x3 7", 64, 7, 10, 3, 1, 1},
};

typedef struct scene {
    support_device d;
    odeon_conv_geometry geometry;
    odeon_tensor x, w, y;
    void *scratch;
} scene;

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static odeon_tensor tensor(support_device *d, const int64_t *dim)
{
    int64_t n = dim[0] * dim[1] * dim[2] * dim[3];
    double *values = mem_alloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = support_random(1, (uint64_t)i);
    }
    odeon_tensor x = support_upload(d, values, 4, dim);
    mem_free(values);
    return x;
}

static int64_t edge(const place *p)
{
    return (p->H + 2 * p->padding - p->R) / p->stride + 1;
}

static void prepare(scene *s, const place *p)
{
    const odeon_device *device = s->d.device;
    int64_t P = edge(p);
    s->geometry = (odeon_conv_geometry){p->stride, p->stride, p->padding, p->padding};
    s->x = tensor(&s->d, (int64_t[]){BATCH, p->C, p->H, p->H});
    s->w = tensor(&s->d, (int64_t[]){p->K, p->C, p->R, p->R});
    s->y = tensor(&s->d, (int64_t[]){BATCH, p->K, P, P});
    uint64_t bytes =
        device->conv->conv2d_scratch(device, &s->geometry, &s->x.view.shape, &s->w.view.shape);
    assert_int_equal(device->ops->alloc(device->handle, bytes, &s->scratch), ODEON_OK);
}

static void release(scene *s)
{
    support_release(&s->d, &s->x);
    support_release(&s->d, &s->w);
    support_release(&s->d, &s->y);
    s->d.device->ops->free(s->d.device->handle, s->scratch);
}

static odeon_status call(scene *s, int mode)
{
    const odeon_device *device = s->d.device;
    switch (mode) {
    case 0:
        return ODEON_DO(device, conv, conv2d, s->d.queue, .geometry = s->geometry, .x = &s->x.view,
                        .w = &s->w.view, .y = &s->y, .scratch = s->scratch);
    case 1:
        return ODEON_DO(device, conv, conv2d_vjp_x, s->d.queue, .geometry = s->geometry,
                        .w = &s->w.view, .dy = &s->y.view, .dx = &s->x, .scratch = s->scratch);
    default:
        return ODEON_DO(device, conv, conv2d_vjp_w, s->d.queue, .geometry = s->geometry,
                        .x = &s->x.view, .dy = &s->y.view, .dw = &s->w, .scratch = s->scratch);
    }
}

/* Seconds a call, of some milliseconds of calls. */
static double measure(scene *s, int mode)
{
    double begin = seconds(), now = begin;
    int64_t calls = 0;
    do {
        assert_int_equal(call(s, mode), ODEON_OK);
        calls++;
        now = seconds();
    } while (now - begin < 0.0015);
    return (now - begin) / (double)calls;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* GFLOP/s of ten independent chains of multiply-adds on vectors of 32 bytes; 0 where there are
 * none. */
#if defined(__x86_64__)
static double peak(void)
{
    enum { CHAINS = 10, TURNS = 100000 };
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("fma")) {
        return 0.0;
    }
    double begin = seconds();
    for (int n = 0; n < TURNS; n++) { /* zeros: a number that overflowed would be slower */
        __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm1\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm2\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm3\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm4\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm5\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm6\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm7\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm8\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm9\n"
                         "vfmadd231ps %%ymm0, %%ymm0, %%ymm10\n"
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                           "xmm9", "xmm10");
    }
    return 1e-9 * 16.0 * CHAINS * TURNS / (seconds() - begin);
}
#else
static double peak(void)
{
    return 0.0;
}
#endif

/* ---- the table ---- */

static void print_line(const place *p, int mode, scene *scenes, int n)
{
    static const char *const modes[] = {"forward", "vjp_x", "vjp_w"};
    static double times[MOST_DEVICES][ROUNDS], peaks[ROUNDS];
    int64_t P = edge(p);
    double operations = 2.0 * (double)(BATCH * p->K * p->C * p->R * p->R * P * P);
    for (int i = 0; i < n; i++) {
        assert_int_equal(call(&scenes[i], mode), ODEON_OK);
    }
    for (int r = 0; r < ROUNDS; r++) {
        peaks[r] = peak();
        for (int i = 0; i < n; i++) {
            times[i][r] = measure(&scenes[i], mode);
        }
    }
    qsort(peaks, ROUNDS, sizeof(double), order);
    (void)printf("%-18s %-8s %8.1f", p->name, modes[mode], peaks[ROUNDS - 1]);
    for (int i = 0; i < n; i++) {
        qsort(times[i], ROUNDS, sizeof(double), order);
        (void)printf(" %10.1f", 1e-9 * operations / times[i][0]);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    static const char *const ways[] = {"cpu(convolution=unroll)", "cpu(convolution=filters)",
                                       "cpu(convolution=places)", "cpu"};
    static scene scenes[MOST_DEVICES];
    int n = count > 3 ? count - 3 : 4;
    const char *pattern = count > 2 ? arguments[2] : "";
    uint32_t dtype =
        count > 1 && strcmp(arguments[1], "float64") == 0 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32;
    registry *r = support_registry();
    n = n < MOST_DEVICES ? n : MOST_DEVICES;
    for (int i = 0; i < n; i++) {
        const char *expression = count > 3 ? arguments[3 + i] : ways[i];
        scenes[i].d = support_device_open(r, expression, dtype);
        (void)printf("%d: %s\n", i, expression);
    }
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        if (strstr(places[k].name, pattern) == NULL) {
            continue;
        }
        for (int i = 0; i < n; i++) {
            prepare(&scenes[i], &places[k]);
        }
        for (int mode = 0; mode < MODES; mode++) {
            print_line(&places[k], mode, scenes, n);
        }
        for (int i = 0; i < n; i++) {
            release(&scenes[i]);
        }
    }
    for (int i = 0; i < n; i++) {
        support_device_close(&scenes[i].d);
    }
    registry_destroy(r);
    return 0;
}
