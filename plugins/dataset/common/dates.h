/* dates.h: calendar dates as numbers. */
#ifndef ODEON_DATASET_COMMON_DATES_H
#define ODEON_DATASET_COMMON_DATES_H
#include <stdbool.h>

/* Seconds from 1970-01-01 00:00 UTC, without leap seconds, to a date of ISO 8601: YYYY-MM-DD, then,
 * if wanted, a blank or T and HH:MM or HH:MM:SS or HH:MM:SS.FRACTION, then Z or +HH:MM or -HH:MM,
 * which shift it. False for what is none, or for a day that does not exist. */
bool date_parse(const char *text, double *seconds);

#endif
