/* open.h: a device made ready for use: its instance, the device that it takes the rest from, and
 * the families of both as one. */
#ifndef ODEON_CORE_DEVICE_OPEN_H
#define ODEON_CORE_DEVICE_OPEN_H
#include <stdbool.h>

#include "odeon/device.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

/* device is what everybody is given; it comes first, so that its get_table finds the rest. Not to
 * be moved while it is in use. */
typedef struct open_device {
    odeon_device device;
    odeon_device_ops
        ops; /* the device's own, with the base's memory and queues where it has none */
    instance *instance;
    bool shares_memory; /* memory and queues are the base's */
    odeon_config *base_config;
    struct open_device *base; /* NULL: none */
} open_device;

/* Makes an instance of what config chose, and of its base. Messages start with path. A base that
 * has a base, memory and queues that are there in part, or of the device's own where families are
 * the base's: ODEON_ERR_PLUGIN. out starts as {0} and
 * is for device_close, on failure too. [main] */
odeon_status device_open(registry *r, const odeon_config *config, const char *path,
                         open_device *out);
/* After all queues and all memory of it are gone. */
void device_close(open_device *d);

/* A queue for worker, and its end, which waits; destroy takes NULL. [worker] */
odeon_status device_queue_create(const odeon_device *device, int32_t worker, odeon_queue **out);
void device_queue_destroy(const odeon_device *device, odeon_queue *queue);

#endif
