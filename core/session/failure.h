/* failure.h: a batch that failed numerically: what is undone, and what the cause was. */
#ifndef ODEON_CORE_SESSION_FAILURE_H
#define ODEON_CORE_SESSION_FAILURE_H
#include "odeon/status.h"
#include "session/failed_batch.h"
#include "session/handle.h"

/* After ODEON_ERR_NUMERIC parameters and running state are as before the batch, and the message
 * names the worst sample where one was found. This is the batch then; NULL if the last batch did
 * not fail so, could not be snapshot, or failed in the midst of the update of parameters, which
 * then are lost. */
const session_batch *session_failed_batch(const session *s);

/* Writes the weights as session_save does, with the running state that the failed batch found: of a
 * part of a step that is the state of after the parts before it. */
odeon_status session_save_failed(session *s, const char *path);

/* Writes folder/steps-PATH.csv for every ODE block that the last batch came to: the steps (t, h,
 * error, accepted) of the solve that failed, else of the one forward. */
odeon_status session_write_attempts(session *s, const char *folder);

/* Running state as the batch found it, after one that failed and is no failure of the run. */
odeon_status session_undo_states(session *s);

/* Does what is said above, after batch b (request.h) has failed so, its reason in diag_message. */
struct batch;
void session_explain_failure(session *s, const struct batch *b);

#endif
