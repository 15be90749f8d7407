/* queue.h: a worker's stream, and what stands ready for it. */
#ifndef ODEON_CUDA_QUEUE_H
#define ODEON_CUDA_QUEUE_H
#include "cuda.h"

odeon_status cuda_queue_create(void *self, int32_t worker, void **out);
void cuda_queue_destroy(void *self, void *handle);

#endif
