/* solver.h: linear combinations of states and their norms. */
#ifndef ODEON_CPU_SOLVER_H
#define ODEON_CPU_SOLVER_H

/* terms combined at once in registers; elements of a block on the stack */
enum { MAX_TERMS = 8, BLOCK = 512 };

/* y = base + sum of n terms. The small terms are added first, so that base is rounded once. y may
 * be base or an x, as elements are independent. n is a constant wherever this is inlined. */
ALWAYS_INLINE void combine(int n, int64_t count, real *y, const real *base, const real *const *x,
                           const real *c)
{
    const real *operand[MAX_TERMS];
    real coefficient[MAX_TERMS];
    for (int k = 0; k < n; k++) {
        operand[k] = x[k];
        coefficient[k] = c[k];
    }
    if (base == NULL) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            real sum = coefficient[0] * operand[0][i];
            for (int k = 1; k < n; k++) {
                sum += coefficient[k] * operand[k][i];
            }
            y[i] = sum;
        }
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        real sum = coefficient[0] * operand[0][i];
        for (int k = 1; k < n; k++) {
            sum += coefficient[k] * operand[k][i];
        }
        y[i] = base[i] + sum;
    }
}

/* One specialized loop for each number of terms. */
static void combine_few(int32_t n, int64_t count, real *y, const real *base, const real *const *x,
                        const real *c)
{
    switch (n) {
    case 1:
        combine(1, count, y, base, x, c);
        break;
    case 2:
        combine(2, count, y, base, x, c);
        break;
    case 3:
        combine(3, count, y, base, x, c);
        break;
    case 4:
        combine(4, count, y, base, x, c);
        break;
    case 5:
        combine(5, count, y, base, x, c);
        break;
    case 6:
        combine(6, count, y, base, x, c);
        break;
    case 7:
        combine(7, count, y, base, x, c);
        break;
    default:
        combine(MAX_TERMS, count, y, base, x, c);
        break;
    }
}

/* sum [count] = the combination at elements [first, first + count); count <= BLOCK, n >= 1. More
 * than MAX_TERMS are added in turns. */
static void combine_block(int32_t n, int64_t first, int64_t count, real *sum, const void *const *x,
                          const real *c)
{
    for (int32_t done = 0; done < n; done += MAX_TERMS) {
        int32_t now = n - done < MAX_TERMS ? n - done : MAX_TERMS;
        const real *operand[MAX_TERMS];
        for (int32_t k = 0; k < now; k++) {
            operand[k] = (const real *)x[done + k] + first;
        }
        combine_few(now, count, sum, done > 0 ? sum : NULL, operand, c + done);
    }
}

static void add_block(int64_t count, real *y, const real *base, const real *sum)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        y[i] = base != NULL ? base[i] + sum[i] : sum[i];
    }
}

static void fill(int64_t count, void *y, double value)
{
    real *out = y;
    for (int64_t i = 0; i < count; i++) {
        out[i] = (real)value;
    }
}

/* base or NULL, x[n_terms] [count] -> y [count]. More than MAX_TERMS go through a block on the
 * stack, because y may be one of the operands. */
static void lincomb(int64_t count, void *y, const void *base, int32_t n_terms, const void *const *x,
                    const double *coefficient)
{
    real c[ODEON_MAX_STAGES];
    const real *few[MAX_TERMS];
    for (int32_t k = 0; k < n_terms; k++) {
        c[k] = (real)coefficient[k];
    }
    if (n_terms == 0) {
        if (base == NULL) {
            fill(count, y, 0.0);
        } else if (y != base) {
            memcpy(y, base, (size_t)count * sizeof(real));
        }
        return;
    }
    if (n_terms <= MAX_TERMS) {
        for (int32_t k = 0; k < n_terms; k++) {
            few[k] = x[k];
        }
        combine_few(n_terms, count, y, base, few, c);
        return;
    }
    for (int64_t first = 0; first < count; first += BLOCK) {
        real sum[BLOCK];
        int64_t now = count - first < BLOCK ? count - first : BLOCK;
        combine_block(n_terms, first, now, sum, x, c);
        add_block(now, (real *)y + first, base != NULL ? (const real *)base + first : NULL, sum);
    }
}

