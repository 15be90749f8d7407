/* card_memory.h: memory of the GPU, and of the host for its copies. */
#ifndef ODEON_CUDA_CARD_MEMORY_H
#define ODEON_CUDA_CARD_MEMORY_H
#include "cuda.h"
#include "odeon/device_ext.h"

odeon_status cuda_alloc(void *device, uint64_t bytes, void **out);
void cuda_free(void *device, void *memory);
void cuda_free_block(const cuda_device *d, cuda_block *block); /* one that is in no list */
extern const odeon_device_memory cuda_memory;
extern const odeon_device_pinned cuda_pinned;

#endif
