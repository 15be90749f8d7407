/* gradient.h: how dL/dy at the outputs of a solve becomes dL/dy at its start and dL/dtheta.
 *
 * A gradient method is small code over the services below; loops, records and frames are the
 * host's. Each worker has an instance. Draft. */
#ifndef ODEON_GRADIENT_H
#define ODEON_GRADIENT_H
#include "odeon/abi.h"
#include "odeon/field.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a solve keeps for a later reverse pass, per accepted step. */
enum {
    ODEON_KEEP_NONE = 0,   /* nothing: memory does not grow with the steps */
    ODEON_KEEP_STEPS = 1,  /* y0 and carry: reserved */
    ODEON_KEEP_STAGES = 2, /* the inputs of its evaluations: reserved */
    ODEON_KEEP_FRAMES = 3  /* all that vjp needs */
};

/* What the norm of a continuous adjoint's augmented state counts beside y and a. Without either it
 * is a seminorm: Kidger, Chen, Lyons, 2021. */
enum {
    ODEON_AUGMENT_FULL = 1 << 0, /* theta_bar, a part per parameter tensor */
    ODEON_AUGMENT_TIME = 1 << 1  /* t_bar, which is then a part of the state */
};

/* TIMES AND OUTPUTS. A solve goes through a list of at least two times, strictly monotone in either
 * direction; it starts at times[0] and leaves y at all of them in as many vectors y[i] [n]. y[0]
 * holds the start; the last vector may be y[0] itself, where the start is not needed afterwards. Of
 * the cotangents d_y[i] = dL/dy[i] those with data NULL are zero. */

/* Services of one ODE block on one worker; valid during forward and backward. */
typedef struct odeon_solve_services {
    uint32_t struct_size, reserved0;
    void *self;
    /* Integrates field through the times with the block's integrator and control: y[0] holds
     * y(times[0]) before, y[i] y(times[i]) after. Leaves records as keep says, after dropping those
     * of the solve before. [worker; solve] */
    odeon_status (*solve)(void *self, const odeon_field *field, int32_t n_times,
                          const double *times, int32_t keep, const odeon_tensor *y);
    /* The exact reverse of the recorded steps with their sizes held fixed, last to first, dense
     * output included: from the cotangents of the recorded solve's outputs writes d_y0 [n], dL/dy
     * at its start, which overlaps none of them; adds to the parameters' gradients. Frames go back
     * to the pool as they are used up. [worker; solve] */
    odeon_status (*reverse)(void *self, const odeon_field *field, const odeon_view *d_y,
                            const odeon_tensor *d_y0);
    /* The continuous adjoint of field: the field of (y, a, theta_bar) with y' = f,
     * a' = -a^T df/dy, theta_bar' = -a^T df/dtheta, and, behind a, t_bar' = -a^T df/dt if flags
     * (ODEON_AUGMENT_*) ask for it; and a state for it, 0. Valid until the next augment.
     * Source: Chen et al., Neural ODEs, 2018, algorithm 1. [worker; batch] */
    odeon_status (*augment)(void *self, const odeon_field *field, int32_t flags,
                            const odeon_field **out, odeon_tensor *state);
    /* Adds part theta_bar of an augmented state to the parameters' gradients. [worker; batch] */
    odeon_status (*add_theta)(void *self, const odeon_field *augmented, const odeon_view *state);
    /* Reports ||y - y0|| / ||y0||, how far a backward solve has drifted from where the forward one
     * was at that time; of several the largest counts. [worker; solve] */
    odeon_status (*drift)(void *self, const odeon_view *y, const odeon_view *y0);
    /* y = x; they may be the same. [worker; solve] */
    odeon_status (*copy)(void *self, const odeon_view *x, const odeon_tensor *y);
    /* y += x. [worker; solve] */
    odeon_status (*add)(void *self, const odeon_view *x, const odeon_tensor *y);
} odeon_solve_services;

/* What a method needs of an integrator; checked when the INI is resolved. */
enum {
    ODEON_GRADIENT_DISCRETE = 1 << 0, /* the exact reverse of steps: a tableau or verbs */
    ODEON_GRADIENT_NEEDS_Y = 1 << 1   /* backward is given y at all times */
};

/* Growing. One solve of a block, forward or backward; see TIMES AND OUTPUTS. */
typedef struct odeon_solve_call {
    uint32_t struct_size, flags; /* none yet */
    const odeon_solve_services *services;
    const odeon_field *field;
    const double *times; /* [n_times] */
    int32_t n_times, reserved0;
    const odeon_tensor *y; /* [n_times]; backward: the outputs, read only, NULL unless NEEDS_Y; none
                              of its vectors is another */
    const odeon_view *d_y; /* backward: [n_times], the cotangents of the outputs */
    const odeon_tensor *d_y0; /* backward: [n], dL/dy at the start, written; overlaps none of d_y */
} odeon_solve_call;

/* Growing. The ops of kind gradient. */
typedef struct odeon_gradient_ops {
    uint32_t struct_size;
    int32_t flags; /* ODEON_GRADIENT_* */
    /* Solves through the times, of a pass that a backward will follow. [worker; batch] */
    odeon_status (*forward)(void *self, const odeon_solve_call *call);
    /* From the cotangents of all outputs writes d_y0, and adds to the parameters' gradients.
     * [worker; batch] */
    odeon_status (*backward)(void *self, const odeon_solve_call *call);
} odeon_gradient_ops;

#ifdef __cplusplus
}
#endif
#endif
