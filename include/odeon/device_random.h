/* device_random.h: family random: what draws random numbers.
 *
 * Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011) turns a counter,
 * the 64 bits of an index and 64 zeros, under the 64 bits of a key into words v[0] to v[3]; low
 * halves come first.
 *
 * Draft. To be seen before it is frozen: rows that are gathered and need the numbers of their
 * places. */
#ifndef ODEON_DEVICE_RANDOM_H
#define ODEON_DEVICE_RANDOM_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Final. Which part of every image window2d takes. */
typedef struct odeon_window_geometry {
    int32_t padding; /* rows and columns of zeros on all four sides of the image */
    int32_t random;  /* 0: the window stands in the middle (rounded up and left); 1: anywhere */
    double flip_probability; /* that it is mirrored left to right */
} odeon_window_geometry;

/* y[i] = x[i] * (u >= p ? 1 / (1 - p) : 0), 0 <= p < 1; u in [0, 1) is made of the upper 53 bits of
 * v[1] : v[0] for the index first + i. y may be x. Its own vjp, on dy. */
typedef struct odeon_dropout {
    uint32_t struct_size, flags;
    const odeon_view *x;
    const odeon_tensor *y;
    uint64_t key;
    int64_t first;
    double p;
} odeon_dropout;

/* y[B,C,P,Q] = a window of x[B,C,H,W] with its padding, of the same place in all channels of a
 * sample; P - H and Q - W are at most 2 padding. Random: the words for the index first_sample + b
 * choose the first row, floor(v[0] n / 2^32) of the n possible ones, likewise the column by v[1].
 * Mirrored where v[2] / 2^32 < flip_probability. */
typedef struct odeon_window2d {
    uint32_t struct_size, flags;
    odeon_window_geometry geometry;
    const odeon_view *x;
    const odeon_tensor *y;
    uint64_t key;
    int64_t first_sample;
} odeon_window2d;

/* dx from dy, with the same key and first_sample. */
typedef struct odeon_window2d_vjp {
    uint32_t struct_size, flags;
    odeon_window_geometry geometry;
    const odeon_view *dy;
    const odeon_tensor *dx;
    uint64_t key;
    int64_t first_sample;
} odeon_window2d_vjp;

/* What noise draws, of u in [0, 1), made as dropout's, and w in [0, 1), made alike of v[3] : v[2].
 */
enum {
    ODEON_NOISE_UNIFORM = 0, /* u */
    ODEON_NOISE_NORMAL = 1, /* sqrt(-2 log(1 - u)) cos(2 pi w): of mean 0, deviation 1 (Box, Muller,
                               A note on the generation of random normal deviates, 1958) */
    ODEON_NOISE_SIGN = 2,   /* u < 1/2 ? -1 : 1 */
    ODEON_NOISE_COUNT
};

/* y[i] = the number for the index first + i, computed in double; y is F32 or F64, of any shape. */
typedef struct odeon_noise {
    uint32_t struct_size, flags;
    const odeon_tensor *y;
    uint64_t key;
    int64_t first;
    int32_t id, reserved0; /* ODEON_NOISE_* */
} odeon_noise;

/* Growing. Every slot: [worker; evaluation]. */
struct odeon_random_family {
    uint32_t struct_size, flags; /* none yet */
    odeon_status (*dropout)(odeon_queue *queue, const odeon_dropout *call);
    odeon_status (*window2d)(odeon_queue *queue, const odeon_window2d *call);
    odeon_status (*window2d_vjp)(odeon_queue *queue, const odeon_window2d_vjp *call);
    /* (optional) NULL, or behind struct_size: the device draws no noise. */
    odeon_status (*noise)(odeon_queue *queue, const odeon_noise *call);
};

#ifdef __cplusplus
}
#endif
#endif
