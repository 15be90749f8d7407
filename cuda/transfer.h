/* transfer.h: what is copied on a worker's stream, to the GPU and back. */
#ifndef ODEON_CUDA_TRANSFER_H
#define ODEON_CUDA_TRANSFER_H
#include "cuda.h"

/* Of a queue's pinned memory: what is read back at once, and what is uploaded from. */
enum { READBACK_BYTES = 1 << 16, STAGING_BYTES = 1 << 16 };

odeon_status cuda_upload(odeon_queue *queue, void *destination, const void *source, uint64_t bytes);
odeon_status cuda_download(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status cuda_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values);
odeon_status cuda_wait(odeon_queue *queue);

#endif
