/* Every way of the CPU device to compute a convolution, with every instruction set that this
 * processor has, against plain loops in double; and the loops for vectors of 64 bytes, compiled for
 * narrower ones. */
#include "support.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "cpu_levels.h"
#include "device_cases.h"
#include "direct.h"
#include "odeon/device_conv.h"
#include "plugin/registry.h"
#include "way.h"

/* ---- shapes ---- */

typedef struct conv_shape {
    int64_t B, C, H, W, K, R, S, stride, pad_h, pad_w;
} conv_shape;

/* Those of models, and such as have one number less or more than blocks and vectors. */
static const conv_shape known[] = {
    {3, 6, 26, 26, 6, 3, 3, 1, 1, 1},   {5, 65, 6, 6, 64, 3, 3, 1, 1, 1},
    {2, 64, 6, 6, 65, 3, 3, 1, 1, 1},   {2, 8, 26, 26, 64, 4, 4, 2, 1, 1},
    {3, 16, 13, 13, 16, 4, 4, 2, 1, 1}, {2, 1, 28, 28, 64, 3, 3, 1, 0, 0},
    {2, 16, 28, 28, 16, 3, 3, 1, 1, 1}, {2, 6, 28, 28, 16, 1, 1, 1, 0, 0},
    {2, 16, 28, 28, 6, 1, 1, 1, 0, 0},  {3, 9, 3, 3, 33, 3, 3, 1, 1, 1},
    {4, 5, 7, 7, 31, 3, 3, 1, 1, 1},    {2, 4, 1, 30, 17, 1, 5, 1, 0, 2},
    {2, 4, 30, 1, 17, 5, 1, 1, 2, 0},   {5, 3, 2, 2, 70, 3, 3, 1, 1, 1},
    {1, 70, 14, 14, 3, 5, 5, 1, 2, 2},  {5, 7, 9, 8, 24, 1, 1, 2, 0, 0},
    {2, 3, 15, 14, 40, 2, 2, 2, 1, 1},  {3, 5, 5, 5, 18, 3, 3, 1, 2, 2},
    {2, 2, 5, 5, 3, 5, 5, 2, 4, 4},     {2, 17, 4, 4, 19, 4, 4, 1, 3, 3},
};
enum { N_KNOWN = sizeof known / sizeof *known, N_SHAPES = N_KNOWN + 60, MOST_PRODUCTS = 150000 };

static int64_t out_h(const conv_shape *s)
{
    return (s->H + 2 * s->pad_h - s->R) / s->stride + 1;
}

static int64_t out_w(const conv_shape *s)
{
    return (s->W + 2 * s->pad_w - s->S) / s->stride + 1;
}

static int64_t draw(uint64_t *at, int64_t least, int64_t most)
{
    double u = 0.5 + 0.5 * support_random(17, (*at)++);
    int64_t n = least + (int64_t)(u * (double)(most - least + 1));
    return n > most ? most : n;
}

static int64_t draw_kernel(uint64_t *at)
{
    static const int64_t sizes[] = {1, 2, 3, 3, 4, 5};
    return sizes[draw(at, 0, 5)];
}

static int64_t products(const conv_shape *s)
{
    return s->B * s->C * s->K * s->R * s->S * out_h(s) * out_w(s);
}

/* Shapes of any kind that are quick enough. */
static conv_shape shape_at(int i)
{
    static uint64_t at;
    at = i <= N_KNOWN ? 0 : at;
    if (i < N_KNOWN) {
        return known[i];
    }
    for (;;) {
        conv_shape s = {.B = draw(&at, 1, 5),
                        .C = draw(&at, 1, 70),
                        .H = draw(&at, 1, 30),
                        .W = draw(&at, 1, 30),
                        .K = draw(&at, 1, 70),
                        .R = draw_kernel(&at),
                        .S = draw_kernel(&at),
                        .stride = draw(&at, 1, 2)};
        s.pad_h = draw(&at, 0, s.R - 1);
        s.pad_w = draw(&at, 0, s.S - 1);
        if (s.H + 2 * s.pad_h >= s.R && s.W + 2 * s.pad_w >= s.S && products(&s) <= MOST_PRODUCTS) {
            return s;
        }
    }
}

