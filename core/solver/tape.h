/* tape.h: the accepted steps of a solve with the frames of their evaluations, in order, for the
 * reverse pass that uses them up from the end. */
#ifndef ODEON_CORE_SOLVER_TAPE_H
#define ODEON_CORE_SOLVER_TAPE_H
#include "solver/stepper.h"
#include "solver/workspace.h"

/* What the reverse of one step needs beside its frames. Invariant: outputs of later records have
 * larger numbers. */
typedef struct solve_record {
    double t, h;
    double h_prev;                   /* of the step before; 0: none */
    const program *program;          /* of a step, or the start's */
    size_t first_frame;              /* in tape->frames; the program says how many */
    int32_t first_output, n_outputs; /* that were read off this step */
    bool is_start;                   /* the method's start, which takes no time */
    bool is_first;                   /* a step whose carry in was zero, or came from the start */
    bool by_slots;                   /* output 1 was read off it, with weights that slots hold */
} solve_record;

/* Invariant: record i owns frames[first_frame ..] up to the next record's; the last up to n_frames.
 */
typedef struct solve_tape {
    odeon_frame **frames;
    size_t n_frames, frames_capacity;
    solve_record *records;
    size_t n_records, records_capacity;
    int64_t first_step; /* of the solve: the one that the first record is of, or the start of */
} solve_tape;

void solve_tape_fini(solve_tape *tape);
/* So many records and frames in all. Out of memory: false, and the tape has not changed. */
bool solve_tape_reserve(solve_tape *tape, size_t n_records, size_t n_frames);
/* The host memory of so many. */
int64_t solve_tape_bytes(size_t n_records, size_t n_frames);

/* Appends a record, first_frame apart, and takes over the n frames, which are NULL from then on.
 * There is room, since reserved. */
void solve_tape_push(solve_tape *tape, const solve_record *record, int32_t n, odeon_frame **frames);
/* Drops the last record, or all; frames go back to the workspace. */
void solve_tape_pop(solve_tape *tape, workspace *w);
void solve_tape_clear(solve_tape *tape, workspace *w);

#endif
