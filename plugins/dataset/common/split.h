/* split.h: divide rows, or whole groups of rows, among training, validation and test. */
#ifndef ODEON_DATASET_COMMON_SPLIT_H
#define ODEON_DATASET_COMMON_SPLIT_H
#include "odeon/host.h"

/* How rows are chosen, in the order of the choices of the option `split`. */
enum { SPLIT_RANDOM = 0, SPLIT_STRATIFIED = 1, SPLIT_LAST = 2 };

/* Of n rows, or groups of rows, the test split gets the share `test` and the validation split the
 * share `validation`, each rounded to nearest; with folds > 0 the test split is part fold, from 1,
 * of as many equal parts. */
typedef struct split_plan {
    const char *name; /* of the data, for messages */
    int64_t how;      /* SPLIT_*: last takes the test rows from the end, validation before them */
    double test, validation;
    int64_t fold, folds;
    uint64_t seed;
    const double *group; /* [n]: whole numbers from 0; rows of one group stay together; or NULL */
    const double *class; /* [n]: whole numbers from 0, which stratified keeps in proportion */
} split_plan;

/* Number of test rows for a fraction in [0, 1) of n rows, rounded to nearest. */
int64_t split_test_rows(int64_t n, double fraction);
/* "2/5": part 2 of 5. text NULL: 0 of 0. ODEON_ERR_CONFIG, also where there is a file of its own
 * to test on (NULL: none), as the part would then serve nothing. */
odeon_status split_parse_fold(const odeon_host *host, const char *text, const char *test_path,
                              int64_t *fold, int64_t *folds);
/* Writes which split each of n rows belongs to: split is [n], ODEON_SPLIT_*. ODEON_ERR_NOMEM. */
odeon_status split_assign(const odeon_host *host, const split_plan *plan, int64_t n,
                          uint8_t *split);
/* The rows of a split in ascending order; where no row is for testing (fraction 0) the test split
 * is all rows. The caller frees *rows with host->free. ODEON_ERR_DATA if the split would be empty,
 * ODEON_ERR_NOMEM; *rows is then NULL. */
odeon_status split_pick(const odeon_host *host, const split_plan *plan, int64_t n,
                        const uint8_t *split, int32_t which, int64_t **rows, int64_t *n_rows);

#endif
