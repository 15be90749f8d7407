/* bench_serve.h: samples taken one by one as a caller asks for them, so that several programs can
 * take turns. Lines on standard input, answered on standard output:
 *
 *   open CASE WHAT    ready SAMPLES EVALS_FORWARD EVALS_BACKWARD of a call, after warm-up calls, then
 *   go CALLS          the seconds that so many calls took
 *   close             done
 *
 * or failed MESSAGE in place of ready and done; fields have tabs between them. */
#ifndef ODEON_TESTS_GPU_BENCH_SERVE_H
#define ODEON_TESTS_GPU_BENCH_SERVE_H
#include <stdbool.h>

#include "bench_timer.h"

typedef struct bench_command {
    char name, what[16];
} bench_command;

/* The next "open"; false at the end of input. */
bool bench_serve_next(bench_command *out);
/* Answers "ready" and "go" until "close"; counts are read after the first call. */
odeon_status bench_serve_samples(const bench_call *call, int64_t batch,
                                 const int64_t *evals_forward, const int64_t *evals_backward);

#endif
