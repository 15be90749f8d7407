/* block.h: all that one ODE block holds on one worker: field, solver, gradient method, outputs and
 * counters. Private to core/ode and to tests; ode.h is for others. */
#ifndef ODEON_CORE_ODE_BLOCK_H
#define ODEON_CORE_ODE_BLOCK_H
#include "data/batch_fields.h"
#include "device/buffer.h"
#include "device/worker_group.h"
#include "ode/adjoint_field.h"
#include "ode/counters.h"
#include "ode/field.h"
#include "ode/quadrature.h"
#include "ode/steps_file.h"
#include "odeon/container.h"
#include "odeon/device_solver.h"
#include "solver/lanes.h"
#include "solver/solver.h"

/* The vectors of a solve, one [n] for each time. Invariant, during a pass: y and d_y have room for
 * n_times, at most capacity. */
typedef struct ode_outputs {
    int32_t n_times, capacity;
    int64_t samples; /* of the slice */
    const double *times;
    const double *own_times; /* [samples, n_times], those of each; NULL: times are those of all */
    odeon_tensor *y;         /* [n_times] */
    odeon_view *d_y;         /* [n_times] */
    odeon_tensor d_y0;
    device_buffer rows, d_rows; /* vectors apart from input and output */
    device_buffer start;        /* the given initial values, in the run's dtype */
    int64_t used_bytes;
} ode_outputs;

/* What gradient methods see of the last solve of a block's field; all of it is the solver's. */
struct odeon_tape {
    solver *solver;
};

/* Solves of all samples side by side (sample_lanes.h). */
typedef struct sample_lanes {
    lanes *lanes;
    const char *prevented;   /* why each sample is solved apart, in words; NULL: they need not be */
    bool needs_given;        /* the body cannot do without what the batch has beside its input */
    bool under_way;          /* the pass under way solves so */
    bool keeps_other;        /* the gradient method keeps what such a solve does not have */
    bool held;               /* the last forward was one, of the samples of the slice */
    bool kept;               /* and has left steps for its reverse */
    bool spoilt;             /* its reverse has found NaN that rejected steps may have made */
    const batch_fields *all; /* the slice's, of which fields holds some samples */
    batch_fields fields;
    device_buffer given[DATA_ROLES], list; /* memory of these, and of the rows that they are of */
    device_buffer start; /* [samples, features], what the last forward that was kept began with */
    device_buffer sums;  /* gradients of the body's parameters by one reverse */
} sample_lanes;

typedef struct ode_events ode_events; /* events_state.h */
typedef struct events_map events_map; /* events_map.h */

/* Solves of one sample after the other (samples.h). Invariants: solver i holds what the last
 * forward has left of sample i of the slice, as long as it keeps anything; solver 0 is always
 * there. */
typedef struct ode_samples {
    worker_group alone; /* of a sample's solve: the worker that has it is its only one */
    solver **solvers;   /* [n_solvers] */
    int64_t n_solvers;
    int64_t n;                    /* samples that the last forward has solved, each by its solver */
    int64_t now;                  /* the sample under way, or the one that has failed; else 0 */
    int64_t steps_min, steps_max; /* accepted steps of a sample, the fewest and the most */
    step_lists replay;
    batch_fields fields; /* of the sample under way */
    odeon_layer_call call;
    device_buffer rows;      /* its vectors, one for each time, once for y, once for d_y */
    device_buffer state_bar; /* in place of the block's */
    odeon_tensor *y;         /* [capacity] */
    odeon_view *d_y;
    int32_t capacity, reserved0;
    sample_lanes side;
    ode_events *events; /* NULL: the block has none */
    events_map *map;    /* of these */
} ode_samples;

/* Invariants: forward and backward are created and destroyed with the block; spec's pointers other
 * than times, stops and tolerances are not used after create. */
struct odeon_ode {
    net_site *site;
    device_lane lane; /* of its solves: the site's, but of a sample's solve the group is alone */
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
    ode_samples *samples; /* each is solved by itself, forward being the solver of the one under
                             way; NULL: all are solved together */
    quadrature integrals; /* along the path, which layers of the body declare */
    block_field field;    /* of the slice, or of one sample */
    adjoint_field adjoint;
    ode_outputs outputs;
    device_buffer tolerances; /* F64 [2, n_each]: rtol, atol of each component, or nothing */
    const double *given_rtol, *given_atol; /* as create was given them */
    double *scaled; /* [n_rtol + n_atol], those of spec: given ones times factor */
    double factor;
    device_buffer state_bar; /* a vector of the state's shape, for cotangents and differences */
    odeon_solve_services services;
    odeon_tape tape;

    ode_counters counters; /* of the last forward and backward */
    solve_stats forward_stats, backward_stats;
    /* Squares on the device, ODEON_SLOTS of them, which the worker reads with all else of a batch:
     * of the share, then of so many drifts. */
    double *measured;
    int32_t n_drifts;
    bool has_share;
    bool control_checked; /* a warning about its times has been given, or never will be */
    bool measure_share;   /* also for batches of training */
    double drift;         /* the largest of the last backward so far */
};

#endif
