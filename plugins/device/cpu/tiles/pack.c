/* Operands of tiles: float32 split into parts, in the order in which tiles are loaded. */
#include <string.h>

#include "../least.h"
#include "tiles.h"

static int64_t blocks_of(int64_t n, int64_t each)
{
    return (n + each - 1) / each;
}

uint64_t tiles_bytes(int64_t lines, int64_t depth, int32_t parts)
{
    int64_t tiles = blocks_of(lines, TILES_ROWS) * blocks_of(depth, TILES_DEPTH) * parts;
    return (uint64_t)tiles * TILES_ELEMENTS * sizeof(uint16_t);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float number_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x rounded to bfloat16, to nearest, ties to even; x is not NaN. */
static uint32_t rounded(float x)
{
    uint32_t bits = bits_of(x);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* Of n numbers the highest part that is left, as bfloat16, and what is left then; exact. */
static inline void take_part(int32_t n, float *x, uint16_t *to)
{
    for (int32_t i = 0; i < n; i++) {
        uint32_t high = rounded(x[i]);
        to[i] = (uint16_t)high;
        x[i] -= number_of(high << 16);
    }
}

/* Is a number infinite, NaN or so large that it would be infinite as bfloat16? */
static uint32_t has_none(const float *x)
{
    uint32_t bad = 0;
    for (int32_t i = 0; i < TILES_ELEMENTS; i++) {
        bad |= (bits_of(x[i]) & 0x7fffffff) >= 0x7f7f8000;
    }
    return bad;
}

/* What one tile is made of: `lines` rows of op(a), or columns of op(b), of `length` numbers each,
 * all within the matrix; numbers of a line are `along` apart, lines `across`. */
typedef struct block {
    const float *from;
    int64_t along, across;
    int64_t lines, length;
} block;

/* x [16,32] -> tiles [parts] of [16,32]; x is overwritten. */
static void split_rows(int32_t parts, float *x, uint16_t *to)
{
    for (int32_t part = 0; part < parts; part++) {
        take_part(TILES_ELEMENTS, x, to + part * TILES_ELEMENTS);
    }
}

/* x [32,16] -> tiles [parts] of [16,16,2]: numbers of an even and an odd row side by side. */
static void split_cols(int32_t parts, float *x, uint16_t *to)
{
    uint16_t high[TILES_ELEMENTS];
    for (int32_t part = 0; part < parts; part++, to += TILES_ELEMENTS) {
        take_part(TILES_ELEMENTS, x, high);
        for (int32_t pair = 0; pair < TILES_DEPTH / 2; pair++) {
            const uint16_t *even = high + 2 * pair * TILES_ROWS, *odd = even + TILES_ROWS;
            for (int32_t j = 0; j < TILES_ROWS; j++) {
                to[pair * TILES_DEPTH + 2 * j] = even[j];
                to[pair * TILES_DEPTH + 2 * j + 1] = odd[j];
            }
        }
    }
}

/* to[i * line_pitch + k * pitch] = number k of line i, in the order in which they lie in memory. */
static void read_block(const block *x, int64_t line_pitch, int64_t pitch, float *to)
{
    if (x->lines < TILES_ROWS || x->length < TILES_DEPTH) {
        memset(to, 0, TILES_ELEMENTS * sizeof *to);
    }
    if (x->along == 1) {
        for (int64_t i = 0; i < x->lines; i++) {
            for (int64_t k = 0; k < x->length; k++) {
                to[i * line_pitch + k * pitch] = x->from[i * x->across + k];
            }
        }
        return;
    }
    for (int64_t k = 0; k < x->length; k++) {
        for (int64_t i = 0; i < x->lines; i++) {
            to[i * line_pitch + k * pitch] = x->from[k * x->along + i * x->across];
        }
    }
}

static uint32_t pack_row_tile(const block *x, int32_t parts, uint16_t *to)
{
    float numbers[TILES_ELEMENTS];
    read_block(x, TILES_DEPTH, 1, numbers);
    uint32_t bad = has_none(numbers);
    split_rows(parts, numbers, to);
    return bad;
}

static uint32_t pack_col_tile(const block *x, int32_t parts, uint16_t *to)
{
    float numbers[TILES_ELEMENTS];
    read_block(x, 1, TILES_ROWS, numbers);
    uint32_t bad = has_none(numbers);
    split_cols(parts, numbers, to);
    return bad;
}

/* All tiles of one operand: n lines of k numbers. */
static int32_t pack(block x, int64_t n, int64_t k, int32_t parts,
                    uint32_t (*pack_tile)(const block *, int32_t, uint16_t *), uint16_t *to)
{
    const float *start = x.from;
    uint32_t bad = 0;
    for (int64_t line = 0; line < n; line += TILES_ROWS) {
        for (int64_t first = 0; first < k; first += TILES_DEPTH) {
            x.from = start + line * x.across + first * x.along;
            x.lines = least(n - line, TILES_ROWS);
            x.length = least(k - first, TILES_DEPTH);
            bad |= pack_tile(&x, parts, to);
            to += (int64_t)parts * TILES_ELEMENTS;
        }
    }
    return bad == 0;
}

int32_t tiles_pack_rows(const cpu_gemm_shape *p, int32_t parts, const float *a, uint16_t *to)
{
    block x = {.from = a, .along = p->trans_a ? p->m : 1, .across = p->trans_a ? 1 : p->k};
    return pack(x, p->m, p->k, parts, pack_row_tile, to);
}

int32_t tiles_pack_cols(const cpu_gemm_shape *p, int32_t parts, const float *b, uint16_t *to)
{
    block x = {.from = b, .along = p->trans_b ? 1 : p->n, .across = p->trans_b ? p->k : 1};
    return pack(x, p->n, p->k, parts, pack_col_tile, to);
}
