#include <math.h>

#include "device_cases.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"

/* ---- pooling ---- */

/* x[B,C,H,W], window, stride, padding. */
typedef struct pool_case {
    int64_t B, C, H, W;
    odeon_pool_geometry geometry;
} pool_case;

static const pool_case pool_sizes[] = {
    {1, 1, 1, 1, {ODEON_POOL_AVG, 1, 1, 1, 1, 0, 0, 0}},
    {2, 3, 7, 6, {ODEON_POOL_AVG, 2, 2, 2, 2, 0, 0, 0}}, /* the last row belongs to no window */
    {2, 3, 6, 6, {ODEON_POOL_AVG, 6, 6, 1, 1, 0, 0, 0}}, /* global */
    {1, 2, 7, 9, {ODEON_POOL_AVG, 3, 3, 2, 2, 1, 1, 0}}, /* overlapping, padded */
    {3, 2, 5, 8, {ODEON_POOL_AVG, 2, 3, 1, 2, 0, 1, 0}},
    {1, 1, 7, 7, {ODEON_POOL_AVG, 2, 2, 3, 3, 0, 0, 0}}, /* with gaps */
    {2, 3, 9, 8, {ODEON_POOL_AVG, 9, 8, 1, 1, 0, 0, 0}}, /* global, larger */
    {1, 2, 9, 10, {ODEON_POOL_AVG, 8, 9, 2, 1, 2, 1, 0}},
    {1, 1, 1, 1, {ODEON_POOL_MAX, 1, 1, 1, 1, 0, 0, 0}},
    {2, 3, 7, 6, {ODEON_POOL_MAX, 2, 2, 2, 2, 0, 0, 0}},
    {2, 3, 6, 6, {ODEON_POOL_MAX, 6, 6, 1, 1, 0, 0, 0}},
    {1, 2, 7, 9, {ODEON_POOL_MAX, 3, 3, 2, 2, 1, 1, 0}},
    {3, 2, 5, 8, {ODEON_POOL_MAX, 2, 3, 1, 2, 0, 1, 0}},
    {1, 1, 7, 7, {ODEON_POOL_MAX, 2, 2, 3, 3, 0, 0, 0}},
    {0, 3, 4, 4, {ODEON_POOL_MAX, 2, 2, 2, 2, 0, 0, 0}},
    {0, 3, 4, 4, {ODEON_POOL_AVG, 2, 2, 2, 2, 0, 0, 0}},
    {2, 0, 4, 4, {ODEON_POOL_AVG, 2, 2, 2, 2, 0, 0, 0}},
};
enum { N_POOL = sizeof pool_sizes / sizeof *pool_sizes };

static case_shape pool_x(const pool_case *c)
{
    return shape4(c->B, c->C, c->H, c->W);
}

static case_shape pool_y(const pool_case *c)
{
    const odeon_pool_geometry *g = &c->geometry;
    return shape4(c->B, c->C, (c->H + 2 * g->padding_h - g->kernel_h) / g->stride_h + 1,
                  (c->W + 2 * g->padding_w - g->kernel_w) / g->stride_w + 1);
}

static void run_pool(case_run *run)
{
    for (int32_t i = 0; i < N_POOL; i++) {
        const pool_case *c = &pool_sizes[i];
        case_variant(run, "geometry %d", (int)i);
        odeon_tensor x = case_random(run, pool_x(c)), y = case_output(run, pool_y(c));
        case_do(run, pool, pool2d, .geometry = c->geometry, .x = &x.view, .y = &y);
        case_keep(run, "y", &y.view);
    }
}

static void run_pool_vjp(case_run *run)
{
    for (int32_t i = 0; i < N_POOL; i++) {
        const pool_case *c = &pool_sizes[i];
        case_variant(run, "geometry %d", (int)i);
        odeon_tensor x = case_random(run, pool_x(c)), dx = case_output(run, pool_x(c));
        odeon_tensor dy = case_random(run, pool_y(c));
        bool average = c->geometry.kind == ODEON_POOL_AVG;
        case_do(run, pool, pool2d_vjp, .geometry = c->geometry, .x = average ? NULL : &x.view,
                .dy = &dy.view, .dx = &dx);
        case_keep(run, "dx", &dx.view);
    }
}

