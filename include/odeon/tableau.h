/* tableau.h: a Runge-Kutta method as a table of numbers, without any function: the ops of the
 * interface TABLEAU, of the kind integrator. The loop around it (step control, output times,
 * records, gradients) is the host's.
 *
 * THE STEP from y at t, of size h:
 *     Y_i = y + h sum_{j<=i} a_ij k_j,   k_i = f(t + c_i h, Y_i),   y1 = y + h sum_i b_i k_i
 * f is the whole field. Where a_ii is not 0 stage i is implicit: k_i solves its own equation, by
 * the host (DIRK, SDIRK, ESDIRK), by Newton's iteration in z = a_ii h k_i, sample by sample:
 * Hairer, Wanner, Solving ODEs II, 2nd ed., IV.8. A stage never reads a later one: fully implicit
 * methods are no tableau here. Where the last row of a is b a host may take the last Y for y1.
 *
 * ERROR ESTIMATE: e = h sum_i (b_i - b_hat_i) k_i, and likewise for each row of more_b_hat.
 *
 * IMEX PAIR: with a_im, terms of the field that are flagged stiff, g, go by the table a_im, b_im,
 * c_im, and all others, f, by a, b, c, which is then explicit:
 *     Y_i = y + h sum_{j<i} a_ij f_j + h sum_{j<=i} a_im_ij g_j
 *     f_j = f(t + c_j h, Y_j),   g_j = g(t + c_im_j h, Y_j)
 *     y1 = y + h sum_i (b_i f_i + b_im_i g_i)
 * A field without a stiff term has nothing for a_im to treat: a host refuses the method for it.
 *
 * DENSE OUTPUT, for 0 <= x <= 1, over n = stages + dense_stages derivatives:
 *     y(t + x h) = y + h sum_{i<n} b_i(x) k_i,   b_i(x) = sum_{j=1}^{interp_degree} interp_ij x^j
 * By its form it begins at y; it ends at y1: b_i(1) is b_i, and 0 for dense stages. These follow
 * the s stages of the step and serve dense output alone; no step needs them:
 *     Y_{s+i} = y + h sum_{j<s+i} dense_a_ij k_j,   k_{s+i} = f(t + dense_c_i h, Y_{s+i})
 * They are explicit, and may read the last stage of an FSAL method, which is f at the step's end.
 * Of an IMEX pair k is f + g in them, and in dense output unless interp_im says otherwise.
 *
 * WHAT IS PROVED when a plugin is loaded, else refused in one line that says what is wrong:
 *
 * - Sizes, flags and pointers fit together; every number is finite.
 *
 * - No entry lies above the diagonal, and none on it in the first table of a pair or in dense_a.
 *
 * - c, c_im and dense_c are the row sums of their tables.
 *
 * - b, every row of b_hat and dense output have the order that they claim, by Butcher's conditions,
 * one for each rooted tree of up to that many nodes: sum_i b_i phi_i(tree) = 1 / density(tree). Of
 * dense output sum_i b_i(x) phi_i(tree) = x^nodes / density(tree), in every power of x. Of an IMEX
 * pair for trees whose nodes have two colours: the coupling of the tables is proved as well.
 *
 * - b_i(1) is b_i. An estimate is not b itself, whose error would always be 0. What is flagged
 * FSAL is.
 *
 * The refusal of an over-claim names the tree that breaks: "." is a node alone, [u,v] a node on
 * which the trees u and v grow, as in [[.],.]; nodes that go by the implicit table of a pair are
 * ":" and {u,v}. An under-claim is not refused; `odeon inspect` warns of it.
 *
 * HIGHEST PROVED ORDER: 10 of one table (1,205 trees), 6 of a pair (601 trees, for b and for b_im).
 * Of a higher claim the conditions up to there are proved, and `odeon inspect` says that the rest
 * is not. A later host may prove more.
 *
 * HOW EXACT: a condition holds if it is missed by at most 1e-12 of the sum of the absolute values
 * of its terms. A condition of order p is a sum of products of at most p numbers of the table.
 * Printed with N significant digits each of them is off by at most 5e-N of itself, and the
 * condition by p times that: 14 digits are enough for any order that is proved, and give 15 or
 * more. Rounding to double and in these sums stays below 2e-13. No step in double shows an error of
 * 1e-12 of a condition; a mistyped digit is far above. FSAL alone is compared bit for bit, since
 * the host then takes the last Y for y1.
 *
 * WHAT A HOST CARRIES OUT. A host may meet what it can prove but not yet carry out. It then refuses
 * to solve with the method, with a line that says "this host cannot yet carry out ...", when the
 * experiment is set up and before anything is computed; `odeon inspect` says so, too. The host of
 * this version carries out methods of up to 32 stages, dense stages among them, explicit or
 * implicit on the diagonal, with filter_gamma and with every rule for estimates; where dense output
 * is asked for it evaluates dense stages in every step. It takes the last Y for y1 where the last
 * row of a is b. It solves implicit stages on the host, call by call, for samples that do not
 * depend on one another, without a matrix where a sample has more than 64 components, and reverses
 * them exactly; it does not record them, and no continuous adjoint goes by them. Pairs it carries
 * out for fields of two terms, up to 19 stages; a slope that nothing reads is not evaluated. It
 * cannot yet carry out dense stages of a pair.
 *
 * FLAGS AND LATER FIELDS. Flag bits 0 to 15 may be ignored by a host that does not know them: the
 * result is then right, but may cost more. Bits 16 to 31 must be understood: a host refuses a table
 * that has one it does not know. A field appended later without which the result would differ comes
 * with such a bit, set whenever the field is not 0.
 *
 * All arrays are the plugin's, constant and there as long as it is loaded; row after row. There is
 * no call and so no thread: a host reads a table from any.
 *
 * Frozen at 1.0. */
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

