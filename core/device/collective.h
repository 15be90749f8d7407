/* collective.h: collectives between workers, which are threads of one process; implements
 * group.h. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_H
#define ODEON_CORE_DEVICE_COLLECTIVE_H
#include <stdatomic.h>

#include "odeon/group.h"
#include "plugin/calling.h"

/* The most workers of a run, also the limit of run.workers = auto. Nothing here is sized by it but
 * arrays on the stack; OpenBLAS 0.3.21 serves that many concurrent callers with room to spare. */
#define COLLECTIVE_MAX_WORKERS 256

/* The state that size workers share. */
typedef struct collective collective;
odeon_status collective_create(int32_t size, collective **out);
void collective_destroy(collective *m); /* NULL is allowed */

/* One worker's side of the collective. abi is passed to plugins. */
typedef struct worker_group {
    odeon_group abi; /* abi.self is this structure */
    collective *collective;
    const odeon_device *device;
    uint64_t calls; /* exchanges so far */
    /* failure that a collective has returned on all workers; ODEON_OK: none */
    odeon_status delivered;
    double values[2][ODEON_SLOTS]; /* read by the others; two, used in turn */
    /* Written by this worker, read by those that wait for it: */
    calling_board board;  /* shows which plugin call this worker's thread is in */
    atomic_uint waits_in; /* kind of the collective it waits in; 0: none */
    atomic_bool is_done;  /* finished with its part of the job */
} worker_group;

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

/* The callback runs once, on a waiting worker's thread, when no worker has entered or left a plugin
 * call for seconds; message says who waits where for whom. If it returns, the collective fails with
 * ODEON_ERR_PLUGIN. seconds 0: wait for ever. */
typedef void (*collective_stuck)(void *context, const char *message);
void collective_set_patience(collective *m, double seconds, collective_stuck stuck, void *context);

#endif
