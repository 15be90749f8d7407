/* prefetch.h: a thread that brings samples of a batch to come to the device, on a queue of its own,
 * while the batch before it is worked on. */
#ifndef ODEON_CORE_DATA_PREFETCH_H
#define ODEON_CORE_DATA_PREFETCH_H
#include "data/staging.h"

typedef struct prefetch prefetch;

/* rank: of the worker that it reads for, whose thread makes all calls. ODEON_ERR_NOMEM or what the
 * device says. */
odeon_status prefetch_create(const odeon_device *device, int32_t rank, prefetch **out);
void prefetch_destroy(prefetch *r); /* waits for what is under way; NULL is allowed */

/* Begins to read samples indices[0 .. n-1], which are copied, into to, which is of pinned memory
 * and has room for them, and the reader's until prefetch_end. Nothing may be under way.
 * ODEON_ERR_NOMEM. */
odeon_status prefetch_begin(prefetch *r, const data_source *source, int64_t n,
                            const int64_t *indices, staging *to);
/* Waits until nothing is under way. */
void prefetch_end(prefetch *r);
/* Is what was read last just that? It is given out once; *status says whether it went well, with
 * the message that it had. Nothing may be under way. */
bool prefetch_take(prefetch *r, const data_source *source, int64_t n, const int64_t *indices,
                   odeon_status *status);

#endif