/* ---- memory between pages that must not be touched ---- */

/* bytes that end at the page behind, or begin at the page before; the rest of their pages is
 * filled. */
typedef struct fenced {
    char *map, *at;
    size_t map_bytes, bytes, page;
} fenced;

enum { FILLING = 0x5a };

/* Maps that were released, for the next of their size: most of the time of this test would be the
 * system's otherwise. The pages that must not be touched stay so. */
enum { MOST_SPARE = 512 };
static fenced spare[MOST_SPARE];
static int n_spare;

static bool take_spare(fenced *f)
{
    for (int i = 0; i < n_spare; i++) {
        if (spare[i].map_bytes == f->map_bytes) {
            f->map = spare[i].map;
            spare[i] = spare[--n_spare];
            return true;
        }
    }
    return false;
}

static fenced fenced_alloc(size_t bytes, int at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    whole = whole > 0 ? whole : page;
    fenced f = {.map_bytes = whole + 2 * page, .bytes = bytes, .page = page};
    if (!take_spare(&f)) {
        f.map = mmap(NULL, f.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(f.map, MAP_FAILED);
        assert_int_equal(mprotect(f.map, page, PROT_NONE), 0);
        assert_int_equal(mprotect(f.map + page + whole, page, PROT_NONE), 0);
    }
    memset(f.map + page, FILLING, whole);
    f.at = f.map + page + (at_end ? whole - bytes : 0);
    return f;
}

static void check_filling(const fenced *f, const char *from, const char *to)
{
    for (const char *p = from; p < to; p++) {
        if (*p != FILLING) {
            fail_msg("written outside, %lld bytes from the beginning", (long long)(p - f->at));
        }
    }
}

/* Checks the filling and releases. */
static void fenced_free(fenced *f)
{
    check_filling(f, f->map + f->page, f->at);
    check_filling(f, f->at + f->bytes, f->map + f->map_bytes - f->page);
    if (n_spare < MOST_SPARE) {
        spare[n_spare++] = *f;
    } else {
        (void)munmap(f->map, f->map_bytes);
    }
}

/* ---- tensors ---- */

/* The i-th random number of a seed, drawn once. */
static double drawn(uint64_t seed, int64_t i)
{
    enum { SEEDS = 4, MOST = 1 << 17 };
    static double kept[SEEDS][MOST];
    static int64_t n_kept[SEEDS];
    if (seed >= SEEDS || i >= MOST) {
        return support_random(seed, (uint64_t)i);
    }
    for (; n_kept[seed] <= i; n_kept[seed]++) {
        kept[seed][n_kept[seed]] = support_random(seed, (uint64_t)n_kept[seed]);
    }
    return kept[seed][i];
}

typedef struct numbers {
    fenced memory;
    odeon_tensor tensor;
    double *values; /* as stored, in double */
    int64_t n;
} numbers;

static double read_number(const void *at, uint32_t dtype, int64_t i)
{
    return dtype == ODEON_DTYPE_F64 ? ((const double *)at)[i] : (double)((const float *)at)[i];
}

static numbers numbers_of(uint32_t dtype, uint64_t seed, int at_end, int64_t a, int64_t b,
                          int64_t c, int64_t d)
{
    numbers x = {.n = a * b * c * d};
    int64_t bytes = dtype == ODEON_DTYPE_F64 ? 8 : 4;
    x.memory = fenced_alloc((size_t)(x.n * bytes), at_end);
    x.tensor =
        odeon_tensor_at(x.memory.at, (odeon_shape){.ndim = 4, .dtype = dtype, .dim = {a, b, c, d}});
    x.values = mem_alloc((size_t)x.n * sizeof *x.values);
    assert_non_null(x.values);
    for (int64_t i = 0; i < x.n; i++) {
        double v = drawn(seed, i);
        if (dtype == ODEON_DTYPE_F64) {
            ((double *)(void *)x.memory.at)[i] = v;
        } else {
            ((float *)(void *)x.memory.at)[i] = (float)v;
        }
        x.values[i] = read_number(x.memory.at, dtype, i);
    }
    return x;
}

static void numbers_free(numbers *x)
{
    fenced_free(&x->memory);
    mem_free(x->values);
}

/* ---- who computes ---- */

/* A device, or a table of loops that no device has. */
typedef struct runner {
    const char *name;
    uint32_t dtype;
    support_device *device;
    const cpu_direct *direct;
    cpu_way way;
} runner;

typedef struct problem {
    conv_shape s;
    odeon_conv_geometry geometry;
    numbers x, w, y;
    fenced scratch;
} problem;

static cpu_convolution convolution_of(const conv_shape *s, int64_t batch)
{
    return (cpu_convolution){.windows = {.channels = s->C,
                                         .height = s->H,
                                         .width = s->W,
                                         .kernel_h = s->R,
                                         .kernel_w = s->S,
                                         .out_h = out_h(s),
                                         .out_w = out_w(s),
                                         .stride_h = s->stride,
                                         .stride_w = s->stride,
                                         .pad_h = s->pad_h,
                                         .pad_w = s->pad_w},
                             .batch = batch,
                             .filters = s->K,
                             .weight_channels = s->C};
}

/* Bytes that the loops of a table need. */
static uint64_t room_for(const runner *r, cpu_conv_mode mode, const cpu_convolution *c)
{
    const cpu_direct *d = r->direct;
    return (uint64_t)(direct_scratch(r->way, mode, c, d->lanes, d->bytes) * d->bytes);
}

static problem problem_of(const runner *r, cpu_conv_mode mode, const conv_shape *s, int at_end)
{
    problem p = {
        .s = *s,
        .geometry = {(int32_t)s->stride, (int32_t)s->stride, (int32_t)s->pad_h, (int32_t)s->pad_w}};
    cpu_convolution c = convolution_of(s, s->B);
    p.x = numbers_of(r->dtype, 1, at_end, s->B, s->C, s->H, s->W);
    p.w = numbers_of(r->dtype, 2, at_end, s->K, s->C, s->R, s->S);
    p.y = numbers_of(r->dtype, 3, at_end, s->B, s->K, out_h(s), out_w(s));
    uint64_t room = r->direct != NULL
                        ? room_for(r, mode, &c)
                        : r->device->device->conv->conv2d_scratch(r->device->device, &p.geometry,
                                                                  &p.x.tensor.view.shape,
                                                                  &p.w.tensor.view.shape);
    p.scratch = fenced_alloc((size_t)((room + 63) / 64 * 64), at_end);
    return p;
}

static void problem_free(problem *p)
{
    numbers_free(&p->x);
    numbers_free(&p->w);
    numbers_free(&p->y);
    fenced_free(&p->scratch);
}

static void run_table(const runner *r, problem *p, cpu_conv_mode mode, int64_t first, int64_t n)
{
    const cpu_direct *d = r->direct;
    cpu_convolution c = convolution_of(&p->s, n);
    direct_plan plan = mode == CPU_CONV_VJP_X ? direct_vjp_x(r->way, &c, d->lanes, d->bytes)
                                              : direct_forward(r->way, &c, d->lanes, d->bytes);
    direct_weights_plan weights = direct_vjp_w(r->way, &c, d->lanes, d->bytes);
    int64_t group = mode == CPU_CONV_VJP_W ? weights.group : plan.group;
    int64_t in = p->x.n / p->s.B * d->bytes, out = p->y.n / p->s.B * d->bytes;
    char *x = p->x.memory.at + first * in, *y = p->y.memory.at + first * out;
    if (mode == CPU_CONV_VJP_W) {
        d->weights_begin(&weights, p->scratch.at);
    } else {
        d->begin(&plan, p->w.memory.at, NULL, p->scratch.at);
    }
    for (int64_t b = 0; b < n; b += group) {
        int64_t some = n - b < group ? n - b : group;
        if (mode == CPU_CONV_FORWARD) {
            d->images(&plan, some, x + b * in, y + b * out, p->scratch.at);
        } else if (mode == CPU_CONV_VJP_X) {
            d->images(&plan, some, y + b * out, x + b * in, p->scratch.at);
        } else {
            const direct_weights_images images = {.n = some, .x = x + b * in, .dy = y + b * out};
            d->weights_images(&weights, &images, p->scratch.at);
        }
    }
    if (mode == CPU_CONV_VJP_W) {
        d->weights_end(&weights, p->scratch.at, p->w.memory.at, NULL);
    }
}

/* Images first to first + n. */
static odeon_tensor some_of(const numbers *x, int64_t first, int64_t n)
{
    odeon_shape shape = x->tensor.view.shape;
    int64_t image = x->n / shape.dim[0] * odeon_dtype_bytes(shape.dtype);
    shape.dim[0] = n;
    return odeon_tensor_at(x->memory.at + first * image, shape);
}

static void run(const runner *r, problem *p, cpu_conv_mode mode, int64_t first, int64_t n)
{
    if (r->direct != NULL) {
        run_table(r, p, mode, first, n);
        return;
    }
    const odeon_device *d = r->device->device;
    odeon_queue *q = r->device->queue;
    odeon_tensor x = some_of(&p->x, first, n), y = some_of(&p->y, first, n);
    odeon_status status =
        mode == CPU_CONV_FORWARD
            ? ODEON_DO(d, conv, conv2d, q, .geometry = p->geometry, .x = &x.view,
                       .w = &p->w.tensor.view, .y = &y, .scratch = p->scratch.at)
        : mode == CPU_CONV_VJP_X
            ? ODEON_DO(d, conv, conv2d_vjp_x, q, .geometry = p->geometry, .w = &p->w.tensor.view,
                       .dy = &y.view, .dx = &x, .scratch = p->scratch.at)
            : ODEON_DO(d, conv, conv2d_vjp_w, q, .geometry = p->geometry, .x = &x.view,
                       .dy = &y.view, .dw = &p->w.tensor, .scratch = p->scratch.at);
    assert_int_equal(status, ODEON_OK);
}

/* ---- plain loops ---- */

/* Sums and the sums of magnitudes, of which rounding is a fraction. */
typedef struct expected {
    double *sum, *magnitude;
} expected;

static void add_product(expected *e, int64_t at, double a, double b)
{
    e->sum[at] += a * b;
    e->magnitude[at] += fabs(a * b);
}

/* What mode gives: every input that every output sees, for one place of one image. */
static void expect_place(const problem *p, cpu_conv_mode mode, int64_t b, int64_t i, int64_t j,
                         expected *e)
{
    const conv_shape *s = &p->s;
    int64_t P = out_h(s), Q = out_w(s);
    for (int64_t c = 0; c < s->C; c++) {
        for (int64_t r = 0; r < s->R; r++) {
            for (int64_t t = 0; t < s->S; t++) {
                int64_t u = i * s->stride + r - s->pad_h, v = j * s->stride + t - s->pad_w;
                if (u < 0 || v < 0 || u >= s->H || v >= s->W) {
                    continue;
                }
                int64_t x = ((b * s->C + c) * s->H + u) * s->W + v;
                for (int64_t k = 0; k < s->K; k++) {
                    int64_t w = ((k * s->C + c) * s->R + r) * s->S + t;
                    int64_t y = ((b * s->K + k) * P + i) * Q + j;
                    if (mode == CPU_CONV_FORWARD) {
                        add_product(e, y, p->x.values[x], p->w.values[w]);
                    } else if (mode == CPU_CONV_VJP_X) {
                        add_product(e, x, p->y.values[y], p->w.values[w]);
                    } else {
                        add_product(e, w, p->x.values[x], p->y.values[y]);
                    }
                }
            }
        }
    }
}

static const numbers *result_of(const problem *p, cpu_conv_mode mode)
{
    return mode == CPU_CONV_FORWARD ? &p->y : mode == CPU_CONV_VJP_X ? &p->x : &p->w;
}

static expected expect_anew(const problem *p, cpu_conv_mode mode)
{
    const numbers *result = result_of(p, mode);
    expected e = {mem_zalloc((size_t)result->n, sizeof(double)),
                  mem_zalloc((size_t)result->n, sizeof(double))};
    assert_non_null(e.sum);
    assert_non_null(e.magnitude);
    for (int64_t i = 0; i < result->n && mode == CPU_CONV_VJP_W; i++) { /* which is added to */
        add_product(&e, i, result->values[i], 1.0);
    }
    for (int64_t b = 0; b < p->s.B; b++) {
        for (int64_t i = 0; i < out_h(&p->s); i++) {
            for (int64_t j = 0; j < out_w(&p->s); j++) {
                expect_place(p, mode, b, i, j, &e);
            }
        }
    }
    return e;
}

/* The numbers are the same for every way and instruction set: computed once for a shape and dtype,
 * and kept to the end. */
static struct {
    conv_shape s;
    uint32_t dtype;
    cpu_conv_mode mode;
    expected e;
} kept[N_SHAPES * 2 * 3 + 64];
static size_t n_kept;

static const expected *expect(const problem *p, cpu_conv_mode mode)
{
    uint32_t dtype = p->x.tensor.view.shape.dtype;
    for (size_t i = 0; i < n_kept; i++) {
        if (kept[i].dtype == dtype && kept[i].mode == mode &&
            memcmp(&kept[i].s, &p->s, sizeof p->s) == 0) {
            return &kept[i].e;
        }
    }
    assert_true(n_kept < sizeof kept / sizeof *kept);
    kept[n_kept].s = p->s;
    kept[n_kept].dtype = dtype;
    kept[n_kept].mode = mode;
    kept[n_kept].e = expect_anew(p, mode);
    return &kept[n_kept++].e;
}

enum { MOST_CASES = 256 };
/* Of the plain device: the same for all, and kept likewise. */
static case_run *by_plain[MOST_CASES];

static int forget_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST_CASES && by_plain[i] != NULL; i++) {
        case_destroy(by_plain[i]);
    }
    for (; n_kept > 0; n_kept--) {
        mem_free(kept[n_kept - 1].e.sum);
        mem_free(kept[n_kept - 1].e.magnitude);
    }
    return 0;
}

