/* ode.h: the ODE block as layers and the session see it. Implements odeon_ode_services
 * (odeon/container.h). */
#ifndef ODEON_CORE_ODE_ODE_H
#define ODEON_CORE_ODE_ODE_H
#include "ode/block.h"
#include "ode/services.h"
#include "ode/steps_file.h"
#include "odeon/container.h"

/* The table that plugins get as ODEON_HOST_ODE. */
extern const odeon_ode_services ode_services;

#endif
