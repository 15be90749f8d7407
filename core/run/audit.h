/* audit.h: how wrong gradients are: methods, integrators and tolerances on one batch, each held
 * against a reference and against what it computed itself.
 *
 * The reference is the exact gradient, in float64, of steps at a hundredth of the least tolerance:
 * what differs from it is the error of the method, of the solve and of rounding together. Beside it
 * dual numbers give the derivative of the loss that was computed along random directions, steps
 * held (session/slope.h): what differs from that is the error of the method alone. */
#ifndef ODEON_CORE_RUN_AUDIT_H
#define ODEON_CORE_RUN_AUDIT_H
#include "run/audit_groups.h"

/* What is compared; a list that is empty has a default. Texts are borrowed. */
typedef struct audit_plan {
    size_t n_gradients, n_integrators, n_tolerances;
    const char *const *gradients;   /* default: the configuration's, then all others installed */
    const char *const *integrators; /* default: the configuration's */
    const double *tolerances;       /* rtol and atol; default: the configuration's, a tenth, a
                                       hundredth of them */
    int64_t directions;             /* of dual numbers; 0: none */
    const char *batch;              /* file, or NULL: the first batch to train on */
} audit_plan;

typedef struct audit_row {
    char *gradient, *integrator, *tolerance,
        *reason; /* reason: why there are no figures; or NULL */
    size_t n_groups;
    audit_group *groups; /* groups[0] is that of all parameters; NULL: there are no figures */
    int64_t evals_forward, evals_backward, accepted, rejected, bytes; /* of all blocks */
    double milliseconds;     /* the shortest of a few passes */
    double derivative, said; /* along the first direction; NAN: not known */
    double gap;              /* the largest |said - derivative| of all, over the largest
                                |derivative| */
} audit_row;

typedef struct audit {
    size_t n;
    audit_row *rows;
    int64_t samples;
    double loss;     /* of the reference */
    char *reference; /* what it is, in words */
} audit;

/* c: the configuration that base makes. ODEON_ERR_CONFIG without an ODE block; what keeps the
 * reference from being computed. out can be given to audit_fini whatever the answer. Ended by a
 * signal that interrupt.h notes: ODEON_ERR_CANCELLED. */
odeon_status audit_run(const variant_base *base, const config *c, const audit_plan *plan,
                       audit *out);
void audit_fini(audit *x);

#endif