/* Each of n roundings of a sum errs by half an ulp of a part of its magnitude: their square root in
 * the mean, eight times that at most. */
static void check(const runner *r, const problem *p, cpu_conv_mode mode, const expected *e)
{
    static const char *const modes[] = {"forward", "vjp_x", "vjp_w"};
    const conv_shape *s = &p->s;
    const numbers *result = result_of(p, mode);
    double ulp = r->dtype == ODEON_DTYPE_F64 ? 0x1p-53 : 0x1p-24;
    double terms = mode == CPU_CONV_FORWARD ? (double)(s->C * s->R * s->S)
                   : mode == CPU_CONV_VJP_X ? (double)(s->K * s->R * s->S)
                                            : (double)(s->B * out_h(s) * out_w(s));
    double relative = ulp * (4.0 + sqrt(terms));
    for (int64_t i = 0; i < result->n; i++) {
        double got = read_number(result->memory.at, r->dtype, i);
        if (!(fabs(got - e->sum[i]) <= relative * e->magnitude[i])) {
            fail_msg(
                "%s: %s, x %dx%dx%dx%d, w %dx%dx%d, stride %d, padding %d %d: [%d] is %.9g, not "
                "%.9g",
                r->name, modes[mode], (int)s->B, (int)s->C, (int)s->H, (int)s->W, (int)s->K,
                (int)s->R, (int)s->S, (int)s->stride, (int)s->pad_h, (int)s->pad_w, (int)i, got,
                e->sum[i]);
        }
    }
}

