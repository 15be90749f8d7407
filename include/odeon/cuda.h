/* cuda.h: how a plugin launches kernels of its own on a queue of the device `cuda`.
 *
 * For a layer's kernel "ID@cuda" (layer.h). The table is an extension of the device:
 *   const odeon_device_cuda *cuda =
 *       call->device->get_table(call->device, ODEON_DEVICE_CUDA);
 * and forward or vjp asks for the stream, launches, and reports:
 *   void *stream;
 *   ODEON_TRY(cuda->stream(call->queue, &stream));
 *   swish<<<blocks, threads, 0, (cudaStream_t)stream>>>(...);
 *   return cuda->check(call->queue, cudaGetLastError(), "swish");
 *
 * What is launched takes its place among the queue's operators. It is as REPLAYABLE as they are
 * (device.h): its arguments are copied at the launch, it allocates nothing, waits for nothing and
 * gives nothing to the host; it may so be recorded, also within a loop, where beside kernels only
 * copies and fills on the GPU are allowed: no event, no call of the host. Tensors' addresses are
 * device addresses. Nothing here needs CUDA's headers: a cudaStream_t is passed as void *, a
 * cudaError_t as int32_t.
 *
 * Draft. To be seen before it is frozen: kernels of somebody else on two generations of cards,
 * and a build of the device by another compiler. */
#ifndef ODEON_CUDA_H
#define ODEON_CUDA_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_DEVICE_CUDA "odeon.device.cuda/1"
typedef struct odeon_device_cuda {
    uint32_t struct_size, reserved0;
    /* The stream that the next launch on queue goes to, for that launch alone: ask before each. A
     * recording, and a loop in it, has another than the queue has otherwise. Counts one launch, and
     * makes the queue's GPU the current one of this thread, for every copy of the runtime in the
     * process. *out is NULL on failure. [worker; evaluation] */
    odeon_status (*stream)(odeon_queue *queue, void **out);
    /* ODEON_OK where error, a cudaError_t, is 0. Else the status it stands for, and one line to the
     * host: what was done, in words of the plugin, the runtime's words, and whether this process
     * can still use the GPU; what the queue records is then invalid.
     * [worker; evaluation] */
    odeon_status (*check)(odeon_queue *queue, int32_t error, const char *what);
} odeon_device_cuda;

#ifdef __cplusplus
}
#endif
#endif
