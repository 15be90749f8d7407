/* outer.h: gradients of weights, sums over places of an input times a cotangent. */
#ifndef ODEON_CPU_DIRECT_OUTER_H
#define ODEON_CPU_DIRECT_OUTER_H

/* Channels by vectors of filters, one element of the window: the input is broadcast, from the image
 * as it is. Input c and cotangents of place (p, q) of image i are at
 * x[i * x_image + c * x_channel + p * x_row + q * x_place] and d[i * d_image + p * d_row + q *
 * VECTORS
 * * LANES]; added to w[c * w_channel]. */
typedef struct outer_filters {
    int64_t images, rows, cols;
    const real *x, *d;
    real *w;
    int64_t x_image, x_channel, x_row, x_place, d_image, d_row, w_channel;
} outer_filters;

/* The most channels of any block, and how many of them are reached from one address: channels 0, 1
 * and 2 from it are operands without further registers. */
enum { OUTER_CHANNELS = 14, REACH = 3 };

/* Adds the products of one place. */
ALWAYS_INLINE void outer_place(int channels, int vectors, const real *const *x, int64_t x_channel,
                               const real *d, vec sums[OUTER_CHANNELS][2])
{
    vec f[2];
    UNROLL for (int v = 0; v < vectors; v++)
    {
        f[v] = load(d + v * LANES);
    }
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            sums[c][v] += x[c / REACH][c % REACH * x_channel] * f[v];
        }
    }
}

ALWAYS_INLINE void outer_add(int channels, int vectors, const outer_filters *t,
                             vec sums[OUTER_CHANNELS][2])
{
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            real *w = t->w + c * t->w_channel + v * LANES;
            store(w, load(w) + sums[c][v]);
        }
    }
}

ALWAYS_INLINE void outer_filters_run(int channels, int vectors, const outer_filters *t)
{
    vec sums[OUTER_CHANNELS][2];
    const int64_t x_channel = t->x_channel, x_place = t->x_place;
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            sums[c][v] = (vec){0};
        }
    }
    for (int64_t i = 0; i < t->images; i++) {
        for (int64_t p = 0; p < t->rows; p++) {
            const real *d = t->d + i * t->d_image + p * t->d_row, *x[OUTER_CHANNELS / REACH + 1];
            UNROLL for (int c = 0; c < channels; c += REACH)
            {
                x[c / REACH] = t->x + i * t->x_image + p * t->x_row + c * x_channel;
            }
            for (int64_t q = t->cols; q > 0; q--, d += vectors * LANES) {
                OPAQUE(x[0], d);
                outer_place(channels, vectors, x, x_channel, d, sums);
                UNROLL for (int c = 0; c < channels; c += REACH)
                {
                    x[c / REACH] += x_place;
                }
            }
        }
    }
    outer_add(channels, vectors, t, sums);
}

/* Filters by inputs, vectors along places as in a dot product: sums[k * sums_filter + j * LANES]
 * += d[k * d_filter + i] x[j * x_input + i], i < run, a multiple of LANES. */
typedef struct outer_places {
    int64_t run;
    const real *x, *d;
    real *sums;
    int64_t x_input, d_filter, sums_filter;
} outer_places;

enum { OUTER_FILTERS = 6, OUTER_INPUTS = 4 };

ALWAYS_INLINE void outer_places_run(int filters, int inputs, const outer_places *t)
{
    vec sums[OUTER_FILTERS][OUTER_INPUTS];
    UNROLL for (int k = 0; k < filters; k++)
    {
        UNROLL for (int j = 0; j < inputs; j++)
        {
            sums[k][j] = (vec){0};
        }
    }
    for (int64_t i = 0; i < t->run; i += LANES) {
        vec x[OUTER_INPUTS];
        UNROLL for (int j = 0; j < inputs; j++)
        {
            x[j] = load(t->x + j * t->x_input + i);
        }
        UNROLL for (int k = 0; k < filters; k++)
        {
            vec d = load(t->d + k * t->d_filter + i);
            UNROLL for (int j = 0; j < inputs; j++)
            {
                sums[k][j] += d * x[j];
            }
        }
    }
    UNROLL for (int k = 0; k < filters; k++)
    {
        UNROLL for (int j = 0; j < inputs; j++)
        {
            real *to = t->sums + k * t->sums_filter + j * LANES;
            store(to, load(to) + sums[k][j]);
        }
    }
}

