#include "bench_events.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "mocked.h"
#include "odeon/cuda.h"

enum { BEGIN, END };

struct bench_events {
    const odeon_device_cuda *cuda;
    odeon_queue *queue;
    cudaEvent_t event[2]; /* NULL: a mocked stream is none of this program's runtime */
    double seconds[2];    /* of a mocked stream, when its turn came */
};

static odeon_status check(cudaError_t error)
{
    return error == cudaSuccess
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DEVICE, "bench: events: %s", cudaGetErrorString(error));
}

odeon_status bench_events_create(const odeon_device *device, odeon_queue *queue, bench_events **out)
{
    const odeon_device_cuda *cuda = device->get_table(device, ODEON_DEVICE_CUDA);
    void *stream; /* asked for so that the queue's GPU is this thread's */
    *out = NULL;
    if (cuda == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(cuda->stream(queue, &stream));
    bench_events *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    e->cuda = cuda;
    e->queue = queue;
    odeon_status status = ODEON_OK;
    for (int i = BEGIN; i <= END && strcmp(device->id, "mocked") != 0; i++) {
        status = status == ODEON_OK ? check(cudaEventCreate(&e->event[i])) : status;
    }
    if (status != ODEON_OK) {
        bench_events_destroy(e);
        return status;
    }
    *out = e;
    return ODEON_OK;
}

void bench_events_destroy(bench_events *e)
{
    for (int i = BEGIN; e != NULL && i <= END; i++) {
        if (e->event[i] != NULL) {
            (void)cudaEventDestroy(e->event[i]);
        }
    }
    free(e);
}

/* What an event of a mocked stream does in its turn. */
static void take_time(const void *arguments)
{
    struct timespec now;
    double *seconds;
    memcpy(&seconds, arguments, sizeof seconds);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    *seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static odeon_status record(bench_events *e, int which)
{
    void *stream;
    double *seconds = &e->seconds[which];
    ODEON_TRY(e->cuda->stream(e->queue, &stream));
    if (e->event[which] != NULL) {
        return check(cudaEventRecord(e->event[which], stream));
    }
    cudaStream_t mocked = stream;
    return check(mocked->ask(mocked, take_time, &seconds, sizeof seconds));
}

odeon_status bench_events_begin(bench_events *e)
{
    return record(e, BEGIN);
}

odeon_status bench_events_end(bench_events *e, double *seconds)
{
    float milliseconds = 0.0f;
    ODEON_TRY(record(e, END));
    if (e->event[END] == NULL) {
        *seconds = e->seconds[END] - e->seconds[BEGIN];
        return ODEON_OK;
    }
    ODEON_TRY(check(cudaEventSynchronize(e->event[END])));
    ODEON_TRY(check(cudaEventElapsedTime(&milliseconds, e->event[BEGIN], e->event[END])));
    *seconds = 1e-3 * (double)milliseconds;
    return ODEON_OK;
}
