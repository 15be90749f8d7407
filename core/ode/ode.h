/* ode.h: the ODE block: field, solver, gradient method and counters of one block on one worker.
 * Implements odeon_ode_services (odeon/container.h). */
#ifndef ODEON_CORE_ODE_ODE_H
#define ODEON_CORE_ODE_ODE_H
#include "ode/counters.h"
#include "ode/field.h"
#include "ode/outputs.h"
#include "odeon/container.h"

struct odeon_ode {
    net_site *site;
    odeon_net *body;
    char *path;
    odeon_ode_spec spec; /* its texts and configurations are not used after create */
    char *replay_path;
    stepper *stepper;
    instance *gradient;
    const odeon_gradient_ops *gradient_ops;
    double (*replay)[2];
    size_t n_replay;
    const net_layer *rounds_t; /* of the body (ode_time.h); NULL: none, or it has been said */

    solver *forward, *backward; /* of f, and of its adjoint */
    block_field field;
    adjoint_field adjoint;
    ode_outputs outputs;
    device_buffer tolerances; /* F64 [2, n_each]: rtol, atol of each component, or nothing */
    device_buffer state_bar;  /* a vector of the state's shape, for cotangents and differences */
    odeon_solve_services services;

    ode_counters counters; /* of the last forward and backward */
    solve_stats forward_stats, backward_stats;
    /* Squares on the device, ODEON_SLOTS of them, which the worker reads with all else of a batch:
     * of the share, then of so many drifts. */
    double *measured;
    int32_t n_drifts;
    bool has_share;
    bool measure_share; /* also for batches of training */
    double drift;       /* the largest of the last backward so far */
};

/* Did its last forward and backward measure something that is still on the device? */
bool ode_is_measured(const odeon_ode *ode);
/* Takes what was measured, as it was read, into the counters. */
void ode_take_measures(odeon_ode *ode, const double *measured);

/* The table that plugins get as ODEON_HOST_ODE. */
extern const odeon_ode_services ode_services;

/* Reads a list of steps: lines "t,h" with a heading. ODEON_ERR_IO, ODEON_ERR_DATA. */
odeon_status steps_read(const char *path, double (**steps)[2], size_t *n);
/* Writes the accepted steps of a solve so. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status steps_write(const char *path, size_t n, const solve_attempt *attempts);
/* All of them, with error and acceptance: lines "t,h,error,accepted". */
odeon_status attempts_write(const char *path, size_t n, const solve_attempt *attempts);

#endif
