/* worker_group.h: what a worker calls of a collective: the table of group.h, and failures. */
#ifndef ODEON_CORE_DEVICE_WORKER_GROUP_H
#define ODEON_CORE_DEVICE_WORKER_GROUP_H
#include "device/collective_types.h"

void worker_group_init(worker_group *group, collective *m, const odeon_device *device, int32_t rank,
                       int32_t size);

/* Releases what sums have used, of the device that the group was made with. */
void worker_group_fini(worker_group *group);

/* Called where a failure is handled: shares one that the other workers do not know of yet with them
 * (agree). Returns the worst status of all; does nothing for status 0. */
odeon_status worker_group_share(worker_group *group, odeon_status status);
/* The shared failure has been handled, by retrying the step or ending the batch; collectives work
 * again. */
void worker_group_resolve(worker_group *group);

#endif
