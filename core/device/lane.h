/* lane.h: one worker's way to its device: what whoever computes there needs to make calls. */
#ifndef ODEON_CORE_DEVICE_LANE_H
#define ODEON_CORE_DEVICE_LANE_H
#include <stdbool.h>

#include "device/collective.h"
#include "odeon/device.h"

typedef struct device_lane {
    const odeon_device *device;
    odeon_queue *queue;
    worker_group *group;               /* the worker's side of the collectives */
    const odeon_device_poison *poison; /* the device's extension, or NULL */
    bool capture;                      /* solves may be captured and replayed */
    int32_t dtype;                     /* of parameters and states */
} device_lane;

#endif
