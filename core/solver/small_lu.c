#include "solver/small_lu.h"

#include <math.h>

/* Two numbers change places. */
static void swap(double *x, double *y)
{
    double kept = *x;
    *x = *y;
    *y = kept;
}

/* The row, from i on, with the largest number in column i. Of equal ones the first; one that is not
 * finite is taken, so that it is seen. */
static int64_t pivot_row(int64_t n, const double *a, int64_t i)
{
    int64_t best = i;
    for (int64_t r = i + 1; r < n; r++) {
        if (!(fabs(a[r * n + i]) <= fabs(a[best * n + i])) && isfinite(a[best * n + i])) {
            best = r;
        }
    }
    return best;
}

bool small_lu(int64_t n, double *a, int32_t *swaps)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t row = pivot_row(n, a, i);
        swaps[i] = (int32_t)row;
        for (int64_t c = 0; c < n && row != i; c++) {
            swap(&a[i * n + c], &a[row * n + c]);
        }
        double pivot = a[i * n + i];
        if (pivot == 0.0 || !isfinite(pivot)) {
            return false;
        }
        for (int64_t r = i + 1; r < n; r++) {
            double factor = a[r * n + i] / pivot;
            a[r * n + i] = factor;
            for (int64_t c = i + 1; c < n; c++) {
                a[r * n + c] -= factor * a[i * n + c];
            }
        }
    }
    return true;
}

/* P A = L U: rows are exchanged first, then L and U solved. */
void small_lu_solve(int64_t n, const double *a, const int32_t *swaps, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        swap(&x[i], &x[swaps[i]]);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < i; c++) {
            x[i] -= a[i * n + c] * x[c];
        }
    }
    for (int64_t i = n; i-- > 0;) {
        for (int64_t c = i + 1; c < n; c++) {
            x[i] -= a[i * n + c] * x[c];
        }
        x[i] /= a[i * n + i];
    }
}

/* A^T = U^T L^T P: the exchanges come last, in reverse order. */
void small_lu_solve_transposed(int64_t n, const double *a, const int32_t *swaps, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t r = 0; r < i; r++) {
            x[i] -= a[r * n + i] * x[r];
        }
        x[i] /= a[i * n + i];
    }
    for (int64_t i = n; i-- > 0;) {
        for (int64_t r = i + 1; r < n; r++) {
            x[i] -= a[r * n + i] * x[r];
        }
    }
    for (int64_t i = n; i-- > 0;) {
        swap(&x[i], &x[swaps[i]]);
    }
}
