/* tableau.h: a Runge-Kutta method as a table of numbers, without any function. The loop around it
 * (step control, output times, records, gradients) is the host's.
 *
 * THE STEP from y at t, of size h:
 *     Y_i = y + h sum_{j<=i} a_ij k_j,   k_i = f(t + c_i h, Y_i),   y1 = y + h sum_i b_i k_i
 * Where a_ii is not 0 stage i is implicit: its k_i solves its own equation, by the host (DIRK,
 * SDIRK, ESDIRK). A stage never reads a later one: fully implicit methods are no tableau here.
 *
 * ERROR ESTIMATE: e = h sum_i (b_i - b_hat_i) k_i, and likewise for each row of more_b_hat.
 *
 * IMEX PAIR: with a_im, terms of the field that are flagged stiff, g, go by the table a_im, b_im,
 * c_im, and all others, f, by a, b, c, which is then explicit:
 *     Y_i = y + h sum_{j<i} a_ij f_j + h sum_{j<=i} a_im_ij g_j,
 *     f_j = f(t + c_j h, Y_j),  g_j = g(t + c_im_j h, Y_j),   y1 = y + h sum_i (b_i f_i + b_im_i
 * g_i) Where a field has no stiff term the pair is its explicit table, and a_im is not read.
 *
 * DENSE OUTPUT, for 0 <= x <= 1, over n = stages + dense_stages derivatives:
 *     y(t + x h) = y + h sum_{i<n} b_i(x) k_i,   b_i(x) = sum_{j=1}^{interp_degree} interp_ij x^j
 * It begins at y by its form, and ends at y1: b_i(1) is b_i, and 0 for dense stages. These, of
 * weights dense_a, are evaluated only where an output lies within the step, after its stages:
 *     Y_{s+i} = y + h sum_{j<s+i} dense_a_ij k_j,   k_{s+i} = f(t + dense_c_i h, Y_{s+i})
 * They are explicit, and may read the last stage of an FSAL method, which is f at the step's end.
 * Of an IMEX pair k is f + g in them and in dense output, unless interp_im says otherwise.
 *
 * WHAT IS PROVED when a plugin is loaded, and refused in one line that says what is wrong:
 * - Sizes, flags and pointers fit together; every number is finite.
 * - No entry lies above the diagonal, none of an explicit table or of dense_a on it.
 * - c, c_im and dense_c are the row sums of their tables.
 * - b, every row of b_hat and dense output have the order that they claim: Butcher's conditions
 *   sum_i b_i phi_i(tree) = 1 / density(tree), one for each rooted tree with up to that many nodes;
 *   of dense output sum_i b_i(x) phi_i(tree) = x^nodes / density(tree), for every power of x; of an
 *   IMEX pair for the trees whose nodes have two colours, so that the coupling is proved as well.
 * - b_i(1) is b_i.  - An estimate is not b itself, whose error would always be 0.
 * - What is flagged FSAL is.
 * HIGHEST PROVED ORDER: ODEON_TABLEAU_ORDER_PROVED (200 trees) of one table,
 * ODEON_TABLEAU_ORDER_PROVED_PAIR (601 trees, for b and b_im) of a pair. Of a higher claim the
 * conditions up to there are proved, and `odeon inspect` says that the rest is not. No method of s
 * stages has an order above 2 s, no explicit one above s; more is refused.
 * HOW EXACT: a condition holds if it is missed by at most 1e-12 of the sum of the absolute values
 * of its terms. A condition of order p is a sum of products of at most p numbers. Printed with N
 * significant digits each is off by at most 5e-N of itself, and a condition by p times that: 14
 * digits suffice up to order 20, 13 up to order 2. Rounding to double (1e-16) and in these sums
 * stays below 2e-13 with 64 stages and order 8. An error of 1e-12 in a condition is below what any
 * step in double can show, a mistyped digit is above. FSAL compares bits. UNDER-CLAIM: a table may
 * say less than it has; `odeon inspect` warns. A tree is written as Butcher does: "." is a node
 * alone, [u,v] a node on which the trees u and v grow: [[.],.]. Nodes that go by the implicit table
 * of a pair are ":" and {u,v}.
 *
 * WHAT A HOST CARRIES OUT. A host may meet what it can prove but not yet carry out. It then refuses
 * to solve with the method, with a line that begins "this host cannot yet carry out", when the
 * experiment is set up and before it computes anything. The host of this version carries out
 * explicit methods of up to 32 stages with one estimate (or several by the rule FIRST) and dense
 * output over the step's own stages. It cannot yet carry out: implicit stages, pairs where a term
 * is stiff (it takes no pair at all), filter_gamma, the other rules for several estimates, dense
 * stages.
 *
 * FLAGS AND LATER FIELDS. Flag bits 0 to 15 may be ignored by a host that does not know them: the
 * result is then right, but may cost more. Bits 16 to 31 must be understood: a host refuses a table
 * with one that it does not know. A field appended later without which the result would differ
 * comes with such a bit, set whenever the field is not 0. A field of this version that is 0 or NULL
 * means what its comment says; a plugin sets struct_size to sizeof(odeon_tableau), as it was built.
 *
 * All arrays are the plugin's, constant and there as long as it is loaded; row after row.
 * No call, so no thread: a host reads a table from any thread. Draft. */
