/* solver.h: carries out an integrator's programs on a field: fixed and adaptive loops, records of
 * what was done, and the walk back through them. One solver serves one field shape of one ODE block
 * on one worker; its memory grows between steps, never within, and is kept for the run. */
#ifndef ODEON_CORE_SOLVER_SOLVER_H
#define ODEON_CORE_SOLVER_SOLVER_H
#include "device/buffer.h"
#include "device/capture_cache.h"
#include "device/lane.h"
#include "odeon/container.h"
#include "odeon/field.h"
#include "odeon/gradient.h"
#include "solver/stepper.h"

/* All that a field's calls depend on beside their arguments and what lies in device memory, as
 * bytes that only whoever runs the field can read: where two are the same, a recording of the one
 * does for the other. No gaps. */
enum { FIELD_IDENTITY_BYTES = 512 };
typedef struct field_identity {
    unsigned char bytes[FIELD_IDENTITY_BYTES];
} field_identity;

/* A field of the host: what the ABI's field leaves to whoever runs it. abi.self points to it. */
typedef struct host_field {
    odeon_field abi;
    field_identity identity;
    int64_t *evals;              /* counts its evaluations */
    bool moves_state;            /* its evaluations update running state, which is here: */
    odeon_tensor running;        /* on the device; without data where there is none */
    bool is_alone;               /* no collective is in its evaluations */
    bool is_recordable;          /* its identity says all that it has to */
    int64_t frame_bytes;         /* of one evaluation; 0: its evaluations cannot be kept */
    int64_t frame_in, frame_out; /* where a frame keeps f's argument and value; -1: it does not */
    int64_t samples;             /* that a part of the state consists of, on this worker; 0: none */
} host_field;

struct odeon_frame {
    char *memory; /* device */
    struct odeon_frame *next;
    bool marked; /* while frames are told apart */
};

/* A vector of the state's shape, counted: a combination that only renames costs nothing. */
typedef struct vec {
    char *data;
    struct vec *next;
    int32_t refs, reserved0;
} vec;

/* Vectors that were made together. */
typedef struct vec_chunk {
    char *memory; /* device */
    vec *vecs;
    struct vec_chunk *next;
} vec_chunk;

/* What stands at a place: in a counted vector, or (owner NULL) in a frame or with the caller. */
typedef struct held {
    char *data; /* NULL: nothing */
    vec *owner;
} held;

typedef struct solve_record {
    double t, h;
    const program *program;          /* of a step, or the start's */
    size_t first_frame;              /* in solver->kept */
    int32_t first_output, n_outputs; /* read off this step */
    bool is_start;
    bool is_first; /* its carry in was zero */
    bool by_slots; /* output 1 was read off it; the weights stand in slots */
} solve_record;

typedef struct solve_stats {
    int64_t accepted, rejected;
    double h_min, h_max; /* sizes of accepted steps, without sign; NAN before the first */
} solve_stats;

typedef struct solve_attempt {
    double t, h, error; /* scaled error norm; NAN: a step that was not judged */
    bool accepted;
} solve_attempt;

/* Where in the state things went wrong, as far as this worker's slice tells. */
typedef struct solve_worst {
    const char *part; /* NULL: nothing was found */
    int64_t sample;   /* of the slice */
    double error;     /* its own scaled error; NAN: a value of it is not finite */
} solve_worst;

/* What keeps an adaptive solve from going on, as far as this worker's slice tells; of several
 * workers the largest holds. */
enum {
    CAUSE_NONE = 0,      /* all is finite: errors do not fall with the step */
    CAUSE_TOLERANCE = 1, /* errors are too large, against the tolerances, to be judged */
    CAUSE_PROBE = 2,     /* the field is not finite where the first step is measured */
    CAUSE_FIELD = 3,     /* nor where any step goes */
    CAUSE_STATE = 4      /* the state at the start is not finite */
};

typedef struct solve_cause {
    int32_t kind;
    int32_t by_atol;         /* TOLERANCE: it is atol alone that the worst value is measured by */
    double size, start_size; /* largest value of the state now, and at the start */
} solve_cause;

/* What solves took at the most at one time since this was last set to zero. Unlike what is
 * allocated, which stays for later solves, it is the same whatever was solved before. */
typedef struct solve_use {
    int64_t frames; /* in number */
    int64_t frame_bytes, vector_bytes, record_bytes;
} solve_use;