/* ---- tests ---- */

/* Image by image the bits are those of the batch; and again the same for the gradient of w. */
static void check_alone(const runner *r, const conv_shape *s, cpu_conv_mode mode, int at_end,
                        const void *batch)
{
    problem p = problem_of(r, mode, s, at_end);
    for (int64_t b = 0; b < s->B && mode != CPU_CONV_VJP_W; b++) {
        run(r, &p, mode, b, 1);
    }
    if (mode == CPU_CONV_VJP_W) {
        run(r, &p, mode, 0, s->B);
    }
    const numbers *result = result_of(&p, mode);
    if (memcmp(result->memory.at, batch, result->memory.bytes) != 0) {
        fail_msg("%s: mode %d depends on the batch", r->name, (int)mode);
    }
    problem_free(&p);
}

static void check_shape(const runner *r, const conv_shape *s, int at_end)
{
    for (cpu_conv_mode mode = CPU_CONV_FORWARD; mode <= CPU_CONV_VJP_W; mode++) {
        problem p = problem_of(r, mode, s, at_end);
        const expected *e = expect(&p, mode);
        run(r, &p, mode, 0, s->B);
        check(r, &p, mode, e);
        check_alone(r, s, mode, at_end, result_of(&p, mode)->memory.at);
        problem_free(&p);
    }
}

