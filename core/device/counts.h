/* counts.h: how often a device was asked for what. */
#ifndef ODEON_CORE_DEVICE_COUNTS_H
#define ODEON_CORE_DEVICE_COUNTS_H
#include "odeon/device.h"
#include "run/run_dir.h"

/* Since it was created; -1 throughout if it does not count. */
metrics_device device_counts(const odeon_device *device);
/* Since before. */
metrics_device device_counts_since(const odeon_device *device, const metrics_device *before);

#endif
