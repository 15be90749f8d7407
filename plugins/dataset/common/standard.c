#include "standard.h"

#include <math.h>
#include <stdbool.h>

#include "odeon/dataset.h"

odeon_status standard_make(const odeon_host *host, int32_t n, standard *out)
{
    *out = (standard){.n = n};
    out->mean = host->alloc(host, 2 * (uint64_t)n * sizeof *out->mean);
    if (out->mean == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory for the means of %d columns", (int)n);
    }
    out->deviation = out->mean + n;
    for (int32_t i = 0; i < n; i++) {
        out->mean[i] = 0.0;
        out->deviation[i] = 1.0;
    }
    return ODEON_OK;
}

/* Sums (x - from)^power over the training rows; *count is how many there are. */
static double sum(const standard_rows *rows, int32_t column, double from, bool square,
                  int64_t *count)
{
    double total = 0.0;
    *count = 0;
    for (int64_t i = 0; i < rows->n_rows; i++) {
        double x = rows->value[i * rows->width + column] - from;
        if (rows->split[i] == ODEON_SPLIT_TRAIN && !isnan(x)) {
            total += square ? x * x : x;
            (*count)++;
        }
    }
    return total;
}

enum { ALL_THE_SAME = 1, NO_NUMBERS = 2, TOO_LARGE = 3 };

const char *standard_refusal(int32_t is_constant)
{
    return is_constant == NO_NUMBERS  ? "has no number in the rows of the training split"
           : is_constant == TOO_LARGE ? "has numbers whose squares are beyond double precision"
                                      : "is the same in all rows of the training split";
}

/* The first sum is taken around a number of the column, so that a large mean costs no digits. */
void standard_fit(const standard_rows *rows, int32_t column, standard *s, int32_t at,
                  int32_t *is_constant)
{
    double base = (double)NAN;
    for (int64_t i = 0; i < rows->n_rows && isnan(base); i++) {
        base = rows->split[i] == ODEON_SPLIT_TRAIN ? rows->value[i * rows->width + column] : base;
    }
    int64_t n;
    double mean = base + sum(rows, column, base, false, &n) / (double)n;
    double deviation = sqrt(sum(rows, column, mean, true, &n) / (double)n);
    *is_constant = n == 0                                                 ? NO_NUMBERS
                   : !isfinite(deviation)                                 ? TOO_LARGE
                   : !(deviation > 0.0 && deviation > 1e-14 * fabs(mean)) ? ALL_THE_SAME
                                                                          : 0;
    if (*is_constant == 0) {
        s->mean[at] = mean;
        s->deviation[at] = deviation;
    }
}

void standard_free(const odeon_host *host, standard *s)
{
    host->free(host, s->mean);
    *s = (standard){0};
}
