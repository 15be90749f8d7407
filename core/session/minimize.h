/* minimize.h: a step of an optimizer that evaluates the loss more than once. */
#ifndef ODEON_CORE_SESSION_MINIMIZE_H
#define ODEON_CORE_SESSION_MINIMIZE_H
#include "session/handle.h"
#include "session/request.h"

/* Trains in parts or as one, as the caller does, on whole, whose mode is SEARCH. */
typedef odeon_status (*minimize_eval)(session *s, const batch *whole, session_result *out);

/* After eval has evaluated whole where the parameters are, its result in *at: has the optimizer
 * search from there. Runs on the caller's thread; the workers are at rest but in eval. */
odeon_status session_minimize(session *s, const batch *whole, minimize_eval eval,
                              session_result *at);

#endif
