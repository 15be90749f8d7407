/* newton.h: simplified Newton iteration for the equations of implicit stages, on the host, sample
 * by sample: with z = gamma h k the unknown,
 *
 *     z = gamma h f(t, base + z),   (I - gamma h J) dz = gamma h f(t, base + z) - z,   z += dz
 *
 * J is that of the start of the step. It knows numbers alone; implicit.h evaluates f and J.
 *
 * Source: Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8: z by equation 8.1, and when to stop by
 * 8.10: with d the norm of dz, theta = d / d_before and eta = theta / (1 - theta),
 *
 *     converged   eta d <= kappa
 *     diverged    theta >= 1, or theta^(left) / (1 - theta) d > kappa with so many iterations left
 *
 * In the first iteration eta is that of the stage before to the power 0.8, in the first of a step
 * 1, so that a step depends on nothing but its start and its size.
 *
 * TOLERANCE. Adaptive steps: d is the root mean square over a sample of dz / (atol + rtol |y0|), so
 * that 1 is what step control allows the error of a step to be, and kappa is 0.01; tolerances below
 * 8 units in the last place of y count as those. The same with and without a gradient to come: both
 * see the same steps. Steps that are given (fixed, replayed): to rounding, so that the result does
 * not depend on when the iteration ended: until dz is below 4 units in the last place of y0, or no
 * longer halves and is below 1e-6 of it (1e-3 of float32 states), where values of y0 below 1e-10 of
 * the sample's largest count as that.
 *
 * MATRIX-FREE, of more features than NEWTON_MAX_DENSE: dz solves its equation approximately
 * (matrix_free.h), so that eta of a stage is not believed in the next: its first is 1. Where steps
 * are given all of a sample is measured by its largest value: weights that differ by many orders
 * keep GMRES from converging.
 *
 * A sample that has converged is not changed any more: its bits do not depend on its company. */
#ifndef ODEON_CORE_SOLVER_NEWTON_H
#define ODEON_CORE_SOLVER_NEWTON_H
#include <stdbool.h>
#include <stdint.h>

enum { NEWTON_MAX_DENSE = 64 }; /* of a sample: factors grow as its cube */

/* Of one solver. Vectors are [samples][n]; matrices [samples][n][n], row after row. Invariants: the
 * arrays lie in one block that begins at jacobian; factors are those of I - factors_gh J, or
 * factors_gh is NAN. */
typedef struct newton {
    int64_t samples, n, capacity; /* capacity: numbers that the block has room for */
    bool is_wide;                 /* the state is float64 */
    bool is_tight;                /* iterates to rounding */
    bool has_jacobian;            /* of the step under way */
    bool is_matrix_free;          /* no matrices: whoever iterates solves for dz (krylov.h) */
    double h;                     /* of the step under way */
    double factors_gh;
    int64_t failed;       /* the sample that did not converge; -1: none */
    int32_t n_iterations; /* of the stage under way */
    double *jacobian, *factors;
    double *weight; /* what dz is divided by, inverted */
    double *base, *z, *slope;
    double *eta, *last, *best; /* [samples]: as above; d before; the least d (tight) */
    double *open;              /* [samples]: 1: has not converged yet */
    double *staging;           /* a vector on its way to or from the device */
    int32_t *swaps;            /* [samples][n] */
} newton;

/* Room for so many samples of n features. Out of memory: false. */
bool newton_fit(newton *x, int64_t samples, int64_t n);
void newton_fini(newton *x);

double newton_rounding(const newton *x); /* a unit in the last place of 1 */

/* A step begins from y0 [samples][n]; rtol and atol hold one number, or n. */
void newton_begin_step(newton *x, const double *y0, int32_t n_rtol, const double *rtol,
                       int32_t n_atol, const double *atol);
/* Factors I - gh J, unless that is what there is. False: failed names a sample without. */
bool newton_factor(newton *x, double gh);
/* v becomes (I - gh J)^-1 v, or (I - gh J^T)^-1 v, by the factors. */
void newton_apply(const newton *x, double *v);
void newton_apply_transposed(const newton *x, double *v);

enum { NEWTON_GOES_ON = 0, NEWTON_CONVERGED = 1, NEWTON_FAILED = 2 };

/* A stage begins from z, the guess. */
void newton_begin_stage(newton *x);
/* Matrix-free: slope = f(t, base + z) becomes the right-hand side for dz, 0 for samples that have
 * converged; behind it newton_iterate finds dz in slope. */
void newton_residual(newton *x);
/* One iteration of the samples that are open, with slope = f(t, base + z): NEWTON_*. */
int32_t newton_iterate(newton *x);

#endif
