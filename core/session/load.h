/* load.h: a worker's slice of a batch, from the data set or the caller's memory to the device. */
#ifndef ODEON_CORE_SESSION_LOAD_H
#define ODEON_CORE_SESSION_LOAD_H
#include "session/request.h"
#include "session/worker.h"

/* Loads samples first .. first + n - 1 of the batch into w->fields, the input through the
 * transforms, and begins to read what b says is next. A collective (shared_fields.h). */
odeon_status load_slice(worker *w, const batch *b, const odeon_layer_call *call, int64_t first,
                        int64_t n);

/* At the end of a batch of this status: waits for what is read ahead, so that nothing is under way
 * while the caller has the turn. */
void load_end(worker *w, odeon_status status);

void load_fini(worker *w); /* frees what the calls above have made */

#endif