static void check_shapes(const runner *r)
{
    for (int i = 0; i < N_SHAPES; i++) {
        conv_shape s = shape_at(i);
        cpu_convolution c = convolution_of(&s, s.B);
        if (r->direct == NULL || direct_can(r->way, &c)) {
            check_shape(r, &s, i % 2);
        }
    }
}

static const char *const ways[] = {"auto", "direct", "filters", "places", "unroll"};
enum { N_WAYS = sizeof ways / sizeof *ways };
static const uint32_t dtypes[] = {ODEON_DTYPE_F32, ODEON_DTYPE_F64};

/* A way that is not taken needs no memory: 128 to 128 channels want 0.6 MB of weights by filters,
 * and would want 4.7 MB of sums by places. */
static void test_scratch_is_that_of_the_way_taken(void **state)
{
    (void)state;
    registry *plugins = support_registry();
    support_device d = support_device_open(plugins, "cpu(blas=own)", ODEON_DTYPE_F32);
    const odeon_conv_geometry geometry = {1, 1, 1, 1};
    const odeon_shape x = {.ndim = 4, .dtype = ODEON_DTYPE_F32, .dim = {32, 128, 8, 8}};
    const odeon_shape w = {.ndim = 4, .dtype = ODEON_DTYPE_F32, .dim = {128, 128, 3, 3}};
    assert_in_range(d.device->conv->conv2d_scratch(d.device, &geometry, &x, &w), 1, 1000000);
    support_device_close(&d);
    registry_destroy(plugins);
}