/* Of MAX alone. */
static void run_pool_jvp(case_run *run)
{
    for (int32_t i = 0; i < N_POOL; i++) {
        const pool_case *c = &pool_sizes[i];
        if (c->geometry.kind != ODEON_POOL_MAX) {
            continue;
        }
        case_variant(run, "geometry %d", (int)i);
        odeon_tensor x = case_random(run, pool_x(c)), x_dot = case_random(run, pool_x(c));
        odeon_tensor y_dot = case_output(run, pool_y(c));
        case_do(run, pool, pool2d_jvp, .geometry = c->geometry, .x = &x.view, .x_dot = &x_dot.view,
                .y_dot = &y_dot);
        case_keep(run, "y_dot", &y_dot.view);
    }
}

static void run_pool_passes_on(case_run *run)
{
    case_variant(run, "one NaN");
    case_expect_nonfinite(run);
    double values[42] = {[8] = (double)NAN, [30] = HUGE_VAL};
    odeon_tensor x = case_values(run, shape4(1, 1, 7, 6), values);
    odeon_tensor y = case_output(run, shape4(1, 1, 3, 3));
    case_do(run, pool, pool2d, .geometry = pool_sizes[1].geometry, .x = &x.view, .y = &y);
    case_keep(run, "y", &y.view);
}

/* Equal numbers, NaN, infinities: which one is the largest. */
static void run_largest_of_special_numbers(case_run *run)
{
    static const odeon_pool_geometry geometry = {ODEON_POOL_MAX, 2, 2, 2, 2, 0, 0, 0};
    static const odeon_pool_geometry beside = {
        ODEON_POOL_MAX, 1, 1, 1, 1, 2, 2, 0}; /* padding alone */
    const double values[16] = {2, 2, 2, 1,           1,         (double)NAN, (double)NAN, 0,
                               2, 2, 0, (double)NAN, -HUGE_VAL, -HUGE_VAL,   HUGE_VAL,    3};
    case_variant(run, "special numbers");
    case_expect_nonfinite(run);
    odeon_tensor x = case_values(run, shape4(1, 1, 2, 8), values);
    odeon_tensor y = case_output(run, shape4(1, 1, 1, 4)),
                 dy = case_random(run, shape4(1, 1, 1, 4));
    odeon_tensor dx = case_output(run, shape4(1, 1, 2, 8));
    case_do(run, pool, pool2d, .geometry = geometry, .x = &x.view, .y = &y);
    case_do(run, pool, pool2d_vjp, .geometry = geometry, .x = &x.view, .dy = &dy.view, .dx = &dx);
    case_keep_each(run, "y", &y.view);
    case_keep_each(run, "dx", &dx.view);
    case_variant(run, "windows of padding alone");
    case_expect_nonfinite(run);
    x = case_random(run, shape4(1, 1, 2, 2));
    y = case_output(run, shape4(1, 1, 6, 6));
    dy = case_random(run, shape4(1, 1, 6, 6));
    dx = case_output(run, shape4(1, 1, 2, 2));
    case_do(run, pool, pool2d, .geometry = beside, .x = &x.view, .y = &y);
    case_do(run, pool, pool2d_vjp, .geometry = beside, .x = &x.view, .dy = &dy.view, .dx = &dx);
    case_keep_each(run, "y", &y.view);
    case_keep_each(run, "dx", &dx.view);
}

/* ---- group normalization ---- */

/* x[B,C,S], groups. */
static const int64_t group_sizes[][4] = {
    {1, 1, 7, 1},   {3, 6, 20, 1},  {3, 6, 20, 3},   {3, 6, 20, 6},   {2, 64, 9, 32},
    {2, 6, 1, 2},   {5, 4, 1, 1},   {1, 6, 676, 6},  {0, 6, 5, 3},    {3, 8, 33, 4},
    {7, 4, 700, 2}, {2, 530, 3, 1}, {2, 2, 2051, 2}, {2, 1100, 1, 2},
};
enum { N_GROUPS = sizeof group_sizes / sizeof *group_sizes };

/* Means far from 0 and unlike each other, as batches have them. */
static odeon_tensor group_input(case_run *run, const int64_t *size)
{
    return case_between(run, shape3(size[0], size[1], size[2]), -1.0, 3.0);
}

