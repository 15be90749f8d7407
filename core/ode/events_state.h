/* events_state.h: what a block with events holds beside what others do. Private to core/ode. */
#ifndef ODEON_CORE_ODE_EVENTS_STATE_H
#define ODEON_CORE_ODE_EVENTS_STATE_H
#include "ode/block.h"
#include "solver/watch.h"

/* One leg (events.h). Invariant, between its forward and its backward: times and y are those of its
 * solve, the last being y at the event, or at the end. */
typedef struct ode_leg {
    int64_t sample; /* of the slice */
    solver *solver; /* that has its tape; own or, of a sample's first leg, the sample's */
    solver *own;
    bool event;           /* it ends with one */
    int32_t first;        /* the output of the sample that is its output 1 */
    int32_t n;            /* times */
    int32_t at, capacity; /* at: outputs of the sample behind these that are y at the event */
    double slope;         /* of the event function along the leg, at its end */
    double *times;
    odeon_tensor *y;
    odeon_view *d_y;
    solve_attempt *attempts; /* of a sample's first leg: those of all, by events_attempts */
    device_buffer vectors;   /* start, y at the event, and the cotangents of both */
} ode_leg;

/* Invariant: legs [0, n) are of the last forward, sample by sample, or under way; legs [n, n_made)
 * are memory for more. */
struct ode_events {
    ode_leg **legs;
    size_t n, n_made;
    solve_watch watch;
};

#endif
