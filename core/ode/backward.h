/* backward.h: how a block solves the augmented fields of its gradient method: as it solves its own
 * field, or by an integrator and tolerances of the method's choice. */
#ifndef ODEON_CORE_ODE_BACKWARD_H
#define ODEON_CORE_ODE_BACKWARD_H
#include "ode/block.h"

/* Calls plan of the method, when stepper and tolerances are there and control is still as the
 * spec has it; then makes the block's solver for augmented fields. spec: as create was given it,
 * with its configurations. Refuses (ODEON_ERR_CONFIG) what cannot go together. */
odeon_status ode_backward_init(odeon_ode *ode, const odeon_ode_spec *spec);
void ode_backward_fini(odeon_ode *ode);

#endif
