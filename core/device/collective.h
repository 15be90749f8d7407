/* collective.h: the workers' collectives over threads of one process: how group.h is kept here. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_H
#define ODEON_CORE_DEVICE_COLLECTIVE_H
#include <stdatomic.h>

#include "odeon/group.h"
#include "plugin/calling.h"

/* The most workers of a run: run.workers, and what auto chooses. Tables go by the run's own number;
 * 256 is what OpenBLAS 0.3.21 serves side by side, with room to spare. */
#define COLLECTIVE_MAX_WORKERS 256

/* Where size workers meet. */
typedef struct collective collective;
odeon_status collective_create(int32_t size, collective **out);
void collective_destroy(collective *m); /* NULL is allowed */

/* One worker's side of it. abi is what plugins are given. */
typedef struct worker_group {
    odeon_group abi; /* abi.self is this structure */
    collective *collective;
    const odeon_device *device;
    uint64_t calls;                /* collectives so far */
    odeon_status delivered;        /* a collective has told all workers of this failure */
    double values[2][ODEON_SLOTS]; /* offered to the others, in turn */
    /* Written by the worker, read by those that wait for it: */
    calling_board board;  /* on which its thread shows its calls during a job */
    atomic_uint waits_in; /* the kind of the collective under way; 0: none */
    atomic_bool is_done;  /* with its part of the job */
} worker_group;

void worker_group_init(worker_group *group, collective *m, const odeon_device *device, int32_t rank,
                       int32_t size);

/* Called where a failure ends its way up: one that the others do not know of yet is told to them
 * (agree). Returns the worst status of all; status 0 makes no call. */
odeon_status worker_group_share(worker_group *group, odeon_status status);
/* The failure that all know of has been dealt with: a void step is tried again, a batch is over. */
void worker_group_resolve(worker_group *group);

/* ---- jobs, in which workers may call collectives ----
 *
 * A worker that waits for one that is done with its job waits in vain: the collective fails at once
 * on all that are in it, ODEON_ERR_PLUGIN naming the callers. So it does where workers are in
 * different collectives. Once a collective has failed, those behind it give its status without
 * waiting until worker_group_resolve. */

/* Before a job, while no worker is in one. */
void collective_begin_job(collective *m);
/* A worker has done its part; rank 0 then waits for the others. */
void collective_end_job(worker_group *group);

/* Called from any worker's thread, once, when no other has called or left a plugin's slot for
 * seconds while this one waited; message says who waits where for whom. Where it returns the
 * collective fails with ODEON_ERR_PLUGIN. seconds 0: never. */
typedef void (*collective_stuck)(void *context, const char *message);
void collective_set_patience(collective *m, double seconds, collective_stuck stuck, void *context);

#endif
