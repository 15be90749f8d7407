/* worker_sum.h: tensors become their sums over the workers. */
#ifndef ODEON_CORE_DEVICE_WORKER_SUM_H
#define ODEON_CORE_DEVICE_WORKER_SUM_H
#include "device/collective_types.h"

/* The most tensors of one call. */
enum { WORKER_SUM_MOST = 4 };

/* odeon_group's sum. */
odeon_status worker_sum(void *self, odeon_queue *queue, const odeon_tensor *x, odeon_status mine);
/* The same for n tensors, which may differ in shape and dtype, by one collective. */
odeon_status worker_sum_all(worker_group *group, odeon_queue *queue, int32_t n,
                            const odeon_tensor *const *x, odeon_status mine);

/* Makes room, so that sums of up to bytes over all tensors of a call, the same number on all
 * workers, need no more than two exchanges. Before any job, by every worker. */
odeon_status worker_sum_reserve(worker_group *group, int64_t bytes);

#endif
