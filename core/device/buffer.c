#include "device/buffer.h"

#include <stddef.h>

/* Releases before it allocates, so that old and new never need memory at the same time; the
 * contents need not survive. */
odeon_status buffer_fit(const odeon_device *device, device_buffer *r, int64_t bytes)
{
    if (bytes <= r->bytes && r->data != NULL) {
        return ODEON_OK;
    }
    buffer_release(device, r);
    void *memory = NULL;
    ODEON_TRY(device->ops->alloc(device->handle, (uint64_t)bytes, &memory));
    r->data = memory;
    r->bytes = bytes;
    return ODEON_OK;
}

/* Queues that may still use the memory have to be waited for by the caller. */
void buffer_release(const odeon_device *device, device_buffer *r)
{
    if (r->data != NULL) {
        device->ops->free(device->handle, r->data);
    }
    *r = (device_buffer){0};
}
