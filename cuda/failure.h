/* failure.h: what is said of a GPU that does not do as it was asked. */
#ifndef ODEON_CUDA_FAILURE_H
#define ODEON_CUDA_FAILURE_H
#include "cuda.h"

/* 0 if all is well, else ODEON_ERR_NOMEM or ODEON_ERR_DEVICE with one line: what was
 * tried, the runtime's words, whether the GPU's context is lost, and what memory it has left. */
odeon_status cuda_check(const cuda_device *d, cudaError_t error, const char *what);
odeon_status cuda_check_alloc(const cuda_device *d, cudaError_t error, uint64_t bytes);
/* The same before the GPU is in use. */
odeon_status cuda_check_card(const cuda_device *d, cudaError_t error, const char *what);

/* Which GPU a thread speaks to is the thread's, and a queue may be made by another. */
odeon_status cuda_use_card(const cuda_device *d);

#endif
