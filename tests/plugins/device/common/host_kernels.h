/* host_kernels.h: how a plugin launches a function of its own on a queue of the devices made for
 * tests, `remote` and `emulated`: for them what odeon/cuda.h is for the device `cuda`. */
#ifndef ODEON_TESTS_HOST_KERNELS_H
#define ODEON_TESTS_HOST_KERNELS_H
#include "odeon/device.h"

/* Most bytes of arguments. */
enum { HOST_KERNEL_BYTES = 1024 };

/* What a function is given to follow addresses of the device. */
typedef struct host_kernel_memory {
    const void *device; /* the device's own */
    /* Where bytes at address are in reach, or NULL if they are not all memory of the device. */
    void *(*reach)(const struct host_kernel_memory *memory, const void *address, uint64_t bytes);
} host_kernel_memory;

/* Runs when its turn among the queue's operators comes, perhaps on another thread, perhaps more
 * than once. ODEON_OK, or a status without a message: the device makes one. */
typedef odeon_status host_kernel(const host_kernel_memory *memory, const void *arguments);

#define HOST_KERNELS "odeon.tests.host_kernels/1"
typedef struct host_kernels {
    uint32_t struct_size, reserved0;
    /* One launch of function, on a copy of the arguments: REPLAYABLE. [worker] */
    odeon_status (*enqueue)(odeon_queue *queue, host_kernel *function, const void *arguments,
                            uint64_t bytes);
} host_kernels;

#endif
