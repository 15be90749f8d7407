/* tile_filters.h: sums of a block of places by one or two vectors of filters; an input is
 * broadcast. Any number of channels and rows of the window; the inputs of neighbouring places are
 * STEP numbers apart. */
#ifndef ODEON_CPU_DIRECT_TILE_FILTERS_H
#define ODEON_CPU_DIRECT_TILE_FILTERS_H

/* One block. Element (c, r, s) of the window of place q of image i is
 * x[i * x_image + c * x_channel + r * x_row + q * STEP + s]; its weights are the vectors at
 * w[c * w_channel + (r * cols + s) * VECTORS * LANES]. The sums begin at from, which is the bias of
 * all places or what the channels before have given. */
typedef struct filters_tile {
    int64_t channels, rows, cols; /* of the window that is summed over */
    const real *x, *w, *from;
    real *y;
    int64_t x_image, x_channel, x_row, w_channel;
    int64_t from_image, from_place, y_image, y_place;
} filters_tile;

enum { FILTERS_PLACES = 28 }; /* most places of a block, of all its images */

/* Adds one column of the window for the places first to last - 1 of each image, and goes on to the
 * next. */
ALWAYS_INLINE void filters_column(int images, int places, int vectors, int step, int first,
                                  int last, int64_t x_image, const real **x, const real **w,
                                  vec sums[FILTERS_PLACES][2])
{
    vec f[2];
    OPAQUE(*x, *w);
    UNROLL for (int v = 0; v < vectors; v++)
    {
        f[v] = load(*w + v * LANES);
    }
    UNROLL for (int p = 0; p < images * places; p++)
    {
        if (p % places >= first && p % places < last) {
            const real *from = p < places ? *x : *x + x_image;
            const vec in = from[p % places * step] - (vec){0};
            UNROLL for (int v = 0; v < vectors; v++)
            {
                sums[p][v] += in * f[v];
            }
            if (vectors > 1) { /* else a multiply-add reads and broadcasts it by itself */
                IN_USE(in);
            }
        }
    }
    UNROLL for (int v = 0; v < vectors; v++)
    {
        IN_USE(f[v]);
    }
    *x += 1;
    *w += vectors * LANES;
}

/* padded: the block is a whole row of the image whose first place has padding in the first of three
 * columns of the window, and its last place in the last: both are left out. */
ALWAYS_INLINE void filters_tile_run(int images, int places, int vectors, int step, int padded,
                                    const filters_tile *t)
{
    vec sums[FILTERS_PLACES][2];
    UNROLL for (int p = 0; p < images * places; p++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            sums[p][v] =
                load(t->from + p / places * t->from_image + p % places * t->from_place + v * LANES);
        }
    }
    const int64_t rows = t->rows, cols = padded ? 3 : t->cols, x_image = t->x_image;
    const int64_t x_row = t->x_row - cols, x_channel = t->x_channel - rows * t->x_row;
    const int64_t w_channel = t->w_channel - rows * cols * vectors * LANES;
    const real *x = t->x, *w = t->w;
    for (int64_t c = t->channels; c > 0; c--, x += x_channel, w += w_channel) {
        for (int64_t r = rows; r > 0; r--, x += x_row) {
            if (padded) {
                filters_column(images, places, vectors, 1, 1, places, x_image, &x, &w, sums);
                filters_column(images, places, vectors, 1, 0, places, x_image, &x, &w, sums);
                filters_column(images, places, vectors, 1, 0, places - 1, x_image, &x, &w, sums);
                continue;
            }
            for (int64_t s = cols; s > 0; s--) {
                filters_column(images, places, vectors, step, 0, places, x_image, &x, &w, sums);
            }
        }
    }
    UNROLL for (int p = 0; p < images * places; p++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            store(t->y + p / places * t->y_image + p % places * t->y_place + v * LANES, sums[p][v]);
        }
    }
}

typedef void filters_tile_fn(const filters_tile *t);

/* The blocks that are compiled: F(images, places, vectors, step, padded). Twelve to 28 sums hide
 * the latency of a multiply-add and leave registers for the weights; the smaller ones are for the
 * rest of a row. FILTERS_MOST: the most places of one image; FILTERS_ROW_MOST: of a padded row by
 * one vector. */
