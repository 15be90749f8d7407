/* bench.h: how long a model takes: a training step, an evaluation, a solve, and the operators of
 * one of these, of one configuration or of several in turn. */
#ifndef ODEON_CORE_RUN_BENCH_H
#define ODEON_CORE_RUN_BENCH_H
#include "config/config.h"
#include "data/data.h"
#include "plugin/registry.h"
#include "run/bench_rows.h"

enum { BENCH_MOST_SAMPLES = 4000 };

/* A configuration to be timed. Borrowed; config->capture is changed and put back. */
typedef struct bench_variant {
    const char *text; /* what differs from the first; "" of that */
    registry *registry;
    config *config;
    const data_fields *fields;
} bench_variant;

typedef struct bench_plan {
    unsigned what; /* 1u << BENCH_* */
    size_t n_variants;
    const bench_variant *variants;
    double seconds;   /* of each of what, for each variant */
    int32_t least;    /* samples, however long they take */
    const char *only; /* id of the only one wanted; NULL: all */
} bench_plan;

/* Every variant has the same batch: that of its first samples. Steps are made with a learning rate
 * of 0, so that all of them do the same. Repetitions of the variants take turns. ODEON_ERR_CONFIG
 * for what a configuration does not have ([train], an ODE block), and whatever building and
 * running say. out can be given to bench_result_fini whatever the answer. */
odeon_status bench_run(const bench_plan *plan, bench_result *out);

#endif
