#include "split.h"

#include <math.h>
#include <stdlib.h>

#include "odeon/dataset.h"
#include "random.h"

int64_t split_test_rows(int64_t n, double fraction)
{
    return (int64_t)floor(fraction * (double)n + 0.5);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Ascending order, so that a split keeps the order of the file; shuffling is the host's task. */
odeon_status split_rows(const odeon_host *host, const char *name, int64_t n, double fraction,
                        uint64_t seed, int32_t split, int64_t **rows, int64_t *n_rows)
{
    int64_t test = split_test_rows(n, fraction), first = 0, last = n;
    *rows = NULL;
    if (fraction > 0.0) {
        first = split == ODEON_SPLIT_TRAIN ? test : 0;
        last = split == ODEON_SPLIT_TRAIN ? n : test;
    }
    if (first == last) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: test_fraction = %g of its %lld rows leaves none to %s on", name,
                          fraction, (long long)n, split == ODEON_SPLIT_TRAIN ? "train" : "test");
    }
    int64_t *order = host->alloc(host, (uint64_t)n * sizeof *order);
    if (order == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %lld rows", name, (long long)n);
    }
    random_permutation(seed, 0, n, order);
    *n_rows = last - first;
    for (int64_t i = 0; first > 0 && i < *n_rows; i++) {
        order[i] = order[first + i];
    }
    qsort(order, (size_t)*n_rows, sizeof *order, by_number);
    *rows = order;
    return ODEON_OK;
}
