/* state.h: all that a solver holds, grouped by what changes it. Private to core/solver: others see
 * solver.h.
 *
 * The files of the engine, each on top of those before it:
 *
 *   stepper      an integrator as programs of verbs over registers
 *   workspace    device memory: vectors, frames          log, tape   attempts, accepted steps
 *   kept_steps   states and dense output that are kept
 *   small_lu, newton, krylov   equations of implicit stages, as numbers on the host
 *   state        struct solver, marks to undo to         outputs     values at the times asked for
 *   program, scalar_text, verb_record   steps as data, and how they are recorded (under stepper)
 *   host_side, matrix_free, implicit   stages that solve equations
 *   keep         what a step leaves kept
 *   verb_scalar, verb_join   coefficients of a step; parts of a state
 *   part_error   how parts count in an error               step_slices one step by slices
 *   step         one step: a program's verbs             rows        steps kept on the device
 *   judge        the end of a step that the device judges
 *   event        a step cut short where a function of the state crosses zero
 *   diagnosis    where and why a solve failed            failure     the same in words
 *   controller   adaptive step sizes, the first step     reverse     cotangents through steps
 *   capture_key  what a recording is found by            effects     what a replay does on the host
 *   executor     carries operations and loops out: call by call, or captured and replayed
 *   fixed, adaptive, device_solve, device_reverse        which steps are made
 *   stretch      kept steps made again, and reversed
 *   solver       create, solve, reverse */
#ifndef ODEON_CORE_SOLVER_STATE_H
#define ODEON_CORE_SOLVER_STATE_H
#include "device/buffer.h"
#include "device/lane.h"
#include "odeon/container.h"
#include "odeon/device_solver.h"
#include "odeon/gradient.h"
#include "solver/capture_key.h"
#include "solver/host_field.h"
#include "solver/kept_steps.h"
#include "solver/krylov.h"
#include "solver/log.h"
#include "solver/newton.h"
#include "solver/report.h"
#include "solver/stepper.h"
#include "solver/tape.h"
#include "solver/watch.h"
#include "solver/workspace.h"

/* What the solve under way, or its reverse, was asked for. All of it is the caller's. */
typedef struct solve_task {
    const host_field *field;
    int32_t keep; /* ODEON_KEEP_* */
    int32_t n_times;
    int64_t keep_every;    /* STATES: of so many steps one; 0: chosen */
    const double *times;   /* [n_times], strictly monotone */
    const odeon_tensor *y; /* [n_times] outputs; y[0] holds the start */
    const odeon_view *d_y; /* reverse: [n_times] their cotangents; data NULL is zero */
} solve_task;

/* How far the outputs have come. Invariant: outputs below next are written (or will be, by what has
 * been queued), and read_at[i] says where within its step each was read: 1 is the step's own end.
 */
typedef struct solve_outputs {
    int32_t next, capacity;
    double *read_at; /* [capacity] */
} solve_outputs;

/* The step under way: registers of its program, and in a reverse pass their cotangents. Between
 * steps only Y0 and carry in are bound; between solves nothing is. */
typedef struct step_state {
    bound_vector value[PROGRAM_MAX_REGISTERS], cotangent[PROGRAM_MAX_REGISTERS];
    odeon_frame *frames[ODEON_MAX_STAGES]; /* of its evaluations, if they are kept */
    int64_t index; /* steps since the start, or since h changed under a method for equal steps */
    /* Of methods that need the host: the sizes of this step and of the one before, 0: there is
     * none; and its scalars. */
    double h, h_prev, scalar[PROGRAM_SCALARS];
    double t;              /* where this step starts */
    bool timed;            /* its stage times are in their slots already */
    char *spare_cotangent; /* reverse: memory of the answer until a cotangent is bound to it */
} step_state;

/* A step that is made slice by slice (step_slices.h). Between slices registers are bound only where
 * f has written sums, between steps none is. */
typedef struct step_slices {
    workspace memory; /* vectors of one slice */
    bound_vector value[PROGRAM_MAX_REGISTERS];
    int64_t first, n;    /* samples of the slice under way */
    device_buffer lanes; /* of sums of errors */
    bool judged;         /* the step that was run last has left its sums in slots ERROR_SUM */
    /* Outputs that it has been read at already, [first_read, first_read + n_reads): into the
     * caller's vectors, but the one whose vector Y0 is borrowed from into spare. */
    int32_t first_read, n_reads;
    bound_vector spare;
    bool off; /* steps are made of all samples at once */
} step_slices;