static void run_groupnorm(case_run *run)
{
    static const int32_t acts[] = {ODEON_UNARY_IDENTITY, ODEON_UNARY_RELU, ODEON_UNARY_TANH};
    for (int32_t i = 0; i < 6 * N_GROUPS; i++) {
        const int64_t *size = group_sizes[i / 6];
        int32_t affine = i % 2, groups = (int32_t)size[3];
        case_variant(run, "%dx%dx%d, %d groups, %s", (int)size[0], (int)size[1], (int)size[2],
                     (int)groups, affine ? "affine" : "plain");
        odeon_tensor x = group_input(run, size), w = case_random(run, shape1(size[1]));
        odeon_tensor b = case_random(run, shape1(size[1]));
        odeon_tensor y = case_output(run, shape3(size[0], size[1], size[2]));
        odeon_tensor stats = case_output_as(run, ODEON_DTYPE_F64, shape3(size[0], groups, 2));
        case_do(run, norm, group_norm, .groups = groups, .epsilon = 1e-5, .x = &x.view,
                .w = affine ? &w.view : NULL, .b = affine ? &b.view : NULL, .act = acts[i / 2 % 3],
                .y = &y, .stats = &stats);
        case_keep(run, "y", &y.view);
        case_keep(run, "stats", &stats.view);
    }
}

static void run_groupnorm_vjp(case_run *run)
{
    for (int32_t i = 0; i < 16 * N_GROUPS; i++) {
        const int64_t *size = group_sizes[i / 16];
        int32_t affine = i & 1, groups = (int32_t)size[3];
        bool with_dx = (i & 2) == 0, with_dw = (i & 4) == 0, with_db = (i & 8) == 0;
        case_shape shape = shape3(size[0], size[1], size[2]);
        case_variant(run, "%dx%dx%d, %d groups, %s, %d %d %d", (int)size[0], (int)size[1],
                     (int)size[2], (int)groups, affine ? "affine" : "plain", with_dx, with_dw,
                     with_db);
        odeon_tensor x = group_input(run, size), w = case_random(run, shape1(size[1]));
        odeon_tensor y = case_output(run, shape), dy = case_random(run, shape);
        odeon_tensor stats = case_output_as(run, ODEON_DTYPE_F64, shape3(size[0], groups, 2));
        odeon_tensor dx = case_output(run, shape), dw = case_random(run, shape1(size[1]));
        odeon_tensor db = case_random(run, shape1(size[1]));
        case_do(run, norm, group_norm, .groups = groups, .epsilon = 1e-5, .x = &x.view,
                .w = affine ? &w.view : NULL, .y = &y, .stats = &stats);
        case_keep(run, "y", &y.view);
        case_keep(run, "stats", &stats.view);
        case_do(run, norm, group_norm_vjp, .groups = groups, .x = &x.view,
                .w = affine ? &w.view : NULL, .stats = &stats.view, .dy = &dy.view,
                .dx = with_dx ? &dx : NULL, .dw = with_dw ? &dw : NULL, .db = with_db ? &db : NULL);
        if (with_dx) {
            case_keep(run, "dx", &dx.view);
        }
        if (with_dw) {
            case_keep(run, "dw", &dw.view);
        }
        if (with_db) {
            case_keep(run, "db", &db.view);
        }
    }
}

static odeon_tensor scratch_like(case_run *run, const odeon_tensor *x)
{
    const odeon_shape *shape = &x->view.shape;
    return odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(shape)), *shape);
}

