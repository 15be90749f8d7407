/* over.h: a device that computes by another one, as chosen for a run. */
#ifndef ODEON_CORE_DEVICE_OVER_H
#define ODEON_CORE_DEVICE_OVER_H
#include "option/schema.h"
#include "plugin/registry.h"

/* The device `over`, whose option base is what base chose, with all its options; to be destroyed
 * (schema_destroy). [main] */
odeon_status device_over(registry *r, const char *over, const odeon_config *base,
                         odeon_config **out);

#endif
