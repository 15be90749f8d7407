/* inspect_devices.h: the devices of this machine. */
#ifndef ODEON_CORE_COMMAND_INSPECT_DEVICES_H
#define ODEON_CORE_COMMAND_INSPECT_DEVICES_H
#include <stdbool.h>
#include <stdio.h>

#include "plugin/registry.h"

/* What stands for device = auto on this machine: all devices that may, with rank and answer. Asks
 * them in a process of its own. [main] */
odeon_status inspect_devices(registry *r, bool json, FILE *out);

#endif
