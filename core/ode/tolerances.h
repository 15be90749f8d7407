/* tolerances.h: rtol and atol of a block with adaptive steps, and the factor by which a schedule
 * changes both. */
#ifndef ODEON_CORE_ODE_TOLERANCES_H
#define ODEON_CORE_ODE_TOLERANCES_H
#include "ode/block.h"

/* Takes those of spec, whose lists and factor the layer owns; spec's lists are the block's own from
 * here on. ODEON_ERR_CONFIG where they are neither one nor as many as y's components. */
odeon_status tolerances_init(odeon_ode *ode);
void tolerances_fini(odeon_ode *ode);

/* Before a forward: brings all tolerances to what the factor is now; those of backward_control,
 * too, unless its gradient method has set other ones. */
odeon_status tolerances_follow(odeon_ode *ode);

#endif
