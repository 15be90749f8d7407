/* train_times.h: where the time of a run goes: times.csv in its folder. */
#ifndef ODEON_CORE_RUN_TRAIN_TIMES_H
#define ODEON_CORE_RUN_TRAIN_TIMES_H
#include "run/run_dir.h"
#include "session/result.h"

enum train_part {
    TRAIN_DATA,     /* reading samples, as far as training waits for it */
    TRAIN_FORWARD,  /* the network */
    TRAIN_BACKWARD, /* loss and gradient */
    TRAIN_UPDATE,   /* sums over workers, judging, optimizer */
    TRAIN_TEST,
    TRAIN_SAVE,  /* checkpoints and weights */
    TRAIN_AUDIT, /* [audit] */
    TRAIN_PARTS
};

/* Seconds of the run's processes so far. Starts as {0}. */
typedef struct train_times {
    double seconds[TRAIN_PARTS];
} train_times;

/* Those of the processes before, of a run that goes on; a file that is missing or of another form
 * counts as 0. */
void train_times_read(const run_dir *dir, train_times *out);
/* "part,seconds" and a line for each part. A failure is one warning: nothing depends on it. */
void train_times_write(const run_dir *dir, const train_times *times);

/* Those of a step. apart: the device is not the host, whose calls then return before they are
 * carried out: only the whole step can be told, and counts as forward. */
void train_times_add_step(train_times *times, const session_seconds *step, bool apart);

#endif
