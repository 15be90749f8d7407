#include "bench_timer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "bench_events.h"
#include "odeon/device_ext.h"

enum { MAX_SAMPLES = 2000 };
static const double sample_seconds = 2e-3;

/* Enough that a solve has been recorded and replayed. */
static int64_t warm_calls(const bench_call *call)
{
    return call->quick ? 2 : 4;
}

static int64_t recorded_calls(const bench_call *call)
{
    return call->quick ? 2 : 16;
}

static int64_t calls_of_sample(const bench_call *call, double one)
{
    bool short_call = one > 0.0 && one < sample_seconds && !call->quick;
    return short_call ? (int64_t)(sample_seconds / one) + 1 : 1;
}

static odeon_status call_all(const bench_call *call, int64_t calls)
{
    for (int64_t i = 0; i < calls; i++) {
        ODEON_TRY(call->run(call->context));
    }
    return ODEON_OK;
}

/* events may be NULL. */
static odeon_status repeat(const bench_call *call, bench_events *events, int64_t calls,
                           double *seconds)
{
    double start = clock_seconds();
    if (events != NULL) {
        ODEON_TRY(bench_events_begin(events));
    }
    ODEON_TRY(call_all(call, calls));
    if (events != NULL) {
        ODEON_TRY(bench_events_end(events, seconds));
    } else {
        ODEON_TRY(call->device->ops->wait(call->queue));
        *seconds = clock_seconds() - start;
    }
    *seconds /= (double)calls;
    return ODEON_OK;
}

typedef struct counts {
    int64_t launches, waits, allocs;
} counts;

static counts read_counts(const bench_call *call)
{
    const odeon_device_counters *counters =
        call->device->get_table(call->device, ODEON_DEVICE_COUNTERS);
    counts c = {-1, -1, -1};
    int64_t live = 0;
    if (counters != NULL) {
        counters->read(call->device->handle, &c.launches, &c.waits, &c.allocs, &live);
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

static odeon_status take_samples(const bench_call *call, bench_events *events, double seconds,
                                 int32_t least, bench_time *out)
{
    double samples[MAX_SAMPLES], one = 0.0;
    ODEON_TRY(repeat(call, events, warm_calls(call), &one));
    ODEON_TRY(count(call, out));
    ODEON_TRY(repeat(call, events, 1, &one));
    out->calls = calls_of_sample(call, one);
    if (call->quick) { /* what one call took is a sample as any other */
        samples[out->samples++] = one;
    }
    double start = clock_seconds();
    while (out->samples < MAX_SAMPLES &&
           (out->samples < least || clock_seconds() - start < seconds)) {
        ODEON_TRY(repeat(call, events, out->calls, &samples[out->samples]));
        out->samples++;
    }
    qsort(samples, (size_t)out->samples, sizeof *samples, ascending);
    out->median = samples[out->samples / 2];
    out->low = samples[out->samples / 4];
    out->high = samples[out->samples * 3 / 4];
    return ODEON_OK;
}

odeon_status bench_measure(const bench_call *call, double seconds, int32_t least, bench_time *out)
{
    bench_events *events;
    *out = (bench_time){.calls = 1};
    ODEON_TRY(bench_events_create(call->device, call->queue, &events));
    out->by_events = events != NULL;
    odeon_status status = take_samples(call, events, seconds, least > 0 ? least : 1, out);
    bench_events_destroy(events);
    return status;
}

/* ---- calls in recordings ---- */

typedef struct repetition {
    const bench_call *call;
    const odeon_device_capture *capture;
    odeon_recording *recording; /* NULL: calls are made one by one */
} repetition;

/* What cannot be recorded is called one by one. */
static void record(repetition *r)
{
    odeon_queue *queue = r->call->queue;
    if (r->capture != NULL && r->capture->begin(queue) == ODEON_OK) {
        (void)call_all(r->call, recorded_calls(r->call)); /* a call that fails fails the end, too */
        (void)r->capture->end(queue, &r->recording);
    }
    diag_clear();
}

static odeon_status run_repetition(void *context)
{
    const repetition *r = context;
    return r->recording != NULL ? r->capture->replay(r->call->queue, r->recording)
                                : call_all(r->call, recorded_calls(r->call));
}

odeon_status bench_measure_recorded(const bench_call *call, double seconds, int32_t least,
                                    bench_time *out)
{
    const odeon_device *device = call->device;
    repetition r = {.call = call};
    bench_call all = *call;
    int64_t calls = recorded_calls(call);
    bench_time alone;
    all.run = run_repetition;
    all.context = &r;
    ODEON_TRY(bench_measure(call, 0.0, 1, &alone));
    r.capture = device->get_table(device, ODEON_DEVICE_CAPTURE);
    record(&r);
    odeon_status status = bench_measure(&all, seconds, least, out);
    if (r.recording != NULL) {
        r.capture->destroy(r.recording);
    }
    out->median /= (double)calls;
    out->low /= (double)calls;
    out->high /= (double)calls;
    out->calls *= calls;
    out->launches = alone.launches;
    return status;
}
