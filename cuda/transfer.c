#include "transfer.h"

#include <string.h>

#include "failure.h"
#include "recorder.h"

/* Afterwards no copy of the queue is under way. */
static odeon_status settle(cuda_queue *queue)
{
    atomic_fetch_add_explicit(&queue->device->waits, 1, memory_order_relaxed);
    ODEON_TRY(
        cuda_check(queue->device, cudaStreamSynchronize(queue->stream), "waiting for the GPU"));
    queue->staged = 0;
    return ODEON_OK;
}

static odeon_status copy_up(cuda_queue *queue, void *destination, const void *source,
                            uint64_t bytes)
{
    return cuda_check(
        queue->device,
        cudaMemcpyAsync(destination, source, bytes, cudaMemcpyHostToDevice, queue->stream),
        "copying to the GPU");
}

static int32_t is_pinned(const void *memory)
{
    struct cudaPointerAttributes a;
    if (cudaPointerGetAttributes(&a, memory) != cudaSuccess) {
        (void)cudaGetLastError();
        return 0;
    }
    return a.type == cudaMemoryTypeHost;
}

/* When the runtime has done with memory that is not pinned is nowhere promised, and the caller may
 * change it at once. So little goes through pinned memory of the queue's own, which is filled from
 * the beginning again after every wait; for much the copy is waited for. */
odeon_status cuda_upload(odeon_queue *queue, void *destination, const void *source, uint64_t bytes)
{
    cuda_queue *q = cuda_queue_of(queue);
    ODEON_TRY(cuda_refuse(q, "upload"));
    if (bytes == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(cuda_use_card(q->device));
    if (bytes > STAGING_BYTES) {
        ODEON_TRY(copy_up(q, destination, source, bytes));
        return is_pinned(source) ? ODEON_OK : settle(q);
    }
    if (bytes > STAGING_BYTES - q->staged) {
        ODEON_TRY(settle(q));
    }
    void *staged = (char *)q->staging + q->staged;
    q->staged += bytes;
    memcpy(staged, source, bytes);
    return copy_up(q, destination, staged, bytes);
}

/* The GPU writes to pinned memory at once; else it has to go through such memory of the driver's,
 * piece by piece. */
static odeon_status fetch(cuda_queue *queue, void *destination, const void *source, uint64_t bytes)
{
    int32_t is_small = bytes > 0 && bytes <= READBACK_BYTES;
    if (bytes > 0) {
        ODEON_TRY(cuda_use_card(queue->device));
        ODEON_TRY(cuda_check(queue->device,
                             cudaMemcpyAsync(is_small ? queue->readback : destination, source,
                                             bytes, cudaMemcpyDeviceToHost, queue->stream),
                             "copying from the GPU"));
    }
    ODEON_TRY(settle(queue));
    if (is_small) {
        memcpy(destination, queue->readback, bytes);
    }
    return ODEON_OK;
}

odeon_status cuda_wait(odeon_queue *queue)
{
    cuda_queue *q = cuda_queue_of(queue);
    ODEON_TRY(cuda_refuse(q, "wait"));
    return settle(q);
}

odeon_status cuda_download(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes)
{
    cuda_queue *q = cuda_queue_of(queue);
    ODEON_TRY(cuda_refuse(q, "download"));
    return fetch(q, destination, source, bytes);
}

odeon_status cuda_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values)
{
    cuda_queue *q = cuda_queue_of(queue);
    ODEON_TRY(cuda_refuse(q, "slots_read"));
    return fetch(q, values, slots + first, (uint64_t)n * sizeof *values);
}
