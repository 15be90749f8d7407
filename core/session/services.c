#include "session/services.h"

#include "net/net.h"
#include "ode/ode.h"

const host_service session_services[] = {
    {ODEON_HOST_CHAIN, &net_chain_services},
    {ODEON_HOST_ODE, &ode_services},
    {NULL, NULL},
};
