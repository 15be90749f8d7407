/* bench_cases.h: the models that are timed, five of images and two of tables, as overrides of INIs
 * in conf/.
 *
 * A case is timed twice: the solve alone, from a state that lies on the device to the one at the
 * end, and a whole step of training. What differs from the INI is the same for every system that is
 * timed: methods that peers have, a learning rate at which the weights stay what they are, so that
 * every step has the same evaluations, and no random crops. */
#ifndef ODEON_TESTS_GPU_BENCH_CASES_H
#define ODEON_TESTS_GPU_BENCH_CASES_H
#include <stdbool.h>
#include <stdint.h>

enum { BENCH_CASES = 7, BENCH_MAX_OVERRIDES = 8 };

typedef struct bench_case {
    const char *name, *ini; /* "a", "i" of iris, "s" of the spiral; below the source's root */
    bool own_data;          /* data.path is not set */
    int64_t batch;
    int32_t state_ndim;                         /* 0: its solve is not timed by itself */
    int64_t state[3];                           /* of a sample in the ODE block */
    const char *both[BENCH_MAX_OVERRIDES + 1];  /* in addition to the INI; NULL ends each list */
    const char *solve[BENCH_MAX_OVERRIDES + 1]; /* of the solve alone: nothing before the block */
    const char *train[BENCH_MAX_OVERRIDES + 1];
} bench_case;

extern const bench_case bench_cases[BENCH_CASES];

#endif
