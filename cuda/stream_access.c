#include "stream_access.h"

#include "failure.h"
#include "launch.h"
#include "recorder.h"

/* The stream is looked up at each call: a recording puts another one in its place. */
static odeon_status stream(odeon_queue *queue, void **out)
{
    *out = NULL;
    ODEON_TRY(cuda_begin(queue));
    *out = queue->stream;
    return ODEON_OK;
}

static odeon_status check(odeon_queue *queue, int32_t error, const char *what)
{
    return cuda_spoil(queue, cuda_check(queue->device, (cudaError_t)error, what));
}

const odeon_device_cuda cuda_stream_access = {
    .struct_size = sizeof cuda_stream_access,
    .stream = stream,
    .check = check,
};
