/* pack.h: operands of a product copied so that the innermost loops read them in order. */
#ifndef ODEON_CPU_DENSE_PACK_H
#define ODEON_CPU_DENSE_PACK_H
#include "vectors.h"

/* One or two vectors of columns of op(b), which may overlap, from column on. b: the first term's
 * numbers of the first vector. */
typedef struct panel {
    int64_t column, second;
    const real *b;
    int32_t vectors, reserved0;
} panel;

/* to[k][l] = from[l][k] for VL rows l that are pitch apart; a row of to has to_pitch numbers. The
 * last block of terms overlaps the one before it. */
static void pack_columns(int64_t depth, const real *from, int64_t pitch, real *to, int64_t to_pitch)
{
    if (depth < LANE) {
        for (int64_t k = 0; k < depth; k++) {
            for (int64_t l = 0; l < VL; l++) {
                to[k * to_pitch + l] = from[l * pitch + k];
            }
        }
        return;
    }
    for (int64_t next = 0; next < depth; next += LANE) {
        int64_t k = least(next, depth - LANE);
        vec v[LANE];
        load_columns(from + k, pitch, v);
        UNROLL for (int j = 0; j < LANE; j++)
        {
            store(to + (k + j) * to_pitch, v[j]);
        }
    }
}

/* to[k][l] = from[k][l] for VL columns l. */
static void pack_rows(int64_t depth, const real *from, int64_t pitch, real *to, int64_t to_pitch)
{
    for (int64_t k = 0; k < depth; k++) {
        store(to + k * to_pitch, load(from + k * pitch));
    }
}

/* Packs a panel whose numbers stand at b, columns col apart and terms term apart. */
static void pack_panel(panel *p, int64_t depth, const real *b, int64_t term, int64_t col, real *to)
{
    for (int32_t v = 0; v < p->vectors; v++) {
        const real *from = b + (p->column + v * p->second) * col;
        if (col == 1) {
            pack_rows(depth, from, term, to + v * VL, p->vectors * VL);
        } else {
            pack_columns(depth, from, col, to + v * VL, p->vectors * VL);
        }
    }
    p->b = to;
}

/* to[k][l] = op(b)[k][l] for fewer than VL columns, and zeros after them. */
static void pack_padded(int64_t depth, int64_t cols, const real *b, int64_t term, int64_t col,
                        real *to)
{
    for (int64_t k = 0; k < depth; k++) {
        for (int64_t l = 0; l < VL; l++) {
            to[k * VL + l] = l < cols ? b[k * term + l * col] : 0;
        }
    }
}

/* A block of op(a), stored transposed: of each strip of up to size rows to[k][i]. Term by term, as
 * the terms are far apart. size is a constant wherever this is inlined. */
ALWAYS_INLINE void pack_strips(int64_t size, int64_t depth, int64_t rows, const real *a,
                               int64_t term, real *to)
{
    int64_t whole = rows / size * size, rest = rows - whole;
    for (int64_t k = 0; k < depth; k++, a += term) {
        real *strip = to + k * size;
        for (int64_t i = 0; i < whole; i += size, strip += depth * size) {
            UNROLL for (int64_t r = 0; r < size; r++)
            {
                strip[r] = a[i + r];
            }
        }
        strip = to + depth * whole + k * rest;
        for (int64_t r = 0; r < rest; r++) {
            strip[r] = a[whole + r];
        }
    }
}

#endif
