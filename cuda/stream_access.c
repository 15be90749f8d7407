#include "stream_access.h"

#include "failure.h"
#include "launch.h"
#include "recorder.h"

/* The stream is looked up at each call: a recording puts another one in its place. */
static odeon_status stream(odeon_queue *queue, void **out)
{
    cuda_queue *q = cuda_queue_of(queue);
    *out = NULL;
    ODEON_TRY(cuda_begin(q));
    *out = q->stream;
    return ODEON_OK;
}

static odeon_status check(odeon_queue *queue, int32_t error, const char *what)
{
    cuda_queue *q = cuda_queue_of(queue);
    return cuda_spoil(q, cuda_check(q->device, (cudaError_t)error, what));
}

const odeon_device_cuda cuda_stream_access = {
    .struct_size = sizeof cuda_stream_access,
    .stream = stream,
    .check = check,
};
