/* tableau.h: an explicit Runge-Kutta method as verbs. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_H
#define ODEON_CORE_PLUGIN_TABLEAU_H
#include "odeon/integrator.h"

/* Slots of odeon_stepper_ops for which self is a const odeon_tableau. */
extern const odeon_stepper_ops tableau_stepper_ops;

/* Sizes, flags and numbers, these as tableau_check_order does; ODEON_ERR_PLUGIN with what is
 * wrong, ODEON_ERR_NOMEM. */
odeon_status tableau_check(const odeon_tableau *tableau, const char *path);

/* The handle of stage i's slope k_i. */
int32_t tableau_slope(const odeon_tableau *tableau, int32_t i);

#endif
