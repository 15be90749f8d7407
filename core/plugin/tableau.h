/* tableau.h: a Runge-Kutta method, explicit or diagonally implicit, as verbs. Tableaus are checked
 * (tableau_check.h) before they come here. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_H
#define ODEON_CORE_PLUGIN_TABLEAU_H
#include <stdbool.h>

#include "odeon/stepper.h"
#include "odeon/tableau.h"

/* A stage that solves its own equation: k = f(t + c h, y) with y = base + gamma h k; k, y and base
 * are registers. The n addends, of slopes before, guess k; without one the guess is 0. */
typedef struct tableau_stage {
    double c, gamma;
    int32_t k, y, base, n;
    odeon_addend guess[2];
    int32_t terms, reserved0; /* ODEON_TERMS_* */
} tableau_stage;

/* What step of the slots below is called with: the verbs that plugins have, and those of tableaus
 * alone. self is that of verbs. */
typedef struct tableau_step {
    odeon_step verbs;
    odeon_status (*implicit)(void *self, const tableau_stage *stage);
    /* The error estimates behind the first, where a rule reads them: number 1, 2, ... */
    odeon_status (*estimate)(void *self, int32_t number, int32_t n, const odeon_addend *terms);
} tableau_step;

/* Slots of odeon_stepper_ops for which self is a const odeon_tableau; the second set evaluates the
 * stages for dense output as well, in every step. Pairs: tableau_pair.h. */
extern const odeon_stepper_ops tableau_stepper_ops, tableau_dense_stepper_ops;

/* The slot describe, of pairs as well. */
odeon_status tableau_describe(void *self, odeon_stepper_info *out);

/* What of a tableau this host cannot yet carry out, as a line after "this host cannot yet carry out
 * " names it; NULL: nothing. */
const char *tableau_beyond_host(const odeon_tableau *tableau);

/* Is there a stage that solves an equation? */
bool tableau_is_implicit(const odeon_tableau *tableau);

/* Estimates that decide about a step; 0: it has none. */
int32_t tableau_estimates(const odeon_tableau *tableau);
/* The power of h by which step control takes the error norm to fall. Of explicit methods with one
 * estimate it is the order, as other systems have it, which may be one too many or too few. */
int32_t tableau_error_power(const odeon_tableau *tableau);
/* b - b_hat of estimate i, from 0, for the s stages: of the first table, or the implicit one. */
void tableau_estimate_weights(const odeon_tableau *tableau, int32_t i, bool second,
                              double *weights);

/* Slopes of a step, those of dense stages among them. Of a pair twice as many: those of the terms
 * that are not stiff, then those of the stiff ones. */
int32_t tableau_slopes(const odeon_tableau *tableau);
/* The register of slope i. */
int32_t tableau_slope(const odeon_tableau *tableau, int32_t i);
/* The factors of dense output that belong to slope i, [interp_degree]. */
const double *tableau_interp(const odeon_tableau *tableau, int32_t i);

/* Registers of Y_i, which may be that of a dense stage, and of what is known of it before its own
 * slope, if stage i is implicit. */
int32_t tableau_state(const odeon_tableau *tableau, int32_t i);
int32_t tableau_base(const odeon_tableau *tableau, int32_t i);
/* Is Y of the last stage the end of the step, bit for bit? */
bool tableau_ends_in_last_stage(const odeon_tableau *tableau);
/* The diagonal entry of the implicit table: not 0 where stage i is implicit. */
double tableau_diagonal(const odeon_tableau *tableau, int32_t i);

/* Verbs of a step, of one table or of a pair. out = y0 + h sum over j < n of weights[j] k_j, of a
 * pair + weights_im[j] of its stiff slopes; weights_im is NULL without a pair. */
odeon_status tableau_combine(const odeon_tableau *tableau, const odeon_step *step, int32_t out,
                             int32_t n, const double *weights, const double *weights_im);
odeon_status tableau_combine_estimates(const odeon_tableau *tableau, const odeon_step *step);
/* Solves implicit stage i; has[j]: is slope j < i of its table there? NULL: all are. */
odeon_status tableau_solve_stage(const odeon_tableau *tableau, const odeon_step *step, int32_t i,
                                 const bool *has);

#endif
