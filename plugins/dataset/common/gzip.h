/* gzip.h: unpack deflate data by the zlib of the system, which is loaded when it is first needed.
 */
#ifndef ODEON_DATASET_COMMON_GZIP_H
#define ODEON_DATASET_COMMON_GZIP_H
#include <stdbool.h>

#include "odeon/host.h"

/* Do the bytes begin as those of a gzip file? */
bool gzip_is_one(const char *data, uint64_t bytes);
/* Unpacks a gzip file of one member or several; *out, followed by a NUL, is freed by the caller
 * with host->free. name is for messages. ODEON_ERR_DATA for damaged data, or more than limit bytes
 * of it; ODEON_ERR_UNSUPPORTED without zlib; ODEON_ERR_NOMEM. */
odeon_status gzip_unpack(const odeon_host *host, const char *name, const char *data, uint64_t bytes,
                         uint64_t limit, char **out, uint64_t *out_bytes);
/* The same of raw deflate data, as in a zip file, that are out_bytes long when unpacked. */
odeon_status gzip_unpack_raw(const odeon_host *host, const char *name, const char *data,
                             uint64_t bytes, uint64_t out_bytes, char *out);

#endif
