#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cuda.h"

/* Which card a thread speaks to is the thread's, and a queue may be made by another. */
static odeon_status use_card(const cuda_device *d)
{
    return cuda_check(d, cudaSetDevice(d->ordinal), "taking the card into use");
}

/* ---- create, destroy ---- */

static void enter(cuda_device *d, odeon_queue *q)
{
    (void)pthread_mutex_lock(&d->lock);
    q->next = d->queues;
    if (q->next != NULL) {
        q->next->previous = q;
    }
    d->queues = q;
    (void)pthread_mutex_unlock(&d->lock);
}

static void leave(cuda_device *d, const odeon_queue *q)
{
    (void)pthread_mutex_lock(&d->lock);
    *(q->previous != NULL ? &q->previous->next : &d->queues) = q->next;
    if (q->next != NULL) {
        q->next->previous = q->previous;
    }
    d->retired_launches += q->launches;
    (void)pthread_mutex_unlock(&d->lock);
}

enum { LANDING_BYTES = 1 << 16 };

static odeon_status open_queue(cuda_device *d, odeon_queue *q)
{
    ODEON_TRY(use_card(d));
    ODEON_TRY(cuda_check(d, cudaStreamCreateWithFlags(&q->stream, cudaStreamNonBlocking),
                         "making a stream"));
    ODEON_TRY(cuda_check(d, cudaMalloc(&q->scratch, SCRATCH_BYTES + sizeof *q->passes_left),
                         "asking for scratch of a queue"));
    ODEON_TRY(cuda_check(d, cudaHostAlloc(&q->landing, LANDING_BYTES, cudaHostAllocDefault),
                         "asking for pinned memory of a queue"));
    q->passes_left = (int64_t *)(void *)((char *)q->scratch + SCRATCH_BYTES);
    return ODEON_OK;
}

odeon_status cuda_queue_create(void *device, int32_t worker, odeon_queue **out)
{
    cuda_device *d = device;
    (void)worker;
    *out = NULL;
    odeon_queue *q = d->host->alloc(d->host, sizeof *q);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *q);
    }
    memset(q, 0, sizeof *q);
    q->device = d;
    enter(d, q);
    odeon_status status = open_queue(d, q);
    if (status != ODEON_OK) {
        cuda_queue_destroy(q);
        return status;
    }
    *out = q;
    return ODEON_OK;
}

void cuda_queue_destroy(odeon_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    cuda_device *d = queue->device;
    (void)cudaSetDevice(d->ordinal);
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
    (void)cudaFreeHost(queue->landing);
    leave(d, queue);
    d->host->free(d->host, queue);
}

/* ---- transfer ---- */

/* From memory that is not pinned the runtime returns when it has taken its own copy. */
odeon_status cuda_upload(odeon_queue *queue, void *destination, const void *source, uint64_t bytes)
{
    ODEON_TRY(cuda_refuse(queue, "upload"));
    if (bytes == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(use_card(queue->device));
    return cuda_check(
        queue->device,
        cudaMemcpyAsync(destination, source, bytes, cudaMemcpyHostToDevice, queue->stream),
        "copying to the card");
}

static odeon_status settle(odeon_queue *queue)
{
    atomic_fetch_add_explicit(&queue->device->waits, 1, memory_order_relaxed);
    return cuda_check(queue->device, cudaStreamSynchronize(queue->stream), "waiting for the card");
}

/* The card writes to pinned memory at once; else it has to go through such memory of the driver's,
 * piece by piece. */
static odeon_status fetch(odeon_queue *queue, void *destination, const void *source, uint64_t bytes)
{
    int32_t lands = bytes > 0 && bytes <= LANDING_BYTES;
    if (bytes > 0) {
        ODEON_TRY(use_card(queue->device));
        ODEON_TRY(cuda_check(queue->device,
                             cudaMemcpyAsync(lands ? queue->landing : destination, source, bytes,
                                             cudaMemcpyDeviceToHost, queue->stream),
                             "copying from the card"));
    }
    ODEON_TRY(settle(queue));
    if (lands) {
        memcpy(destination, queue->landing, bytes);
    }
    return ODEON_OK;
}

odeon_status cuda_wait(odeon_queue *queue)
{
    ODEON_TRY(cuda_refuse(queue, "wait"));
    return settle(queue);
}

odeon_status cuda_download(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes)
{
    ODEON_TRY(cuda_refuse(queue, "download"));
    return fetch(queue, destination, source, bytes);
}

odeon_status cuda_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values)
{
    ODEON_TRY(cuda_refuse(queue, "slots_read"));
    return fetch(queue, values, slots + first, (uint64_t)n * sizeof *values);
}

/* ---- what operators need ---- */

#define KERNEL_BYTES_(name, arguments, phases) [KERNEL_##name] = (int32_t)sizeof(arguments),
static const int32_t argument_bytes[] = {ALL_KERNELS(KERNEL_BYTES_)};

#define KERNEL_FITS_(name, arguments, phases)                                                      \
    _Static_assert(sizeof(arguments) <= KERNEL_ARGUMENT_BYTES, #arguments " are too large");
ALL_KERNELS(KERNEL_FITS_)

#define KERNEL_NAME_(name, arguments, phases) [KERNEL_##name] = #name,
static const char *const kernel_names[] = {ALL_KERNELS(KERNEL_NAME_)};

odeon_status cuda_begin(odeon_queue *queue)
{
    if (queue->recording != NULL && !queue->recording->capturing) { /* it would be done at once */
        return device_fail(queue, ODEON_ERR_DEVICE, "the recording broke off before");
    }
    if (queue->recording == NULL) {
        /* The owner alone writes, so a load and a store make an increment. */
        int64_t launches = atomic_load_explicit(&queue->launches, memory_order_relaxed);
        atomic_store_explicit(&queue->launches, launches + 1, memory_order_relaxed);
    }
    return cuda_spoil(queue, use_card(queue->device));
}

odeon_status launch(odeon_queue *queue, int32_t kernel, const void *arguments, kernel_shape shape)
{
    _Alignas(16) unsigned char copy[KERNEL_ARGUMENT_BYTES]; /* the runtime takes no const */
    void *parameters[] = {copy};
    if (shape.blocks <= 0) {
        return ODEON_OK;
    }
    if (shape.blocks > INT_MAX) {
        return device_fail(queue, ODEON_ERR_UNSUPPORTED, "%s: %lld blocks", kernel_names[kernel],
                           (long long)shape.blocks);
    }
    memcpy(copy, arguments, (size_t)argument_bytes[kernel]);
    ODEON_TRY(cuda_begin(queue));
    struct dim3 grid = {(unsigned)shape.blocks, 1, 1}, block = {(unsigned)shape.threads, 1, 1};
    cudaError_t error = cudaLaunchKernel(queue->device->functions[kernel], grid, block, parameters,
                                         (size_t)shape.shared_bytes, queue->stream);
    return cuda_spoil(queue, cuda_check(queue->device, error, kernel_names[kernel]));
}

void *queue_scratch(odeon_queue *queue)
{
    return queue->scratch;
}

odeon_status device_fail(odeon_queue *queue, odeon_status status, const char *format, ...)
{
    char text[ODEON_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cuda_spoil(queue, odeon_fail(queue->device->host, status, "cuda: %s", text));
}
