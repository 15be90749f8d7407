/* collective.h: collectives between workers, which are threads of one process; implements
 * group.h. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_H
#define ODEON_CORE_DEVICE_COLLECTIVE_H
#include "device/collective_types.h"

odeon_status collective_create(int32_t size, collective **out);
void collective_destroy(collective *m); /* NULL is allowed */

/* ---- jobs, in which workers may call collectives ----
 *
 * If a worker waits for one that has finished its part of the job, or two are in different
 * collectives, the collective fails at once on all workers with ODEON_ERR_PLUGIN and the names of
 * the callers. After a failure further collectives return its status without waiting until
 * worker_group_resolve. */

/* Call before a job, while no worker runs one. */
void collective_begin_job(collective *m);
/* Each worker calls this when it has finished its part; rank 0 then waits for the others. */
void collective_end_job(worker_group *group);

/* How long a wait may last without any activity, and what is called then (collective_stuck). */
void collective_set_patience(collective *m, double seconds, collective_stuck stuck, void *context);

#endif
