#include "queue.h"

#include <string.h>

#include "blas.h"
#include "capture.h"
#include "dnn.h"
#include "failure.h"
#include "recorder.h"
#include "transfer.h"

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
