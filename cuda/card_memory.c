/* The GPU's memory in blocks, how much is left, and the host's memory that it copies from by
 * itself.
 */
#include "card_memory.h"

#include "failure.h"
#include "odeon/device_ext.h"
#include "recorder.h"

/* ---- blocks ---- */

static void remember(cuda_device *d, cuda_block *block)
{
    (void)pthread_mutex_lock(&d->lock);
    block->next = d->blocks;
    if (block->next != NULL) {
        block->next->previous = block;
    }
    d->blocks = block;
    (void)pthread_mutex_unlock(&d->lock);
    atomic_fetch_add_explicit(&d->allocs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->live_bytes, (int64_t)block->bytes, memory_order_relaxed);
}

odeon_status cuda_alloc(void *device, uint64_t bytes, void **out)
{
    cuda_device *d = device;
    *out = NULL;
    cuda_queue *recorder = cuda_recorder(d);
    if (recorder != NULL) {
        return cuda_refuse(recorder, "alloc");
    }
    cuda_block *block = d->host->alloc(d->host, sizeof *block);
    if (block == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *block);
    }
    *block = (cuda_block){.bytes = bytes};
    cudaError_t error = cudaSetDevice((int)d->card);
    if (error == cudaSuccess) {
        error = cudaMalloc(&block->memory, bytes > 0 ? bytes : 1); /* nothing has no address */
    }
    odeon_status status = cuda_check_alloc(d, error, bytes);
    if (status != ODEON_OK) {
        d->host->free(d->host, block);
        return status;
    }
    remember(d, block);
    *out = block->memory;
    return ODEON_OK;
}

static cuda_block *forget(cuda_device *d, const void *memory)
{
    (void)pthread_mutex_lock(&d->lock);
    cuda_block *block = d->blocks;
    while (block != NULL && block->memory != memory) {
        block = block->next;
    }
    if (block != NULL) {
        *(block->previous != NULL ? &block->previous->next : &d->blocks) = block->next;
        if (block->next != NULL) {
            block->next->previous = block->previous;
        }
    }
    (void)pthread_mutex_unlock(&d->lock);
    return block;
}

void cuda_free_block(const cuda_device *d, cuda_block *block)
{
    (void)cudaSetDevice((int)d->card);
    (void)cudaFree(block->memory); /* fails only where the context is lost, and all with it */
    d->host->free(d->host, block);
}

void cuda_free(void *device, void *memory)
{
    cuda_device *d = device;
    cuda_block *block = memory != NULL ? forget(d, memory) : NULL;
    if (block == NULL) {
        return;
    }
    atomic_fetch_sub_explicit(&d->live_bytes, (int64_t)block->bytes, memory_order_relaxed);
    cuda_queue *recorder = cuda_recorder(d);
    if (recorder != NULL) {
        (void)cuda_refuse(recorder, "free");
        cuda_free_later(recorder, block);
    } else {
        cuda_free_block(d, block);
    }
}

/* ---- what is left, and what is pinned ---- */

static odeon_status read_memory(void *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    const cuda_device *d = device;
    size_t left = 0, total = 0;
    cudaError_t error = cudaSetDevice((int)d->card);
    error = error == cudaSuccess ? cudaMemGetInfo(&left, &total) : error;
    *free_bytes = left;
    *total_bytes = total;
    return cuda_check(d, error, "asking for the memory left");
}

const odeon_device_memory cuda_memory = {
    .struct_size = sizeof cuda_memory,
    .read = read_memory,
};

static odeon_status pinned_alloc(void *device, uint64_t bytes, void **out)
{
    const cuda_device *d = device;
    *out = NULL;
    cudaError_t error = cudaSetDevice((int)d->card);
    if (error == cudaSuccess) {
        error = cudaHostAlloc(out, bytes > 0 ? bytes : 1, cudaHostAllocDefault);
    }
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        return odeon_fail(d->host, ODEON_ERR_NOMEM,
                          "cuda: the host has no %llu bytes of memory to pin; use a smaller batch",
                          (unsigned long long)bytes);
    }
    return cuda_check(d, error, "pinning memory of the host");
}

static void pinned_free(void *device, void *memory)
{
    const cuda_device *d = device;
    if (memory != NULL) {
        (void)cudaSetDevice((int)d->card);
        (void)cudaFreeHost(memory);
    }
}

const odeon_device_pinned cuda_pinned = {
    .struct_size = sizeof cuda_pinned,
    .alloc = pinned_alloc,
    .free = pinned_free,
};
