/* split.h: divide rows at random into a training and a test split. */
#ifndef ODEON_DATASET_COMMON_SPLIT_H
#define ODEON_DATASET_COMMON_SPLIT_H
#include "odeon/host.h"

/* Number of test rows for a fraction in [0, 1) of n rows, rounded to nearest. */
int64_t split_test_rows(int64_t n, double fraction);

/* Returns the rows of a split (ODEON_SPLIT_*) in ascending order; test rows are the first
 * split_test_rows of random_permutation(seed, 0, n). With fraction 0 both splits are all rows. The
 * caller frees *rows with host->free. ODEON_ERR_DATA if the split would be empty (name names the
 * data in the message), ODEON_ERR_NOMEM; *rows is then NULL. */
odeon_status split_rows(const odeon_host *host, const char *name, int64_t n, double fraction,
                        uint64_t seed, int32_t split, int64_t **rows, int64_t *n_rows);

#endif
