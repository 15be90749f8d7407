#include "device/buffer.h"

#include <stddef.h>

odeon_status room_fit(const odeon_device *device, room *r, int64_t bytes)
{
    if (bytes <= r->bytes && r->data != NULL) {
        return ODEON_OK;
    }
    room_release(device, r);
    void *memory = NULL;
    ODEON_TRY(device->ops->alloc(device->self, (uint64_t)bytes, &memory));
    r->data = memory;
    r->bytes = bytes;
    return ODEON_OK;
}

void room_release(const odeon_device *device, room *r)
{
    if (r->data != NULL) {
        device->ops->free(device->self, r->data);
    }
    *r = (room){0};
}
