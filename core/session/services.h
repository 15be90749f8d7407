/* services.h: the further tables of services that the host offers by id. */
#ifndef ODEON_CORE_SESSION_SERVICES_H
#define ODEON_CORE_SESSION_SERVICES_H
#include "option/schema.h"

/* For registry_offer: ODEON_HOST_BODY and ODEON_HOST_ODE of container.h. */
extern const host_service session_services[];

#endif
