/* buffer.h: a device buffer that grows on demand. Growing allocates, so it must not happen within a
 * step, which may be captured. */
#ifndef ODEON_CORE_DEVICE_BUFFER_H
#define ODEON_CORE_DEVICE_BUFFER_H
#include "odeon/device.h"

/* Starts as {0}. data is NULL exactly while nothing is allocated. */
typedef struct device_buffer {
    char *data; /* device address */
    int64_t bytes;
} device_buffer;

/* Ensures at least bytes; the contents are lost when it grows. */
odeon_status buffer_fit(const odeon_device *device, device_buffer *r, int64_t bytes);
void buffer_release(const odeon_device *device, device_buffer *r);

#endif
