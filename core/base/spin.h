/* spin.h: waits that are too short to sleep. */
#ifndef ODEON_CORE_BASE_SPIN_H
#define ODEON_CORE_BASE_SPIN_H
#include <stdbool.h>

/* Starts as {0}:
 *   for (spin x = {0}; !done(); ) {
 *       if (!spin_on(&x)) { ... sleep ... } } */
typedef struct spin {
    unsigned turns;
    double began; /* by the clock, at the first look at it */
} spin;

/* False once the wait has lasted as long as falling asleep and being woken would. */
bool spin_on(spin *x);

#endif
