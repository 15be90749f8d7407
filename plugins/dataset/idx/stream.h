/* stream.h: read a source that is plain or gzip, of one or several members; told apart by the first
 * two bytes, not by the name. */
#ifndef ODEON_DATASET_IDX_STREAM_H
#define ODEON_DATASET_IDX_STREAM_H
#include "odeon/host.h"
#include "source.h"

typedef struct idx_stream idx_stream;

/* Borrows host and source until close. Errors: ODEON_ERR_IO, ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status idx_stream_open(const odeon_host *host, const idx_source *source, idx_stream **out);
void idx_stream_close(idx_stream *s);

/* Reads bytes; *got is less only at the end of the contents. ODEON_ERR_DATA for gzip data that is
 * damaged or cut off. */
odeon_status idx_stream_read(idx_stream *s, void *out, uint64_t bytes, uint64_t *got);
/* Call at the expected end. ODEON_ERR_DATA if the contents go on, gzip's checksum is wrong, or
 * anything follows the gzip data. */
odeon_status idx_stream_finish(idx_stream *s);

/* Upper bound on the size of the contents from the size of the file: deflate compresses at most
 * 1032:1. */
uint64_t idx_stream_bound(const idx_stream *s);

#endif
