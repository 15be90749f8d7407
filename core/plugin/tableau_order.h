/* tableau_order.h: is a table of numbers the method that it claims to be? */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_ORDER_H
#define ODEON_CORE_PLUGIN_TABLEAU_ORDER_H
#include "odeon/integrator.h"

enum { TABLEAU_ORDER_CHECKED = 8 }; /* 200 rooted trees; of a higher order that much is checked */

/* An explicit method of so many stages has coefficients a[i][j], j < i. */
static inline double tableau_a(const odeon_tableau *t, int32_t i, int32_t j)
{
    return t->a[i * t->stages + j];
}

/* The order conditions, one a rooted tree: c holds the row sums of a, b and b_hat have the order
 * claimed, the dense output ends in b and is consistent. Numbers that are off by less than 1e-10 of
 * the terms they are sums of are taken for rounded. sizes and flags are checked already.
 * ODEON_ERR_PLUGIN says what is wrong, ODEON_ERR_NOMEM.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., II.2, theorem 2.13. */
odeon_status tableau_check_order(const odeon_tableau *tableau, const char *path);

/* The order of the dense output, at most TABLEAU_ORDER_CHECKED; 0 without memory. */
int32_t tableau_interp_order(const odeon_tableau *tableau);

#endif
