#include "share.h"

/* One column as a list of its own; NULL where there is no such column. */
static odeon_status copy_column(const odeon_host *host, const csv_table *t, int32_t at,
                                double **out)
{
    *out = at < 0 ? NULL : host->alloc(host, (uint64_t)t->n_rows * sizeof **out);
    for (int64_t row = 0; *out != NULL && row < t->n_rows; row++) {
        (*out)[row] = t->value[row * t->n_columns + at];
    }
    return *out != NULL || at < 0
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_NOMEM, "no memory for %lld rows", (long long)t->n_rows);
}

/* The words of a table are numbered over all of its columns: those of one column are numbered by
 * themselves, in the order in which they come. number [words] is scratch. */
static void renumber(const csv_table *t, double *values, double *number)
{
    double next = 0.0;
    for (int64_t i = 0; i < t->words.n; i++) {
        number[i] = -1.0;
    }
    for (int64_t row = 0; row < t->n_rows; row++) {
        double *x = &number[(int64_t)values[row]];
        if (*x < 0.0) {
            *x = next;
            next += 1.0;
        }
        values[row] = *x;
    }
}

odeon_status csv_share(const odeon_host *host, const csv_table *t, int32_t group, int32_t class,
                       split_plan *plan, uint8_t *split)
{
    double *groups = NULL, *classes = NULL;
    double *number = host->alloc(host, ((uint64_t)t->words.n + 1) * sizeof *number);
    odeon_status status = number != NULL ? copy_column(host, t, group, &groups)
                                         : odeon_fail(host, ODEON_ERR_NOMEM, "no memory");
    status = status == ODEON_OK ? copy_column(host, t, class, &classes) : status;
    if (status == ODEON_OK && groups != NULL) {
        renumber(t, groups, number);
    }
    if (status == ODEON_OK && classes != NULL) {
        renumber(t, classes, number);
    }
    if (status == ODEON_OK) {
        plan->group = groups;
        plan->class = classes;
        status = split_assign(host, plan, t->n_rows, split);
        plan->group = plan->class = NULL;
    }
    host->free(host, number);
    host->free(host, groups);
    host->free(host, classes);
    return status;
}
