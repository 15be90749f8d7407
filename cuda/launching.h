/* launching.h: how other plugins launch on a queue. */
#ifndef ODEON_CUDA_LAUNCHING_H
#define ODEON_CUDA_LAUNCHING_H
#include "cuda.h"

extern const odeon_device_cuda cuda_launching;

#endif