#ifndef ODEON_TABLEAU_H
#define ODEON_TABLEAU_H
#include "odeon/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of odeon_tableau.flags. */
enum {
    /* First same as last: the last row of a is b, bit for bit, and its c is 1; the first row is 0.
     * Then the last k of a step is the first of the next and costs one evaluation less. Of a pair
     * both tables are so. */
    ODEON_TABLEAU_FSAL = 1 << 0
};

/* odeon_tableau.estimate_rule: how several estimates become the one number that accepts a step.
 * n0 is the error norm of b_hat's (as the norm of a single one: by part, scaled, root mean square),
 * n1, ... those of more_b_hat's. With p the order and q_i that of estimate i, n_i falls as
 * h^(min(p, q_i) + 1); the power by which step control assumes that the result falls is in ( ). */
enum {
    ODEON_ESTIMATES_FIRST = 0,   /* n0; the others decide nothing (that of n0) */
    ODEON_ESTIMATES_LARGEST = 1, /* the largest of all (the least of theirs) */
    /* n0^2 / sqrt(n0^2 + 0.01 n1^2), 0 where both are 0; of exactly two (twice that of n0, less
     * that of n1). Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.10, DOP853. */
    ODEON_ESTIMATES_DOP853 = 2
};

/* What this version allows; a later one may allow more. */
enum {
    ODEON_TABLEAU_MAX_STAGES = 64, /* stages and dense stages together */
    ODEON_TABLEAU_MAX_DEGREE = 32,
    ODEON_TABLEAU_MAX_MORE_ESTIMATES = 3
};
enum { ODEON_TABLEAU_ORDER_PROVED = 8, ODEON_TABLEAU_ORDER_PROVED_PAIR = 6 };

/* Growing. s stands for stages, n for stages + dense_stages. */
typedef struct odeon_tableau {
    uint32_t struct_size;     /* sizeof(odeon_tableau) */
    uint32_t flags;           /* ODEON_TABLEAU_* */
    int32_t stages;           /* s, 1 to ODEON_TABLEAU_MAX_STAGES, with dense_stages */
    int32_t order;            /* at least 1: the error of one step falls as h^(order + 1). Proved */
    int32_t embedded_order;   /* likewise of y + h sum b_hat_i k_i, above or below order. Proved. 0:
                                 no   b_hat, so fixed steps only */
    int32_t n_more_estimates; /* rows of more_b_hat, 0 to ODEON_TABLEAU_MAX_MORE_ESTIMATES; needs a
                                 b_hat */
    int32_t estimate_rule;    /* ODEON_ESTIMATES_*; FIRST where there is one estimate or none */
    int32_t dense_stages;     /* evaluated for dense output alone; needs interp */
    int32_t interp_degree; /* of dense output, 0 to ODEON_TABLEAU_MAX_DEGREE; 0: none, so that steps
                              end at output times */
    int32_t
        interp_order; /* claimed of dense output: for every x the error of y(t + x h) of one step
                         falls as h^(interp_order + 1). 1 at least with interp, else 0. Proved */
    /* The estimate for a stiff problem: e is replaced by (I - filter_gamma h J)^-1 e, J the
     * Jacobian of the implicit terms, for each estimate before its norm. Greater than 0 and one of
     * the diagonal entries of the implicit table, so that its factors are at hand; needs b_hat. 0:
     * e as it is. Source: Hosea, Shampine, Analysis and implementation of TR-BDF2, Appl. Numer.
     * Math. 20, 1996; Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8 (8.19). */
    double filter_gamma;
    const double *a; /* [s][s]. 0 above the diagonal; on it as well where the table is explicit, as
                        that of a pair must be */
    const double *b; /* [s] */
    const double *c; /* [s], the row sums of a */
    const double *b_hat;        /* [s], or NULL with embedded_order 0. Not b */
    const double *more_b_hat;   /* [n_more_estimates][s], or NULL with 0 rows. None is b */
    const int32_t *more_orders; /* [n_more_estimates], each at least 1, as embedded_order of these.
                                   Proved. NULL with 0 rows */
    const double *interp;       /* [n][interp_degree], or NULL with degree 0. Factor of x^(j+1) in
                                   column j, so that b_i(0) is 0 */
    const double *dense_a;  /* [dense_stages][n], 0 from column s + row on; NULL with 0 stages */
    const double *dense_c;  /* [dense_stages], the row sums of dense_a; NULL with 0 stages. May
                               lie outside of 0 to 1 */
    const double *a_im;     /* [s][s], 0 above the diagonal. NULL: no pair, and then so are all
                               that follow */
    const double *b_im;     /* [s]; NULL: b */
    const double *c_im;     /* [s], the row sums of a_im; NULL: c */
    const double *b_hat_im; /* [s]; NULL: b_hat */
    const double *more_b_hat_im; /* [n_more_estimates][s]; NULL: more_b_hat */
    const double *interp_im;     /* [n][interp_degree], of g; ends at b_im; NULL: interp */
} odeon_tableau;

#ifdef __cplusplus
}
#endif
#endif
