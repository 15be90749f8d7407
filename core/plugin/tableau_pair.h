/* tableau_pair.h: a pair of an explicit and a diagonally implicit table as verbs of a step. Pairs
 * are checked (tableau_check.h) before they come here. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_PAIR_H
#define ODEON_CORE_PLUGIN_TABLEAU_PAIR_H
#include "odeon/stepper.h"

/* Slots of odeon_stepper_ops for which self is a const odeon_tableau with a_im; the second set
 * evaluates all slopes that dense output reads. They are called with a tableau_step. */
extern const odeon_stepper_ops tableau_pair_ops, tableau_dense_pair_ops;

#endif
