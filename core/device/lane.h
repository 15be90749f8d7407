/* lane.h: everything that code running on one worker needs to call its device. */
#ifndef ODEON_CORE_DEVICE_LANE_H
#define ODEON_CORE_DEVICE_LANE_H
#include <stdbool.h>

#include "device/collective.h"
#include "odeon/device.h"
#include "odeon/device_ext.h"

/* All pointers are borrowed from the worker. */
typedef struct device_lane {
    const odeon_device *device;
    odeon_queue *queue;
    worker_group *group;               /* the worker's side of the collectives */
    const odeon_device_poison *poison; /* the device's extension, or NULL */
    bool capture;                      /* solves may be captured and replayed */
    uint32_t dtype;                    /* of parameters and states */
} device_lane;

#endif
