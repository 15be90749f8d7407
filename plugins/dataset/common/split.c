#include "split.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "odeon/dataset.h"
#include "random.h"

int64_t split_test_rows(int64_t n, double fraction)
{
    return (int64_t)floor(fraction * (double)n + 0.5);
}

odeon_status split_parse_fold(const odeon_host *host, const char *text, const char *test_path,
                              int64_t *fold, int64_t *folds)
{
    char *end = NULL, *last = NULL;
    *fold = *folds = 0;
    if (text == NULL) {
        return ODEON_OK;
    }
    if (test_path != NULL) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "fold: is a part of path to test on, and test_path is a file to test on: "
                          "keep one of the two");
    }
    *fold = strtol(text, &end, 10);
    *folds = *end == '/' ? strtol(end + 1, &last, 10) : 0;
    bool sound = end != text && last != NULL && last != end + 1 && *last == '\0';
    return sound && *folds >= 2 && *folds <= 1000000 && *fold >= 1 && *fold <= *folds
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "fold: '%.40s': expected K/N, the part to test on and how many there "
                            "are, as 2/5",
                            text);
}

/* The units in an order of which the test part is a stretch, and validation what follows it, around
 * the end; last has both at the end, the other way round. */
static void cut(const split_plan *plan, int64_t n, const int64_t *order, uint8_t *split)
{
    int64_t test = split_test_rows(n, plan->test), more = split_test_rows(n, plan->validation);
    int64_t first = 0;
    if (plan->folds > 0) {
        first = n * (plan->fold - 1) / plan->folds;
        test = n * plan->fold / plan->folds - first;
    } else if (plan->how == SPLIT_LAST) {
        first = n - test;
    }
    more = more < n - test ? more : n - test;
    bool before = plan->how == SPLIT_LAST && first >= more;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i < first ? i + n - first : i - first; /* from the first test unit on */
        bool chosen = before ? at >= n - more : at >= test && at < test + more;
        split[order[i]] = at < test ? ODEON_SPLIT_TEST
                          : chosen  ? ODEON_SPLIT_VALIDATION
                                    : ODEON_SPLIT_TRAIN;
    }
}

/* order [n] is scratch; stream tells classes apart. */
static void assign(const split_plan *plan, uint64_t stream, int64_t n, int64_t *order,
                   uint8_t *split)
{
    if (plan->how == SPLIT_LAST) {
        for (int64_t i = 0; i < n; i++) {
            order[i] = i;
        }
    } else {
        random_permutation(plan->seed, stream, n, order);
    }
    cut(plan, n, order, split);
}

/* A row and its class. */
typedef struct classed {
    double class;
    int64_t row;
} classed;

static int by_class(const void *a, const void *b)
{
    const classed *x = a, *y = b;
    return x->class != y->class ? (x->class > y->class) - (x->class < y->class)
                                : (x->row > y->row) - (x->row < y->row);
}

/* Each class by itself, as if its rows were all: sorted, as there may be as many classes as rows.
 */
static odeon_status assign_classes(const odeon_host *host, const split_plan *plan, int64_t n,
                                   int64_t *order, uint8_t *own, uint8_t *split)
{
    classed *list = host->alloc(host, (uint64_t)n * sizeof *list);
    if (list == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %lld rows", plan->name,
                          (long long)n);
    }
    for (int64_t i = 0; i < n; i++) {
        list[i] = (classed){plan->class[i], i};
    }
    qsort(list, (size_t)n, sizeof *list, by_class);
    for (int64_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && list[end].class == list[first].class;) {
            end++;
        }
        assign(plan, (uint64_t)list[first].class, end - first, order, own);
        for (int64_t i = first; i < end; i++) {
            split[list[i].row] = own[i - first];
        }
    }
    host->free(host, list);
    return ODEON_OK;
}

/* Groups are numbered in the order in which they first appear. */
static void assign_groups(const split_plan *plan, int64_t n, int64_t *order, uint8_t *own,
                          uint8_t *split)
{
    double groups = 0.0;
    for (int64_t i = 0; i < n; i++) {
        groups = fmax(groups, plan->group[i] + 1.0);
    }
    assign(plan, 0, (int64_t)groups, order, own);
    for (int64_t i = 0; i < n; i++) {
        split[i] = own[(int64_t)plan->group[i]];
    }
}

odeon_status split_assign(const odeon_host *host, const split_plan *plan, int64_t n, uint8_t *split)
{
    int64_t *order = host->alloc(host, (uint64_t)n * sizeof *order);
    uint8_t *own = host->alloc(host, (uint64_t)n);
    odeon_status status = ODEON_OK;
    if (order == NULL || own == NULL) {
        status = odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %lld rows", plan->name,
                            (long long)n);
    } else if (plan->group != NULL) {
        assign_groups(plan, n, order, own, split);
    } else if (plan->how == SPLIT_STRATIFIED) {
        status = assign_classes(host, plan, n, order, own, split);
    } else {
        assign(plan, 0, n, order, split);
    }
    host->free(host, order);
    host->free(host, own);
    return status;
}

static odeon_status refuse_empty(const odeon_host *host, const split_plan *plan, int64_t n,
                                 int32_t which)
{
    static const char *const uses[] = {"train", "test", "validate"};
    bool validates = which == ODEON_SPLIT_VALIDATION;
    if (plan->folds > 0 && !validates) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: fold = %lld/%lld of its %lld rows leaves none to %s on", plan->name,
                          (long long)plan->fold, (long long)plan->folds, (long long)n, uses[which]);
    }
    return odeon_fail(host, ODEON_ERR_DATA,
                      "%s: %s_fraction = %g of its %lld rows leaves none to %s on", plan->name,
                      validates ? "validation" : "test", validates ? plan->validation : plan->test,
                      (long long)n, uses[which]);
}

/* Ascending order, so that a split keeps the order of the file; shuffling is the host's task. */
odeon_status split_pick(const odeon_host *host, const split_plan *plan, int64_t n,
                        const uint8_t *split, int32_t which, int64_t **rows, int64_t *n_rows)
{
    bool all = which == ODEON_SPLIT_TEST && plan->folds == 0 && !(plan->test > 0.0);
    *rows = NULL;
    *n_rows = 0;
    for (int64_t i = 0; i < n; i++) {
        *n_rows += all || split[i] == which;
    }
    if (*n_rows == 0) {
        return refuse_empty(host, plan, n, which);
    }
    *rows = host->alloc(host, (uint64_t)*n_rows * sizeof **rows);
    if (*rows == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %lld rows", plan->name,
                          (long long)n);
    }
    for (int64_t i = 0, k = 0; i < n; i++) {
        if (all || split[i] == which) {
            (*rows)[k++] = i;
        }
    }
    return ODEON_OK;
}
