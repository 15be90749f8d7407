/* statistics.h: means of repeated figures, and how they are written. */
#ifndef ODEON_CORE_RUN_STATISTICS_H
#define ODEON_CORE_RUN_STATISTICS_H
#include <stddef.h>

typedef struct statistics {
    size_t n;         /* values that are finite */
    double mean;      /* NAN of none */
    double deviation; /* of a sample, divided by n - 1; NAN of fewer than two */
} statistics;

/* Of n values, of which those that are not finite are left out. */
statistics statistics_of(size_t n, const double *values);

/* "0.8712 ± 0.0034": the deviation with two significant digits and the mean to the same decimal
 * place. Without a deviation the mean alone, "-" of nothing. Returns text. */
enum { STATISTICS_TEXT_BYTES = 80 };
const char *statistics_text(const statistics *x, char text[STATISTICS_TEXT_BYTES]);

#endif
