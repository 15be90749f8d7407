/* effects.h: what an operation of the engine changes on the host: counts, attempts, tape, outputs.
 * They are noted when its calls are captured, since a replay makes only the calls. */
#ifndef ODEON_CORE_SOLVER_EFFECTS_H
#define ODEON_CORE_SOLVER_EFFECTS_H
#include "solver/state.h"

/* Invariant: every pointer leads into the block that begins with the structure. */
typedef struct solve_effects {
    int64_t evals, index;
    solve_peak peak; /* of this operation alone */
    int32_t next, n_times;
    size_t n_attempts, n_records, n_frames; /* attempts: added; tape: as it is left */
    /* in the same block of memory: */
    solve_attempt *attempts;
    solve_record *records;
    odeon_frame **frames;
    double *read_at;
} solve_effects;

/* All since the mark, in one block of memory to be freed with mem_free; NULL: out of memory. */
solve_effects *effects_note(const solver *s, const solver_mark *mark);
/* Makes the same changes. effects_reserve has made room for them. */
odeon_status effects_reserve(solver *s, const solve_effects *effects);
void effects_apply(solver *s, const solve_effects *effects);

#endif
