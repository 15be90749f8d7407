/* quantities.h: what losses see of the network beside its output: integrals along the paths of its
 * ODE blocks, by name. */
#ifndef ODEON_CORE_SESSION_QUANTITIES_H
#define ODEON_CORE_SESSION_QUANTITIES_H
#include "session/worker.h"

/* Finds the quantities that loss i wants, by the names that it says. ODEON_ERR_CONFIG names those
 * that there are. */
odeon_status quantities_find(worker *w, size_t i);

/* After a forward: all cotangents are 0, if there will be a backward. */
odeon_status quantities_begin(worker *w, bool backward);
/* What loss i is called with; NULL: it wants none. */
odeon_status quantities_give(worker *w, size_t i, bool backward,
                             const odeon_quantity *const **quantity);
/* Adds what loss i has written to the blocks' cotangents. */
odeon_status quantities_take(worker *w, size_t i);
void quantities_fini(worker *w);

#endif