typedef void outer_filters_fn(const outer_filters *t);
typedef void outer_places_fn(const outer_places *t);

/* The blocks that are compiled: F(channels, vectors) and F(filters, inputs). */
#define OUTER_FILTERS_NARROW(F)                                                                    \
    F(1, 1) F(1, 2) F(2, 1) F(2, 2) F(3, 1) F(3, 2) F(4, 1) F(4, 2) F(5, 1) F(5, 2) F(6, 1) F(6, 2)
#define OUTER_PLACES_NARROW(F)                                                                     \
    F(1, 1)                                                                                        \
    F(1, 2)                                                                                        \
    F(1, 3)                                                                                        \
    F(1, 4) F(2, 1) F(2, 2) F(2, 3) F(2, 4) F(3, 1) F(3, 2) F(3, 3) F(3, 4) F(4, 1) F(4, 2) F(4, 3)
#if DIRECT_REGISTERS == 32
#define OUTER_FILTERS_LIST(F)                                                                      \
    OUTER_FILTERS_NARROW(F)                                                                        \
    F(7, 1)                                                                                        \
    F(7, 2)                                                                                        \
    F(8, 1)                                                                                        \
    F(8, 2)                                                                                        \
    F(9, 1)                                                                                        \
    F(9, 2)                                                                                        \
    F(10, 1) F(10, 2) F(11, 1) F(11, 2) F(12, 1) F(12, 2) F(13, 1) F(13, 2) F(14, 1) F(14, 2)
#define OUTER_PLACES_LIST(F)                                                                       \
    OUTER_PLACES_NARROW(F)                                                                         \
    F(4, 4) F(5, 1) F(5, 2) F(5, 3) F(5, 4) F(6, 1) F(6, 2) F(6, 3) F(6, 4)
enum { OUTER_CHANNELS_MOST = 14, OUTER_FILTERS_MOST = 6, OUTER_INPUTS_MOST = 4 };
#else
#define OUTER_FILTERS_LIST(F) OUTER_FILTERS_NARROW(F)
#define OUTER_PLACES_LIST(F)  OUTER_PLACES_NARROW(F)
enum { OUTER_CHANNELS_MOST = 6, OUTER_FILTERS_MOST = 4, OUTER_INPUTS_MOST = 3 };
#endif

#define OUTER_FILTERS_DEFINE(channels, vectors)                                                    \
    NOT_INLINE void outer_filters_##channels##_##vectors(const outer_filters *t)                   \
    {                                                                                              \
        outer_filters_run(channels, vectors, t);                                                   \
    }
OUTER_FILTERS_LIST(OUTER_FILTERS_DEFINE)
#define OUTER_PLACES_DEFINE(filters, inputs)                                                       \
    NOT_INLINE void outer_places_##filters##_##inputs(const outer_places *t)                       \
    {                                                                                              \
        outer_places_run(filters, inputs, t);                                                      \
    }
OUTER_PLACES_LIST(OUTER_PLACES_DEFINE)

#define OUTER_FILTERS_ENTRY(channels, vectors)                                                     \
    [channels][vectors - 1] = outer_filters_##channels##_##vectors,
static outer_filters_fn *const outer_filters_tiles[OUTER_CHANNELS + 1][2] = {
    OUTER_FILTERS_LIST(OUTER_FILTERS_ENTRY)};
#define OUTER_PLACES_ENTRY(filters, inputs) [filters][inputs] = outer_places_##filters##_##inputs,
static outer_places_fn *const outer_places_tiles[OUTER_FILTERS + 1][OUTER_INPUTS + 1] = {
    OUTER_PLACES_LIST(OUTER_PLACES_ENTRY)};

#endif
