/* small_lu.h: LU factors of small dense matrices on the host, with partial pivoting by rows.
 * Source: Golub, Van Loan, Matrix Computations, 4th ed., algorithm 3.4.1. */
#ifndef ODEON_CORE_SOLVER_SMALL_LU_H
#define ODEON_CORE_SOLVER_SMALL_LU_H
#include <stdbool.h>
#include <stdint.h>

/* Factors a [n,n], row after row, in place: L without its diagonal of ones, and U. swaps[i] is the
 * row that was exchanged with row i. False: a pivot is 0 or not finite, and there are no factors.
 */
bool small_lu(int64_t n, double *a, int32_t *swaps);

/* x [n] becomes the solution of A x = x, or of A^T x = x. */
void small_lu_solve(int64_t n, const double *a, const int32_t *swaps, double *x);
void small_lu_solve_transposed(int64_t n, const double *a, const int32_t *swaps, double *x);

#endif
