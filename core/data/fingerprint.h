/* fingerprint.h: are the samples of a split those of another day? */
#ifndef ODEON_CORE_DATA_FINGERPRINT_H
#define ODEON_CORE_DATA_FINGERPRINT_H
#include "data/data.h"

/* A number >= 0 that follows from what the samples in use are: their count, the shape and dtype of
 * their fields, and their bytes as the data set gives them, in the order that it or data.order has
 * them in. Of samples that take more than 256 MiB together so many are read as 256 MiB hold,
 * evenly spread from the first to the last: a change between them is not noticed. About 0.1 s for
 * 256 MiB that are in memory. Finds accidents, not forgery. ODEON_ERR_NOMEM, and what the data set
 * says of a sample. [main] */
odeon_status data_fingerprint(const data_source *source, int64_t *out);

#endif
