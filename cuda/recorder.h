/* recorder.h: a queue that records: who it is, what it cannot take, and what spoils it. */
#ifndef ODEON_CUDA_RECORDER_H
#define ODEON_CUDA_RECORDER_H
#include "cuda.h"

/* Of a call's status: a failure spoils what the queue records. Returns it. */
odeon_status cuda_spoil(odeon_queue *queue, odeon_status status);
/* ODEON_ERR_DEVICE, and the recording is spoilt, if the queue records. */
odeon_status cuda_refuse(odeon_queue *queue, const char *name);
/* The queue that this thread records on, or NULL. */
odeon_queue *cuda_recorder(cuda_device *d);
/* Keeps block, which is to be freed, until the queue records no longer. */
void cuda_free_later(odeon_queue *queue, cuda_block *block);

#endif
