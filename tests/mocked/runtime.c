#include <cuda_runtime_api.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../plugins/device/emulated/kernel_table.h"
#include "cuda.h"
#include "library.h"
#include "mocked.h"

enum { FIRST_WITH_LOOPS = 12040 };
enum { POISON = 0xff, MOST_POISON = 1 << 20, ALIGNMENT = 256 };

/* A number of the environment, or what else it is. */
static long setting(const char *name, long other)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : other;
}

static _Atomic long calls;

static int32_t is_lost(void)
{
    return atomic_load(&calls) >= setting("ODEON_MOCKED_LOST", LONG_MAX);
}

int32_t mocked_fails(void)
{
    const char *at = getenv("ODEON_MOCKED_FAILS");
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (at != NULL && strcmp(at, "count") == 0) {
        atomic_store(&calls, 0);
        return 0;
    }
    return (at != NULL && call == strtol(at, NULL, 10)) || is_lost();
}

cudaError_t mocked_answer(void)
{
    int32_t fails = mocked_fails();
    return !fails ? cudaSuccess : is_lost() ? cudaErrorIllegalAddress : cudaErrorInvalidValue;
}

/* ---- the GPU ---- */

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = (int)setting("ODEON_MOCKED_DRIVER", CUDART_VERSION);
    return mocked_answer();
}

cudaError_t cudaGetDeviceCount(int *count)
{
    enum { OLDEST_DRIVER = 12000 };
    *count = (int)setting("ODEON_MOCKED_CARDS", 1);
    if (setting("ODEON_MOCKED_DRIVER", CUDART_VERSION) < OLDEST_DRIVER) {
        return cudaErrorInsufficientDriver;
    }
    return *count == 0 ? cudaErrorNoDevice : mocked_answer();
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int card)
{
    (void)card;
    *value = attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
    return mocked_answer();
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int card)
{
    (void)card;
    memset(properties, 0, sizeof *properties);
    memcpy(properties->name, "mocked GPU", sizeof "mocked GPU");
    return mocked_answer();
}

cudaError_t cudaSetDevice(int card)
{
    if (getenv("ODEON_MOCKED_BUSY") != NULL) {
        return cudaErrorDevicesUnavailable;
    }
    return card == 0 ? mocked_answer() : cudaErrorInvalidDevice;
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

typedef struct error_text {
    cudaError_t error;
    const char *name, *text;
} error_text;

static const error_text *find_text(cudaError_t error)
{
    static const error_text texts[] = {
        {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
        {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
        {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable",
         "CUDA-capable device(s) is/are busy or unavailable"},
        {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
         "an illegal memory access was encountered"},
    };
    static const error_text other = {cudaErrorUnknown, "another", "another error"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].error == error) {
            return &texts[i];
        }
    }
    return &other;
}

const char *cudaGetErrorName(cudaError_t error)
{
    return find_text(error)->name;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return find_text(error)->text;
}

/* ---- memory, streams ---- */

/* What stands before each block, as large as what that is aligned to. */
typedef struct block_head {
    size_t bytes;
    unsigned char reserved0[ALIGNMENT - sizeof(size_t)];
} block_head;

static _Atomic size_t held; /* bytes of all blocks */

static size_t card_bytes(void)
{
    return (size_t)setting("ODEON_MOCKED_MEMORY", 1L << 32);
}

static cudaError_t take(size_t bytes, void **memory)
{
    size_t room = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > SIZE_MAX / 2 || atomic_load(&held) + room > card_bytes()) {
        return cudaErrorMemoryAllocation;
    }
    block_head *b = aligned_alloc(ALIGNMENT, sizeof *b + room);
    if (b == NULL) {
        return cudaErrorMemoryAllocation;
    }
    b->bytes = room;
    atomic_fetch_add(&held, room);
    *memory = b + 1;
    memset(*memory, POISON, room < MOST_POISON ? room : MOST_POISON);
    return cudaSuccess;
}

/* A call that is to fail finds no memory. */
cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    *memory = NULL;
    cudaError_t error = mocked_outside_capture();
    if (error == cudaSuccess) {
        error = mocked_answer();
        error = error == cudaErrorInvalidValue ? cudaErrorMemoryAllocation : error;
    }
    return error == cudaSuccess ? take(bytes, memory) : error;
}

cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    size_t used = atomic_load(&held);
    *total = card_bytes();
    *left = used < *total ? *total - used : 0;
    return mocked_answer();
}

/* All streams, whose copies may not have been made yet, and those copies. */
static cudaStream_t streams;
static pthread_mutex_t copy_lock = PTHREAD_MUTEX_INITIALIZER;

static void make_copy(cudaStream_t stream)
{
    if (stream->copy_bytes > 0) {
        memcpy(stream->copy_to, stream->copy_from, stream->copy_bytes);
    }
    stream->copy_bytes = 0;
}

void mocked_catch_up(cudaStream_t stream)
{
    (void)pthread_mutex_lock(&copy_lock);
    make_copy(stream);
    (void)pthread_mutex_unlock(&copy_lock);
}

static void catch_up_all(void)
{
    (void)pthread_mutex_lock(&copy_lock);
    for (cudaStream_t stream = streams; stream != NULL; stream = stream->following) {
        make_copy(stream);
    }
    (void)pthread_mutex_unlock(&copy_lock);
}

/* Waits for all streams, as the runtime's own does. Gives memory back even where it is to fail: a
 * test for leaks has to end. */
cudaError_t cudaFree(void *memory)
{
    if (memory == NULL) {
        return cudaSuccess; /* "no operation is performed" */
    }
    cudaError_t error = mocked_outside_capture();
    if (error == cudaSuccess) {
        catch_up_all();
        block_head *b = (block_head *)memory - 1;
        atomic_fetch_sub(&held, b->bytes);
        free(b);
    }
    return error == cudaSuccess && is_lost() ? cudaErrorIllegalAddress : error;
}

