/* buffer.h: device memory that grows when asked for more. Not within a step. */
#ifndef ODEON_CORE_DEVICE_BUFFER_H
#define ODEON_CORE_DEVICE_BUFFER_H
#include "odeon/device.h"

/* Starts as {0}. */
typedef struct device_buffer {
    char *data; /* device address */
    int64_t bytes;
} device_buffer;

/* At least so many bytes; what was there is gone when it grows. */
odeon_status buffer_fit(const odeon_device *device, device_buffer *r, int64_t bytes);
void buffer_release(const odeon_device *device, device_buffer *r);

#endif
