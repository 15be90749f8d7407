#include "bench_events.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/cuda.h"

struct bench_events {
    const odeon_device_cuda *cuda;
    odeon_queue *queue;
    cudaEvent_t begin, end;
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
    if (cuda == NULL ||
        strcmp(device->id, "cuda") != 0) { /* a mocked stream is none of this runtime's */
        return ODEON_OK;
    }
    ODEON_TRY(cuda->stream(queue, &stream));
    bench_events *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    e->cuda = cuda;
    e->queue = queue;
    odeon_status status = check(cudaEventCreate(&e->begin));
    if (status == ODEON_OK) {
        status = check(cudaEventCreate(&e->end));
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
    if (e != NULL) {
        (void)cudaEventDestroy(e->begin);
        (void)cudaEventDestroy(e->end);
        free(e);
    }
}

static odeon_status record(bench_events *e, cudaEvent_t event)
{
    void *stream;
    ODEON_TRY(e->cuda->stream(e->queue, &stream));
    return check(cudaEventRecord(event, stream));
}

odeon_status bench_events_begin(bench_events *e)
{
    return record(e, e->begin);
}

odeon_status bench_events_end(bench_events *e, double *seconds)
{
    float milliseconds = 0.0f;
    ODEON_TRY(record(e, e->end));
    ODEON_TRY(check(cudaEventSynchronize(e->end)));
    ODEON_TRY(check(cudaEventElapsedTime(&milliseconds, e->begin, e->end)));
    *seconds = 1e-3 * (double)milliseconds;
    return ODEON_OK;
}
