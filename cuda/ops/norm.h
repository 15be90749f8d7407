/* norm.h: sums over channels, which stand with the normalizations. */
#ifndef ODEON_CUDA_OPS_NORM_H
#define ODEON_CUDA_OPS_NORM_H
#include "odeon/device_product.h"

/* Of family product. */
odeon_status ops_channel_sum(odeon_queue *queue, const odeon_channel_sum *call);

#endif
