/* location.h: where a piece of configuration stands, and failures that say so. */
#ifndef ODEON_CORE_BASE_LOCATION_H
#define ODEON_CORE_BASE_LOCATION_H
#include "odeon/status.h"

/* Where a piece of configuration stands: "odenet.ini:12", or "override train.lr=1". */
typedef struct location {
    const char *file; /* lives as long as the configuration; NULL: a default */
    int line;         /* 0: none */
} location;

/* Records "odenet.ini:12: [section] ..." and returns ODEON_ERR_CONFIG; section NULL: without. */
odeon_status location_fail(location where, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the place before the message of a failure that somebody else has recorded; returns status.
 */
odeon_status location_prefix(odeon_status status, location where, const char *section);

#endif
