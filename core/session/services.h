/* services.h: the further tables of services that the host offers by id. */
#ifndef ODEON_CORE_SESSION_SERVICES_H
#define ODEON_CORE_SESSION_SERVICES_H

/* The table of that id, e.g. ODEON_HOST_ODE of container.h, or NULL. [any] */
const void *extension_find(const char *id);

#endif
