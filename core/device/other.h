/* other.h: components and devices that a plugin makes by their ids (odeon/component.h). */
#ifndef ODEON_CORE_DEVICE_OTHER_H
#define ODEON_CORE_DEVICE_OTHER_H
#include "odeon/component.h"

extern const odeon_host_component other_services;

#endif
