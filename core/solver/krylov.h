/* krylov.h: GMRES for (I - gh J) x = b, sample by sample and all in step, on the host. It knows
 * numbers alone: whoever solves gives the products J v, of all samples at once.
 *
 *     krylov_begin(k, b, ...)
 *     while (krylov_direction(k))              k->v: what J is to be multiplied with
 *         krylov_advance(k, gh)                k->v: J v
 *     krylov_finish(k, ...)                    k->x: the solution, or the nearest so far
 *
 * A cycle takes up to KRYLOV_CYCLE products; between two the residual is computed anew, by one
 * more, and a sample that a cycle has hardly brought forward is given up. The norm is the Euclidean
 * one of scale * r, by which x is scaled as well. A sample that has come to its target is not
 * changed any more, and what others do is not seen: its bits do not depend on its company.
 *
 * Source: Saad, Schultz, GMRES: a generalized minimal residual algorithm, SIAM J. Sci. Stat.
 * Comput. 7, 1986. */
#ifndef ODEON_CORE_SOLVER_KRYLOV_H
#define ODEON_CORE_SOLVER_KRYLOV_H
#include <stdbool.h>
#include <stdint.h>

enum { KRYLOV_CYCLE = 100, KRYLOV_MOST_CYCLES = 20 };

/* Of one solver. Invariants: the arrays lie in one block that begins at basis; width is the least
 * of KRYLOV_CYCLE and n; basis holds the `column` vectors of the cycle under way and the next. */
typedef struct krylov {
    int64_t samples, n, capacity;
    int32_t width, column, cycles;
    bool is_residual; /* what is multiplied next is x */
    double *basis;    /* [samples][width + 1][n] */
    double *upper;    /* [samples][width][width + 1]: columns of R */
    double *turn;     /* [samples][width][2]: rotations, cosine and sine */
    double *right;    /* [samples][width + 1] */
    double *size;     /* [samples]: the norm of b */
    double *wanted;   /* [samples]: the norm that is small enough */
    double *left;     /* [samples]: the norm of the residual; NAN: the matrix is singular */
    double *cycle;    /* [samples]: that at the start of the cycle; 0: no use to go on */
    double *used;     /* [samples]: columns of this cycle */
    double *work;     /* [width + 1] */
    double *b;        /* [samples][n] */
    double *scale;    /* [samples][n] */
    double *x, *v;    /* [samples][n] each */
    /* The caller's, [samples][n] each and [samples]. */
    double *at, *value, *moved, *reach;
} krylov;

/* Room for so many samples of n numbers. Out of memory: false. */
bool krylov_fit(krylov *k, int64_t samples, int64_t n);
void krylov_fini(krylov *k);

/* b [samples][n] is copied. scale [samples][n], or NULL: 1. Small enough is the larger of relative
 * * norm(b) and absolute. */
void krylov_begin(krylov *k, const double *b, const double *scale, double relative,
                  double absolute);
/* What to multiply next, 0 for samples that need nothing; false: all have come to an end. */
bool krylov_direction(krylov *k);
void krylov_advance(krylov *k, double gh);
/* The first sample whose residual is above what was wanted and above `part` times that of x = 0, or
 * whose matrix is singular; -1: none. */
int64_t krylov_finish(const krylov *k, double part);

#endif
