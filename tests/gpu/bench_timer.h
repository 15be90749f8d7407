/* bench_timer.h: how long a call takes on a device, as the median of many samples.
 *
 * A sample is as many calls as it takes to last about two milliseconds, from a queue that has
 * nothing to do to one that has nothing to do again, divided by the calls. */
#ifndef ODEON_TESTS_GPU_BENCH_TIMER_H
#define ODEON_TESTS_GPU_BENCH_TIMER_H
#include <stdbool.h>
#include <stdint.h>

#include "odeon/device.h"

typedef struct bench_call {
    odeon_status (*run)(void *context);
    void *context;
    const odeon_device *device;
    odeon_queue *queue;
    bool quick; /* of few calls: counts are right, times mean nothing */
} bench_call;

typedef struct bench_time {
    double median, low, high; /* seconds of one call: median and quartiles */
    int32_t samples;
    int32_t by_events;
    int64_t calls; /* of one sample */
    /* Of one call by the device's counters; -1 where it has none. */
    int64_t launches, waits, allocs;
} bench_time;

/* Warms up, then takes samples for so many seconds, at least least of them. */
odeon_status bench_measure(const bench_call *call, double seconds, int32_t least, bench_time *out);

/* The same of a call that may be recorded: one of sixteen in a recording (quick: of two), where the
 * device has them and takes these; launches are those of one call that is not recorded. Runs
 * call->queue's first calls as they are, so that nothing is made within the recording. */
odeon_status bench_measure_recorded(const bench_call *call, double seconds, int32_t least,
                                    bench_time *out);

#endif
