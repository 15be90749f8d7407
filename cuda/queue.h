/* queue.h: a worker's stream, and what is copied on it. */
#ifndef ODEON_CUDA_QUEUE_H
#define ODEON_CUDA_QUEUE_H
#include "cuda.h"

odeon_status cuda_queue_create(void *self, int32_t worker, void **out);
void cuda_queue_destroy(void *self, void *handle);
odeon_status cuda_upload(odeon_queue *queue, void *destination, const void *source, uint64_t bytes);
odeon_status cuda_download(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status cuda_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values);
odeon_status cuda_wait(odeon_queue *queue);

#endif
