/* tableau_check.h: what a plugin's tableau must be before anything reads it. */
#ifndef ODEON_CORE_PLUGIN_TABLEAU_CHECK_H
#define ODEON_CORE_PLUGIN_TABLEAU_CHECK_H
#include "odeon/status.h"
#include "odeon/tableau.h"

/* Proves all that odeon/tableau.h lists: sizes, flags and pointers, then numbers, then orders
 * (tableau_order.h). ODEON_ERR_PLUGIN with one line that says what is wrong, ODEON_ERR_NOMEM. */
odeon_status tableau_check(const odeon_tableau *tableau, const char *path);

#endif
