/* cuda.h: the CUDA device inside. One instance serves all workers: what they share is written at
 * create and by probe and only read afterwards, but for counters, the list of blocks and the list
 * of queues; what a worker writes lies in its queue. */
#ifndef ODEON_CUDA_CUDA_H
#define ODEON_CUDA_CUDA_H
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdatomic.h>

#include "odeon/cuda.h"
#include "odeon/device.h"
#include "odeon/host.h"
#include "odeon/option.h"
#include "ops/ops.h"

/* What a block of device memory is known by on the host. */
typedef struct cuda_block {
    void *memory;
    uint64_t bytes;
    struct cuda_block *next, *previous;
} cuda_block;

typedef struct cuda_blas cuda_blas; /* blas.c: cuBLAS for one stream */
typedef struct cuda_dnn cuda_dnn;   /* dnn.c: cuDNN for one stream */

typedef struct cuda_device {
    const odeon_host *host;
    int32_t ordinal; /* which card, as the driver counts */
    int32_t math;    /* CUDA_MATH_ */
    int32_t use_blas, use_dnn;
    int32_t fastest; /* of cuDNN's algorithms, by its own account */
    int32_t loops;   /* within capture_cache */
    const void *functions[KERNEL_COUNT];
    _Atomic int32_t loaded;          /* all functions are on the card */
    _Atomic int32_t scratch_unknown; /* why cuDNN did not say what it needs, else 0 */
    _Atomic int64_t waits, allocs, live_bytes, retired_launches;
    pthread_mutex_t lock; /* of all that follows */
    odeon_queue *queues;
    cuda_block *blocks;
    cuda_dnn *dnn; /* asked for sizes alone; NULL until then */
} cuda_device;

enum { CUDA_MATH_IEEE32 = 0, CUDA_MATH_TF32 = 1 };

/* While it is made: what capture.c needs to go on. Then a graph that can be launched. */
struct odeon_recording {
    odeon_queue *owner;
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
};

struct odeon_queue {
    cuda_device *device;
    cudaStream_t stream;
    void *scratch;
    void *landing;              /* pinned: where little of the card's memory is read to */
    int64_t *passes_left;       /* on the card: of the loop within a replay */
    odeon_recording *recording; /* NULL: does not record. Changes under the device's lock */
    pthread_t recorder;         /* the thread that records */
    cuda_blas *blas;            /* NULL: not wanted */
    cuda_dnn *dnn;              /* NULL until the first convolution */
    _Atomic int64_t launches;   /* written by the owner alone */
    odeon_queue *next, *previous;
};

extern const odeon_device_ops cuda_device_ops;
extern const odeon_option *const cuda_options[];

/* device.c */
odeon_status cuda_create(const odeon_host *host, const odeon_config *config, void **out);
void cuda_destroy(void *self);
odeon_status cuda_probe(void *device);
odeon_status cuda_describe(void *device, char *text, uint64_t bytes);
odeon_status cuda_alloc(void *device, uint64_t bytes, void **out);
void cuda_free(void *device, void *memory);
void cuda_free_block(const cuda_device *d, cuda_block *block); /* one that is in no list */
const void *cuda_extension(void *device, const char *id);
int32_t cuda_has_loops(const cuda_device *d); /* within capture_cache */

/* failure.c. 0 if all is well, else ODEON_ERR_NOMEM or ODEON_ERR_DEVICE with one line: what was
 * tried, the runtime's words, whether the card's context is lost, and what memory it has left. */
odeon_status cuda_check(const cuda_device *d, cudaError_t error, const char *what);
odeon_status cuda_check_alloc(const cuda_device *d, cudaError_t error, uint64_t bytes);
/* The same before the card is in use. */
odeon_status cuda_check_card(const cuda_device *d, cudaError_t error, const char *what);

/* memory.c */
extern const odeon_device_memory cuda_memory;
extern const odeon_device_pinned cuda_pinned;

/* queue.c */
odeon_status cuda_queue_create(void *device, int32_t worker, odeon_queue **out);
void cuda_queue_destroy(odeon_queue *queue);
odeon_status cuda_upload(odeon_queue *queue, void *destination, const void *source, uint64_t bytes);
odeon_status cuda_download(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
odeon_status cuda_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values);
odeon_status cuda_wait(odeon_queue *queue);
/* Before a kernel or a library's call goes to the stream: counts it unless it is recorded, and sees
 * to it that this thread speaks to the queue's card. */
odeon_status cuda_begin(odeon_queue *queue);

/* capture.c. Where the driver knows no WHILE nodes the second has to do. */
extern const odeon_device_capture cuda_capture, cuda_capture_without_loops;
/* Of a call's status: a failure spoils what the queue records. Returns it. */
odeon_status cuda_spoil(odeon_queue *queue, odeon_status status);
/* ODEON_ERR_DEVICE, and the recording is spoilt, if the queue records. */
odeon_status cuda_refuse(odeon_queue *queue, const char *name);
/* The queue that this thread records on, or NULL. */
odeon_queue *cuda_recorder(cuda_device *d);
/* Ends a recording that nobody will have. */
void cuda_forget_recording(odeon_queue *queue);
/* Keeps block, which is to be freed, until the queue records no longer. */
void cuda_free_later(odeon_queue *queue, cuda_block *block);

/* launching.c: how other plugins launch on a queue. */
extern const odeon_device_cuda cuda_launching;

/* blas.c; cuda_blas_close takes NULL. A queue that only copies never loads cuBLAS, and one that
 * records has to have it before, as it takes memory when it starts. */
odeon_status cuda_blas_open(odeon_queue *queue);
void cuda_blas_close(const cuda_device *d, cuda_blas *blas);
odeon_status cuda_gemm(odeon_queue *queue, int32_t trans_a, int32_t trans_b, double alpha,
                       const odeon_tensor *a, const odeon_tensor *b, double beta,
                       const odeon_tensor *c, const odeon_epilogue *epilogue);

/* dnn.c; cuda_dnn_close takes NULL. */
void cuda_dnn_close(const cuda_device *d, cuda_dnn *dnn);
uint64_t cuda_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                             const odeon_tensor *w);
odeon_status cuda_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *w, const odeon_epilogue *epilogue,
                         const odeon_tensor *y, void *scratch);
odeon_status cuda_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *w, const odeon_tensor *dy,
                               const odeon_tensor *dx, void *scratch);
odeon_status cuda_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dw, void *scratch);

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
