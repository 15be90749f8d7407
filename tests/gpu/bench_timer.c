#include "bench_timer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum { MAX_SAMPLES = 2000, WARM_CALLS = 4 };
static const double sample_seconds = 2e-3;

static odeon_status repeat(const bench_call *call, int64_t calls, double *seconds)
{
    double start = clock_seconds();
    for (int64_t i = 0; i < calls; i++) {
        ODEON_TRY(call->run(call->context));
    }
    odeon_status status = call->device->ops->wait(call->queue);
    *seconds = (clock_seconds() - start) / (double)calls;
    return status;
}

typedef struct counts {
    int64_t launches, waits, allocs;
} counts;

static counts read_counts(const bench_call *call)
{
    const odeon_device_ops *ops = call->device->ops;
    const odeon_device_counters *counters =
        ops->get_extension != NULL ? ops->get_extension(call->device->self, ODEON_DEVICE_COUNTERS)
                                   : NULL;
    counts c = {-1, -1, -1};
    int64_t live = 0;
    if (counters != NULL) {
        counters->read(call->device->self, &c.launches, &c.waits, &c.allocs, &live);
    }
    return c;
}

static odeon_status count(const bench_call *call, bench_time *out)
{
    counts before = read_counts(call);
    ODEON_TRY(call->run(call->context));
    counts after = read_counts(call);
    bool known = before.launches >= 0;
    out->launches = known ? after.launches - before.launches : -1;
    out->waits = known ? after.waits - before.waits : -1;
    out->allocs = known ? after.allocs - before.allocs : -1;
    return call->device->ops->wait(call->queue);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

odeon_status bench_measure(const bench_call *call, double seconds, int32_t least, bench_time *out)
{
    double samples[MAX_SAMPLES], one = 0.0;
    *out = (bench_time){.calls = 1};
    ODEON_TRY(repeat(call, WARM_CALLS, &one));
    ODEON_TRY(count(call, out));
    ODEON_TRY(repeat(call, 1, &one));
    out->calls = one < sample_seconds ? (int64_t)(sample_seconds / one) + 1 : 1;
    double start = clock_seconds();
    while (out->samples < MAX_SAMPLES &&
           (out->samples < least || clock_seconds() - start < seconds)) {
        ODEON_TRY(repeat(call, out->calls, &samples[out->samples]));
        out->samples++;
    }
    qsort(samples, (size_t)out->samples, sizeof *samples, ascending);
    out->median = samples[out->samples / 2];
    out->low = samples[out->samples / 4];
    out->high = samples[out->samples * 3 / 4];
    return ODEON_OK;
}
