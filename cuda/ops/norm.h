/* norm.h: sums and statistics over channels, which stand with the normalizations. */
#ifndef ODEON_CUDA_OPS_NORM_H
#define ODEON_CUDA_OPS_NORM_H
#include "odeon/device_fused.h"
#include "odeon/device_product.h"

/* Of family product. */
odeon_status ops_channel_sum(odeon_queue *queue, const odeon_channel_sum *call);
/* Of device_fused.h. */
odeon_status ops_batch_statistics(odeon_queue *queue, const odeon_batch_statistics *call);

#endif
