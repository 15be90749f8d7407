/* tableau_order.h: is a table of numbers the method that it claims to be? */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_ORDER_H
#define ODEON_CORE_PLUGIN_TABLEAU_ORDER_H
#include "odeon/status.h"
#include "odeon/tableau.h"

/* The orders that a table has, whatever it claims. */
typedef struct tableau_orders {
    int32_t most; /* an order that is this may be higher: there are no trees beyond */
    int32_t b, interp;
    int32_t embedded[1 + ODEON_TABLEAU_MAX_MORE_ESTIMATES]; /* of b_hat, then more_b_hat */
} tableau_orders;

/* Sums and order conditions of a tableau whose sizes are checked already (tableau_check.h): c holds
 * the row sums, b, the estimates and dense output have the orders claimed, dense output ends in b,
 * and no estimate is b. ODEON_ERR_PLUGIN with one line that says what is wrong, ODEON_ERR_NOMEM.
 * odeon/tableau.h says how exact, and up to which order. */
odeon_status tableau_check_order(const odeon_tableau *tableau, const char *path);

/* ODEON_ERR_NOMEM. */
odeon_status tableau_orders_find(const odeon_tableau *tableau, tableau_orders *out);

#endif
