/* emulated.h: a device for tests, which runs the kernels of the device `cuda` on the host.
 *
 * launch() loops over blocks, phases and threads, in an order that differs from launch to launch.
 * Shared memory is NaN when a block starts and ends where its buffer ends, so that a sanitizer sees
 * what reaches too far; fresh device memory and scratch are NaN too. */
#ifndef ODEON_EMULATED_H
#define ODEON_EMULATED_H
#include <stdatomic.h>

#include "kernel_table.h"
#include "odeon/host.h"
#include "ops/ops.h"

typedef struct emulated_device {
    const odeon_host *host;
    _Atomic int64_t launches, waits, allocs, live_bytes;
} emulated_device;

/* What a queue's handle is. */
typedef struct emulated_queue {
    emulated_device *device;
    uint32_t order; /* of blocks and threads */
    unsigned char *scratch, *shared;
} emulated_queue;

static inline emulated_queue *emulated_queue_of(const odeon_queue *queue)
{
    return queue->handle;
}

/* queue.c */
odeon_status emulated_queue_create(void *self, int32_t worker, void **out);
void emulated_queue_destroy(void *self, void *handle);

#endif
