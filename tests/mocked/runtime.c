#include <cuda_runtime_api.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/device/emulated/kernel_table.h"
#include "cuda.h"
#include "library.h"
#include "mocked.h"

enum { POISON = 0xff, MOST_POISON = 1 << 20, ALIGNMENT = 256 };

int32_t mocked_fails(void)
{
    static _Atomic long calls;
    const char *at = getenv("ODEON_MOCKED_FAILS");
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (at != NULL && strcmp(at, "count") == 0) { /* the next call is call 1 */
        atomic_store(&calls, 0);
        return 0;
    }
    return at != NULL && call == strtol(at, NULL, 10);
}

static cudaError_t answer(void)
{
    return mocked_fails() ? cudaErrorInvalidValue : cudaSuccess;
}

/* ---- the card ---- */

cudaError_t cudaDriverGetVersion(int *version)
{
    const char *driver = getenv("ODEON_MOCKED_DRIVER");
    *version = driver != NULL ? (int)strtol(driver, NULL, 10) : CUDART_VERSION;
    return answer();
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return answer();
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int card)
{
    (void)card;
    *value = attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
    return answer();
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int card)
{
    (void)card;
    memset(properties, 0, sizeof *properties);
    memcpy(properties->name, "mocked card", sizeof "mocked card");
    return answer();
}

cudaError_t cudaSetDevice(int card)
{
    return card == 0 ? answer() : cudaErrorInvalidDevice;
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

const char *cudaGetErrorName(cudaError_t error)
{
    return error == cudaErrorInvalidValue ? "cudaErrorInvalidValue" : "another";
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaErrorInvalidValue ? "invalid argument" : "another error";
}

/* ---- memory, streams ---- */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    cudaError_t error = mocked_outside_capture();
    *memory = NULL;
    if (error != cudaSuccess || answer() != cudaSuccess) {
        return error != cudaSuccess ? error : cudaErrorMemoryAllocation;
    }
    size_t room = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *memory = aligned_alloc(ALIGNMENT, room);
    if (*memory == NULL) {
        return cudaErrorMemoryAllocation;
    }
    memset(*memory, POISON, room < MOST_POISON ? room : MOST_POISON);
    return cudaSuccess;
}

/* Gives memory back even where it is to fail: a test for leaks has to end. */
cudaError_t cudaFree(void *memory)
{
    cudaError_t error = mocked_outside_capture();
    if (error == cudaSuccess) {
        free(memory);
    }
    return error;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    return flags == cudaHostAllocDefault ? cudaMalloc(memory, bytes) : cudaErrorInvalidValue;
}

cudaError_t cudaFreeHost(void *memory)
{
    return cudaFree(memory);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)kind;
    if (stream == NULL || stream->graph != NULL || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    *stream = NULL;
    if (flags != cudaStreamNonBlocking || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    *stream = calloc(1, sizeof **stream);
    return *stream != NULL ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream != NULL && stream->graph != NULL) {
        stream->invalid = 1;
        return cudaErrorStreamCaptureUnsupported;
    }
    return stream != NULL ? answer() : cudaErrorInvalidValue;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    free(stream);
    return cudaSuccess;
}

/* ---- kernels ---- */

/* What stands for a __global__ function is its row of the table. */
#define ENTER(name, arguments, phases) functions[KERNEL_##name] = &emulated_kernels[KERNEL_##name];
#define FAMILY(family)                                                                             \
    void family##_kernels(const void **functions)                                                  \
    {                                                                                              \
        ALL_KERNELS(ENTER)                                                                         \
    }
MOCKED_FAMILIES /* FAMILY(moving) and so on, for every .cu file */

    cudaError_t
    cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function)
{
    memset(attributes, 0, sizeof *attributes);
    if (getenv("ODEON_MOCKED_NO_CODE") != NULL) {
        return cudaErrorNoKernelImageForDevice;
    }
    return function != NULL ? answer() : cudaErrorInvalidDeviceFunction;
}

typedef struct kernel_call {
    const emulated_kernel *kernel;
    int64_t blocks;
    int32_t threads, reserved0;
    _Alignas(16) unsigned char arguments[KERNEL_ARGUMENT_BYTES];
} kernel_call;

static void run_kernel(const void *call)
{
    _Alignas(16) static _Thread_local unsigned char shared[KERNEL_SHARED_BYTES];
    const kernel_call *c = call;
    for (int64_t b = 0; b < c->blocks; b++) {
        memset(shared, POISON, sizeof shared);
        for (int32_t phase = 0; phase < c->kernel->phases; phase++) {
            for (int32_t t = 0; t < c->threads; t++) {
                const kernel_thread w = {b, c->blocks, t, c->threads};
                c->kernel->run(phase, c->arguments, w, shared);
            }
        }
    }
}

cudaError_t cudaLaunchKernel(const void *function, struct dim3 grid, struct dim3 block,
                             void **arguments, size_t shared_bytes, cudaStream_t stream)
{
    const emulated_kernel *k = function;
    if (k == NULL || stream == NULL || grid.x == 0 || block.x > KERNEL_THREADS ||
        shared_bytes > KERNEL_SHARED_BYTES || answer() != cudaSuccess) {
        return cudaErrorInvalidValue;
    }
    kernel_call call = {.kernel = k, .blocks = grid.x, .threads = (int32_t)block.x};
    memcpy(call.arguments, arguments[0], (size_t)k->bytes);
    return mocked_ask(stream, run_kernel, &call, sizeof call);
}

/* ---- libraries ---- */

odeon_status cuda_library_load(const cuda_device *d, const char *file, const char *remedy, size_t n,
                               const cuda_symbol *symbols, void *table)
{
    if (mocked_fails()) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE, "cuda: %s cannot be loaded; %s", file, remedy);
    }
    for (size_t i = 0; i < n; i++) {
        void *to = (char *)table + symbols[i].offset;
        if (!mocked_blas(symbols[i].name, to) && !mocked_dnn(symbols[i].name, to)) {
            return odeon_fail(d->host, ODEON_ERR_INTERNAL, "mocked: no %s", symbols[i].name);
        }
    }
    return ODEON_OK;
}