enum { SOLVER_LOG_ROWS = 1024 }; /* the most steps that the device tries alone */

/* Adaptive solves that the device carries out alone (device_solve.h). */
typedef struct device_solve_state {
    device_buffer state;   /* Y0 and carry in; behind them cotangents of Y1 and carry out */
    device_buffer rows;    /* of the steps (rows.h) */
    device_buffer running; /* running state as the solve found it */
    double *seen;          /* slots and log, as read last; NULL: not fitted yet */
    int64_t n_read;        /* rows of the log that are read together with the slots */
    int64_t kept;          /* rows that the last solve left for its reverse; 0: it left none */
    double last_h;         /* size of its last step */
    recorded *key;         /* of the solve under way; NULL: it cannot be captured */
} device_solve_state;

typedef struct solver {
    /* given for life; all of it outlives the solver */
    const device_lane *lane;
    stepper *stepper;
    const odeon_ode_spec *spec;
    const char *path;          /* for messages */
    const double (*replay)[2]; /* REPLAY: t, h */
    size_t n_replay;
    solve_watch *watch; /* what the solves to come look out for; NULL: for nothing */

    /* one solve */
    solve_task task;
    solve_outputs outputs;
    step_state step;
    step_slices slices;
    odeon_control control; /* adaptive: spec's, with this field's parts and order */
    double unclipped_h;    /* the last step if it was accepted and not cut; else as before */
    solve_log log;
    solve_tape tape;
    kept_steps kept;
    size_t first_attempt; /* of the log: the solve's */
    solve_diagnosis diagnosis;
    newton newton; /* of a method with implicit stages */
    krylov krylov; /* the same, of many features */

    /* memory, kept from solve to solve */
    workspace memory;
    double *slots; /* device; behind them, of adaptive solves, a log of SOLVER_LOG_ROWS */
    capture_cache *captures;
    capture_key key; /* the one being made */
    device_solve_state device;
} solver;

/* ---- vectors as tensors ---- */

/* [n]. A vector with nothing bound has data NULL, which stands for 0 where cotangents are meant. */
static inline odeon_tensor vector_tensor(const solver *s, bound_vector x)
{
    const odeon_field *f = &s->task.field->abi;
    return odeon_tensor_at(x.data, (odeon_shape){.ndim = 1, .dtype = f->dtype, .dim = {f->n}});
}
odeon_tensor part_tensor(const solver *s, bound_vector x, int32_t part); /* [part's n] */
odeon_tensor stage_time_tensor(const solver *s, int32_t eval);           /* F64 [1] */
/* y += x, x in the state's shape. */
odeon_status vector_add(const solver *s, bound_vector y, const odeon_view *x);
/* target += x; what is not bound counts as 0. The vector of x is handed over or released. */
odeon_status vector_hand_over(solver *s, bound_vector *target, bound_vector *x);

void release_values(solver *s);
void release_cotangents(solver *s);
void release_registers(solver *s); /* both */

/* ---- counts that only the host keeps ---- */

/* n evaluations of the field were made without a call of it, or less than the calls. */
void count_evals(solver *s, int64_t n);

/* ---- host memory ---- */

/* Room for so many records, frames on the tape, and attempts. */
odeon_status reserve_host(solver *s, size_t n_records, size_t n_frames, size_t n_attempts);

/* ---- undoing ---- */

/* Where the host's side of a solver stands. Device memory is not part of it. */
typedef struct solver_mark {
    int64_t evals, field_evals, index;
    int32_t next;
    size_t n_attempts, n_records, n_frames;
    solve_stats stats;
    solve_peak peak;
    solve_diagnosis diagnosis;
} solver_mark;

solver_mark solver_mark_here(const solver *s);
/* Undoes all since the mark: nothing has been counted, logged, taped or bound. Nothing that was on
 * the tape may have been overwritten: operations either append to it or use it up. */
void solver_rollback(solver *s, const solver_mark *mark);

/* Before a solve: nothing counted, and nothing kept of the solve before. */
void solver_restart(solver *s);

#endif
