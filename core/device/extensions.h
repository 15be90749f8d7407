/* extensions.h: the further tables that a device offers by id. */
#ifndef ODEON_CORE_DEVICE_EXTENSIONS_H
#define ODEON_CORE_DEVICE_EXTENSIONS_H
#include "plugin/instance_type.h"

/* Are those that the host knows as long as they were first, and their reserved words 0? Asked once,
 * before any of them is used. ODEON_ERR_PLUGIN. [main] */
odeon_status extensions_check(const instance *device);

#endif