/* What an adaptive solve stands in that the device carries out alone (solver_loop.h). */
typedef struct solve_piece {
    device_buffer state; /* Y0 and carry; behind them what a walk back owes for their successors */
    device_buffer rows;  /* of its steps */
    device_buffer running; /* running state as the solve found it */
    double *seen;          /* slots and log on the host */
    int64_t n_read;        /* rows of the log that are read with the slots */
    int64_t kept;    /* rows that the last solve left for a walk back; 0: it left frames, if any */
    double last_h;   /* size of its last step */
    recorded *asked; /* what became of the solve under way; NULL: it cannot be recorded */
} solve_piece;

enum { SOLVER_LOG_ROWS = 1024 }; /* the most trial steps of such a solve */

typedef struct solver {
    const device_lane *lane; /* outlives it */
    stepper *stepper;
    const odeon_ode_spec *spec;
    const char *path;          /* for messages */
    const double (*replay)[2]; /* REPLAY: t, h */
    size_t n_replay;
    double *slots; /* device; behind them, of adaptive solves, a log of SOLVER_LOG_ROWS */
    odeon_control control;

    vec_chunk *vec_chunks;
    vec *free_vecs;
    int64_t vec_bytes, n_vecs, n_free_vecs;

    odeon_frame *free_frames;
    char **frame_chunks; /* device memory, for the end */
    odeon_frame **frame_arrays;
    size_t n_chunks;
    int64_t frame_bytes, n_frames, n_free_frames;

    held at[PROGRAM_MAX_PLACES], bar[PROGRAM_MAX_PLACES];
    const double *times; /* of the solve under way */
    int32_t n_times;
    int32_t next;          /* the output that comes next */
    const odeon_tensor *y; /* the outputs of the solve under way */
    const odeon_tensor *d_y;
    void
        *spare_bar; /* memory of the answer of a walk back, until something stands in it; or NULL */
    double
        *read_at; /* [n_times]: where within its step an output was read; 1: the step's own end */
    int32_t read_capacity, reserved0;
    const host_field *field;
    int32_t keep;
    odeon_frame *frames[ODEON_MAX_STAGES]; /* of the step under way */

    odeon_frame **kept; /* of all records, in order */
    size_t n_kept, kept_capacity;
    solve_record *records;
    size_t n_records, records_capacity;

    solve_stats stats;
    solve_use use;
    int64_t index;        /* steps since the start, or since h changed under FIXED_H */
    int64_t steps_before; /* tried by earlier solves of the same pass: max_steps counts them, too */
    int64_t evals;        /* of the field, by this solver */
    double uncut; /* the last step if it was accepted and not cut for an output; else as before */
    solve_attempt *attempts; /* all steps since solver_forget */
    size_t n_attempts, attempts_capacity;
    bool failed; /* one of these solves; then also */
    solve_worst worst;
    solve_cause cause;

    capture_cache *captures;
    char *key; /* of a solve, being made */
    size_t key_bytes, key_capacity;
    solve_piece piece;
} solver;

odeon_status solver_create(const device_lane *lane, stepper *method, const odeon_ode_spec *spec,
                           const char *path, solver **out);
void solver_destroy(solver *s); /* NULL is allowed */

/* odeon_solve_services.solve. Fails with ODEON_ERR_NUMERIC where the step size underflows, the
 * number of steps exceeds spec->max_steps, or a step is void with fixed steps. */
odeon_status solver_solve(solver *s, const host_field *field, int32_t n_times, const double *times,
                          int32_t keep, const odeon_tensor *y);
/* odeon_solve_services.reverse */
odeon_status solver_reverse(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0);

/* Forgets attempts and failure, but no memory. */
void solver_forget(solver *s);

/* The sum of s->use in bytes. */
int64_t solver_used_bytes(const solver *s);

/* ---- between the solver's own files ---- */

/* Room for what the next step can need: vectors, frames, records. Allocates. */
odeon_status solver_reserve(solver *s, const program *p);
odeon_status solver_fit(solver *s, const host_field *field); /* to the field's sizes */
odeon_status solver_fit_times(solver *s, int32_t n_times);
void solver_drop_records(solver *s);
/* Room on the host for so many records, frames in them, and attempts. */
odeon_status solver_reserve_host(solver *s, size_t records, size_t kept, size_t attempts);
/* Takes the n_kept frames of s->kept off the free ones. All were free. */
void solver_retake_frames(solver *s);

/* What solver_solve does once all is fitted, and solver_reverse: the calls themselves. */
odeon_status solver_carry_out(solver *s);
odeon_status solver_walk_back(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0);
/* Walks back through what solver_run has just done, from what its places are owed (s->bar), and
 * gives its frames back. record: the program, whether it is the start's, and outputs by slots. */
