/* remote.h: a device for tests, whose memory the host cannot touch; streams (stream.h) stand in
 * front of it.
 *
 * It computes as the CPU device does, on memory.h. Every address that an operator is given is
 * checked and translated; one that is not the device's own is ODEON_ERR_INTERNAL with the
 * operator's name, so passing host memory shows. */
#ifndef ODEON_REMOTE_H
#define ODEON_REMOTE_H
#include "memory.h"
#include "odeon/device.h"

typedef struct remote_device {
    const odeon_host *host;
    void *cpu; /* a CPU device, which computes */
    remote_memory memory;
} remote_device;

extern const odeon_device_ops remote_ops;

odeon_status remote_create(const odeon_host *host, const odeon_config *config, void **out);
void remote_destroy(void *self);

/* Set-up and transfer, in remote.c; the operators are in operators.c and learning.c. */
odeon_status remote_probe(void *device);
odeon_status remote_describe(void *device, char *text, uint64_t bytes);
odeon_status remote_queue_create(void *device, int32_t worker, odeon_queue **out);
void remote_queue_destroy(odeon_queue *queue);
odeon_status remote_alloc(void *device, uint64_t bytes, void **out);
void remote_free(void *device, void *memory);
odeon_status remote_upload(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status remote_download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes);
odeon_status remote_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values);
odeon_status remote_wait(odeon_queue *queue);
const void *remote_extension(void *device, const char *id);

/* *out = where the CPU device reaches bytes at shown. ODEON_ERR_INTERNAL if they are not the
 * device's own, or if anything wrote behind a block. */
odeon_status remote_reach(const odeon_queue *queue, const char *name, const void *shown,
                          uint64_t bytes, void **out);

/* x as the CPU device sees it. An empty tensor may stand anywhere: nothing is read or written. */
odeon_status remote_tensor(const odeon_queue *queue, const char *name, const odeon_tensor *x,
                           odeon_tensor *out);
/* The same for what may be left out: *out is then NULL, else storage. */
odeon_status remote_optional(const odeon_queue *queue, const char *name, const odeon_tensor *x,
                             odeon_tensor *storage, const odeon_tensor **out);

/* The queue of the CPU device behind a queue of this one. */
odeon_queue *remote_cpu_queue(const odeon_queue *queue);

/* learning.c */
odeon_status remote_dropout(odeon_queue *queue, uint64_t key, int64_t first, double p,
                            const odeon_tensor *x, const odeon_tensor *y);
odeon_status remote_window2d(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                             int64_t first_sample, const odeon_tensor *x, const odeon_tensor *y);
odeon_status remote_window2d_vjp(odeon_queue *queue, const odeon_window2d *geometry, uint64_t key,
                                 int64_t first_sample, const odeon_tensor *dy,
                                 const odeon_tensor *dx);
odeon_status remote_softmax_cross_entropy(odeon_queue *queue, const odeon_tensor *x,
                                          const odeon_tensor *labels, double weight,
                                          const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status remote_difference_loss(odeon_queue *queue, int32_t kind, double beta,
                                    const odeon_tensor *x, const odeon_tensor *target,
                                    const odeon_tensor *mask, double weight,
                                    const odeon_tensor *sums, const odeon_tensor *dx);
odeon_status remote_sgd_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                             const odeon_tensor *v, double lr, double momentum, double decay,
                             int32_t nesterov, int32_t first);
odeon_status remote_adam_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                              const odeon_tensor *m, const odeon_tensor *v,
                              const odeon_adam *constants);
odeon_status remote_rmsprop_step(odeon_queue *queue, const odeon_tensor *p, const odeon_tensor *g,
                                 const odeon_tensor *v, const odeon_tensor *mean,
                                 const odeon_tensor *buffer, const odeon_rmsprop *constants);

#endif
