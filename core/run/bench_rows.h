/* bench_rows.h: what was timed, as rows. */
#ifndef ODEON_CORE_RUN_BENCH_ROWS_H
#define ODEON_CORE_RUN_BENCH_ROWS_H
#include <stddef.h>
#include <stdint.h>

#include "session/peak.h"

enum { BENCH_STEP, BENCH_EVALUATE, BENCH_SOLVE, BENCH_OPERATORS, BENCH_WHATS };
extern const char *const bench_names[BENCH_WHATS]; /* "step", ... */

/* One measurement of one variant. Times are of a whole step (evaluation, solve), those of an
 * operator the sum of all its calls in one. */
typedef struct bench_row {
    int32_t what;
    size_t variant;
    char *name;               /* of an operator: with its shapes; else NULL */
    double low, median, high; /* seconds: quartiles */
    size_t samples;
    int64_t calls;            /* of operators, of all workers; of an operator, of the first */
    double operations, bytes; /* of these calls */
    int64_t evals_forward, evals_backward; /* of all ODE blocks */
    double ratio; /* the first variant's rows: 1; NAN: it has none of this name */
} bench_row;

/* A variant as it ran. */
typedef struct bench_side {
    char *device; /* session_device_text */
    int32_t workers;
    int64_t batch[BENCH_WHATS]; /* samples; 0: not measured */
    session_peak peak;
} bench_side;

typedef struct bench_result {
    size_t n_sides, n;
    bench_side *sides;
    bench_row *rows;
} bench_result;

odeon_status bench_result_init(bench_result *r, size_t n_sides);
void bench_result_fini(bench_result *r); /* takes {0} */
/* Adds a row with copies of samples' quartiles (sorts them) and of name. */
odeon_status bench_add(bench_result *r, const bench_row *row, size_t n, double *samples);
/* Once all rows are there: ratios, and operators in the order of the first variant's time. */
void bench_order(bench_result *r);
const bench_row *bench_find(const bench_result *r, int32_t what, size_t variant, const char *name);

/* Share of the best that the device was seen to do, of the workers that the row is about; NAN where
 * there is nothing to compare. */
double bench_of_gemm(const bench_result *r, const bench_row *row);
double bench_of_lincomb(const bench_result *r, const bench_row *row);

#endif
