/* random.h: operators that use counter-based random numbers, written so that the compiler can
 * vectorize over consecutive counters. */
#ifndef ODEON_CPU_RANDOM_H
#define ODEON_CPU_RANDOM_H
#define ODEON_KIT ALWAYS_INLINE
#include "odeon/kit/philox.h"
#include "windows.h"

/* x [count] -> y [count]. u >= p is decided in integers: u = bits / 2^53, so it holds iff bits >= p
 * 2^53. */
static void dropout(int64_t count, uint64_t key, uint64_t first, double p, const void *x, void *y)
{
    const uint64_t least = (uint64_t)ceil(p * 0x1p53);
    const real scale = (real)(1.0 / (1.0 - p)), zero = 0;
    const real *in = x;
    real *out = y;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = odeon_kit_bits53(odeon_kit_philox(key, first + (uint64_t)i));
        out[i] = in[i] * (bits >= least ? scale : zero);
    }
}

/* Where one sample's window lies; it may begin and end outside of the image. */
static odeon_kit_window_place place_crop(const cpu_crop *c, int64_t sample)
{
    return odeon_kit_window(c->geometry, c->key, c->first_sample + (uint64_t)sample,
                            c->height - c->rows, c->width - c->cols);
}

/* to[i] = from[i], or from[count - 1 - i] if reversed. */
static void copy_row(int64_t count, int32_t reversed, const real *from, real *to)
{
    for (int64_t i = 0; reversed && i < count; i++) {
        to[i] = from[count - 1 - i];
    }
    if (!reversed) {
        memcpy(to, from, (size_t)count * sizeof *to);
    }
}

/* x [B,C,H,W] -> y [B,C,P,Q]: copies the overlap of window and image row by row; y is 0 elsewhere
 * already. */
static void crop(const cpu_crop *c, const void *x, void *y)
{
    for (int64_t image = 0; image < c->batch * c->channels; image++) {
        odeon_kit_window_place at = place_crop(c, image / c->channels);
        span rows = inside(at.top, c->height, 1, c->rows);
        span cols = inside(at.left, c->width, 1, c->cols);
        int64_t n = cols.end - cols.begin, to = at.mirrored ? c->cols - cols.end : cols.begin;
        for (int64_t p = rows.begin; p < rows.end; p++) {
            const real *row = (const real *)x + (image * c->height + at.top + p) * c->width;
            copy_row(n, at.mirrored, row + at.left + cols.begin,
                     (real *)y + (image * c->rows + p) * c->cols + to);
        }
    }
}

/* dy [B,C,P,Q] -> dx [B,C,H,W]: the same copies the other way. */
static void crop_vjp(const cpu_crop *c, const void *dy, void *dx)
{
    for (int64_t image = 0; image < c->batch * c->channels; image++) {
        odeon_kit_window_place at = place_crop(c, image / c->channels);
        span rows = inside(at.top, c->height, 1, c->rows);
        span cols = inside(at.left, c->width, 1, c->cols);
        int64_t n = cols.end - cols.begin, from = at.mirrored ? c->cols - cols.end : cols.begin;
        for (int64_t p = rows.begin; p < rows.end; p++) {
            real *row = (real *)dx + (image * c->height + at.top + p) * c->width;
            copy_row(n, at.mirrored, (const real *)dy + (image * c->rows + p) * c->cols + from,
                     row + at.left + cols.begin);
        }
    }
}

#endif
