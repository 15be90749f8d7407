/* meeting.h: the workers' collectives over threads of one process: how group.h is kept here. */
#ifndef ODEON_CORE_MEETING_H
#define ODEON_CORE_MEETING_H
#include "odeon/group.h"

#define MEETING_MAX_WORKERS 32

/* Where size workers meet. */
typedef struct meeting meeting;
odeon_status meeting_create(int32_t size, meeting **out);
void meeting_destroy(meeting *m); /* NULL is allowed */

/* One worker's side of it. abi is what plugins are given. */
typedef struct worker_group {
    odeon_group abi; /* abi.self is this structure */
    meeting *meeting;
    const odeon_device *device;
    uint64_t calls;                /* collectives so far */
    odeon_status delivered;        /* a collective has told all workers of this failure */
    double values[2][ODEON_SLOTS]; /* offered to the others, in turn */
} worker_group;

void worker_group_init(worker_group *group, meeting *m, const odeon_device *device, int32_t rank,
                       int32_t size);

/* Called where a failure ends its way up: one that the others do not know of yet is told to them
 * (agree). Returns the worst status of all; status 0 makes no call. */
odeon_status worker_group_settle(worker_group *group, odeon_status status);
/* The failure that all know of has been dealt with: a void step is tried again, a batch is over. */
void worker_group_resolve(worker_group *group);

#endif
