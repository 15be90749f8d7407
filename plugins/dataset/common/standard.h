/* standard.h: means and deviations of columns, fitted on the rows of the training split. */
#ifndef ODEON_DATASET_COMMON_STANDARD_H
#define ODEON_DATASET_COMMON_STANDARD_H
#include "odeon/host.h"

/* Column i of a table becomes (x - mean[i]) / deviation[i]. */
typedef struct standard {
    int32_t n;
    double *mean, *deviation; /* [n] each, in one block; NULL: nothing is fitted */
} standard;

/* A table of numbers, of which NaN is none, and what its rows are used for. */
typedef struct standard_rows {
    const double *value; /* [n_rows, width] */
    int64_t n_rows;
    int32_t width;
    const uint8_t *split; /* [n_rows]: ODEON_SPLIT_*; only training counts */
} standard_rows;

/* Memory for n columns of mean 0 and deviation 1. ODEON_ERR_NOMEM. */
odeon_status standard_make(const odeon_host *host, int32_t n, standard *out);
/* Fits column `column` of the table as number `at`: the mean and the root of the mean square
 * around it. *is_constant: not 0 where there is no spread to divide by; nothing is fitted then. */
void standard_fit(const standard_rows *rows, int32_t column, standard *s, int32_t at,
                  int32_t *is_constant);
/* What is wrong with a column, for that *is_constant: "is the same in ...". */
const char *standard_refusal(int32_t is_constant);
void standard_free(const odeon_host *host, standard *s);
static inline double standard_apply(const standard *s, int32_t at, double x)
{
    return s->mean == NULL ? x : (x - s->mean[at]) / s->deviation[at];
}

#endif
