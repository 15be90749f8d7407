/* flow.h: the states along a flow: a model that ends with its first ODE block
 * (session_create_flow), and what comes out of that. */
#ifndef ODEON_CORE_SESSION_FLOW_H
#define ODEON_CORE_SESSION_FLOW_H
#include "ode/field_points.h"
#include "session/run_batch.h"

/* What comes out of the block, which has to be one of the model's own row (ODEON_ERR_CONFIG). */
typedef struct session_flow {
    int64_t n_times, size; /* size: elements of a state */
} session_flow;
odeon_status session_flow_of(const session *s, session_flow *out);

/* Runs it in evaluation mode: output [n, n_times, size], times [n, n_times]. Of result the counters
 * are set. */
odeon_status session_solve(session *s, const session_samples *samples, double *output,
                           double *times, session_result *result);

/* One event of a solve (a section event of its block). */
typedef struct session_event {
    int64_t sample; /* of the batch */
    double t;
} session_event;

/* Those of the last session_solve, of n samples, in the order of samples and of times: at most
 * capacity of them are given; how many there are. */
int64_t session_events(const session *s, int64_t n, int64_t capacity, session_event *out);

/* Lists where the field is evaluated in the solves to come, those of one worker: a session of
 * several is ODEON_ERR_CONFIG. points outlives them; NULL ends it. */
odeon_status session_list_points(session *s, field_points *points);

#endif
