/* train_phase.h: which phase of a run a step belongs to. */
#ifndef ODEON_CORE_RUN_TRAIN_PHASE_H
#define ODEON_CORE_RUN_TRAIN_PHASE_H
#include "config/config.h"
#include "format/checkpoint.h"
#include "session/handle.h"

typedef struct train_phase {
    size_t index;   /* 0: [train]; then [train.NAME] */
    int64_t before; /* steps of the run before its first */
    int64_t end;    /* its last step, INT64_MAX where no other follows */
} train_phase;

/* Of step, >= 1, in a run whose epochs have so many steps and that counts extra ones
 * (checkpoint.h).
 */
train_phase train_phase_of(const config *c, int64_t epoch_steps, int64_t extra, int64_t step);

/* Has a session go over to the phase that at was saved in. */
odeon_status train_phase_restore(session *s, const config *c, const checkpoint *at);

/* Does the stage of c begin behind this step? */
bool train_stage_begins(const config *c, int64_t step);

/* A phase that comes too late for a run of so many steps: its name; NULL: none. */
const char *train_phase_late(const config *c, int64_t epoch_steps, int64_t steps);
/* ODEON_ERR_CONFIG where an optimizer that takes all samples of an epoch in one step would get
 * fewer, or a phase would begin before the one above it. samples 0: not known, and not asked. */
odeon_status train_phase_check(const session *s, const config *c, int64_t samples);

#endif
