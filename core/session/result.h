/* result.h: what came out of a batch, or of several. */
#ifndef ODEON_CORE_SESSION_RESULT_H
#define ODEON_CORE_SESSION_RESULT_H
#include "device/counts.h"
#include "ode/counters.h"
#include "odeon/loss.h"
#include "odeon/status.h"

/* Of a batch, on the first worker's thread: until its samples were there, its output, its gradient,
 * and new parameters. A device apart from the host carries out its calls later than they return. */
typedef struct session_seconds {
    double data, forward, backward, update;
} session_seconds;

typedef struct session_result {
    double loss;                       /* mean over the batch */
    double metrics[ODEON_MAX_METRICS]; /* means over the batch */
    double counted;                    /* elements of the label that the metrics are means over */
    double loss_counted;               /* what the loss is a mean over: the same, or what classes
                                          that count differently add up to */
    double grad_norm;                  /* before clipping; NAN when nothing was differentiated */
    device_counters device;            /* of all workers */
    session_seconds seconds;
    size_t n_blocks;      /* ODE blocks */
    ode_counters *blocks; /* [n_blocks], the session's until its next batch; a copy's are its own */
} session_result;

/* Makes to, which starts as {0} or is an earlier copy, a copy of from with blocks of its own;
 * ODEON_ERR_NOMEM leaves it as it was. session_result_fini releases one and makes it {0}. */
odeon_status session_result_copy(const session_result *from, session_result *to);
void session_result_fini(session_result *copy);

/* Adds loss and metrics of a part of the samples to the means over those before, each weighed by
 * what it counts: a part of which nothing counts changes nothing. out begins with 0 counted. */
void session_result_add_means(session_result *out, const session_result *part, size_t n_metrics);

#endif
