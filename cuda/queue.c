#include "queue.h"

#include <string.h>

#include "blas.h"
#include "capture.h"
#include "dnn.h"
#include "failure.h"
#include "recorder.h"

/* ---- create, destroy ---- */

static void enter(cuda_device *d, cuda_queue *q)
{
    (void)pthread_mutex_lock(&d->lock);
    q->next = d->queues;
    if (q->next != NULL) {
        q->next->previous = q;
    }
    d->queues = q;
    (void)pthread_mutex_unlock(&d->lock);
}

static void leave(cuda_device *d, const cuda_queue *q)
{
    (void)pthread_mutex_lock(&d->lock);
    *(q->previous != NULL ? &q->previous->next : &d->queues) = q->next;
    if (q->next != NULL) {
        q->next->previous = q->previous;
    }
    d->retired_launches += q->launches;
    (void)pthread_mutex_unlock(&d->lock);
}

enum { READBACK_BYTES = 1 << 16, STAGING_BYTES = 1 << 16 };

static odeon_status open_queue(cuda_device *d, cuda_queue *q)
{
    ODEON_TRY(cuda_use_card(d));
    ODEON_TRY(cuda_check(d, cudaStreamCreateWithFlags(&q->stream, cudaStreamNonBlocking),
                         "making a stream"));
    ODEON_TRY(cuda_check(d, cudaMalloc(&q->scratch, SCRATCH_BYTES + sizeof *q->passes_left),
                         "asking for scratch of a queue"));
    ODEON_TRY(cuda_check(d, cudaHostAlloc(&q->readback, READBACK_BYTES, cudaHostAllocDefault),
                         "asking for pinned memory of a queue"));
    ODEON_TRY(cuda_check(d, cudaHostAlloc(&q->staging, STAGING_BYTES, cudaHostAllocDefault),
                         "asking for pinned memory of a queue"));
    q->passes_left = (int64_t *)(void *)((char *)q->scratch + SCRATCH_BYTES);
    return ODEON_OK;
}

odeon_status cuda_queue_create(void *self, int32_t worker, void **out)
{
    cuda_device *d = self;
    (void)worker;
    *out = NULL;
    cuda_queue *q = d->host->alloc(d->host, sizeof *q);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *q);
    }
    memset(q, 0, sizeof *q);
    q->device = d;
    enter(d, q);
    odeon_status status = open_queue(d, q);
    if (status != ODEON_OK) {
        cuda_queue_destroy(d, q);
        return status;
    }
    *out = q;
    return ODEON_OK;
}

void cuda_queue_destroy(void *self, void *handle)
{
    cuda_device *d = self;
    cuda_queue *queue = handle;
    if (queue == NULL) {
        return;
    }
    (void)cudaSetDevice((int)d->card);
    cuda_forget_recording(queue);
    if (queue->stream != NULL) {
        (void)cudaStreamSynchronize(queue->stream);
    }
    cuda_dnn_close(d, queue->dnn);
    cuda_blas_close(d, queue->blas);
    if (queue->stream != NULL) {
        (void)cudaStreamDestroy(queue->stream);
    }
    (void)cudaFree(queue->scratch);
    (void)cudaFreeHost(queue->readback);
    (void)cudaFreeHost(queue->staging);
    leave(d, queue);
    d->host->free(d->host, queue);
}

/* ---- transfer ---- */

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
