/* kept_steps.h: what a solve keeps of its accepted steps beside frames: their sizes and programs,
 * the states that some of them start from, and what dense output needs. Vectors are shared with the
 * steps that made them, so that keeping one costs no copy. */
#ifndef ODEON_CORE_SOLVER_KEPT_STEPS_H
#define ODEON_CORE_SOLVER_KEPT_STEPS_H
#include "solver/tape.h"
#include "solver/workspace.h"

/* So many vectors of each of n entries, one entry after the other. */
typedef struct kept_vectors {
    bound_vector *x;
    size_t n, width, capacity; /* capacity: vectors */
} kept_vectors;

/* Invariants: records are those of a tape without their frames, starts among them; first[i] is the
 * record that step i begins with, its start if it has one. states.n is the number of steps that are
 * multiples of every; slopes.n is that of all steps, or 0. */
typedef struct kept_steps {
    int64_t every; /* a state of every so many steps */
    bool chooses;  /* every doubles when states outweigh frames */
    solve_record *records;
    size_t n_records, records_capacity;
    size_t *first;
    size_t n_steps, steps_capacity;
    kept_vectors states; /* of each: Y0, then carry in */
    kept_vectors slopes; /* of each step: what dense output is a sum of, Y0 first */
} kept_steps;

void kept_steps_fini(kept_steps *k);
/* Forgets all; vectors go back. From here on entries have so many vectors. every 0: chosen. */
void kept_steps_clear(kept_steps *k, workspace *w, int64_t every, size_t states, size_t slopes);

/* Room for a step more, and its start. Out of memory: false. */
bool kept_steps_reserve(kept_steps *k);
/* Vectors that it holds. */
int64_t kept_steps_vectors(const kept_steps *k);

/* Adds a record; of a step, not of a start, begins a new one. There is room, since reserved. */
void kept_steps_add(kept_steps *k, const solve_record *record);
/* Is a state kept of step i? */
bool kept_steps_has_state(const kept_steps *k, int64_t i);
/* The vectors of step i, which has them. */
const bound_vector *kept_steps_state(const kept_steps *k, int64_t i);
const bound_vector *kept_steps_slopes(const kept_steps *k, int64_t i);
/* The record of step i itself. */
const solve_record *kept_steps_record(const kept_steps *k, int64_t i);

/* Keeps states of half as many steps. */
void kept_steps_thin(kept_steps *k, workspace *w);

#endif
