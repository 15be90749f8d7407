/* collective_state.h: what the threads of a collective share, for its own files. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_STATE_H
#define ODEON_CORE_DEVICE_COLLECTIVE_STATE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/diag.h"
#include "device/collective_types.h"

/* What a worker contributes to an exchange. There are two buffers, used in turn: a fast worker may
 * write its next offer while a slow one still reads this one, but the barrier keeps it from getting
 * further ahead. */
typedef struct offer {
    odeon_status status;
    uint32_t kind;
    uint64_t call;
    calling caller;
    const void *data;
    char message[DIAG_MESSAGE_BYTES];
} offer;

/* Threads meet in barrier: the last to arrive raises generation, on which the others wait. Offers
 * need no lock, since the barrier separates writing from reading. lock guards wake and the change
 * to is_broken; verdict and message are written before is_broken and constant afterwards. */
struct collective {
    int32_t size;
    atomic_uint arrived, generation;
    atomic_uint done; /* workers that have finished their part of the job */
    atomic_bool is_broken;
    odeon_status verdict; /* the failure that broke the job, written before is_broken */
    char message[DIAG_MESSAGE_BYTES];
    double patience; /* seconds without activity before a wait is given up; 0: never */
    collective_stuck stuck;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* uses CLOCK_MONOTONIC */
    worker_group **groups;
    offer *offers[2];
};

/* The phases at which workers synchronize. A sum of large tensors has two or three: publish them,
 * add up the shares, copy the sums. It has kinds of its own, so that a plugin whose tensors differ
 * in size between workers is found out. KIND_END is the end of a job. */
enum {
    KIND_NONE = 0,
    KIND_SUM,
    KIND_SUM_LARGE,
    KIND_SUM_DONE,
    KIND_SUM_COPIED,
    KIND_SLOTS,
    KIND_AGREE,
    KIND_END
};

#endif
