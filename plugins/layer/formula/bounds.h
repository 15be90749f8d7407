/* bounds.h: between which numbers a formula's learned constants stay. */
#ifndef ODEON_LAYER_FORMULA_BOUNDS_H
#define ODEON_LAYER_FORMULA_BOUNDS_H
#include "expression.h"

/* Reads a list NAME=LOW:HIGH of learned constants, whose names then denote the bounded value and
 * whose parameters start at the weight that gives the constant's number. */
odeon_status formula_read_bounds(parsing *x, const char *text);

#endif
