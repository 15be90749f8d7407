/* bench_events.h: the time between two moments of a GPU's stream. */
#ifndef ODEON_TESTS_GPU_BENCH_EVENTS_H
#define ODEON_TESTS_GPU_BENCH_EVENTS_H
#include "odeon/device.h"

typedef struct bench_events bench_events;

/* *out is NULL where device is no GPU, or this program was built without CUDA. */
odeon_status bench_events_create(const odeon_device *device, odeon_queue *queue,
                                 bench_events **out);
void bench_events_destroy(bench_events *e); /* NULL is allowed */

odeon_status bench_events_begin(bench_events *e);
/* Waits; seconds since begin. */
odeon_status bench_events_end(bench_events *e, double *seconds);

#endif
