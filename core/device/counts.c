#include "device/counts.h"
#include "odeon/device_ext.h"

/* A number that no counter has, so that a report can leave it out. */
static const device_counters unknown = {.waits = -1, .launches = -1, .allocs = -1};

device_counters device_counts(const odeon_device *device)
{
    device_counters counts = unknown;
    int64_t live_bytes;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    if (counters != NULL) {
        counters->read(device->handle, &counts.launches, &counts.waits, &counts.allocs,
                       &live_bytes);
    }
    return counts;
}

/* Unknown stays unknown: the difference of two would be a count of 0, which is wrong. */
device_counters device_counts_since(const odeon_device *device, const device_counters *before)
{
    device_counters now = device_counts(device);
    if (now.launches < 0) {
        return unknown;
    }
    return (device_counters){.waits = now.waits - before->waits,
                             .launches = now.launches - before->launches,
                             .allocs = now.allocs - before->allocs};
}
