/* jobs.h: one piece of work on all workers of a session at once. */
#ifndef ODEON_CORE_SESSION_JOBS_H
#define ODEON_CORE_SESSION_JOBS_H
#include "session/members.h"

/* Runs job on every worker, each on its thread; it leaves its answer in the worker's status and
 * message. The worst status of all, with its message. */
odeon_status session_run_job(session *s, team_job job, void *context);

/* Has all layers prepare for the parameters as they are now. */
odeon_status session_prepare(session *s);

#endif
