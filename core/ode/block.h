/* block.h: all that one ODE block holds on one worker: field, solver, gradient method, outputs and
 * counters. Private to core/ode and to tests; ode.h is for others. */
#ifndef ODEON_CORE_ODE_BLOCK_H
#define ODEON_CORE_ODE_BLOCK_H
#include "device/buffer.h"
#include "ode/counters.h"
#include "ode/field.h"
#include "odeon/container.h"
#include "odeon/device_solver.h"
#include "solver/solver.h"

/* The vectors of a solve, one [n] for each time. Invariant, during a pass: y and d_y have room for
 * n_times, at most capacity. */
typedef struct ode_outputs {
    int32_t n_times, capacity;
    const double *times;
    odeon_tensor *y; /* [n_times] */
    odeon_view *d_y; /* [n_times] */
    odeon_tensor d_y0;
    device_buffer rows, d_rows; /* vectors apart from input and output */
    device_buffer start;        /* the given initial values, in the run's dtype */
    int64_t used_bytes;
} ode_outputs;

/* What gradient methods see of the last solve of a block's field; all of it is the solver's. */
struct odeon_tape {
    solver *solver;
};

/* Invariants: forward and backward are created and destroyed with the block; spec's pointers other
 * than times, stops and tolerances are not used after create. */
struct odeon_ode {
    net_site *site;
    odeon_net *body;
    char *path;
    odeon_ode_spec spec;   /* its texts and configurations are not used after create */
    odeon_control control; /* what spec.control points to */
    char *replay_path;
    stepper *stepper;
    instance *gradient;
    const odeon_gradient_ops *gradient_ops;
    int32_t gradient_flags;       /* ODEON_GRADIENT_*, by its options */
    stepper *backward_stepper;    /* of augmented fields; NULL: stepper */
    odeon_ode_spec backward_spec; /* the same; its control is backward_control */
    odeon_control backward_control;
    double (*replay)[2]; /* steps to make: t, h; or NULL */
    size_t n_replay;
    const net_layer *rounds_t; /* of the body (time.h); NULL: none, or it has been warned of */

    solver *forward, *backward; /* of f, and of its adjoint */
    block_field field;
    adjoint_field adjoint;
    ode_outputs outputs;
    device_buffer tolerances; /* F64 [2, n_each]: rtol, atol of each component, or nothing */
    device_buffer state_bar;  /* a vector of the state's shape, for cotangents and differences */
    odeon_solve_services services;
    odeon_tape tape;

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

#endif