/* Pinned memory, by its ends; a free place has none. */
enum { MOST_PINNED = 256 };
static struct {
    const char *first, *end;
} pinned[MOST_PINNED];
static pthread_mutex_t pinned_lock = PTHREAD_MUTEX_INITIALIZER;

/* The place of the block that memory lies in, of a free one for NULL; -1: none. */
static int32_t find_pinned(const void *memory)
{
    const char *at = memory;
    for (int32_t i = 0; i < MOST_PINNED; i++) {
        if (at == NULL ? pinned[i].first == NULL : pinned[i].first <= at && at < pinned[i].end) {
            return i;
        }
    }
    return -1;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    cudaError_t error =
        flags == cudaHostAllocDefault ? cudaMalloc(memory, bytes) : cudaErrorInvalidValue;
    if (error == cudaSuccess) {
        (void)pthread_mutex_lock(&pinned_lock);
        int32_t i = find_pinned(NULL);
        if (i >= 0) {
            pinned[i].first = *memory;
            pinned[i].end = pinned[i].first + bytes;
        }
        (void)pthread_mutex_unlock(&pinned_lock);
    }
    return error;
}

cudaError_t cudaFreeHost(void *memory)
{
    (void)pthread_mutex_lock(&pinned_lock);
    int32_t i = memory != NULL ? find_pinned(memory) : -1;
    if (i >= 0) {
        pinned[i].first = pinned[i].end = NULL;
    }
    (void)pthread_mutex_unlock(&pinned_lock);
    return cudaFree(memory);
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *memory)
{
    memset(attributes, 0, sizeof *attributes);
    (void)pthread_mutex_lock(&pinned_lock);
    attributes->type = find_pinned(memory) >= 0 ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
    (void)pthread_mutex_unlock(&pinned_lock);
    return mocked_answer();
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)kind;
    if (stream == NULL || stream->graph != NULL) {
        return cudaErrorInvalidValue;
    }
    cudaError_t error = mocked_answer();
    (void)pthread_mutex_lock(&copy_lock);
    make_copy(stream);
    if (error == cudaSuccess) {
        stream->copy_to = to;
        stream->copy_from = from;
        stream->copy_bytes = bytes;
    }
    (void)pthread_mutex_unlock(&copy_lock);
    return error;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    cudaError_t error = mocked_answer();
    *stream = NULL;
    if (flags != cudaStreamNonBlocking || error != cudaSuccess) {
        return error != cudaSuccess ? error : cudaErrorInvalidValue;
    }
    *stream = calloc(1, sizeof **stream);
    if (*stream == NULL) {
        return cudaErrorMemoryAllocation;
    }
    (*stream)->ask = mocked_ask;
    (void)pthread_mutex_lock(&copy_lock);
    (*stream)->following = streams;
    streams = *stream;
    (void)pthread_mutex_unlock(&copy_lock);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream != NULL && stream->graph != NULL) {
        stream->invalid = 1;
        return cudaErrorStreamCaptureUnsupported;
    }
    if (stream != NULL) {
        mocked_catch_up(stream);
    }
    return stream != NULL ? mocked_answer() : cudaErrorInvalidValue;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    (void)pthread_mutex_lock(&copy_lock);
    for (cudaStream_t *at = &streams; *at != NULL; at = &(*at)->following) {
        if (*at == stream) {
            *at = stream->following;
            break;
        }
    }
    (void)pthread_mutex_unlock(&copy_lock);
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
    int32_t of_loops = function == &emulated_kernels[KERNEL_loop_pass] ||
                       function == &emulated_kernels[KERNEL_judge_pass] ||
                       function == &emulated_kernels[KERNEL_back_pass];
    if (of_loops && setting("ODEON_MOCKED_DRIVER", CUDART_VERSION) < FIRST_WITH_LOOPS) {
        return cudaErrorSymbolNotFound; /* the driver has no function that sets a condition */
    }
    return function != NULL ? mocked_answer() : cudaErrorInvalidDeviceFunction;
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
        shared_bytes > KERNEL_SHARED_BYTES) {
        return cudaErrorInvalidValue;
    }
    cudaError_t error = mocked_answer();
    if (error != cudaSuccess) {
        return error;
    }
    kernel_call call = {.kernel = k, .blocks = grid.x, .threads = (int32_t)block.x};
    memcpy(call.arguments, arguments[0], (size_t)k->bytes);
    return mocked_ask(stream, run_kernel, &call, sizeof call);
}

cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node,
                                         struct cudaKernelNodeParams *parameters)
{
    mocked_run *run = NULL;
    const kernel_call *call = mocked_node_work(node, &run);
    memset(parameters, 0, sizeof *parameters);
    if (call == NULL || run != run_kernel) {
        return cudaErrorInvalidValue;
    }
    parameters->func = (void *)(uintptr_t)call->kernel;
    return mocked_answer();
}

#define KERNEL_NAME(name, arguments, phases) [KERNEL_##name] = #name,

cudaError_t cudaFuncGetName(const char **name, const void *function)
{
    static const char *const names[] = {ALL_KERNELS(KERNEL_NAME)};
    *name = names[(const emulated_kernel *)function - emulated_kernels];
    return mocked_answer();
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
        if (!mocked_blas(symbols[i].name, to) && !mocked_blas_lt(symbols[i].name, to) &&
            !mocked_dnn(symbols[i].name, to)) {
            return odeon_fail(d->host, ODEON_ERR_INTERNAL, "mocked: no %s", symbols[i].name);
        }
    }
    return ODEON_OK;
}
