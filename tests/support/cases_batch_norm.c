#include <math.h>

#include "device_cases.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"

/* x[B,C,S]. */
static const int64_t norm_sizes[][3] = {
    {1, 1, 7},   {3, 6, 20}, {5, 4, 1}, {2, 37, 1},  {2, 65, 33},
    {1, 3, 676}, {0, 3, 5},  {2, 0, 5}, {7, 2, 700},
};
enum { N_NORMS = sizeof norm_sizes / sizeof *norm_sizes };

/* Means far from 0, as batches have them. */
static odeon_tensor norm_input(case_run *run, const int64_t *size)
{
    return case_between(run, shape3(size[0], size[1], size[2]), -1.0, 3.0);
}

static void name_variant(case_run *run, const int64_t *size, const char *what)
{
    case_variant(run, "%dx%dx%d, %s", (int)size[0], (int)size[1], (int)size[2], what);
}

/* Means, then rstd, of channels that are unlike each other. */
static odeon_tensor norm_stats(case_run *run, const int64_t *size)
{
    double values[2 * 65];
    for (int64_t c = 0; c < size[1]; c++) {
        values[c] = 1.0 + case_number(run);
        values[size[1] + c] = 2.0 + case_number(run);
    }
    return case_values_as(run, ODEON_DTYPE_F64, shape2(2, size[1]), values);
}

static void run_moment(case_run *run)
{
    for (int32_t i = 0; i < 2 * N_NORMS; i++) {
        const int64_t *size = norm_sizes[i / 2];
        name_variant(run, size, i % 2 ? "centred" : "plain");
        odeon_tensor x = norm_input(run, size);
        odeon_tensor mean = case_random_as(run, ODEON_DTYPE_F64, shape1(size[1]));
        odeon_tensor out = case_output_as(run, ODEON_DTYPE_F64, shape1(size[1]));
        case_do(run, norm, channel_moment, .x = &x.view, .mean = i % 2 ? &mean.view : NULL,
                .out = &out);
        case_keep(run, "out", &out.view);
    }
}

static void run_batch_norm(case_run *run)
{
    static const int32_t acts[] = {ODEON_UNARY_IDENTITY, ODEON_UNARY_RELU, ODEON_UNARY_TANH};
    for (int32_t i = 0; i < 6 * N_NORMS; i++) {
        const int64_t *size = norm_sizes[i / 6];
        name_variant(run, size, i % 2 ? "affine" : "plain");
        odeon_tensor x = norm_input(run, size), stats = norm_stats(run, size);
        odeon_tensor w = case_random(run, shape1(size[1])), b = case_random(run, shape1(size[1]));
        odeon_tensor y = case_output(run, shape3(size[0], size[1], size[2]));
        case_do(run, norm, batch_norm, .x = &x.view, .stats = &stats.view,
                .w = i % 2 ? &w.view : NULL, .b = i % 2 ? &b.view : NULL, .act = acts[i / 2 % 3],
                .y = &y);
        case_keep(run, "y", &y.view);
    }
}

static void run_batch_norm_vjp_sums(case_run *run)
{
    for (int32_t i = 0; i < N_NORMS; i++) {
        const int64_t *size = norm_sizes[i];
        name_variant(run, size, "sums");
        odeon_tensor x = norm_input(run, size), stats = norm_stats(run, size);
        odeon_tensor dy = case_random(run, shape3(size[0], size[1], size[2]));
        odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape2(2, size[1]));
        case_do(run, norm, batch_norm_vjp_sums, .x = &x.view, .stats = &stats.view, .dy = &dy.view,
                .sums = &sums);
        case_keep(run, "sums", &sums.view);
    }
}

static void run_batch_norm_vjp(case_run *run)
{
    for (int32_t i = 0; i < 4 * N_NORMS; i++) {
        const int64_t *size = norm_sizes[i / 4];
        case_shape shape = shape3(size[0], size[1], size[2]);
        name_variant(run, size, i % 2 ? "affine" : "plain");
        odeon_tensor x = norm_input(run, size), stats = norm_stats(run, size);
        odeon_tensor w = case_random(run, shape1(size[1])), dy = case_random(run, shape);
        odeon_tensor sums = case_random_as(run, ODEON_DTYPE_F64, shape2(2, size[1]));
        odeon_tensor dx = case_output(run, shape);
        case_do(run, norm, batch_norm_vjp, .x = &x.view, .w = i % 2 ? &w.view : NULL,
                .stats = &stats.view, .dy = &dy.view, .sums = &sums.view,
                .count = i / 2 % 2 ? HUGE_VAL : 17.0, .dx = &dx);
        case_keep(run, "dx", &dx.view);
    }
}

