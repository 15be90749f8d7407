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

/* Adds the squared scaled errors of count elements to the lanes, the first to lane 0. */
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

/* r into a lane: its square is added, or the largest is kept; r != r lets NaN win. */
ALWAYS_INLINE void error_into(double *lane, int32_t norm, double r)
{
    if (norm == ODEON_NORM_MAX) {
        r = fabs(r);
        *lane = r > *lane || r != r ? r : *lane;
    } else {
        *lane += r * r;
    }
}

/* Element by element, the first to lane at: of the largest, with tolerances of their own, or of few
 * elements. k: where tolerances begin. */
static void error_each(lanes *s, int64_t at, int64_t k, int64_t count, const odeon_control *control,
                       const real *e, const real *y0, const real *y1)
{
    bool own = control->n_each > 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t j = own ? (k + i) % control->n_each : 0;
        real rtol = (real)(own ? control->rtol_each[j] : control->rtol);
        real atol = (real)(own ? control->atol_each[j] : control->atol);
        error_into(&s->at[(at + i) % LANES], control->norm,
                   scaled_error(e[i], y0[i], y1[i], rtol, atol));
    }
}

/* y0, y1, x[n_terms] [count] -> the sum of squares or the maximum. Block by block, so that the
 * error stays in the first-level cache between its sum and its norm. The first block ends where
 * an element goes to lane 0 again, so that a piece of a vector adds as all of it would. */
static double error_sum(int64_t count, const odeon_control *control, const void *y0, const void *y1,
                        int32_t n_terms, const void *const *x, const double *coefficient,
                        double *so_far, int64_t first)
{
    static_assert((int)LANES == ODEON_ERROR_LANES, "sums of pieces are kept in lanes");
    real c[ODEON_MAX_STAGES], e[BLOCK];
    bool plain = control->n_each == 0 && control->norm != ODEON_NORM_MAX;
    int64_t at = first % LANES, most = at > 0 ? LANES - at : BLOCK;
    lanes s = {{0.0}};
    if (first > 0) {
        memcpy(&s, so_far, sizeof s);
    }
    if (n_terms == 0) {
        memset(e, 0, sizeof e);
    }
    for (int32_t k = 0; k < n_terms; k++) {
        c[k] = (real)coefficient[k];
    }
    for (int64_t i = 0; i < count; at = 0) {
        int64_t now = count - i < most ? count - i : most;
        const real *before = (const real *)y0 + i, *after = (const real *)y1 + i;
        combine_block(n_terms, i, now, e, x, c);
        if (plain && at == 0) {
            error_squares(&s, now, e, before, after, (real)control->rtol, (real)control->atol);
        } else {
            error_each(&s, at, i, now, control, e, before, after);
        }
        i += now;
        most = BLOCK;
    }
    if (so_far != NULL) {
        memcpy(so_far, &s, sizeof s);
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
