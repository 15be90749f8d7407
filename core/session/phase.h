/* phase.h: which part of a run a session trains in: whose optimizer and schedule. */
#ifndef ODEON_CORE_SESSION_PHASE_H
#define ODEON_CORE_SESSION_PHASE_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"
#include "session/handle.h"
#include "session/model.h"
#include "session/worker.h"

size_t session_phase(const session *s); /* 0 at first: that of [train] */
/* Goes over to phase, which begins after so many steps of the run; its optimizer starts with
 * moments of 0. Where the session is in it already only the steps are set. Between batches. */
odeon_status session_enter_phase(session *s, size_t phase, int64_t steps_before);

/* Does the optimizer of a phase take all samples of an epoch in one step? Its id; NULL: not. */
const char *session_wants_whole(const session *s, size_t phase);

/* ODEON_ERR_CONFIG where what [train] and the sections of the model say of gradients has no meaning
 * for the optimizer of a phase. Of the first worker, with the model's lr_factors. */
odeon_status phases_check(const worker *w);

#endif
