#include <math.h>

#include "device_cases.h"
#include "odeon/device_random.h"

static const uint64_t keys[] = {0, 1, 0x123456789abcdef0u, UINT64_MAX};
enum { N_KEYS = sizeof keys / sizeof *keys };

/* ---- dropout ---- */

/* Of first: in the middle of a stream, and where the index passes 32 bits. */
static void run_dropout(case_run *run)
{
    static const int64_t sizes[] = {0, 1, 7, 64, 1031}, firsts[] = {0, 977, 0xfffffff0};
    static const double rates[] = {0.0, 0.1, 0.5, 0.999};
    for (int32_t i = 0; i < 5 * 3 * 4; i++) {
        int64_t n = sizes[i % 5], first = firsts[i / 5 % 3];
        double p = rates[i / 15];
        case_variant(run, "%d numbers from %lld, p %g", (int)n, (long long)first, p);
        odeon_tensor x = case_random(run, shape1(n)), y = case_output(run, shape1(n));
        case_do(run, random, dropout, .key = keys[i % N_KEYS], .first = first, .p = p, .x = &x.view,
                .y = &y);
        case_keep_each(run, "y", &y.view);
        case_variant(run, "%d numbers from %lld, p %g, in place", (int)n, (long long)first, p);
        x = case_random(run, shape1(n));
        case_do(run, random, dropout, .key = keys[i % N_KEYS], .first = first, .p = p, .x = &x.view,
                .y = &x);
        case_keep_each(run, "x", &x.view);
    }
}

static void run_dropout_passes_on(case_run *run)
{
    double values[64];
    for (int32_t i = 0; i < 64; i++) {
        values[i] = i % 2 == 0 ? (double)NAN : HUGE_VAL;
    }
    case_variant(run, "NaN and infinity, dropped or not");
    case_expect_nonfinite(run);
    odeon_tensor x = case_values(run, shape1(64), values), y = case_output(run, shape1(64));
    case_do(run, random, dropout, .key = 5, .p = 0.5, .x = &x.view, .y = &y);
    case_keep_each(run, "y", &y.view);
}

/* Logarithm and cosine may differ in their last digits. */
static void run_noise(case_run *run)
{
    static const int64_t sizes[] = {0, 1, 64, 1031}, firsts[] = {0, 977, 0xfffffff0};
    for (int32_t i = 0; i < 4 * 3 * ODEON_NOISE_COUNT; i++) {
        int64_t n = sizes[i % 4], first = firsts[i / 4 % 3];
        case_variant(run, "%d numbers from %lld, id %d", (int)n, (long long)first, (int)(i / 12));
        odeon_tensor y = case_output(run, shape1(n));
        case_do(run, random, noise, .key = keys[i % N_KEYS], .first = first, .id = i / 12, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

/* ---- windows ---- */

/* x[B,C,H,W], y[B,C,P,Q]. */
typedef struct window_case {
    int64_t B, C, H, W, P, Q;
    odeon_window_geometry geometry;
} window_case;

static const window_case windows[] = {
    {33, 1, 5, 5, 5, 5, {2, 1, 0.0}}, /* larger than the offset: rows and columns of zeros */
    {9, 3, 8, 6, 8, 6, {4, 1, 0.5}},  /* both at once */
    {17, 2, 4, 7, 4, 7, {0, 0, 0.5}}, /* mirrored alone */
    {4, 2, 4, 7, 4, 7, {0, 0, 1.0}},  /* all of them */
    {8, 1, 9, 7, 3, 4, {0, 1, 0.25}}, /* inside */
    {3, 2, 9, 8, 4, 3, {1, 0, 0.0}},  /* in the middle, an odd row and column left over */
    {5, 1, 3, 3, 1, 1, {9, 1, 0.0}},  /* often nothing but padding */
    {2, 2, 3, 3, 7, 7, {2, 1, 1.0}},  /* as large as the padded image */
    {0, 3, 4, 4, 4, 4, {1, 1, 0.5}},  {2, 0, 4, 4, 4, 4, {1, 1, 0.5}},
};
enum { N_WINDOWS = sizeof windows / sizeof *windows };

static void run_window(case_run *run)
{
    for (int32_t i = 0; i < N_WINDOWS * N_KEYS; i++) {
        const window_case *c = &windows[i / N_KEYS];
        case_variant(run, "geometry %d, key %d", (int)(i / N_KEYS), (int)(i % N_KEYS));
        odeon_tensor x = case_random(run, shape4(c->B, c->C, c->H, c->W));
        odeon_tensor y = case_output(run, shape4(c->B, c->C, c->P, c->Q));
        case_do(run, random, window2d, .geometry = c->geometry, .key = keys[i % N_KEYS],
                .first_sample = 3 * i, .x = &x.view, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_window_vjp(case_run *run)
{
    for (int32_t i = 0; i < N_WINDOWS * N_KEYS; i++) {
        const window_case *c = &windows[i / N_KEYS];
        case_variant(run, "geometry %d, key %d", (int)(i / N_KEYS), (int)(i % N_KEYS));
        odeon_tensor dy = case_random(run, shape4(c->B, c->C, c->P, c->Q));
        odeon_tensor dx = case_output(run, shape4(c->B, c->C, c->H, c->W));
        case_do(run, random, window2d_vjp, .geometry = c->geometry, .key = keys[i % N_KEYS],
                .first_sample = 3 * i, .dy = &dy.view, .dx = &dx);
        case_keep_each(run, "dx", &dx.view);
    }
}

const device_case random_cases[] = {
    {"dropout", run_dropout},
    {"dropout of what is not finite", run_dropout_passes_on},
    {"noise", run_noise},
    {"window2d", run_window},
    {"window2d_vjp", run_window_vjp},
    {NULL, NULL},
};
