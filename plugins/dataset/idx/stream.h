/* stream.h: what is in a file that is stored as it is or as gzip, of one member or several; the
 * first two bytes tell which, not the name. */
#ifndef ODEON_DATASET_IDX_STREAM_H
#define ODEON_DATASET_IDX_STREAM_H
#include "odeon/host.h"
#include "source.h"

typedef struct idx_stream idx_stream;

/* Borrows host and source until close. ODEON_ERR_IO, ODEON_ERR_DATA, ODEON_ERR_NOMEM. */
odeon_status idx_stream_open(const odeon_host *host, const idx_source *source, idx_stream **out);
void idx_stream_close(idx_stream *s);

/* Reads up to bytes; *got is less only where the contents end. A gzip that is cut off or damaged is
 * ODEON_ERR_DATA. */
odeon_status idx_stream_read(idx_stream *s, void *out, uint64_t bytes, uint64_t *got);
/* To be called at the end of the contents: ODEON_ERR_DATA if they go on, if gzip's check sum is
 * wrong, or if anything follows it. */
odeon_status idx_stream_finish(idx_stream *s);

/* The most that the contents can be, from the size of the file: deflate packs 1032:1 at best. */
uint64_t idx_stream_bound(const idx_stream *s);

#endif
