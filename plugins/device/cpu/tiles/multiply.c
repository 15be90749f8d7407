/* Products on tiles, two by two: 0 to 3 hold the sums of 32 rows by 32 columns, 4 and 5 parts of
 * the rows, 6 and 7 of the columns. */
#include "instructions.h"
#include "tiles.h"

enum { SUMS = TILES_ROWS * TILES_ROWS };

/* What is smaller costs more to split than to multiply. The number of samples, rows of c unless a
 * is transposed, is not looked at, so that no row depends on it. */
int32_t tiles_worth(const cpu_gemm_shape *p)
{
    int32_t rows = !p->trans_a || p->m >= TILES_ROWS;
    return rows && p->n >= TILES_ROWS && p->k >= TILES_DEPTH;
}

/* Tiles of 16 by 32 that a shape has, and how many parts each is of. */
typedef struct tiles_blocks {
    int64_t rows, cols, depth;
    int32_t parts, reserved0;
} tiles_blocks;

/* The packed tiles of two neighbouring blocks of an operand; the same twice where there is one. */
typedef struct pair {
    const uint16_t *first, *second;
} pair;

static pair pair_of(const uint16_t *packed, const tiles_blocks *t, int64_t block, int64_t blocks)
{
    int64_t elements = t->depth * t->parts * TILES_ELEMENTS;
    const uint16_t *first = packed + block * elements;
    return (pair){first, block + 1 < blocks ? first + elements : first};
}

/* sums [4] of [16,16] = rows times columns. The parts of a block of 32 products come one after the
 * other, so that a part of the rows is loaded once for all parts of the columns. */
static void multiply_pairs(const tiles_blocks *t, pair rows, pair cols, float *sums)
{
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    for (int64_t block = 0; block < t->depth; block++) {
        int64_t at = block * t->parts * TILES_ELEMENTS;
        for (int32_t l = 0; l < t->parts; l++) {
            tile_load(4, rows.first + at + l * TILES_ELEMENTS);
            tile_load(5, rows.second + at + l * TILES_ELEMENTS);
            for (int32_t r = 0; l + r < t->parts; r++) {
                tile_load(6, cols.first + at + r * TILES_ELEMENTS);
                tile_load(7, cols.second + at + r * TILES_ELEMENTS);
                tile_multiply(0, 4, 6);
                tile_multiply(1, 4, 7);
                tile_multiply(2, 5, 6);
                tile_multiply(3, 5, 7);
            }
        }
    }
    tile_store(0, sums);
    tile_store(1, sums + SUMS);
    tile_store(2, sums + 2 * SUMS);
    tile_store(3, sums + 3 * SUMS);
}

/* c = alpha sums + beta c for one tile's worth of c; beta = 0 does not read c, which may be NaN. */
static void add_sums(const cpu_gemm_shape *p, int64_t row, int64_t col, const float *sums, float *c)
{
    float alpha = (float)p->alpha, beta = (float)p->beta;
    int64_t rows = p->m - row < TILES_ROWS ? p->m - row : TILES_ROWS;
    int64_t cols = p->n - col < TILES_ROWS ? p->n - col : TILES_ROWS;
    for (int64_t i = 0; i < rows; i++) {
        float *to = c + (row + i) * p->n + col;
        for (int64_t j = 0; j < cols; j++) {
            float value = alpha * sums[i * TILES_ROWS + j];
            to[j] = p->beta == 0.0 ? value : value + beta * to[j];
        }
    }
}

void tiles_multiply(const cpu_gemm_shape *p, int32_t parts, const uint16_t *rows,
                    const uint16_t *cols, float *c)
{
    tiles_blocks t = {.rows = (p->m + TILES_ROWS - 1) / TILES_ROWS,
                      .cols = (p->n + TILES_ROWS - 1) / TILES_ROWS,
                      .depth = (p->k + TILES_DEPTH - 1) / TILES_DEPTH,
                      .parts = parts};
    _Alignas(64) float sums[4 * SUMS];
    tiles_begin();
    for (int64_t i = 0; i < t.rows; i += 2) {
        for (int64_t j = 0; j < t.cols; j += 2) {
            multiply_pairs(&t, pair_of(rows, &t, i, t.rows), pair_of(cols, &t, j, t.cols), sums);
            for (int64_t k = 0; k < 4; k++) {
                int64_t row = i + k / 2, col = j + k % 2;
                if (row < t.rows && col < t.cols) {
                    add_sums(p, row * TILES_ROWS, col * TILES_ROWS, sums + k * SUMS, c);
                }
            }
        }
    }
    tiles_end();
}