/* Opens each level and way with each dtype. */
static void for_each_way(void (*test)(const runner *r, registry *plugins))
{
    registry *plugins = support_registry();
    const char *names[CPU_LEVELS];
    int n = cpu_levels(names);
    for (int level = 0; level < n; level++) {
        for (int way = 0; way < N_WAYS; way++) {
            for (int k = 0; k < 2; k++) {
                char expression[96];
                (void)snprintf(expression, sizeof expression,
                               "cpu(blas=own, simd=%s, convolution=%s)", names[level], ways[way]);
                support_device d = support_device_open(plugins, expression, dtypes[k]);
                test(&(runner){.name = expression, .dtype = dtypes[k], .device = &d}, plugins);
                support_device_close(&d);
            }
        }
    }
    registry_destroy(plugins);
}

static void test_way(const runner *r, registry *plugins)
{
    (void)plugins;
    check_shapes(r);
}

static void test_every_way_agrees_with_plain_loops(void **state)
{
    (void)state;
    for_each_way(test_way);
}

/* Tolerances of test_device_operators. */
static void test_cases(const runner *r, registry *plugins)
{
    for (size_t i = 0; conv_cases[i].name != NULL; i++) {
        assert_true(i < MOST_CASES);
        if (by_plain[i] == NULL) {
            support_device plain = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
            by_plain[i] = case_execute(&conv_cases[i], &plain);
            support_device_close(&plain);
        }
        case_run *got = case_execute(&conv_cases[i], r->device);
        case_compare(got, by_plain[i], r->dtype == ODEON_DTYPE_F64 ? 1e-12 : 1e-5);
        case_destroy(got);
    }
}

