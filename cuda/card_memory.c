/* How much memory the card has left, and the host's memory that it copies from by itself. */
#include "cuda.h"

static odeon_status read_memory(void *device, uint64_t *free_bytes, uint64_t *total_bytes)
{
    const cuda_device *d = device;
    size_t left = 0, total = 0;
    cudaError_t error = cudaSetDevice(d->ordinal);
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
    cudaError_t error = cudaSetDevice(d->ordinal);
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
        (void)cudaSetDevice(d->ordinal);
        (void)cudaFreeHost(memory);
    }
}

const odeon_device_pinned cuda_pinned = {
    .struct_size = sizeof cuda_pinned,
    .alloc = pinned_alloc,
    .free = pinned_free,
};
