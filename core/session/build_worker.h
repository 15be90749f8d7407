/* build_worker.h: a worker comes to be and goes. */
#ifndef ODEON_CORE_SESSION_BUILD_WORKER_H
#define ODEON_CORE_SESSION_BUILD_WORKER_H
#include "session/worker.h"

/* Queue, networks, losses and optimizer. w starts as {0} and is for worker_destroy, on failure too.
 * Rank 0 comes first: its networks fill the model's parameters. */
odeon_status worker_create(model *m, int32_t rank, worker *w);
void worker_destroy(worker *w);

/* The memory that depends on all parameters being known; then the networks know where theirs lie.
 */
odeon_status worker_bind(worker *w);

#endif
