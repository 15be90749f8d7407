/* softmax.h: softmax of rows of which some numbers may not count, and its vjp. */
#ifndef ODEON_CPU_SOFTMAX_H
#define ODEON_CPU_SOFTMAX_H

/* A row: the first `count` of its numbers count where mask [cols,each] is not 0; NULL: all do. */
typedef struct softmax_row {
    int64_t count, each;
    const real *mask;
} softmax_row;

/* Row q of matrix n. A length is compared as a number, so that NaN leaves nothing. */
static softmax_row softmax_row_of(const cpu_softmax *s, int64_t n, int64_t q)
{
    int64_t set = n % s->sets;
    softmax_row row = {.count = s->cols, .each = s->each};
    if (s->causal != 0 && q + 1 < row.count) {
        row.count = q + 1;
    }
    if (s->lengths != NULL) {
        double length = ceil((double)((const real *)s->lengths)[set]);
        row.count = length >= (double)row.count ? row.count : length > 0.0 ? (int64_t)length : 0;
    }
    if (s->mask != NULL) {
        row.mask = (const real *)s->mask + set * s->cols * s->each;
    }
    return row;
}

static bool softmax_counts(const softmax_row *row, int64_t k)
{
    bool counts = row->mask == NULL;
    for (int64_t i = 0; !counts && i < row->each; i++) {
        counts = row->mask[k * row->each + i] != (real)0;
    }
    return counts;
}

static double softmax_largest(const softmax_row *row, const real *x)
{
    real largest = (real)-HUGE_VAL;
    for (int64_t k = 0; k < row->count; k++) {
        largest = x[k] > largest && softmax_counts(row, k) ? x[k] : largest;
    }
    return (double)largest;
}

/* y = exp(x - largest) where it counts, else 0; the sum of them. y may be x. */
static double softmax_powers(const softmax_row *row, const real *x, double largest, real *y)
{
    double sum = 0.0, powers[LANES];
    for (int64_t first = 0; first < row->count; first += LANES) {
        int64_t now = row->count - first < LANES ? row->count - first : LANES;
        exp_block(now, x + first, largest, powers);
        for (int64_t i = 0; i < now; i++) {
            double power = softmax_counts(row, first + i) ? powers[i] : 0.0;
            sum += power;
            y[first + i] = (real)power;
        }
    }
    return sum;
}

/* x [n,queries,cols] -> y. A row of which nothing counts is 0, and so is its sum. */
static void softmax(const cpu_softmax *s, const void *x, void *y)
{
    for (int64_t r = 0; r < s->n * s->queries; r++) {
        softmax_row row = softmax_row_of(s, r / s->queries, r % s->queries);
        const real *from = (const real *)x + r * s->cols;
        real *to = (real *)y + r * s->cols;
        double sum = softmax_powers(&row, from, softmax_largest(&row, from), to);
        for (int64_t k = 0; k < row.count && sum != 0.0; k++) {
            to[k] = softmax_counts(&row, k) ? (real)((double)to[k] / sum) : (real)0;
        }
        for (int64_t k = row.count; k < s->cols; k++) {
            to[k] = (real)0;
        }
    }
}

/* y, dy [rows,cols] -> dx = y (dy - sum of y dy). */
static void softmax_vjp(int64_t rows, int64_t cols, const void *y, const void *dy, void *dx)
{
    for (int64_t r = 0; r < rows; r++) {
        const real *p = (const real *)y + r * cols, *g = (const real *)dy + r * cols;
        real *to = (real *)dx + r * cols;
        double sum = 0.0;
        for (int64_t k = 0; k < cols; k++) {
            sum += (double)p[k] * (double)g[k];
        }
        for (int64_t k = 0; k < cols; k++) {
            to[k] = (real)((double)p[k] * ((double)g[k] - sum));
        }
    }
}

#endif
