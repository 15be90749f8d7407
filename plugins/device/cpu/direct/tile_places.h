/* tile_places.h: sums of a block of filters by vectors of places; a weight is broadcast. Rows of
 * outputs are as far apart as rows of inputs, so that an image is one run of places. */
#ifndef ODEON_CPU_DIRECT_TILE_PLACES_H
#define ODEON_CPU_DIRECT_TILE_PLACES_H

/* One block. Element (c, r, s) of the window of place i is x[c * x_channel + r * x_row + i + s],
 * its weights are w[((c * rows + r) * cols + s) * FILTERS], and bias has a number for each filter.
 */
typedef struct places_tile {
    int64_t channels, rows, cols;
    const real *x, *w, *bias;
    real *y;
    int64_t x_channel, x_row, y_filter;
} places_tile;

enum { PLACES_FILTERS = 8, PLACES_VECTORS = 6 }; /* the most of any block */

/* Adds one element of the window. */
ALWAYS_INLINE void places_column(int filters, int vectors, const real *x, const real *w,
                                 vec sums[PLACES_FILTERS][PLACES_VECTORS])
{
    vec in[PLACES_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++)
    {
        in[v] = load(x + v * LANES);
    }
    UNROLL for (int k = 0; k < filters; k++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            sums[k][v] += w[k] * in[v];
        }
    }
}

ALWAYS_INLINE void places_tile_run(int filters, int vectors, const places_tile *t)
{
    vec sums[PLACES_FILTERS][PLACES_VECTORS];
    const real *w = t->w;
    UNROLL for (int k = 0; k < filters; k++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            sums[k][v] = t->bias[k] - (vec){0};
        }
    }
    const int64_t rows = t->rows, cols = t->cols, x_row = t->x_row - cols;
    const int64_t x_channel = t->x_channel - rows * t->x_row;
    const real *x = t->x;
    for (int64_t c = t->channels; c > 0; c--, x += x_channel) {
        for (int64_t r = rows; r > 0; r--, x += x_row) {
            for (int64_t s = cols; s > 0; s--, x++, w += filters) {
                OPAQUE(x, w);
                places_column(filters, vectors, x, w, sums);
            }
        }
    }
    UNROLL for (int k = 0; k < filters; k++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            store(t->y + k * t->y_filter + v * LANES, sums[k][v]);
        }
    }
}

typedef void places_tile_fn(const places_tile *t);

/* The blocks that are compiled: F(filters, vectors). */
#define PLACES_1_2(F, k) F(k, 1) F(k, 2)
#define PLACES_1_3(F, k) PLACES_1_2(F, k) F(k, 3)
#define PLACES_1_4(F, k) PLACES_1_3(F, k) F(k, 4)
#define PLACES_1_6(F, k) PLACES_1_4(F, k) F(k, 5) F(k, 6)
#define PLACES_TO_2(F)   PLACES_1_6(F, 1) PLACES_1_6(F, 2)
#if DIRECT_REGISTERS == 32
#define PLACES_3_4(F)  PLACES_1_6(F, 3) PLACES_1_6(F, 4)
#define PLACES_5_6(F)  PLACES_1_4(F, 5) PLACES_1_4(F, 6)
#define PLACES_7_8(F)  PLACES_1_3(F, 7) PLACES_1_3(F, 8)
#define PLACES_LIST(F) PLACES_TO_2(F) PLACES_3_4(F) PLACES_5_6(F) PLACES_7_8(F)
static const int8_t places_vectors[PLACES_FILTERS + 1] = {0, 6, 6, 6, 6, 4, 4, 3, 3};
enum { PLACES_MOST = 8 };
#else
#define PLACES_3_4(F)  PLACES_1_4(F, 3) PLACES_1_3(F, 4)
#define PLACES_5_6(F)  PLACES_1_2(F, 5) PLACES_1_2(F, 6)
#define PLACES_LIST(F) PLACES_TO_2(F) PLACES_3_4(F) PLACES_5_6(F)
static const int8_t places_vectors[PLACES_FILTERS + 1] = {0, 6, 6, 4, 3, 2, 2};
enum { PLACES_MOST = 6 };
#endif

#define PLACES_DEFINE(filters, vectors)                                                            \
    NOT_INLINE void places_##filters##_##vectors(const places_tile *t)                             \
    {                                                                                              \
        places_tile_run(filters, vectors, t);                                                      \
    }
PLACES_LIST(PLACES_DEFINE)

#define PLACES_ENTRY(filters, vectors) [filters][vectors] = places_##filters##_##vectors,
static places_tile_fn *const places_tiles[PLACES_FILTERS + 1][PLACES_VECTORS + 1] = {
    PLACES_LIST(PLACES_ENTRY)};

/* How many of n filters the next block takes, so that blocks are alike: of 16 four times four. */
static int64_t places_block(int64_t n)
{
    int64_t block = DIRECT_REGISTERS == 16 && n > 6 && n % 6 != 0 ? 4 : PLACES_MOST;
    int64_t blocks = (n + block - 1) / block;
    return (n + blocks - 1) / blocks;
}

/* y[k][i] for n filters and run places. The last block of places overlaps the one before it, so
 * that nothing beyond run is read or written where run is LANES at least; else y has room for
 * LANES and x can be read as far. t->w: a block of filters after the other. */
static void places_run(places_tile t, int64_t n, int64_t run)
{
    const int64_t depth = t.channels * t.rows * t.cols;
    const real *x = t.x;
    real *y = t.y;
    for (int64_t k = 0, block; k < n; k += block) {
        block = places_block(n - k);
        int64_t vectors = (run + LANES - 1) / LANES;
        int64_t tiles = (vectors + places_vectors[block] - 1) / places_vectors[block];
        int64_t some = (vectors + tiles - 1) / tiles;
        some = run >= LANES ? least(some, run / LANES) : some;
        for (int64_t i = 0; i < run; i += some * LANES) {
            int64_t at = most(0, least(i, run - some * LANES));
            t.x = x + at;
            t.y = y + k * t.y_filter + at;
            places_tiles[block][some](&t);
        }
        t.w += depth * block;
        t.bias += block;
    }
}

#endif
