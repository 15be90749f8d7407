/* threads.h: threads that share the operators of one worker (option threads), for models with few,
 * large samples. An operator is cut into parts that do not depend on one another and each of which
 * computes what it would have been without the cut: so results are the same for any number of
 * threads, to the bit. */
#ifndef ODEON_CPU_THREADS_H
#define ODEON_CPU_THREADS_H
#include <stdint.h>

#include "odeon/host.h"
#include "odeon/status.h"

typedef struct cpu_threads cpu_threads;

/* Starts n - 1 threads, n >= 2; the worker's own is the first. ODEON_ERR_NOMEM. */
odeon_status cpu_threads_create(const odeon_host *host, int32_t n, cpu_threads **out);
void cpu_threads_destroy(cpu_threads *t);        /* NULL is allowed */
int32_t cpu_threads_count(const cpu_threads *t); /* NULL: 1 */

/* Part number part of parts of what arg describes. */
typedef void cpu_threads_part(void *arg, int32_t part, int32_t parts);

/* Calls part for 0 ... parts - 1, each on a thread of its own, and returns when all have returned;
 * parts is at most the count. [worker] */
void cpu_threads_run(cpu_threads *t, int32_t parts, cpu_threads_part *part, void *arg);

/* How many parts count numbers of a pointwise operator are worth, and which of them a part has. */
int32_t cpu_threads_parts(const cpu_threads *t, int64_t count);

typedef struct cpu_range {
    int64_t first, count;
} cpu_range;

cpu_range cpu_threads_range(int64_t count, int32_t part, int32_t parts);

#endif
