/* collective_wait.h: how workers wait for one another, and when they give up. */
#ifndef ODEON_CORE_DEVICE_COLLECTIVE_WAIT_H
#define ODEON_CORE_DEVICE_COLLECTIVE_WAIT_H
#include "device/collective_state.h"

/* "sum" of KIND_SUM. */
const char *collective_kind_name(unsigned kind);
/* Waits until all workers have arrived; false if the job broke up, so that some never will.
 * generation is read before arriving: afterwards the barrier may open at any time. */
bool collective_barrier(worker_group *group, unsigned kind);
/* Rank 0 waits for the end of the others here rather than in a join, so that a stuck worker is
 * noticed. */
void collective_await_done(worker_group *group);
/* Fails the job if all workers that have not finished it wait in a collective. */
void collective_end_deadlock(collective *m);

#endif
