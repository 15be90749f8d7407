/* counters.h: what an ODE block has done in a batch. */
#ifndef ODEON_CORE_ODE_COUNTERS_H
#define ODEON_CORE_ODE_COUNTERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of one row of the metrics: those of a forward, and of the backward that followed it, if
 * one did. path is the block's. */
typedef struct ode_counters {
    const char *path;
    int64_t evals_forward, evals_backward, accepted, rejected; /* of this row's forward; rejected
                                                                   and accepted: both passes */
    int64_t accepted_backward, rejected_backward;
    double h_min, h_max; /* sizes of accepted steps of the forward pass */
    /* Where each sample has steps of its own all counts above are sums over the samples, and these
     * say how a forward's accepted steps are spread: */
    bool per_sample;
    int64_t samples, steps_min, steps_max; /* of the sample with the fewest, and with the most */
    double drift;                          /* of a backward solve; NAN: none */
    int64_t bytes; /* that the batch took in the block at its peak: kept frames, vectors */
    double share;  /* ||y(t1) - y(t0)|| / ||y(t0)||; NAN when not measured */
} ode_counters;

/* Adds the samples of another worker or batch: how many, and their fewest and most steps. */
void counters_add_spread(ode_counters *all, const ode_counters *x);
/* Accepted steps of a sample. */
double counters_steps_mean(const ode_counters *x);
/* ", accepted of a sample 12 to 40, mean 23.5", or nothing where samples share their steps; returns
 * text. */
const char *counters_spread_text(const ode_counters *x, char *text, size_t bytes);
enum { COUNTERS_TEXT_BYTES = 96 };

#endif
