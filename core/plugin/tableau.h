/* tableau.h: an explicit Runge-Kutta method as verbs. Tableaus are checked (tableau_check.h) before
 * they come here. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_H
#define ODEON_CORE_PLUGIN_TABLEAU_H
#include "odeon/integrator.h"

/* Slots of odeon_stepper_ops for which self is a const odeon_tableau; the second set evaluates the
 * stages for dense output as well, in every step. */
extern const odeon_stepper_ops tableau_stepper_ops, tableau_dense_stepper_ops;

/* What of a tableau this host cannot yet carry out, as a line after "this host cannot yet carry out
 * " names it; NULL: nothing. */
const char *tableau_beyond_host(const odeon_tableau *tableau);

/* The handle of stage i's slope k_i; i may be that of a dense stage. */
int32_t tableau_slope(const odeon_tableau *tableau, int32_t i);

#endif
