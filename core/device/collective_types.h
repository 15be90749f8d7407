/* collective_types.h: the types of collectives between workers. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_TYPES_H
#define ODEON_CORE_DEVICE_COLLECTIVE_TYPES_H
#include <stdatomic.h>

#include "device/buffer.h"
#include "odeon/device_solver.h"
#include "odeon/group.h"
#include "plugin/calling.h"

/* The most workers of a run, also the limit of run.workers = auto. Nothing here is sized by it but
 * arrays on the stack; OpenBLAS 0.3.21 serves that many concurrent callers with room to spare. */
#define COLLECTIVE_MAX_WORKERS 256

/* The state that size workers share. */
typedef struct collective collective;

/* One worker's side of the collective. abi is passed to plugins. */
typedef struct worker_group {
    odeon_group abi; /* abi.self is this structure */
    collective *collective;
    const odeon_device *device;
    uint64_t calls; /* exchanges so far */
    /* failure that a collective has returned on all workers; ODEON_OK: none */
    odeon_status delivered;
    double values[2][ODEON_SLOTS]; /* read by the others; two, used in turn */
    device_buffer offered[2];      /* the same of small sums (worker_sum.c); */
    device_buffer total;           /* of large ones, rank 0's */
    int64_t total_bytes;           /* of the total; of all workers the same number */
    /* Written by this worker, read by those that wait for it: */
    calling_board board;  /* shows which plugin call this worker's thread is in */
    atomic_uint waits_in; /* kind of the collective it waits in; 0: none */
    atomic_bool is_done;  /* finished with its part of the job */
} worker_group;

/* The callback runs once, on a waiting worker's thread, when no worker has entered or left a plugin
 * call for seconds; message says who waits where for whom. If it returns, the collective fails with
 * ODEON_ERR_PLUGIN. seconds 0: wait for ever. */
typedef void (*collective_stuck)(void *context, const char *message);

#endif
