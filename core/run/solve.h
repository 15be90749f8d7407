/* solve.h: the states along a model's first ODE block, in a file. */
#ifndef ODEON_CORE_RUN_SOLVE_H
#define ODEON_CORE_RUN_SOLVE_H
#include "data/data.h"
#include "run/predict_input.h"
#include "session/flow.h"
#include "session/handle.h"

typedef struct solution {
    int64_t n, n_times, size; /* samples, times of each, numbers of a state */
    double *times;            /* [n, n_times] */
    double *states;           /* [n, n_times, size], finite */
    ode_counters sum;         /* evaluations and steps of all batches */
    session_event *events;    /* [n_events], of a block with a section event, sample by sample */
    int64_t n_events;
} solution;

/* Solves for every sample of in or, with in NULL, of source, in batches of batch; with neither for
 * one sample of zeros. ODEON_ERR_NUMERIC if a state is not finite, ODEON_ERR_CONFIG without an ODE
 * block. out can be given to solution_fini whatever the answer. */
odeon_status solve_run(session *s, const predict_input *in, const data_source *source,
                       int64_t batch, solution *out);
void solution_fini(solution *x);

/* Writes to path (output_file.h): NAME.npy with the states, [n, n_times, size] in dtype;
 * NAME.safetensors with these as y and times as t, F64 [n, n_times], and, where there
 * are events, their samples I64 [n_events] as event.sample and times F64 as event.t; else lines
 * sample,t,y0,y1,... */
odeon_status solve_write(const char *path, uint32_t dtype, const solution *x);

#endif
