#include "solver/newton.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "solver/small_lu.h"

enum { MOST_ITERATIONS = 8, MOST_TIGHT = 100 };

static const double kappa = 0.01;

/* ---- memory ---- */

/* Every array but the last begins where the one before it ends. Contents of the steps before are
 * never read. */
bool newton_fit(newton *x, int64_t samples, int64_t n)
{
    int64_t vector = samples * n, matrix = x->is_matrix_free ? 0 : vector * n;
    int64_t wanted = 2 * matrix + 5 * vector + 4 * samples + (vector + 1) / 2 + 1;
    if (wanted > x->capacity) {
        double *block = mem_zalloc((size_t)wanted, sizeof *block);
        if (block == NULL) {
            return false;
        }
        mem_free(x->jacobian);
        x->jacobian = block;
        x->capacity = wanted;
    }
    x->samples = samples;
    x->n = n;
    x->factors = x->jacobian + matrix;
    x->weight = x->factors + matrix;
    x->base = x->weight + vector;
    x->z = x->base + vector;
    x->slope = x->z + vector;
    x->staging = x->slope + vector;
    x->eta = x->staging + vector;
    x->last = x->eta + samples;
    x->best = x->last + samples;
    x->open = x->best + samples;
    x->swaps = (int32_t *)(void *)(x->open + samples);
    x->factors_gh = (double)NAN;
    x->failed = -1;
    return true;
}

void newton_fini(newton *x)
{
    mem_free(x->jacobian);
    *x = (newton){0};
}

/* ---- a step ---- */

double newton_rounding(const newton *x)
{
    return x->is_wide ? DBL_EPSILON : (double)FLT_EPSILON;
}

/* The largest of a sample; 1 where all are 0, since then there is nothing to be relative to. */
static double largest(int64_t n, const double *y)
{
    double size = 0.0;
    for (int64_t i = 0; i < n; i++) {
        size = fmax(size, fabs(y[i]));
    }
    return size > 0.0 ? size : 1.0;
}

void newton_begin_step(newton *x, const double *y0, int32_t n_rtol, const double *rtol,
                       int32_t n_atol, const double *atol)
{
    double least = 8.0 * newton_rounding(x) / kappa;
    for (int64_t b = 0; b < x->samples; b++) {
        const double *y = y0 + b * x->n;
        double *weight = x->weight + b * x->n, most = largest(x->n, y);
        double floor = x->is_matrix_free ? most : 1e-10 * most;
        for (int64_t i = 0; i < x->n; i++) {
            double size = x->is_tight && x->is_matrix_free ? 0.0 : fabs(y[i]);
            double relative = x->is_tight ? 1.0 : fmax(rtol[n_rtol > 1 ? i : 0], least);
            double absolute = x->is_tight ? floor : atol[n_atol > 1 ? i : 0];
            weight[i] = 1.0 / (absolute + relative * size);
        }
        x->eta[b] = 1.0;
    }
    x->factors_gh = (double)NAN;
    x->failed = -1;
}

/* Diagonal entries of I - gh J are computed from J's in one rounding each. */
bool newton_factor(newton *x, double gh)
{
    int64_t n = x->n, size = n * n;
    if (x->is_matrix_free || x->factors_gh == gh) {
        x->factors_gh = gh;
        return true;
    }
    x->factors_gh = (double)NAN;
    for (int64_t b = 0; b < x->samples; b++) {
        const double *jacobian = x->jacobian + b * size;
        double *a = x->factors + b * size;
        for (int64_t i = 0; i < size; i++) {
            a[i] = (i % (n + 1) == 0 ? 1.0 : 0.0) - gh * jacobian[i];
        }
        if (!small_lu(n, a, x->swaps + b * n)) {
            x->failed = b;
            return false;
        }
    }
    x->factors_gh = gh;
    return true;
}

void newton_apply(const newton *x, double *v)
{
    int64_t n = x->n;
    for (int64_t b = 0; b < x->samples; b++) {
        small_lu_solve(n, x->factors + b * n * n, x->swaps + b * n, v + b * n);
    }
}

void newton_apply_transposed(const newton *x, double *v)
{
    int64_t n = x->n;
    for (int64_t b = 0; b < x->samples; b++) {
        small_lu_solve_transposed(n, x->factors + b * n * n, x->swaps + b * n, v + b * n);
    }
}

