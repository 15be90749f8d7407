/* stream_access.h: how other plugins launch on a queue. */
#ifndef ODEON_CUDA_STREAM_ACCESS_H
#define ODEON_CUDA_STREAM_ACCESS_H
#include "cuda.h"

extern const odeon_device_cuda cuda_stream_access;

#endif
