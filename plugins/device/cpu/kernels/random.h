/* random.h: operators that use counter-based random numbers (Philox4x32-10), written so that the
 * compiler can vectorize over consecutive counters. Source: Salmon et al., Parallel random numbers:
 * as easy as 1, 2, 3, 2011, section 3.3. */
#ifndef ODEON_CPU_RANDOM_H
#define ODEON_CPU_RANDOM_H
#include "odeon/device_random.h"
#include "windows.h"

typedef struct philox_words {
    uint32_t v0, v1, v2, v3;
} philox_words;

/* The four words for one index; the upper half of the counter is 0 (device_random.h). */
ALWAYS_INLINE philox_words philox(uint64_t key, uint64_t index)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    philox_words x = {(uint32_t)index, (uint32_t)(index >> 32), 0, 0};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x.v0, b = (uint64_t)0xCD9E8D57u * x.v2;
        x.v0 = (uint32_t)(b >> 32) ^ x.v1 ^ k0;
        x.v1 = (uint32_t)b;
        x.v2 = (uint32_t)(a >> 32) ^ x.v3 ^ k1;
        x.v3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

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
        philox_words w = philox(key, first + (uint64_t)i);
        uint64_t bits = ((uint64_t)w.v1 << 32 | w.v0) >> 11;
        out[i] = in[i] * (bits >= least ? scale : zero);
    }
}

/* Placement of one sample's window; it may begin and end outside of the image. */
typedef struct crop_place {
    int64_t top, left;
    int32_t mirrored;
} crop_place;

/* A number below n from a 32-bit word: floor(word n / 2^32). */
static int64_t choose(uint32_t word, int64_t n)
{
    return (int64_t)((uint64_t)word * (uint64_t)n >> 32);
}

static crop_place place_crop(const cpu_crop *c, int64_t sample)
{
    const odeon_window_geometry *g = c->geometry;
    int64_t rows = c->height + 2 * (int64_t)g->padding - c->rows + 1;
    int64_t cols = c->width + 2 * (int64_t)g->padding - c->cols + 1;
    philox_words w = philox(c->key, c->first_sample + (uint64_t)sample);
    return (crop_place){
        .top = (g->random ? choose(w.v0, rows) : (rows - 1) / 2) - g->padding,
        .left = (g->random ? choose(w.v1, cols) : (cols - 1) / 2) - g->padding,
        .mirrored = (double)w.v2 * 0x1p-32 < g->flip_probability,
    };
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
        crop_place at = place_crop(c, image / c->channels);
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
        crop_place at = place_crop(c, image / c->channels);
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