odeon_status solver_walk_run(solver *s, const solve_record *record);
/* How much each place that dense output consists of, Y0 first, counts at t + x h of a step: weights
 * that stand in slots from ERROR_SUM on for a walk back. How many: at most 1 + ODEON_MAX_STAGES. */
int32_t solver_output_weights(const solver *s, double h, double x, double *weights);
/* d_y0, of what stands in s->bar for the start and what is owed for the first output. */
odeon_status solver_give_start(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0);

/* ---- recorded and replayed whole (solver_record.c) ---- */

/* The same by a recording where there is one, or else making it; of steps known beforehand. */
odeon_status solver_carry_out_recorded(solver *s);
odeon_status solver_walk_back_recorded(solver *s, const odeon_tensor *d_y,
                                       const odeon_tensor *d_y0);
/* Nothing of a solve so far: neither counted, nor recorded, nor kept. */
void solver_start_over(solver *s);

/* The steps known beforehand: by count, size, or a recorded list (solver_fixed.c). */
odeon_status solver_solve_equal(solver *s);
odeon_status solver_solve_sized(solver *s);
odeon_status solver_solve_replayed(solver *s);

/* ---- outputs (solver_output.c) ---- */

/* 1, or -1 for a solve backward in time. */
double solver_direction(const solver *s);
/* Is output i at t or before it, in the direction of the solve? */
bool solver_reaches(const solver *s, double t, int32_t i);
/* The first of the block's stops behind t, if it comes before end; else end. */
double solver_next_stop(const solver *s, double t, double end);
/* Reads the outputs that an accepted step from t by h, which ends at t_end, has come to: at its own
 * end, or off its dense output. */
odeon_status solver_read_outputs(solver *s, double t, double h, double t_end);

held solver_take(solver *s); /* a vector; there is one, since reserved */
void solver_release(solver *s, held *x);
held solver_share(held x); /* one more user of the same */

/* Runs a program's verbs from the places of Y0 and carry in; frames are taken if kept. */
odeon_status solver_run(solver *s, const program *p);
/* Sums (error_sum of device.h) into ERROR_SUM, this worker's share, over the parts that count, of
 * the n vectors x with their coefficients; of a program's error estimate. */
odeon_status solver_scaled_sums(solver *s, held y0, held y1, int32_t n, const held *x,
                                const odeon_scalar *coefficients);
odeon_status solver_error(solver *s, const program *p);
/* The error estimate of a step by h as a vector, whatever the slots say by now. */
odeon_status solver_error_vector(solver *s, const program *p, double h, held out);
/* An accepted step, which ends at t_end (t + h but for rounding): the outputs within are read off
 * it, it is recorded, and its end becomes the next one's start. Or the opposite. */
odeon_status solver_accept(solver *s, const program *p, double t, double h, double t_end);
void solver_reject(solver *s);
/* Runs and records start, which fills carry at t0. */
odeon_status solver_begin(solver *s, double t0);

odeon_status solver_set_step(solver *s, double t, double h); /* writes T and H */
/* What an adaptive solve is given in slots, and zeros in the others that it reads. */
odeon_status solver_write_slots(solver *s);
/* The automatic first step, from the places of Y0 and carry in, into H; f at the start and near it,
 * to be let go. */
odeon_status solver_start_phases(solver *s, held *f0, held *f1);
/* A numerical failure: what is wrong, where in the solve (h and error: NaN where there is none),
 * what a layer said about it, and what may help. */
odeon_status solver_fail(const solver *s, double t, double h, double error, const char *what,
                         const char *remedy);

/* A step that was tried; there is room, since reserved. */
void solver_note(solver *s, double t, double h, double error, bool accepted);
void solver_count(solver *s, double h, bool accepted); /* into s->stats */
void solver_let_all_go(solver *s);                     /* what stands anywhere */

/* After a step that ends the solve without success, before its places are let go: finds s->worst in
 * its error estimate. May allocate; makes no collective call. What fails in here is not told: the
 * solve has failed already. */
void solver_blame_error(solver *s, const program *p, double h); /* s->cause, too */
/* The same for one vector: the first sample with a value that is not finite. */
void solver_blame_value(solver *s, held x);
/* The same, and s->cause, where no first step can be chosen: a value of y0 or of f there or nearby
 * that is not finite, else the slope that is largest against the tolerances. */
void solver_blame_start(solver *s, held y0, held f0, held f1);
/* A vector as double; NULL if that is not possible. The caller frees it with mem_free. */
double *solver_download(solver *s, held x);

odeon_tensor solver_vector(const solver *s, held x); /* [n] */
odeon_tensor solver_part(const solver *s, held x, int32_t part);
odeon_tensor solver_stage_time(const solver *s, int32_t eval);

#endif