static void test_every_way_passes_the_cases_of_devices(void **state)
{
    (void)state;
    for_each_way(test_cases);
}

/* Of a batch and of its first image, which is cut into filters instead of images. */
static void check_threads(const runner *one, const runner *three, const conv_shape *s)
{
    for (cpu_conv_mode mode = CPU_CONV_FORWARD; mode <= CPU_CONV_VJP_W; mode++) {
        for (int64_t n = 1; n <= s->B; n += s->B > 1 ? s->B - 1 : 1) {
            problem p = problem_of(one, mode, s, 1), q = problem_of(three, mode, s, 1);
            run(one, &p, mode, 0, n);
            run(three, &q, mode, 0, n);
            const numbers *wanted = result_of(&p, mode), *got = result_of(&q, mode);
            if (memcmp(got->memory.at, wanted->memory.at, wanted->memory.bytes) != 0) {
                fail_msg("%s: mode %d depends on the threads", three->name, (int)mode);
            }
            problem_free(&p);
            problem_free(&q);
        }
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static const char *const shared_ways[] = {"filters", "places"};
    registry *plugins = support_registry();
    for (int i = 0; i < 4; i++) {
        char alone[64], shared[80];
        uint32_t dtype = dtypes[i % 2];
        (void)snprintf(alone, sizeof alone, "cpu(blas=own, convolution=%s)", shared_ways[i / 2]);
        (void)snprintf(shared, sizeof shared, "cpu(blas=own, convolution=%s, threads=3)",
                       shared_ways[i / 2]);
        support_device d = support_device_open(plugins, alone, dtype);
        support_device e = support_device_open(plugins, shared, dtype);
        for (int k = i % 2; k < N_KNOWN; k += 1 + i % 2) {
            check_threads(&(runner){.name = alone, .dtype = dtype, .device = &d},
                          &(runner){.name = shared, .dtype = dtype, .device = &e}, &known[k]);
        }
        support_device_close(&e);
        support_device_close(&d);
    }
    registry_destroy(plugins);
}

extern const cpu_direct cpu_direct_f32_wide, cpu_direct_f64_wide;

static void test_vectors_of_64_bytes_agree_with_plain_loops(void **state)
{
    (void)state;
    const char *names[CPU_LEVELS];
    if (cpu_levels(names) < 2) {
        skip();
    }
    for (cpu_way way = CPU_WAY_FILTERS; way <= CPU_WAY_PLACES; way++) {
        check_shapes(&(runner){.name = "64 bytes, float32",
                               .dtype = ODEON_DTYPE_F32,
                               .direct = &cpu_direct_f32_wide,
                               .way = way});
        check_shapes(&(runner){.name = "64 bytes, float64",
                               .dtype = ODEON_DTYPE_F64,
                               .direct = &cpu_direct_f64_wide,
                               .way = way});
    }
}

/* ---- the rule ---- */

static const cpu_direct narrow = {.lanes = 8, .bytes = 4}, longest = {.lanes = 16, .bytes = 4};

static cpu_way chosen_for(const cpu_direct *direct, const conv_shape *s, int64_t batch,
                          cpu_conv_mode mode, int32_t has_blas)
{
    cpu_convolution c = convolution_of(s, batch);
    return cpu_way_choose(CPU_CONVOLUTION_AUTO, mode, &c, direct, (cpu_multiplier)has_blas);
}

static cpu_way chosen(const conv_shape *s, int64_t batch, cpu_conv_mode mode, int32_t has_blas)
{
    return chosen_for(&narrow, s, batch, mode, has_blas);
}

/* A line of a table: the ways of one shape. */
typedef struct ways_of_shape {
    conv_shape s;
    cpu_way way[3];
} ways_of_shape;

static void expect_ways(const cpu_direct *direct, const ways_of_shape *line)
{
    for (cpu_conv_mode mode = CPU_CONV_FORWARD; mode <= CPU_CONV_VJP_W; mode++) {
        assert_int_equal(chosen_for(direct, &line->s, 1, mode, 1), line->way[mode]);
        assert_int_equal(chosen_for(direct, &line->s, 100, mode, 1), line->way[mode]);
    }
}

static void test_way_is_that_of_the_table(void **state)
{
    (void)state;
    static const ways_of_shape lines[] = {
        {{1, 6, 26, 26, 6, 3, 3, 1, 1, 1}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_PLACES}},
        {{1, 65, 6, 6, 64, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 64, 26, 26, 64, 4, 4, 2, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 16, 28, 28, 16, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 6, 28, 28, 16, 1, 1, 1, 0, 0}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_PLACES}},
        {{1, 64, 8, 8, 64, 1, 1, 1, 0, 0}, {CPU_WAY_UNROLL, CPU_WAY_UNROLL, CPU_WAY_UNROLL}},
        {{1, 16, 16, 16, 32, 1, 1, 2, 0, 0}, {CPU_WAY_FILTERS, CPU_WAY_UNROLL, CPU_WAY_FILTERS}},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        expect_ways(&narrow, &lines[i]);
    }
}

