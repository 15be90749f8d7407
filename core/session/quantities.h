/* quantities.h: what losses see of the network beside its output: integrals along the paths of its
 * ODE blocks, and numbers of samples that other layers make, by name. */
#ifndef ODEON_CORE_SESSION_QUANTITIES_H
#define ODEON_CORE_SESSION_QUANTITIES_H
#include "session/worker.h"

/* Finds the quantities that loss i reads, by name. ODEON_ERR_CONFIG names those that there are. */
odeon_status quantities_find(worker *w, size_t i);

/* After a forward: all cotangents are 0, if there will be a backward. */
odeon_status quantities_begin(worker *w, bool backward);
/* What loss i is called with; NULL: it reads none. */
odeon_status quantities_bind(worker *w, size_t i, bool backward,
                             const odeon_quantity *const **quantity);
/* Adds what loss i has written to the blocks' cotangents. */
odeon_status quantities_accumulate(worker *w, size_t i);
void quantities_fini(worker *w);

#endif
