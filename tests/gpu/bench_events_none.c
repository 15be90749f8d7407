#include "bench_events.h"

odeon_status bench_events_create(const odeon_device *device, odeon_queue *queue, bench_events **out)
{
    (void)device;
    (void)queue;
    *out = NULL;
    return ODEON_OK;
}

void bench_events_destroy(bench_events *e)
{
    (void)e;
}

odeon_status bench_events_begin(bench_events *e)
{
    (void)e;
    return ODEON_ERR_UNSUPPORTED;
}

odeon_status bench_events_end(bench_events *e, double *seconds)
{
    (void)e;
    (void)seconds;
    return ODEON_ERR_UNSUPPORTED;
}
