/* totals.h: sums of cotangents over places: the gradient of the bias, and with vectors of filters
 * that of the time's weights, which is the time times the sum over the places that see the image.
 * Sums of one image are taken in real, those of all images in double. */
#ifndef ODEON_CPU_DIRECT_TOTALS_H
#define ODEON_CPU_DIRECT_TOTALS_H

enum { TOTAL_BLOCK = 1024 }; /* the most vectors that are summed in real */

/* The outputs that see no padding at element `at` of the window. */
typedef struct seen {
    int64_t begin, end;
} seen;

/* stride is 1 or 2: a shift takes the place of a division, which would be a part of the time of a
 * small image. */
static seen seen_along(int64_t at, int64_t padding, int64_t size, int64_t stride, int64_t outputs)
{
    int64_t before = padding - at, last = size - 1 + before, half = stride - 1;
    seen s = {before > 0 ? (before + half) >> half : 0,
              last < 0 ? 0 : least(outputs, (last >> half) + 1)};
    s.end = most(s.begin, s.end);
    return s;
}

static seen seen_rows(const cpu_windows *v, int64_t r)
{
    return seen_along(r, v->pad_h, v->height, v->stride_h, v->out_h);
}

static seen seen_cols(const cpu_windows *v, int64_t s)
{
    return seen_along(s, v->pad_w, v->width, v->stride_w, v->out_w);
}

/* What every element of an edge of the window sees; perhaps nothing, behind all beginnings. */
static seen seen_by_all(const cpu_windows *v, int64_t edge,
                        seen (*of)(const cpu_windows *, int64_t))
{
    seen all = of(v, 0);
    for (int64_t i = 1; i < edge; i++) {
        seen one = of(v, i);
        all.begin = most(all.begin, one.begin);
        all.end = least(all.end, one.end);
    }
    all.end = most(all.begin, all.end);
    return all;
}

/* The sum of n vectors that are step numbers apart. */
ALWAYS_INLINE vec sum_of(int64_t n, const real *d, int64_t step)
{
    vec a = {0}, b = {0}, c = {0}, e = {0};
    for (; n >= 4; n -= 4, d += 4 * step) {
        a += load(d);
        b += load(d + step);
        c += load(d + 2 * step);
        e += load(d + 3 * step);
    }
    for (; n > 0; n--, d += step) {
        a += load(d);
    }
    return (a + b) + (c + e);
}

/* The sum over what `one` sees, of which `inner` is the part that all see. */
ALWAYS_INLINE vec seen_sum(seen one, seen all, vec inner, const real *d, int64_t step)
{
    inner += sum_of(least(one.end, all.begin) - one.begin, d + one.begin * step, step);
    return inner + sum_of(most(0, one.end - all.end), d + all.end * step, step);
}

ALWAYS_INLINE void add_total(vec sums, double factor, double *totals)
{
    real s[LANES];
    memcpy(s, &sums, sizeof s);
    for (int l = 0; l < LANES; l++) {
        totals[l] += factor * (double)s[l];
    }
}

/* The sum of LANES numbers. */
ALWAYS_INLINE real total_of(const real *lanes)
{
    real s[LANES];
    memcpy(s, lanes, sizeof s);
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            s[i] += s[i + width];
        }
    }
    return s[0];
}

/* ---- vectors of filters: d [places][vectors of filters] ---- */

static void add_bias_totals(int64_t places, int64_t vectors, const real *d, double *totals)
{
    for (int64_t i = 0; i < places; i += TOTAL_BLOCK) {
        int64_t n = least(TOTAL_BLOCK, places - i);
        for (int64_t v = 0; v < vectors; v++) {
            const real *from = d + (i * vectors + v) * LANES;
            add_total(sum_of(n, from, vectors * LANES), 1.0, totals + v * LANES);
        }
    }
}

/* rows[p][s] = the sum over a row of outputs, of those that see the image at column s of the
 * window. */
static void sum_columns(const cpu_windows *v, int64_t vectors, const real *d, real *rows)
{
    const seen all = seen_by_all(v, v->kernel_w, seen_cols);
    int64_t width = vectors * LANES;
    for (int64_t p = 0; p < v->out_h; p++) {
        for (int64_t lane = 0; lane < width; lane += LANES) {
            const real *row = d + p * v->out_w * width + lane;
            vec inner = sum_of(all.end - all.begin, row + all.begin * width, width);
            for (int64_t s = 0; s < v->kernel_w; s++) {
                store(rows + (p * v->kernel_w + s) * width + lane,
                      seen_sum(seen_cols(v, s), all, inner, row, width));
            }
        }
    }
}

/* totals [rows * cols][pitch]. */
static void add_time_totals(const cpu_windows *v, int64_t vectors, const real *d, double t,
                            real *rows, double *totals, int64_t pitch)
{
    const seen all = seen_by_all(v, v->kernel_h, seen_rows);
    int64_t width = vectors * LANES, step = v->kernel_w * width;
    sum_columns(v, vectors, d, rows);
    for (int64_t at = 0; at < step; at += LANES) {
        const real *column = rows + at;
        double *to = totals + at / width * pitch + at % width;
        vec inner = sum_of(all.end - all.begin, column + all.begin * step, step);
        for (int64_t r = 0; r < v->kernel_h; r++) {
            add_total(seen_sum(seen_rows(v, r), all, inner, column, step), t,
                      to + r * v->kernel_w * pitch);
        }
    }
}

/* ---- vectors of places: d [filters][places] ---- */

static void add_bias_sums(int64_t filters, int64_t places, const real *d, double *totals)
{
    enum { BLOCK = TOTAL_BLOCK * LANES };
    for (int64_t k = 0; k < filters; k++, d += places) {
        for (int64_t i = 0; i < places; i += BLOCK) {
            int64_t n = least(BLOCK, places - i), whole = n / LANES;
            vec sums = sum_of(whole, d + i, LANES);
            real s[LANES];
            memcpy(s, &sums, sizeof s);
            for (int64_t j = whole * LANES; j < n; j++) {
                s[0] += d[i + j];
            }
            totals[k] += (double)total_of(s);
        }
    }
}

#endif
