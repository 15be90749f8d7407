/* product.h: matrix products without a library. Panels of b and strips of a are packed contiguously
 * on the stack, transposed where required and padded with zeros, so that one inner loop of constant
 * shape does all the work. Packing as in Goto, van de Geijn, Anatomy of high-performance matrix
 * multiplication, 2008. */
#ifndef ODEON_CPU_PRODUCT_H
#define ODEON_CPU_PRODUCT_H

/* A strip of 6 rows times a panel of 128 bytes keeps its sums in 12 registers of 64 bytes; DEPTH
 * keeps both packed operands in the first-level cache. */
enum { STRIP = 6, PANEL = 128 / (int)sizeof(real), DEPTH = 128 };

/* fma only where it is one instruction; elsewhere it would be a library call. */
ALWAYS_INLINE real multiply_add(real a, real b, real c)
{
#if defined(__FMA__)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* packed[k][j] = op(x)[k,j] for k < depth, j < width, and 0 for j from width to pitch. Element
 * (k,j) of op(x) is at x[k * k_step + j * j_step]. */
static void pack(int64_t depth, int64_t width, int64_t pitch, const real *x, int64_t k_step,
                 int64_t j_step, real *packed)
{
    for (int64_t k = 0; k < depth; k++) {
        real *row = packed + k * pitch;
        for (int64_t j = 0; j < width; j++) {
            row[j] = x[k * k_step + j * j_step];
        }
        for (int64_t j = width; j < pitch; j++) {
            row[j] = 0;
        }
    }
}

/* sum[i][j] = sum over k < depth of strip[k][i] panel[k][j]. The six rows are written out so that
 * the compiler keeps them in registers. */
static void multiply(int64_t depth, const real *restrict strip, const real *restrict panel,
                     real *restrict sum)
{
    real row[STRIP][PANEL] = {{0}};
    for (int64_t k = 0; k < depth; k++, strip += STRIP, panel += PANEL) {
#pragma omp simd
        for (int j = 0; j < PANEL; j++) {
            row[0][j] = multiply_add(strip[0], panel[j], row[0][j]);
            row[1][j] = multiply_add(strip[1], panel[j], row[1][j]);
            row[2][j] = multiply_add(strip[2], panel[j], row[2][j]);
            row[3][j] = multiply_add(strip[3], panel[j], row[3][j]);
            row[4][j] = multiply_add(strip[4], panel[j], row[4][j]);
            row[5][j] = multiply_add(strip[5], panel[j], row[5][j]);
        }
    }
    memcpy(sum, row, sizeof row);
}

/* c = alpha sum + beta c on rows x cols elements; with beta 0 c is not read, as it may be
 * uninitialized. */
static void store(int64_t rows, int64_t cols, real alpha, const real *sum, real beta, real *c,
                  int64_t pitch)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            real value = alpha * sum[i * PANEL + j];
            c[i * pitch + j] = beta == 0 ? value : value + beta * c[i * pitch + j];
        }
    }
}

/* Adds one depth of the sum to one panel of columns of c. */
static void multiply_panel(const cpu_gemm_shape *p, int64_t depth, int64_t cols, const real *a,
                           const real *panel, real beta, real *c)
{
    int64_t a_row = p->trans_a ? 1 : p->k, a_step = p->trans_a ? p->m : 1;
    real strip[DEPTH * STRIP], sum[STRIP * PANEL];
    for (int64_t i = 0; i < p->m; i += STRIP) {
        int64_t rows = p->m - i < STRIP ? p->m - i : STRIP;
        pack(depth, rows, STRIP, a + i * a_row, a_step, a_row, strip);
        multiply(depth, strip, panel, sum);
        store(rows, cols, (real)p->alpha, sum, beta, c + i * p->n, p->n);
    }
}

/* a [m,k], b [k,n] -> c [m,n]. After the first depth beta is 1, so that the parts add up. */
static void gemm(const cpu_gemm_shape *p, const void *a, const void *b, void *c)
{
    int64_t a_step = p->trans_a ? p->m : 1;
    int64_t b_step = p->trans_b ? 1 : p->n, b_col = p->trans_b ? p->k : 1;
    real panel[DEPTH * PANEL];
    for (int64_t j = 0; j < p->n; j += PANEL) {
        int64_t cols = p->n - j < PANEL ? p->n - j : PANEL;
        int64_t k = 0;
        do { /* also once for k = 0, to scale c by beta */
            int64_t depth = p->k - k < DEPTH ? p->k - k : DEPTH;
            pack(depth, cols, PANEL, (const real *)b + k * b_step + j * b_col, b_step, b_col,
                 panel);
            multiply_panel(p, depth, cols, (const real *)a + k * a_step, panel,
                           k > 0 ? 1 : (real)p->beta, (real *)c + j);
            k += DEPTH;
        } while (k < p->k);
    }
}

#endif
