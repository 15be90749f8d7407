/* failures.h: what a run does about numerical failures: run.on_failure.
 *
 * stop  A bundle goes to RUN/failure, and the run ends.
 * skip  Bundles go to RUN/failure/1, 2, ..., the first FAILURES_MAX_BUNDLES, and training goes on
 *       with the next batch; but after FAILURES_MAX_IN_A_ROW in a row one more ends the run. A
 *       failing evaluation ends it in any case. */
#ifndef ODEON_CORE_RUN_FAILURES_H
#define ODEON_CORE_RUN_FAILURES_H
#include "run/run_dir.h"
#include "session/handle.h"

enum { FAILURES_MAX_BUNDLES = 10, FAILURES_MAX_IN_A_ROW = 10 };

typedef struct failures {
    session *session;
    const config *config;
    const run_dir *dir;
    int64_t in_a_row; /* set to 0 after a step that succeeds */
} failures;

/* After a batch has ended with ODEON_ERR_NUMERIC, its reason in diag_message. ODEON_OK: go on with
 * the next batch, parameters are as before; a warning has been given. Else ODEON_ERR_NUMERIC with
 * the reason and how to repeat the batch. A bundle that cannot be written is a warning. */
odeon_status failures_handle(failures *f);

#endif
