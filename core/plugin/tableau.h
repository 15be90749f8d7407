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
} tableau_stage;

/* What step of the slots below is called with: of a tableau with implicit stages all of it is read,
 * of others the verbs that plugins have. */
typedef struct tableau_step {
    odeon_step verbs;
    odeon_status (*implicit)(void *self, const tableau_stage *stage); /* self: of verbs */
} tableau_step;

/* Slots of odeon_stepper_ops for which self is a const odeon_tableau; the second set evaluates the
 * stages for dense output as well, in every step. */
extern const odeon_stepper_ops tableau_stepper_ops, tableau_dense_stepper_ops;

/* What of a tableau this host cannot yet carry out, as a line after "this host cannot yet carry out
 * " names it; NULL: nothing. */
const char *tableau_beyond_host(const odeon_tableau *tableau);

/* Is there a stage that solves an equation? */
bool tableau_is_implicit(const odeon_tableau *tableau);

/* The register of stage i's slope k_i; i may be that of a dense stage. */
int32_t tableau_slope(const odeon_tableau *tableau, int32_t i);

#endif
