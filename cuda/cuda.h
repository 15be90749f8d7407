/* cuda.h: the CUDA device inside. One instance serves all workers: what they share is written at
 * init and by probe and only read afterwards, but for counters, the list of blocks and the list
 * of queues; what a worker writes lies in its queue. */
#ifndef ODEON_CUDA_CUDA_H
#define ODEON_CUDA_CUDA_H
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdatomic.h>

#include "odeon/cuda.h"
#include "odeon/device.h"
#include "odeon/device_ext.h"
#include "odeon/host.h"
#include "odeon/option.h"
#include "ops/ops.h"

/* What a block of device memory is known by on the host. */
typedef struct cuda_block {
    void *memory;
    uint64_t bytes;
    struct cuda_block *next, *previous;
} cuda_block;

typedef struct cuda_queue cuda_queue;
typedef struct cuda_blas cuda_blas; /* blas.c: cuBLAS for one stream */
typedef struct cuda_dnn cuda_dnn;   /* dnn.c: cuDNN for one stream */

typedef struct cuda_device {
    ODEON_INSTANCE;
    int64_t card;              /* which GPU, as the driver counts */
    int64_t math;              /* CUDA_MATH_ */
    int64_t blas, convolution; /* CUDA_LIBRARY or CUDA_OWN */
    int64_t algorithms;        /* CUDA_ALGORITHMS_, of cuDNN */
    int64_t loops;             /* CUDA_LOOPS_, within capture_cache */
    const void *functions[KERNEL_COUNT];
    _Atomic int32_t loaded;          /* all functions are on the GPU */
    _Atomic int32_t scratch_unknown; /* why cuDNN did not say what it needs, else 0 */
    _Atomic int64_t waits, allocs, live_bytes, retired_launches;
    int32_t has_lock, reserved0;
    pthread_mutex_t lock; /* of all that follows */
    cuda_queue *queues;
    cuda_block *blocks;
    cuda_dnn *dnn; /* asked for sizes alone; NULL until then */
} cuda_device;

/* In the order of the choices. */
enum { CUDA_MATH_IEEE32 = 0, CUDA_MATH_TF32 = 1 };
enum { CUDA_LIBRARY = 0, CUDA_OWN = 1 };
enum { CUDA_ALGORITHMS_FIXED = 0, CUDA_ALGORITHMS_FASTEST = 1 };
enum { CUDA_LOOPS_YES = 0, CUDA_LOOPS_NO = 1 };

/* While it is made: what capture.c needs to go on. Then a graph that can be launched. */
struct odeon_recording {
    cuda_queue *owner;
    cudaGraphExec_t graph;
    odeon_status status; /* of the first call that could not be recorded */
    int32_t capturing;   /* the stream captures; not so where the runtime failed on the way */
    cuda_block *freed;   /* to be freed when the queue records no longer */
    odeon_recording *destroyed, *next; /* likewise to be destroyed, linked by next */
    /* Within a loop, else NULL or 0: the graph around it, its node there and the arguments of the
     * kernel that stands in front of each pass. */
    cudaGraph_t around;
    cudaGraphNode_t node;
    loop_args pass;
    int32_t decided, reserved0; /* a kernel of the loop's body has decided on the next pass */
};

/* What a queue's handle is. */
struct cuda_queue {
    cuda_device *device;
    cudaStream_t stream;
    void *scratch;
    void *readback;             /* pinned: where little of the GPU's memory is read to */
    void *staging;              /* pinned: what little is on its way to the GPU */
    uint64_t staged;            /* bytes of staging that copies may still read */
    int64_t *passes_left;       /* on the GPU: of the loop within a replay */
    odeon_recording *recording; /* NULL: does not record. Changes under the device's lock */
    pthread_t recorder;         /* the thread that records */
    cuda_blas *blas;            /* NULL: not wanted */
    cuda_dnn *dnn;              /* NULL until the first convolution */
    _Atomic int64_t launches;   /* written by the owner alone */
    cuda_queue *next, *previous;
};

static inline cuda_queue *cuda_queue_of(const odeon_queue *queue)
{
    return queue->handle;
}

/* kernels/FAMILY.cu: each enters its __global__ functions under their KERNEL_ ids. */
void loops_kernels(const void **functions);
void loss_kernels(const void **functions);
void moving_kernels(const void **functions);
void norm_kernels(const void **functions);
void pairs_kernels(const void **functions);
void pool_kernels(const void **functions);
void product_kernels(const void **functions);
void random_kernels(const void **functions);
void solver_kernels(const void **functions);
void pointwise_kernels(const void **functions);
void optimizers_kernels(const void **functions);

#endif