/* The vjp with the function behind, or the two that it stands for where a device does without. */
static void run_groupnorm_act_vjp(case_run *run)
{
    bool fused = ODEON_HAS(case_device(run)->norm, odeon_norm_family, group_norm_act_vjp);
    for (int32_t i = 0; i < (ODEON_UNARY_LAST_EPILOGUE + 1) * 2 * N_GROUPS; i++) {
        const int64_t *size = group_sizes[i / 2 % N_GROUPS];
        int32_t affine = i % 2, groups = (int32_t)size[3], act = i / 2 / N_GROUPS;
        case_shape shape = shape3(size[0], size[1], size[2]);
        case_variant(run, "%dx%dx%d, %d groups, %s, function %d", (int)size[0], (int)size[1],
                     (int)size[2], (int)groups, affine ? "affine" : "plain", (int)act);
        odeon_tensor x = group_input(run, size), w = case_random(run, shape1(size[1]));
        odeon_tensor b = case_random(run, shape1(size[1]));
        odeon_tensor y = case_output(run, shape), dy = case_random(run, shape);
        odeon_tensor stats = case_output_as(run, ODEON_DTYPE_F64, shape3(size[0], groups, 2));
        odeon_tensor dx = case_output(run, shape), dw = case_random(run, shape1(size[1]));
        odeon_tensor db = case_random(run, shape1(size[1]));
        odeon_tensor before = scratch_like(run, &dy);
        const odeon_view *d = &dy.view;
        if (i % 3 == 0) { /* in place */
            case_do(run, move, copy, .x = d, .y = &dx);
            d = &dx.view;
        }
        case_do(run, norm, group_norm, .groups = groups, .epsilon = 1e-5, .x = &x.view,
                .w = affine ? &w.view : NULL, .b = affine ? &b.view : NULL, .act = act, .y = &y,
                .stats = &stats);
        if (fused) {
            case_do(run, norm, group_norm_act_vjp, .groups = groups, .act = act, .x = &x.view,
                    .w = affine ? &w.view : NULL, .b = affine ? &b.view : NULL,
                    .stats = &stats.view, .dy = d, .dx = &dx, .dw = &dw, .db = &db);
        } else {
            case_do(run, pointwise, unary_vjp, .id = act, .kept = &y.view, .dy = d, .dx = &before);
            case_do(run, norm, group_norm_vjp, .groups = groups, .x = &x.view,
                    .w = affine ? &w.view : NULL, .stats = &stats.view, .dy = &before.view,
                    .dx = &dx, .dw = &dw, .db = &db);
        }
        case_keep(run, "y", &y.view);
        case_keep(run, "stats", &stats.view);
        case_keep(run, "dx", &dx.view);
        case_keep(run, "dw", &dw.view);
        case_keep(run, "db", &db.view);
    }
}

/* One number that is not finite spoils its group and leaves the others alone. */
static void run_groupnorm_passes_on(case_run *run)
{
    case_variant(run, "one NaN");
    case_expect_nonfinite(run);
    double values[24];
    for (int32_t k = 0; k < 24; k++) {
        values[k] = case_number(run);
    }
    values[7] = (double)NAN;
    odeon_tensor x = case_values(run, shape3(2, 4, 3), values);
    odeon_tensor y = case_output(run, shape3(2, 4, 3));
    odeon_tensor stats = case_output_as(run, ODEON_DTYPE_F64, shape3(2, 2, 2));
    case_do(run, norm, group_norm, .groups = 2, .epsilon = 1e-5, .x = &x.view, .y = &y,
            .stats = &stats);
    case_keep(run, "y", &y.view);
    case_keep(run, "stats", &stats.view);
}

/* ---- softmax ---- */

/* x[N,Q,K], sets of masks and lengths, numbers a mask has for a key; 0 sets: neither. */
typedef struct softmax_case {
    int64_t N, Q, K, sets, each;
    int32_t lengths, causal;
} softmax_case;

static const softmax_case softmax_sizes[] = {
    {1, 1, 1, 0, 0, 0, 0}, {4, 3, 7, 0, 0, 0, 0},    {2, 5, 5, 0, 0, 0, 1},   {6, 4, 9, 3, 1, 0, 0},
    {6, 4, 9, 3, 2, 1, 1}, {4, 33, 33, 2, 1, 1, 0},  {0, 3, 4, 0, 0, 0, 0},   {2, 0, 4, 2, 1, 1, 0},
    {2, 3, 0, 0, 0, 0, 0}, {2, 2, 1031, 1, 1, 0, 0}, {3, 70, 67, 3, 1, 1, 1},
};
enum { N_SOFTMAX = sizeof softmax_sizes / sizeof *softmax_sizes, MOST_KEYS = 3 * 1031 };

static bool has_softmax(const case_run *run)
{
    return ODEON_HAS(case_device(run)->norm, odeon_norm_family, softmax);
}