/* The vjp with the function behind, or what it stands for where a device does without. */
static void run_batch_norm_act_vjp(case_run *run)
{
    bool fused = ODEON_HAS(case_device(run)->norm, odeon_norm_family, batch_norm_act_vjp);
    for (int32_t i = 0; i < (ODEON_UNARY_LAST_EPILOGUE + 1) * 2 * N_NORMS; i++) {
        const int64_t *size = norm_sizes[i / 2 % N_NORMS];
        int32_t act = i / 2 / N_NORMS, affine = i % 2;
        case_shape shape = shape3(size[0], size[1], size[2]);
        name_variant(run, size, affine ? "affine, with a function" : "plain, with a function");
        odeon_tensor x = norm_input(run, size), stats = norm_stats(run, size);
        odeon_tensor w = case_random(run, shape1(size[1])), b = case_random(run, shape1(size[1]));
        odeon_tensor dy = case_random(run, shape), dx = case_output(run, shape);
        odeon_tensor sums = case_output_as(run, ODEON_DTYPE_F64, shape2(2, size[1]));
        const odeon_view *scale = affine ? &w.view : NULL, *shift = affine ? &b.view : NULL;
        odeon_shape flat = dy.view.shape;
        odeon_tensor before =
            odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(&flat)), flat);
        const odeon_view *d = &dy.view;
        if (i % 3 == 0) { /* in place */
            case_do(run, move, copy, .x = d, .y = &dx);
            d = &dx.view;
        }
        if (fused) {
            case_do(run, norm, batch_norm_act_vjp_sums, .x = &x.view, .stats = &stats.view,
                    .w = scale, .b = shift, .act = act, .dy = d, .sums = &sums);
            case_do(run, norm, batch_norm_act_vjp, .x = &x.view, .w = scale, .b = shift,
                    .stats = &stats.view, .act = act, .dy = d, .sums = &sums.view, .count = 17.0,
                    .dx = &dx);
        } else {
            odeon_tensor y = odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(&flat)), flat);
            case_do(run, norm, batch_norm, .x = &x.view, .stats = &stats.view, .w = scale,
                    .b = shift, .act = act, .y = &y);
            case_do(run, pointwise, unary_vjp, .id = act, .kept = &y.view, .dy = d, .dx = &before);
            case_do(run, norm, batch_norm_vjp_sums, .x = &x.view, .stats = &stats.view,
                    .dy = &before.view, .sums = &sums);
            case_do(run, norm, batch_norm_vjp, .x = &x.view, .w = scale, .stats = &stats.view,
                    .dy = &before.view, .sums = &sums.view, .count = 17.0, .dx = &dx);
        }
        case_keep(run, "sums", &sums.view);
        case_keep(run, "dx", &dx.view);
    }
}

/* One NaN spoils its channel and leaves the others alone. */
static void run_batch_norm_passes_on(case_run *run)
{
    for (int64_t space = 1; space <= 3; space += 2) {
        case_variant(run, "one NaN, runs of %d", (int)space);
        case_expect_nonfinite(run);
        double values[24];
        for (int32_t k = 0; k < 24; k++) {
            values[k] = case_number(run);
        }
        values[7] = (double)NAN;
        case_shape shape = shape3(8 / space, 3, space);
        odeon_tensor x = case_values(run, shape, values), y = case_output(run, shape);
        odeon_tensor out = case_output_as(run, ODEON_DTYPE_F64, shape1(3));
        odeon_tensor stats = norm_stats(run, (int64_t[]){8 / space, 3, space});
        case_do(run, norm, channel_moment, .x = &x.view, .out = &out);
        case_do(run, norm, batch_norm, .x = &x.view, .stats = &stats.view, .act = ODEON_UNARY_RELU,
                .y = &y);
        case_keep(run, "out", &out.view);
        case_keep(run, "y", &y.view);
    }
}

const device_case batch_norm_cases[] = {
    {"channel_moment", run_moment},
    {"batch_norm", run_batch_norm},
    {"batch_norm_vjp_sums", run_batch_norm_vjp_sums},
    {"batch_norm_vjp", run_batch_norm_vjp},
    {"batch_norm_act_vjp", run_batch_norm_act_vjp},
    {"batch_norm of what is not finite", run_batch_norm_passes_on},
    {NULL, NULL},
};
