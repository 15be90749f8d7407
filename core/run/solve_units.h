/* solve_units.h: states of a solve in the units of the data. */
#ifndef ODEON_CORE_RUN_SOLVE_UNITS_H
#define ODEON_CORE_RUN_SOLVE_UNITS_H
#include "run/solve.h"

/* States that are the data's own columns, as of a series, become numbers of the data: what the data
 * set standardized is undone. source: as of solve_run; c->weights has what was fitted where it is
 * NULL. */
odeon_status solve_in_units(const config *c, const data_source *source, solution *x);

#endif
