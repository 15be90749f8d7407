/* counts.h: how often a device was asked for what. */
#ifndef ODEON_CORE_DEVICE_COUNTS_H
#define ODEON_CORE_DEVICE_COUNTS_H
#include "odeon/device.h"

/* How often the device was asked for what (ODEON_DEVICE_COUNTERS); -1: it does not count. */
typedef struct device_counters {
    int64_t waits, launches, allocs;
} device_counters;

/* Since it was created; -1 throughout if it does not count. */
device_counters device_counts(const odeon_device *device);
/* Since before. */
device_counters device_counts_since(const odeon_device *device, const device_counters *before);

#endif
