/* families.h: the operators of a device, by family: whether a plugin's tables are whole, and what
 * stands in the place of a family that a device lacks. */
#ifndef ODEON_CORE_DEVICE_FAMILIES_H
#define ODEON_CORE_DEVICE_FAMILIES_H
#include "odeon/device.h"

/* Looks a family up at a device. [main] */
typedef const void *(*family_source)(const void *context, const char *id);

/* Sets every family of device to what own gives, else base (NULL: there is none), else to a table
 * whose operators are ODEON_ERR_UNSUPPORTED and say what is missing. A table that is too short, has
 * flags set or an empty slot is ODEON_ERR_PLUGIN. device->id is for messages. [main] */
odeon_status families_resolve(odeon_device *device, family_source own, const void *own_context,
                              family_source base, const void *base_context);

/* Name of the first family that device lacks, so that one stands in; NULL: of none. */
const char *families_missing(const odeon_device *device);

#endif
