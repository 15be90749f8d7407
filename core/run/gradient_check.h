/* gradient_check.h: a model's gradient held against central differences of its loss, tensor by
 * tensor, in float64.
 *
 * The steps of all ODE blocks are held: they are recorded once and repeated in every pass, so that
 * the loss is a smooth function of the parameters wherever the network is. Where that has kinks, as
 * ReLU at 0, the point must not lie on one: biases that start at 0 put it there, so all parameters
 * are moved by about GRADIENT_CHECK_MOVE first. */
#ifndef ODEON_CORE_RUN_GRADIENT_CHECK_H
#define ODEON_CORE_RUN_GRADIENT_CHECK_H
#include "run/table.h"
#include "run/variant.h"

#define GRADIENT_CHECK_MOVE 1e-3 /* standard deviation of each number's */

typedef struct gradient_check_plan {
    const char *batch;  /* file, or NULL: first samples to train on, */
    int64_t samples;    /* so many at most */
    int64_t directions; /* random ones of each tensor, beside its gradient's own */
    double tolerance;   /* on a row's error */
} gradient_check_plan;

/* A tensor along a direction v of length 1 within it. */
typedef struct gradient_check_row {
    char *path;
    int64_t count;
    double norm;       /* of the tensor's gradient */
    double gradient;   /* <g, v>, */
    double difference; /* and (L(p + h v) - L(p - h v)) / 2h, of the direction that fits worst */
    double error;      /* |gradient - difference| / max(|gradient|, |difference|, |g| / sqrt(n)) */
    bool good;
} gradient_check_row;

typedef struct gradient_check {
    size_t n, wrong;
    gradient_check_row *rows;
    int64_t samples;
    double loss;
} gradient_check;

/* out can be given to gradient_check_fini whatever the answer. ODEON_ERR_CANCELLED after a signal
 * that interrupt.h notes. */
odeon_status gradient_check_run(const variant_base *base, const gradient_check_plan *plan,
                                gradient_check *out);
void gradient_check_fini(gradient_check *x);
void gradient_check_table(const gradient_check *x, table *out);

#endif
