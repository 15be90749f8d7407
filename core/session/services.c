/* The tables reach from the plugin layer up to networks and ODE blocks, which the registry must not
 * know: whoever makes a registry that is to load containers offers them (registry_offer). A layer
 * without bodies asks for none of them. */
#include "session/services.h"

#include "device/other.h"
#include "net/duals.h"
#include "net/net.h"
#include "ode/ode.h"
#include "plugin/figures.h"

const host_service session_services[] = {
    {ODEON_HOST_BODY, &net_body_services},   {ODEON_HOST_BODY_DUALS, &net_body_duals},
    {ODEON_HOST_ODE, &ode_services},         {ODEON_HOST_RUN, &figures_services},
    {ODEON_HOST_COMPONENT, &other_services}, {NULL, NULL},
};