/* ---- a stage ---- */

void newton_begin_stage(newton *x)
{
    x->n_iterations = 0;
    for (int64_t b = 0; b < x->samples; b++) {
        x->open[b] = 1.0;
        x->eta[b] = x->is_matrix_free ? 1.0 : pow(fmax(x->eta[b], DBL_EPSILON), 0.8);
    }
}

/* slope = f(t, base + z) becomes the right-hand side for dz, of one sample. */
static void take_residual(newton *x, int64_t b)
{
    const double *z = x->z + b * x->n;
    double *slope = x->slope + b * x->n;
    for (int64_t i = 0; i < x->n; i++) {
        slope[i] = x->factors_gh * slope[i] - z[i];
    }
}

void newton_residual(newton *x)
{
    for (int64_t b = 0; b < x->samples; b++) {
        if (x->open[b] != 0.0) {
            take_residual(x, b);
        } else {
            memset(x->slope + b * x->n, 0, (size_t)x->n * sizeof *x->slope);
        }
    }
}

/* dz from f's values. */
static void solve_dense(newton *x, int64_t b)
{
    int64_t n = x->n;
    take_residual(x, b);
    small_lu_solve(n, x->factors + b * n * n, x->swaps + b * n, x->slope + b * n);
}

/* dz of one sample, which z takes; its norm. */
static double correct(newton *x, int64_t b)
{
    int64_t n = x->n;
    double *z = x->z + b * n, *dz = x->slope + b * n, sum = 0.0;
    const double *weight = x->weight + b * n;
    if (!x->is_matrix_free) {
        solve_dense(x, b);
    }
    for (int64_t i = 0; i < n; i++) {
        double share = dz[i] * weight[i];
        z[i] += dz[i];
        sum += share * share;
    }
    return sqrt(sum / (double)(n > 0 ? n : 1));
}

/* By the rates of convergence. The test for smallness comes first: at rounding theta is noise. */
static int32_t judge(newton *x, int64_t b, double d)
{
    int32_t m = x->n_iterations, left = MOST_ITERATIONS - 1 - m;
    double theta = m > 0 ? d / x->last[b] : 0.0;
    if (m > 0 && theta < 1.0) {
        x->eta[b] = theta / (1.0 - theta);
    }
    if (d == 0.0 || (theta < 1.0 && x->eta[b] * d <= kappa)) {
        return NEWTON_CONVERGED;
    }
    bool diverges = theta >= 1.0 || (m > 0 && pow(theta, left) / (1.0 - theta) * d > kappa);
    return diverges || left == 0 ? NEWTON_FAILED : NEWTON_GOES_ON;
}

/* To rounding. A first correction may be the smaller of two where the guess was good. */
static int32_t judge_tight(newton *x, int64_t b, double d)
{
    bool first = x->n_iterations == 0;
    bool slow = !first && d >= 0.5 * x->best[b];
    double least = first ? d : fmin(d, x->best[b]);
    x->best[b] = least;
    if (d <= 4.0 * newton_rounding(x) || (slow && least <= (x->is_wide ? 1e-6 : 1e-3))) {
        return NEWTON_CONVERGED;
    }
    bool grows = x->n_iterations > 3 && d > 10.0 * least;
    return grows || x->n_iterations + 1 == MOST_TIGHT ? NEWTON_FAILED : NEWTON_GOES_ON;
}

/* Of one sample. */
static int32_t iterate_sample(newton *x, int64_t b)
{
    double d = correct(x, b);
    int32_t answer = !isfinite(d)  ? NEWTON_FAILED
                     : x->is_tight ? judge_tight(x, b, d)
                                   : judge(x, b, d);
    x->last[b] = d;
    return answer;
}

int32_t newton_iterate(newton *x)
{
    bool all = true;
    for (int64_t b = 0; b < x->samples; b++) {
        if (x->open[b] == 0.0) {
            continue;
        }
        int32_t answer = iterate_sample(x, b);
        if (answer == NEWTON_FAILED) {
            x->failed = b;
            return NEWTON_FAILED;
        }
        x->open[b] = answer == NEWTON_GOES_ON ? 1.0 : 0.0;
        all = all && answer == NEWTON_CONVERGED;
    }
    x->n_iterations++;
    return all ? NEWTON_CONVERGED : NEWTON_GOES_ON;
}
