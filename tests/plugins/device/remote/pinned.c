/* Host memory that late uploads read when they are carried out and not before. */
#include "odeon/device_ext.h"
#include "stream.h"

enum { ALIGNMENT = 64 };

/* Stands in front of every block. */
typedef struct pinned_block {
    struct pinned_block *next;
    uint64_t bytes;
    unsigned char reserved0[ALIGNMENT - 2 * sizeof(uint64_t)];
} pinned_block;

static odeon_status pinned_alloc(void *device, uint64_t bytes, void **out)
{
    stream_device *d = device;
    *out = NULL;
    pinned_block *block =
        bytes > UINT64_MAX - sizeof *block ? NULL : d->host->alloc(d->host, sizeof *block + bytes);
    if (block == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "remote: no pinned memory for %llu bytes",
                          (unsigned long long)bytes);
    }
    block->bytes = bytes;
    (void)pthread_mutex_lock(&d->lock);
    block->next = d->pinned;
    d->pinned = block;
    (void)pthread_mutex_unlock(&d->lock);
    *out = block + 1;
    return ODEON_OK;
}

static void pinned_free(void *device, void *memory)
{
    stream_device *d = device;
    if (memory == NULL) {
        return;
    }
    pinned_block *block = (pinned_block *)memory - 1;
    (void)pthread_mutex_lock(&d->lock);
    pinned_block **link = &d->pinned;
    while (*link != block) {
        link = &(*link)->next;
    }
    *link = block->next;
    (void)pthread_mutex_unlock(&d->lock);
    d->host->free(d->host, block);
}

int32_t stream_is_pinned(stream_device *d, const void *memory, uint64_t bytes)
{
    int32_t found = 0;
    uintptr_t at = (uintptr_t)memory;
    (void)pthread_mutex_lock(&d->lock);
    for (pinned_block *block = d->pinned; block != NULL && !found; block = block->next) {
        uintptr_t begin = (uintptr_t)(block + 1);
        found = at >= begin && at - begin <= block->bytes && bytes <= block->bytes - (at - begin);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return found;
}

const odeon_device_pinned stream_pinned = {
    .struct_size = sizeof stream_pinned,
    .alloc = pinned_alloc,
    .free = pinned_free,
};