/* Zeros in half of its places, and throughout in the first set but one key, or all of them. */
static odeon_tensor softmax_mask(case_run *run, const softmax_case *c)
{
    double values[MOST_KEYS];
    int64_t n = c->sets * c->K * c->each;
    assert_true(n <= MOST_KEYS);
    for (int64_t i = 0; i < n; i++) {
        values[i] = i < c->K * c->each ? (i == 1 ? 0.5 : 0.0) : case_number(run) > 0.0;
    }
    return case_values(run, shape3(c->sets, c->K, c->each), values);
}

/* One past the end, none, and in between. */
static odeon_tensor softmax_lengths(case_run *run, const softmax_case *c)
{
    double values[3] = {(double)c->K + 1.0, 0.0, (double)(c->K / 2)};
    return case_values(run, shape1(c->sets), values);
}

/* x is as large as makes exp overflow unless it is shifted. */
static void run_softmax(case_run *run)
{
    for (int32_t i = 0; has_softmax(run) && i < 2 * N_SOFTMAX; i++) {
        const softmax_case *c = &softmax_sizes[i / 2];
        case_shape shape = shape3(c->N, c->Q, c->K);
        bool in_place = i % 2 != 0;
        case_variant(run, "size %d%s", (int)(i / 2), in_place ? ", in place" : "");
        odeon_tensor x = case_between(run, shape, 990.0, 1005.0), mask, lengths;
        odeon_tensor y = in_place ? x : case_output(run, shape);
        bool masked = c->sets > 0, limited = masked && c->lengths;
        mask = masked ? softmax_mask(run, c) : x;
        lengths = limited ? softmax_lengths(run, c) : x;
        case_do(run, norm, softmax, .x = &x.view, .mask = masked ? &mask.view : NULL,
                .lengths = limited ? &lengths.view : NULL, .causal = c->causal, .y = &y);
        case_keep(run, "y", &y.view);
    }
}

static void run_softmax_vjp(case_run *run)
{
    for (int32_t i = 0; has_softmax(run) && i < 2 * N_SOFTMAX; i++) {
        const softmax_case *c = &softmax_sizes[i / 2];
        case_shape shape = shape3(c->N, c->Q, c->K);
        bool in_place = i % 2 != 0;
        case_variant(run, "size %d%s", (int)(i / 2), in_place ? ", in place" : "");
        odeon_tensor y = case_between(run, shape, 0.0, 1.0), dy = case_random(run, shape);
        odeon_tensor dx = in_place ? dy : case_output(run, shape);
        case_do(run, norm, softmax_vjp, .y = &y.view, .dy = &dy.view, .dx = &dx);
        case_keep(run, "dx", &dx.view);
    }
}

/* What is not finite reaches its row where it counts, and nothing where it does not. */
static void run_softmax_passes_on(case_run *run)
{
    if (!has_softmax(run)) {
        return;
    }
    case_variant(run, "NaN and infinity");
    case_expect_nonfinite(run);
    const double values[16] = {1.0, (double)NAN, 0.5, 2.0, 0.25,      HUGE_VAL, 1.0, 0.0,
                               1.0, 2.0,         3.0, 4.0, -HUGE_VAL, 0.5,      1.0, (double)NAN};
    const double counts[4] = {1.0, 1.0, 1.0, 0.0};
    odeon_tensor x = case_values(run, shape3(1, 4, 4), values);
    odeon_tensor mask = case_values(run, shape2(1, 4), counts);
    odeon_tensor y = case_output(run, shape3(1, 4, 4));
    case_do(run, norm, softmax, .x = &x.view, .mask = &mask.view, .y = &y);
    case_keep_each(run, "y", &y.view);
}

const device_case norm_cases[] = {
    {"softmax", run_softmax},
    {"softmax_vjp", run_softmax_vjp},
    {"softmax of what is not finite", run_softmax_passes_on},
    {"pool2d", run_pool},
    {"pool2d_vjp", run_pool_vjp},
    {"pool2d_jvp", run_pool_jvp},
    {"pool2d of what is not finite", run_pool_passes_on},
    {"pool2d, which is the largest", run_largest_of_special_numbers},
    {"groupnorm", run_groupnorm},
    {"groupnorm_vjp", run_groupnorm_vjp},
    {"groupnorm_act_vjp", run_groupnorm_act_vjp},
    {"groupnorm of what is not finite", run_groupnorm_passes_on},
    {NULL, NULL},
};
