/* batch.h: a worker's part in a batch, from samples to new parameters. */
#ifndef ODEON_CORE_SESSION_BATCH_H
#define ODEON_CORE_SESSION_BATCH_H
#include "session/request.h"
#include "session/worker.h"

/* Called on all workers at once. A failure of one is a failure of all. */
odeon_status batch_run(worker *w, batch *b);

#endif
