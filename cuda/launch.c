/* Kernels of our own on a queue's stream. */
#include "launch.h"

#include <limits.h>
#include <string.h>

#include "failure.h"
#include "recorder.h"

#define KERNEL_BYTES_(name, arguments, phases) [KERNEL_##name] = (int32_t)sizeof(arguments),
static const int32_t argument_bytes[] = {ALL_KERNELS(KERNEL_BYTES_)};

#define KERNEL_FITS_(name, arguments, phases)                                                      \
    _Static_assert(sizeof(arguments) <= KERNEL_ARGUMENT_BYTES, #arguments " are too large");
ALL_KERNELS(KERNEL_FITS_)

#define KERNEL_NAME_(name, arguments, phases) [KERNEL_##name] = #name,
static const char *const kernel_names[] = {ALL_KERNELS(KERNEL_NAME_)};

odeon_status cuda_begin(cuda_queue *queue)
{
    if (queue->recording != NULL && !queue->recording->capturing) { /* it would be done at once */
        return cuda_fail(queue, ODEON_ERR_DEVICE, "the recording broke off before");
    }
    if (queue->recording == NULL) {
        /* The owner alone writes, so a load and a store make an increment. */
        int64_t launches = atomic_load_explicit(&queue->launches, memory_order_relaxed);
        atomic_store_explicit(&queue->launches, launches + 1, memory_order_relaxed);
    }
    return cuda_spoil(queue, cuda_use_card(queue->device));
}

odeon_status cuda_launch(cuda_queue *queue, int32_t kernel, const void *arguments,
                         kernel_shape shape)
{
    _Alignas(16) unsigned char copy[KERNEL_ARGUMENT_BYTES]; /* the runtime takes no const */
    void *parameters[] = {copy};
    if (shape.blocks <= 0) {
        return ODEON_OK;
    }
    if (shape.blocks > INT_MAX) {
        return cuda_fail(queue, ODEON_ERR_UNSUPPORTED, "%s: %lld blocks", kernel_names[kernel],
                         (long long)shape.blocks);
    }
    memcpy(copy, arguments, (size_t)argument_bytes[kernel]);
    ODEON_TRY(cuda_begin(queue));
    struct dim3 grid = {(unsigned)shape.blocks, 1, 1}, block = {(unsigned)shape.threads, 1, 1};
    cudaError_t error = cudaLaunchKernel(queue->device->functions[kernel], grid, block, parameters,
                                         (size_t)shape.shared_bytes, queue->stream);
    return cuda_spoil(queue, cuda_check(queue->device, error, kernel_names[kernel]));
}

odeon_status launch(odeon_queue *queue, int32_t kernel, const void *arguments, kernel_shape shape)
{
    return cuda_launch(cuda_queue_of(queue), kernel, arguments, shape);
}

void *queue_scratch(odeon_queue *queue)
{
    return cuda_queue_of(queue)->scratch;
}
