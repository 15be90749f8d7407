/* gradient.h: how dL/dy at the outputs of a solve becomes dL/dy at its start and dL/dtheta.
 *
 * A gradient method is small code over the services below; loops, records and frames are the
 * host's. Each worker has an instance for each ODE block.
 *
 * A TAPE is what a solve of the block's field leaves behind: always how many steps were accepted,
 * and t and h of each; by `keep` states, frames or dense output. Steps [first, last) of it are a
 * STRETCH. A stretch can be made again from a kept state, with frames (replay), and walked backward
 * (reverse): that is all that checkpointing needs. Dense queries and solves of another field, with
 * an integrator and tolerances of their own, are what continuous methods need. A block has one
 * tape, which ends with its next solve.
 *
 * WHO ADDS A COTANGENT. reverse adds those of all outputs that were read off the steps of its
 * stretch, wherever within a step, and d_y[0], that of the start itself, with step 0. From stretch
 * to stretch the host carries on the cotangents of the state and of what the integrator passes from
 * step to step. A method that does not call reverse adds all of them itself.
 *
 * ON A DEVICE THAT CAPTURES, all that is done with a tape that keeps states or dense output, and
 * the reverse of less than a whole solve, is made call by call, with the same numbers. An adaptive
 * solve with frames that such a device carried out alone can be reversed as a whole only.
 *
 * Example: plugins/gradient/checkpoint of the host's sources: a solve with STATES; from the last
 * stretch to the first a replay and its reverse.
 *
 * Draft. To be seen before it is frozen: a method of somebody else that checkpoints to disk, and
 * one that is interrupted and goes on. */
#ifndef ODEON_GRADIENT_H
#define ODEON_GRADIENT_H
#include "odeon/abi.h"
#include "odeon/field.h"
#include "odeon/option.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct odeon_tape odeon_tape; /* the host's */

