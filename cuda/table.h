/* table.h: the device as its host sees it. */
#ifndef ODEON_CUDA_TABLE_H
#define ODEON_CUDA_TABLE_H
#include "odeon/device.h"

extern const odeon_device_ops cuda_device_ops;

#endif