/* CONTROL HINTS. The ODE block can follow the step control of another system. Most systems derive
 * the constants of their controllers from a method's order; some have constants of their own for a
 * method. Whoever writes that method says them here, by the system's name; of a name that the block
 * does not follow nothing comes of it.
 *
 * An error of e times the tolerance makes the factor of the next step size, before its limits, by
 * e_now^-beta[0] e_before^-beta[1] e_before_that^-beta[2], and e_now^-beta_reject after a rejected
 * step; the values are those for this method, not per order. They take the place of the system's
 * rule for all methods; what is not listed (safety, history, rules) stays. All are finite; 0 <
 * factor_min < 1 < factor_max. Others are ODEON_ERR_PLUGIN. Growing. */
typedef struct odeon_control_hint {
    uint32_t struct_size, reserved0;
    const char *system; /* "sciml" */
    double beta[3], beta_reject;
    double factor_min, factor_max; /* after accepted and rejected steps alike */
    const char *source;            /* where that system says so; NULL: it is not told */
} odeon_control_hint;

/* Growing: read a later field only as far as struct_size says. s stands for stages, n for stages +
 * dense_stages. What is not given is 0 or NULL. */
typedef struct odeon_tableau {
    /* sizeof(odeon_tableau), and ODEON_TABLEAU_*. */
    uint32_t struct_size, flags;
    /* s, at least 1; with dense_stages at most ODEON_TABLEAU_MAX_STAGES. */
    int32_t stages;
    /* Of y1, at least 1: the error of one step falls as h^(order + 1). Proved. */
    int32_t order;
    /* The same of y + h sum b_hat_i k_i, above or below order. Proved. 0: there is no b_hat, so
     * that only fixed steps can be made. */
    int32_t embedded_order;
    /* Rows of more_b_hat, 0 to ODEON_TABLEAU_MAX_MORE_ESTIMATES; only beside a b_hat. */
    int32_t n_more_estimates;
    /* ODEON_ESTIMATES_*; FIRST where there are less than two. */
    int32_t estimate_rule;
    /* For dense output alone; only beside interp. */
    int32_t dense_stages;
    /* Of the polynomials of dense output, 0 to ODEON_TABLEAU_MAX_DEGREE. 0: there is none, and
     * steps end at the times of outputs. */
    int32_t interp_degree;
    /* Of dense output, for every x: the error of y(t + x h) after one step falls as h^(interp_order
     * + 1). Proved. At least 1 with interp, else 0. */
    int32_t interp_order;
    /* Of stiff methods: before its norm is taken every estimate e becomes (I - filter_gamma h J)^-1
     * e, J the Jacobian of the implicit terms. One of the diagonal entries of the implicit table,
     * whose factors are at hand, and greater than 0; only beside a b_hat. 0: e as it is.
     * Source: Hosea, Shampine, Appl. Numer. Math. 20, 1996; Hairer, Wanner, Solving ODEs II, 2nd
     * ed., IV.8, equation 8.19. */
    double filter_gamma;
    /* [s][s]. 0 above the diagonal, and on it where stages are explicit, as all are in a pair. */
    const double *a;
    /* [s] each; c_i is the sum of row i of a. */
    const double *b, *c;
    /* [s]; NULL with embedded_order 0. Not b. */
    const double *b_hat;
    /* [n_more_estimates][s], of which none is b; NULL with 0 rows. */
    const double *more_b_hat;
    /* [n_more_estimates], the orders of these rows as embedded_order is that of b_hat; NULL with 0
     * rows. Proved. */
    const int32_t *more_orders;
    /* [n][interp_degree]: column j, from 0, holds the factors of x^(j + 1). NULL with degree 0. */
    const double *interp;
    /* [dense_stages][n]: row i, from 0, is that of stage s + i, and 0 from column s + i on. NULL
     * with 0 dense stages. */
    const double *dense_a;
    /* [dense_stages], the row sums of dense_a, also outside of 0 to 1. NULL with 0 dense stages. */
    const double *dense_c;
    /* The implicit table of a pair: [s][s], 0 above the diagonal. NULL: no pair, and then the
     * following are NULL. */
    const double *a_im;
    /* As the lists of the first table, for stiff terms; NULL: that list itself, for both. c_im_i is
     * the sum of row i of a_im, and interp_im ends at b_im. */
    const double *b_im, *c_im, *b_hat_im, *more_b_hat_im, *interp_im;
    const odeon_control_hint *const *hints; /* ends with NULL; NULL: none */
} odeon_tableau;

#ifdef __cplusplus
}
#endif
#endif
