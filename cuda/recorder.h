/* recorder.h: a queue that records: who it is, what it cannot take, and what spoils it. */
#ifndef ODEON_CUDA_RECORDER_H
#define ODEON_CUDA_RECORDER_H
#include "cuda.h"

/* Of a call's status: a failure spoils what the queue records. Returns it. */
odeon_status cuda_spoil(cuda_queue *queue, odeon_status status);
/* device_fail of ops.h, which spoils what the queue records too. */
__attribute__((format(printf, 3, 4))) odeon_status cuda_fail(cuda_queue *queue, odeon_status status,
                                                             const char *format, ...);
/* ODEON_ERR_DEVICE, and the recording is spoilt, if the queue records. */
odeon_status cuda_refuse(cuda_queue *queue, const char *name);
/* The queue that this thread records on, or NULL. */
cuda_queue *cuda_recorder(cuda_device *d);
/* Keeps block, which is to be freed, until the queue records no longer. */
void cuda_free_later(cuda_queue *queue, cuda_block *block);

#endif
