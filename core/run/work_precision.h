/* work_precision.h: what integrators cost for what they achieve: a model's first ODE block, solved
 * by each at several tolerances, or with several numbers of fixed steps, held against a reference
 * of its own integrator, in float64, at a hundredth of the least tolerance. */
#ifndef ODEON_CORE_RUN_WORK_PRECISION_H
#define ODEON_CORE_RUN_WORK_PRECISION_H
#include "run/predict_input.h"
#include "run/table.h"
#include "run/variant.h"

typedef struct work_precision_plan {
    size_t n_integrators, n_tolerances;
    const char *const *integrators; /* none: all that are installed */
    const double *tolerances;       /* of rtol and atol; none: 1e-2, 1e-3, ... 1e-8 */
    /* What is solved for: samples of a file (predict_input.h), of source, or, with both NULL, one
     * sample of zeros. */
    const char *in;
    bool transformed;
    const data_source *source;
    int64_t batch;
} work_precision_plan;

typedef struct work_precision_row {
    char *integrator;
    double tolerance; /* NAN: fixed steps, */
    int64_t steps;    /* so many between two times */
    char *reason;     /* why there are no figures; or NULL */
    double error;     /* root mean square over all states, relative to the reference's */
    int64_t evals, accepted, rejected;
    double milliseconds; /* the shorter of two solves */
} work_precision_row;

typedef struct work_precision {
    size_t n, room;
    work_precision_row *rows;
    char *reference; /* in words */
} work_precision;

/* An integrator that cannot choose its steps is tried with 8, 16, ... 512 equal ones, and so are
 * all where the configuration has fixed steps. ODEON_ERR_CONFIG without an ODE block, or what keeps
 * the reference from being computed; ODEON_ERR_CANCELLED after a signal that interrupt.h notes. out
 * can be given to work_precision_fini whatever the answer. */
odeon_status work_precision_run(const variant_base *base, const config *c,
                                const work_precision_plan *plan, work_precision *out);
void work_precision_fini(work_precision *x);
void work_precision_table(const work_precision *x, table *out);

#endif
