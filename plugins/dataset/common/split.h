/* split.h: rows divided at random into those to train on and those to test on. */
#ifndef ODEON_DATASET_COMMON_SPLIT_H
#define ODEON_DATASET_COMMON_SPLIT_H
#include "odeon/host.h"

/* How many of n rows a fraction in [0, 1) holds back: the nearest whole number. */
int64_t split_test_rows(int64_t n, double fraction);

/* The rows of a split (ODEON_SPLIT_*), in rising order: those to test on are the first
 * split_test_rows of random_permutation(seed, 0, n). Fraction 0 holds nothing back: both splits
 * then are all rows. *rows is the caller's, host->free. ODEON_ERR_DATA if a split would have no
 * rows (name is whose rows they are), ODEON_ERR_NOMEM; *rows is then NULL. */
odeon_status split_rows(const odeon_host *host, const char *name, int64_t n, double fraction,
                        uint64_t seed, int32_t split, int64_t **rows, int64_t *n_rows);

#endif
