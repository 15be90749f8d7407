/* threads.h: the threads of a run. Rank 0 is the caller's own thread. */
#ifndef ODEON_CORE_SESSION_THREADS_H
#define ODEON_CORE_SESSION_THREADS_H
#include <stdint.h>

#include "odeon/status.h"

typedef struct team team;
typedef void (*team_job)(void *context, int32_t rank);

odeon_status team_create(int32_t size, team **out);
void team_destroy(team *t); /* joins; NULL is allowed */
/* Runs job on all ranks at once and returns when all are done. */
void team_run(team *t, team_job job, void *context);

#endif
