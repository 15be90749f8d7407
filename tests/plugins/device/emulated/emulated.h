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

struct odeon_queue {
    emulated_device *device;
    uint32_t order; /* of blocks and threads */
    unsigned char *scratch, *shared;
};

extern const odeon_device_ops emulated_ops;

/* queue.c */
odeon_status emulated_queue_create(void *device, int32_t worker, odeon_queue **out);
void emulated_queue_destroy(odeon_queue *queue);

#endif
