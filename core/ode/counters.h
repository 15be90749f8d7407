/* counters.h: what an ODE block has done in a batch. */
#ifndef ODEON_CORE_ODE_COUNTERS_H
#define ODEON_CORE_ODE_COUNTERS_H
#include <stdint.h>

/* Numbers of one row of the metrics: those of a forward, and of the backward that followed it, if
 * one did. path is the block's. */
typedef struct ode_counters {
    const char *path;
    int64_t evals_forward, evals_backward, accepted, rejected; /* of this row's forward; rejected
                                                                   and accepted: both passes */
    int64_t accepted_backward, rejected_backward;
    double h_min, h_max; /* sizes of accepted steps of the forward pass */
    double drift;        /* of a backward solve; NAN: none */
    int64_t bytes;       /* that the batch took in the block at its peak: kept frames, vectors */
    double share;        /* ||y(t1) - y(t0)|| / ||y(t0)||; NAN when not measured */
} ode_counters;

#endif