#define FILTERS_OF(F, places)                                                                      \
    F(1, places, 1, 1, 0)                                                                          \
    F(1, places, 1, 2, 0)                                                                          \
    F(1, places, 1, 1, 1)                                                                          \
    F(1, places, 2, 1, 0)                                                                          \
    F(1, places, 2, 2, 0)                                                                          \
    F(1, places, 2, 1, 1)
#define FILTERS_NARROW(F)                                                                          \
    FILTERS_OF(F, 1)                                                                               \
    FILTERS_OF(F, 2)                                                                               \
    FILTERS_OF(F, 3)                                                                               \
    FILTERS_OF(F, 4)                                                                               \
    FILTERS_OF(F, 5)                                                                               \
    FILTERS_OF(F, 6)
#define FILTERS_PAIRS(F, places)                                                                   \
    F(2, places, 1, 1, 0)                                                                          \
    F(2, places, 1, 2, 0)                                                                          \
    F(2, places, 1, 1, 1)                                                                          \
    F(2, places, 2, 1, 0)                                                                          \
    F(2, places, 2, 2, 0)                                                                          \
    F(2, places, 2, 1, 1)
#if DIRECT_REGISTERS == 32
enum { FILTERS_MOST = 14, FILTERS_ROW_MOST = 28 };
#define FILTERS_LIST(F)                                                                            \
    FILTERS_NARROW(F)                                                                              \
    FILTERS_OF(F, 7)                                                                               \
    FILTERS_OF(F, 8)                                                                               \
    FILTERS_OF(F, 9)                                                                               \
    FILTERS_OF(F, 10)                                                                              \
    FILTERS_OF(F, 11)                                                                              \
    FILTERS_OF(F, 12)                                                                              \
    FILTERS_OF(F, 13)                                                                              \
    FILTERS_OF(F, 14)                                                                              \
    F(1, 15, 1, 1, 1)                                                                              \
    F(1, 16, 1, 1, 1)                                                                              \
    F(1, 17, 1, 1, 1)                                                                              \
    F(1, 18, 1, 1, 1)                                                                              \
    F(1, 19, 1, 1, 1)                                                                              \
    F(1, 20, 1, 1, 1)                                                                              \
    F(1, 21, 1, 1, 1)                                                                              \
    F(1, 22, 1, 1, 1)                                                                              \
    F(1, 23, 1, 1, 1)                                                                              \
    F(1, 24, 1, 1, 1)                                                                              \
    F(1, 25, 1, 1, 1)                                                                              \
    F(1, 26, 1, 1, 1)                                                                              \
    F(1, 27, 1, 1, 1)                                                                              \
    F(1, 28, 1, 1, 1)                                                                              \
    FILTERS_PAIRS(F, 3)                                                                            \
    FILTERS_PAIRS(F, 4)                                                                            \
    FILTERS_PAIRS(F, 5)                                                                            \
    FILTERS_PAIRS(F, 6)                                                                            \
    FILTERS_PAIRS(F, 7)
#else
enum { FILTERS_MOST = 6, FILTERS_ROW_MOST = 6 };
#define FILTERS_LIST(F) FILTERS_NARROW(F) FILTERS_PAIRS(F, 2) FILTERS_PAIRS(F, 3)
#endif

#define FILTERS_DEFINE(images, places, vectors, step, padded)                                      \
    NOT_INLINE void filters_##images##_##places##_##vectors##_##step##_##padded(                   \
        const filters_tile *t)                                                                     \
    {                                                                                              \
        filters_tile_run(images, places, vectors, step, padded, t);                                \
    }
FILTERS_LIST(FILTERS_DEFINE)

#define FILTERS_ENTRY(images, places, vectors, step, padded)                                       \
    [images - 1][places][vectors - 1][padded ? 2 : step - 1] =                                     \
        filters_##images##_##places##_##vectors##_##step##_##padded,
static filters_tile_fn *const filters_tiles[2][FILTERS_ROW_MOST + 1][2][3] = {
    FILTERS_LIST(FILTERS_ENTRY)};

#endif
