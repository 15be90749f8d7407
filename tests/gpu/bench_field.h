/* bench_field.h: how long one evaluation of an ODE block's field takes by itself, so that what is
 * left of a solve is the solver's. */
#ifndef ODEON_TESTS_GPU_BENCH_FIELD_H
#define ODEON_TESTS_GPU_BENCH_FIELD_H
#include <stdbool.h>

#include "bench_timer.h"
#include "session/session.h"

typedef struct bench_field {
    session *session; /* whose first ODE block has seen a batch */
    bool with_vjp;    /* an evaluation and the vector-Jacobian product behind it */
    double seconds;
    int32_t least;
    bool quick; /* as in bench_call */
} bench_field;

/* By bench_measure_recorded where there is one worker. Writes over gradients. */
odeon_status bench_field_measure(const bench_field *b, bench_time *out);

#endif