/* e / (atol + rtol max(|y0|, |y1|)); NaN in any of the three gives NaN. Source: Hairer, Norsett,
 * Wanner, Solving ODEs I, 2nd ed., II.4, eq. 4.10. */
ALWAYS_INLINE double scaled_error(real e, real y0, real y1, real rtol, real atol)
{
    real a = fabs(y0), b = fabs(y1);
    real most = a > b || a != a ? a : b;
    return (double)(e / (atol + rtol * most));
}

/* Adds the squared scaled errors of count elements to the lanes. */
ALWAYS_INLINE void error_squares(lanes *s, int64_t count, const real *e, const real *y0,
                                 const real *y1, real rtol, real atol)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            double r = scaled_error(e[i + l], y0[i + l], y1[i + l], rtol, atol);
            s->at[l] += r * r;
        }
    }
    for (int l = 0; i + l < count; l++) {
        double r = scaled_error(e[i + l], y0[i + l], y1[i + l], rtol, atol);
        s->at[l] += r * r;
    }
}

/* The maximum of |r| in each lane; r != r lets NaN win. */
static void error_maxima(lanes *s, int64_t count, const real *e, const real *y0, const real *y1,
                         real rtol, real atol)
{
    for (int64_t i = 0; i < count; i++) {
        double r = fabs(scaled_error(e[i], y0[i], y1[i], rtol, atol));
        double most = s->at[i % LANES];
        s->at[i % LANES] = r > most || r != r ? r : most;
    }
}

/* The same with tolerances of their own for each element. */
static void error_each(lanes *s, int64_t first, int64_t count, const odeon_control *control,
                       const real *e, const real *y0, const real *y1)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t k = (first + i) % control->n_each;
        double r = fabs(scaled_error(e[i], y0[i], y1[i], (real)control->rtol_each[k],
                                     (real)control->atol_each[k]));
        double *sum = &s->at[i % LANES];
        if (control->norm == ODEON_NORM_MAX) {
            *sum = r > *sum || r != r ? r : *sum;
        } else {
            *sum += r * r;
        }
    }
}

/* y0, y1, x[n_terms] [count] -> the sum of squares or the maximum. Block by block, so that the
 * error stays in the first-level cache between its sum and its norm. */
static double error_sum(int64_t count, const odeon_control *control, const void *y0, const void *y1,
                        int32_t n_terms, const void *const *x, const double *coefficient)
{
    real c[ODEON_MAX_STAGES], e[BLOCK];
    real rtol = (real)control->rtol, atol = (real)control->atol;
    lanes s = {{0.0}};
    if (n_terms == 0) {
        memset(e, 0, sizeof e);
    }
    for (int32_t k = 0; k < n_terms; k++) {
        c[k] = (real)coefficient[k];
    }
    for (int64_t first = 0; first < count; first += BLOCK) {
        int64_t now = count - first < BLOCK ? count - first : BLOCK;
        const real *before = (const real *)y0 + first, *after = (const real *)y1 + first;
        combine_block(n_terms, first, now, e, x, c);
        if (control->n_each > 0) {
            error_each(&s, first, now, control, e, before, after);
        } else if (control->norm == ODEON_NORM_MAX) {
            error_maxima(&s, now, e, before, after, rtol, atol);
        } else {
            error_squares(&s, now, e, before, after, rtol, atol);
        }
    }
    return control->norm == ODEON_NORM_MAX ? lanes_max(&s) : lanes_total(&s);
}

static double dot(int64_t count, const void *a, const void *b)
{
    lanes s = {{0.0}};
    lanes_add_products(&s, count, a, b);
    return lanes_total(&s);
}

static double total(int64_t count, const void *x)
{
    lanes s = {{0.0}};
    lanes_add(&s, count, x);
    return lanes_total(&s);
}

#endif
