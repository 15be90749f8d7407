/* duals.h: second derivatives of a body, on the device of dual numbers. */
#ifndef ODEON_CORE_NET_DUALS_H
#define ODEON_CORE_NET_DUALS_H
#include "odeon/container.h"

/* The table that plugins get as ODEON_HOST_BODY_DUALS. */
extern const odeon_body_duals net_body_duals;

#endif
