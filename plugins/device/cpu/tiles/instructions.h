/* instructions.h: the tile instructions, numbered 0 to 7 by constants. Where this file is compiled
 * without them they are emulated, with the same bits for numbers that are not subnormal: tests
 * multiply by them on any machine. */
#ifndef ODEON_CPU_TILES_INSTRUCTIONS_H
#define ODEON_CPU_TILES_INSTRUCTIONS_H
#include <stdint.h>
#include <string.h>

enum { TILE_ROW_BYTES = 64, TILE_COUNT = 8 };

#if defined(__AMX_BF16__)
#include <immintrin.h>

/* Palette 1: eight tiles of 16 rows of 64 bytes. */
static inline void tiles_begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape;
    memset(&shape, 0, sizeof shape);
    shape.palette = 1;
    for (int i = 0; i < TILE_COUNT; i++) {
        shape.row_bytes[i] = TILE_ROW_BYTES;
        shape.rows[i] = 16;
    }
    _tile_loadconfig(&shape);
}

/* Released tiles need not be saved when the thread is switched. */
#define tiles_end()            _tile_release()
#define tile_zero(t)           _tile_zero(t)
#define tile_load(t, from)     _tile_loadd(t, from, TILE_ROW_BYTES)
#define tile_store(t, to)      _tile_stored(t, to, TILE_ROW_BYTES)
#define tile_multiply(c, a, b) _tile_dpbf16ps(c, a, b)

#else
#include <math.h>

static _Thread_local uint8_t emulated_tiles[TILE_COUNT][16 * TILE_ROW_BYTES];

static inline void tiles_begin(void)
{
    memset(emulated_tiles, 0, sizeof emulated_tiles);
}

static inline void tiles_end(void)
{
}

static inline void tile_zero(int t)
{
    memset(emulated_tiles[t], 0, sizeof emulated_tiles[t]);
}

static inline void tile_load(int t, const void *from)
{
    memcpy(emulated_tiles[t], from, sizeof emulated_tiles[t]);
}

static inline void tile_store(int t, void *to)
{
    memcpy(to, emulated_tiles[t], sizeof emulated_tiles[t]);
}

static inline float tile_number(const uint16_t *half)
{
    uint32_t bits = (uint32_t)*half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Products of even and of odd places are summed apart, each with one rounding, then together, then
 * added (TDPBF16PS of Intel's manual). */
static inline void tile_multiply(int c, int a, int b)
{
    float sum[16 * 16];
    uint16_t left[TILE_ROW_BYTES * 8], right[TILE_ROW_BYTES * 8];
    memcpy(sum, emulated_tiles[c], sizeof sum);
    memcpy(left, emulated_tiles[a], sizeof left);
    memcpy(right, emulated_tiles[b], sizeof right);
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            float even = 0.0f, odd = 0.0f;
            for (int k = 0; k < 16; k++) {
                const uint16_t *l = left + 32 * i + 2 * k, *r = right + 32 * k + 2 * j;
                even = fmaf(tile_number(l), tile_number(r), even);
                odd = fmaf(tile_number(l + 1), tile_number(r + 1), odd);
            }
            sum[16 * i + j] += even + odd;
        }
    }
    memcpy(emulated_tiles[c], sum, sizeof sum);
}
#endif

#endif
