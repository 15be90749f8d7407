/* location.h: the position of an entry in the configuration, and failures that name it. */
#ifndef ODEON_CORE_BASE_LOCATION_H
#define ODEON_CORE_BASE_LOCATION_H
#include "odeon/status.h"

/* The position of an entry: "odenet.ini:12", or "override train.lr=1" from the command line. */
typedef struct location {
    const char *file; /* borrowed from the configuration; NULL: a default value */
    int line;         /* 0: no line number */
} location;

/* Records "odenet.ini:12: [section] ..." and returns ODEON_ERR_CONFIG. section NULL leaves
 * "[section]" out. */
odeon_status location_fail(location where, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prefixes a message already recorded for status with the position and section; returns status. */
odeon_status location_prefix(odeon_status status, location where, const char *section);

#endif