static void test_way_with_vectors_of_64_bytes_is_that_of_the_table(void **state)
{
    (void)state;
    static const ways_of_shape lines[] = {
        {{1, 6, 26, 26, 6, 3, 3, 1, 1, 1}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_PLACES}},
        {{1, 16, 28, 28, 16, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 17, 28, 28, 16, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_PLACES, CPU_WAY_FILTERS}},
        {{1, 65, 6, 6, 64, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 1, 28, 28, 64, 3, 3, 1, 0, 0}, {CPU_WAY_UNROLL, CPU_WAY_PLACES, CPU_WAY_PLACES}},
        {{1, 20, 12, 12, 20, 5, 5, 1, 2, 2}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_FILTERS}},
        {{1, 40, 10, 10, 24, 3, 3, 1, 1, 1}, {CPU_WAY_FILTERS, CPU_WAY_FILTERS, CPU_WAY_FILTERS}},
        {{1, 6, 28, 28, 16, 1, 1, 1, 0, 0}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_PLACES}},
        {{1, 64, 8, 8, 64, 1, 1, 1, 0, 0}, {CPU_WAY_PLACES, CPU_WAY_PLACES, CPU_WAY_UNROLL}},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        expect_ways(&longest, &lines[i]);
    }
}

static void test_own_products_leave_unrolled_what_no_way_can_do(void **state)
{
    (void)state;
    static const conv_shape third = {1, 8, 9, 9, 8, 3, 3, 3, 1, 1},
                            far = {1, 8, 9, 9, 8, 1, 1, 1, 1, 1},
                            wide = {1, 64, 8, 8, 64, 1, 1, 1, 0, 0};
    assert_int_equal(chosen(&third, 1, CPU_CONV_FORWARD, 0), CPU_WAY_UNROLL);
    assert_int_equal(chosen(&far, 1, CPU_CONV_FORWARD, 0), CPU_WAY_UNROLL);
    assert_int_equal(chosen(&far, 0, CPU_CONV_FORWARD, 0), CPU_WAY_UNROLL);
    assert_int_not_equal(chosen(&wide, 1, CPU_CONV_FORWARD, 0), CPU_WAY_UNROLL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_agrees_with_plain_loops),
        cmocka_unit_test(test_every_way_passes_the_cases_of_devices),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_vectors_of_64_bytes_agree_with_plain_loops),
        cmocka_unit_test(test_way_is_that_of_the_table),
        cmocka_unit_test(test_way_with_vectors_of_64_bytes_is_that_of_the_table),
        cmocka_unit_test(test_scratch_is_that_of_the_way_taken),
        cmocka_unit_test(test_own_products_leave_unrolled_what_no_way_can_do),
    };
    return cmocka_run_group_tests(tests, NULL, forget_expected);
}