/* What a solve keeps of its accepted steps beside t and h: bits, each by itself. */
enum {
    ODEON_KEEP_NONE = 0,
    ODEON_KEEP_FRAMES = 1 << 0, /* all that vjp needs, of every step: what reverse uses up */
    ODEON_KEEP_STATES = 1 << 1, /* what keep_every-th steps, the first among them, start from: y and
                                   carry */
    ODEON_KEEP_DENSE = 1 << 2   /* what dense output needs, of every step */
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

/* Growing. A solve through times; see TIMES AND OUTPUTS. */
typedef struct odeon_gradient_solve {
    uint32_t struct_size, keep; /* ODEON_KEEP_*; of an augmented field NONE */
    const odeon_field *field;   /* of the call, or from augment */
    const double *times;        /* [n_times] */
    int32_t n_times, reserved0;
    const odeon_tensor *y; /* [n_times]: y[0] holds the start, the others are written */
    /* STATES: every so many accepted steps; 0: the host chooses, so that states take about as much
     * memory as the frames of the steps between two of them. It starts with 1 and doubles. */
    int64_t keep_every;
} odeon_gradient_solve;

/* Growing. The exact reverse of the stretch [first, last), step sizes held fixed, from its last
 * step to its first; see WHO ADDS A COTANGENT. Stretches are reversed last to first, each once. */
typedef struct odeon_gradient_reverse {
    uint32_t struct_size, reserved0;
    odeon_tape *tape; /* which has frames of the stretch, and of no step behind it: last is where
                         they end */
    int64_t first, last;
    const odeon_view *d_y; /* [n_times] of the solve: cotangents of its outputs */
    /* The cotangent of the state at the end of step last - 1, that of outputs of the stretch apart;
     * NULL: what the reverse of the stretch behind it has left, and nothing where there was none.
     */
    const odeon_view *d_end;
    const odeon_tensor *d_start; /* the cotangent of the state at the start of step first, written,
                                    overlaps none of d_y, may be d_end; NULL: not wanted */
} odeon_gradient_reverse;

/* Growing; filled in by the host. */
typedef struct odeon_tape_info {
    uint32_t struct_size, keep; /* ODEON_KEEP_* of the solve */
    int64_t n_steps;            /* accepted */
    int64_t keep_every;         /* a state is kept of steps 0, keep_every, ...; 0: of none */
} odeon_tape_info;

/* Growing; filled in by the host. One accepted step. */
typedef struct odeon_tape_step {
    uint32_t struct_size, reserved0;
    double t, h;  /* its start and its signed size */
    odeon_view y; /* [n], at its start, as long as the tape; data NULL: not kept */
} odeon_tape_step;

/* Services of one ODE block on one worker; valid during forward and backward. */
typedef struct odeon_solve_services {
    uint32_t struct_size, reserved0;
    void *self;
    /* Integrates the block's field with its integrator and control; an augmented one with those of
     * odeon_gradient_plan. The block's tape is then of this solve, if it is one of its own field.
     * ODEON_ERR_NUMERIC where steps underflow or are too many. [worker; solve] */
    odeon_status (*solve)(void *self, const odeon_gradient_solve *solve);
    /* Makes steps [first, last) again, by their recorded sizes, from the state that is kept of step
     * first, and keeps their frames in place of those that the tape had. Costs their evaluations;
     * running state of layers does not move again, random layers draw the same numbers.
     * ODEON_ERR_UNSUPPORTED: no such steps, no such state. [worker; solve] */
    odeon_status (*replay)(void *self, odeon_tape *tape, int64_t first, int64_t last);
    /* Adds to the parameters' gradients. Frames go back to the pool as they are used up.
     * ODEON_ERR_UNSUPPORTED: the tape has no frames of just these steps. [worker; solve] */
    odeon_status (*reverse)(void *self, const odeon_gradient_reverse *reverse);
    /* [worker; solve] */
    odeon_status (*tape_info)(void *self, const odeon_tape *tape, odeon_tape_info *out);
    /* ODEON_ERR_UNSUPPORTED: there is no such step. [worker; step] */
    odeon_status (*tape_step)(void *self, const odeon_tape *tape, int64_t step,
                              odeon_tape_step *out);
    /* y = the solution at t by the dense output of the step in which t lies; before the first and
     * behind the last step theirs is continued. ODEON_ERR_UNSUPPORTED without KEEP_DENSE.
     * [worker; evaluation] */
    odeon_status (*dense)(void *self, const odeon_tape *tape, double t, const odeon_tensor *y);
    /* The continuous adjoint of field: the field of (y, a, theta_bar) with y' = f,
     * a' = -a^T df/dy, theta_bar' = -a^T df/dtheta, and, behind a, t_bar' = -a^T df/dt if flags
     * (ODEON_AUGMENT_*) ask for it; and a state for it, 0. With path, a tape of field that keeps
     * DENSE, y is no part of it: y(t) is read off the tape. Valid until the next augment.
     * y and a are those of part 0: cotangents of QUADRATURE parts of field, which do not change
     * along the path, are counted in by the host as d_y of the last output has them.
     * Source: Chen et al., Neural ODEs, 2018, algorithm 1. [worker; batch] */
    odeon_status (*augment)(void *self, const odeon_field *field, int32_t flags,
                            const odeon_tape *path, const odeon_field **out, odeon_tensor *state);
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

/* What a method needs; checked when the block is made. */
enum {
    ODEON_GRADIENT_DISCRETE = 1 << 0,   /* the exact reverse of steps: a tableau or verbs */
    ODEON_GRADIENT_NEEDS_Y = 1 << 1,    /* backward is given y at all times */
    ODEON_GRADIENT_NEEDS_DENSE = 1 << 2 /* an integrator with dense output */
};

/* Growing. What a method asks of its block, by its options. */
typedef struct odeon_gradient_plan {
    uint32_t struct_size, flags; /* ODEON_GRADIENT_*: those of the ops, which it may change */
    /* How steps of augmented fields are chosen: a copy of the block's control, for the method to
     * change: tolerances, norm, limits. To change rtol or atol set n_each to 0: all components are
     * then judged alike, by the smallest of what the block has where that stays. NULL: the block's
     * steps are given. */
    odeon_control *control;
    const odeon_config *integrator; /* for augmented fields; NULL, as found: the block's */
} odeon_gradient_plan;

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
    odeon_tape *tape;         /* the block's: of the last solve of field */
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
    /* (optional) Says what the method needs. A failure refuses the block. NULL: what flags say, and
     * augmented fields are solved as the block is. [worker; build] */
    odeon_status (*plan)(void *self, odeon_gradient_plan *plan);
} odeon_gradient_ops;

#ifdef __cplusplus
}
#endif
#endif
