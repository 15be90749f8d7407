/* counts.h: read a device's counters of launches, waits and allocations. */
#ifndef ODEON_CORE_DEVICE_COUNTS_H
#define ODEON_CORE_DEVICE_COUNTS_H
#include "odeon/device.h"
#include "odeon/device_ext.h"

/* Counts of ODEON_DEVICE_COUNTERS; -1 if the device does not count. */
typedef struct device_counters {
    int64_t waits, launches, allocs;
} device_counters;

/* Since the device was created; -1 throughout if it does not count. */
device_counters device_counts(const odeon_device *device);
/* The counts since before was read. */
device_counters device_counts_since(const odeon_device *device, const device_counters *before);

#endif
