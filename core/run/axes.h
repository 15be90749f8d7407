/* axes.h: KEY=a|b|c: keys of a configuration with the values that each is to have, and the grid of
 * all their combinations.
 *
 * A bar outside of parentheses separates values. A value that is FROM..TO, two whole numbers,
 * stands for all from the one to the other. A backslash before a bar or a point takes away this
 * meaning. */
#ifndef ODEON_CORE_RUN_AXES_H
#define ODEON_CORE_RUN_AXES_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"

enum { AXES_MOST_VALUES = 10000 }; /* of a key, and combinations of a grid */

typedef struct axis {
    char *key; /* "model.ode.rtol"; owned, as are the values */
    size_t n, room;
    char **values; /* [n], n >= 1 */
} axis;

typedef struct axes {
    size_t n;
    axis *list; /* [n], in the order given; the last changes fastest in the grid */
} axes;

/* Adds the values of text to x, which starts as {0}; what names the text in messages.
 * ODEON_ERR_CONFIG: an empty value, one that stands twice, a range that goes
 * down, too many; ODEON_ERR_NOMEM. */
odeon_status axis_add(axis *x, const char *what, const char *text);
void axis_fini(axis *x);

/* Reads "KEY=VALUES" of n arguments. ODEON_ERR_CONFIG: no "=", a key twice. out can be given to
 * axes_fini whatever the answer. */
odeon_status axes_parse(size_t n, const char *const *arguments, axes *out);
void axes_fini(axes *x);

/* Combinations; ODEON_ERR_CONFIG where there are more than AXES_MOST_VALUES. */
odeon_status axes_size(const axes *x, size_t *out);
/* The value that an axis has in a combination. */
const char *axes_value(const axes *x, size_t combination, size_t which);

/* A random order of 0 .. n-1: order[i] is the i-th. It depends on n alone, so that of two draws of
 * one grid the larger has all of the smaller. */
void axes_shuffle(size_t n, size_t *order);

#endif
