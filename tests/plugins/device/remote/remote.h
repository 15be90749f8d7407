/* remote.h: a CPU device whose memory the host cannot touch; streams (stream.h) stand in front of
 * it.
 *
 * Every address that an operator is given is checked and translated; one that is not the device's
 * own is ODEON_ERR_INTERNAL with the operator's name, so passing host memory shows. */
#ifndef ODEON_REMOTE_H
#define ODEON_REMOTE_H
#include "memory.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "operators.h"

typedef struct remote_options {
    int64_t memory, blas, simd;
} remote_options;

typedef struct remote_device {
    const odeon_host *host;
    void *cpu; /* a CPU device, which computes on memory */
    remote_memory memory;
} remote_device;

odeon_status remote_open(const odeon_host *host, const remote_options *options,
                         remote_device *device);
void remote_close(remote_device *device);

/* *out = where the CPU device reaches bytes at shown. ODEON_ERR_INTERNAL if they are not the
 * device's own, or if anything wrote behind a block. */
odeon_status remote_reach(const remote_device *device, const char *name, const void *shown,
                          uint64_t bytes, void **out);

/* What the CPU device behind needs, whose ways of computing convolutions are its own. */
uint64_t remote_conv2d_scratch(const remote_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w);
uint64_t remote_conv2d_fused_scratch(const remote_device *device,
                                     const odeon_conv_geometry *geometry, const odeon_shape *x,
                                     const odeon_shape *w);

uint64_t remote_dense_vjp_scratch(const remote_device *device, const odeon_shape *x,
                                  const odeon_shape *w);

/* Replaces all device addresses of an opened call (operators.h) by those where the CPU device
 * reaches them. An empty tensor may stand anywhere: nothing is read or written. */
odeon_status remote_reach_call(const remote_device *device, const call_operator *op, void *call);

#endif
