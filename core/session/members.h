/* members.h: what a session is made of, for its own files and for tests. */
#ifndef ODEON_CORE_SESSION_MEMBERS_H
#define ODEON_CORE_SESSION_MEMBERS_H
#include "ode/counters.h"
#include "session/failed_batch.h"
#include "session/handle.h"
#include "session/model.h"
#include "session/request.h"
#include "session/threads.h"
#include "session/worker.h"

/* One split whose samples lie on the device. */
typedef struct placed_split placed_split;

struct session {
    model model;
    int32_t n_workers; /* made; of shapes alone only the first */
    int32_t n_planned; /* that a run has */
    worker *workers;
    collective *collective; /* NULL of shapes alone, as is team */
    team *team;

    placed_split *placed;       /* a list */
    expected_batch expected;    /* what follows the next batch */
    bool unprepared;            /* parameters were set since the layers last prepared for them */
    struct curve *curves;       /* [config->n_curves]; NULL: none, or of shapes alone */
    ode_counters *blocks;       /* of all ODE blocks, after the last batch */
    session_batch failed_batch; /* without an input: none */
};

#endif
