/* peak.h: how fast a session's device is at what it does best, by its own operators: all workers
 * multiply matrices that stay in their caches, then add up vectors that do not. The host has no
 * kernels of its own to measure a machine with, and this can be asked of any device. */
#ifndef ODEON_CORE_SESSION_PEAK_H
#define ODEON_CORE_SESSION_PEAK_H
#include <stdint.h>

#include "odeon/status.h"
#include "session/handle.h"

/* Of all workers together, in the run's dtype. Starts as {0}; every measurement only raises it. */
typedef struct session_peak {
    double gemm;    /* operations a second: a multiply-add counts two */
    double lincomb; /* bytes a second: two vectors read, one written */
    int64_t edge;   /* of the square matrices of each worker */
    int64_t length; /* of the vectors of each worker */
} session_peak;

/* Some tens of milliseconds on a fast device. ODEON_ERR_NOMEM, or what an operator says. */
odeon_status session_measure_peak(session *s, session_peak *out);

#endif
