/* lanes.h: sums in double in an order that depends on the count alone. Element i goes to lane i mod
 * LANES, and the lanes are added at the end as a tree. The compiler can vectorize over lanes
 * without reordering any addition, so every instruction set gives the same bits. */
#ifndef ODEON_CPU_LANES_H
#define ODEON_CPU_LANES_H
#include <stdint.h>
#include <tgmath.h>

#include "../vectors.h"

/* Four vectors of 8 doubles (AVX-512): enough independent sums to hide the latency of an
 * addition. */
enum { LANES = 32 };

typedef struct lanes {
    double at[LANES];
} lanes;

/* Adds the lanes pairwise; overwrites them. */
ALWAYS_INLINE double lanes_total(lanes *s)
{
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            s->at[i] += s->at[i + width];
        }
    }
    return s->at[0];
}

/* The largest lane; NaN if any lane is NaN. */
ALWAYS_INLINE double lanes_max(const lanes *s)
{
    double most = 0.0; /* lanes hold magnitudes */
    for (int i = 0; i < LANES; i++) {
        most = s->at[i] > most || isnan(s->at[i]) ? s->at[i] : most;
        if (isnan(most)) {
            break;
        }
    }
    return most;
}

/* Adds x[i] to the lanes. Here and below the last loop takes the remainder into the same lanes that
 * a full block would. */
ALWAYS_INLINE void lanes_add(lanes *s, int64_t count, const real *x)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            s->at[l] += (double)x[i + l];
        }
    }
    for (int l = 0; i + l < count; l++) {
        s->at[l] += (double)x[i + l];
    }
}

/* Adds a[i] b[i]. */
ALWAYS_INLINE void lanes_add_products(lanes *s, int64_t count, const real *a, const real *b)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            s->at[l] += (double)a[i + l] * (double)b[i + l];
        }
    }
    for (int l = 0; i + l < count; l++) {
        s->at[l] += (double)a[i + l] * (double)b[i + l];
    }
}

#endif
