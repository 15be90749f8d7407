/* cpu.h: internals of the CPU device. One instance serves all workers: what they share is written
 * by init and only read afterwards, except for counters and the list of queues; what one worker
 * writes is in its queue. */
#ifndef ODEON_CPU_H
#define ODEON_CPU_H
#include <pthread.h>
#include <stdatomic.h>

#include "blas.h"
#include "direct.h"
#include "kernels/kernels.h"
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_fused.h"
#include "odeon/device_lanes.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/host.h"
#include "odeon/option.h"
#include "threads.h"

/* Counters are atomic, as every worker changes them; lock guards the list of queues. f32 and
 * f64 are the kernels of the chosen level. */
typedef struct cpu_device {
    ODEON_INSTANCE;
    int64_t blas;        /* CPU_BLAS_* */
    int64_t products;    /* CPU_PRODUCTS_* */
    int64_t simd;        /* 0: auto, else CPU_LEVEL_* + 1 */
    int64_t convolution; /* CPU_CONVOLUTION_* of way.h */
    int64_t math;        /* CPU_MATH_* */
    int64_t slice_kib;   /* -1: as found */
    int64_t threads;     /* of one worker */
    cpu_blas library;
    int32_t level, level_asked; /* CPU_LEVEL_*; level_asked is -1 for auto */
    const cpu_kernels *f32, *f64;
    int32_t has_tiles, reserved1;
    _Atomic int64_t waits, allocs, live_bytes, retired_launches;
    pthread_mutex_t lock; /* guards queues and n_queues */
    int32_t has_lock, reserved0;
    struct cpu_queue *queues;
    int32_t n_queues, n_reserved; /* queues alive; concurrent products OpenBLAS has buffers for */
} cpu_device;

/* What a queue's handle is: a member of the device's list. launches is atomic because read_counters
 * reads it from another thread. */
typedef struct cpu_queue {
    cpu_device *device;
    _Atomic int64_t launches; /* written by the owning worker only */
    void *workspace;          /* CPU_GEMM_WORKSPACE bytes, of the same block */
    cpu_threads *threads;     /* NULL: the worker's own alone */
    struct cpu_queue *next, *previous;
    void *tiles; /* where products on tiles split their operands; grows */
    uint64_t tiles_bytes;
    int32_t rows_apart; /* no row of a product may depend on how many there are (lanes.c) */
} cpu_queue;

static inline cpu_queue *cpu_queue_of(const odeon_queue *queue)
{
    return queue->handle;
}

enum { CPU_BLAS_AUTO = 0, CPU_BLAS_OPENBLAS = 1, CPU_BLAS_OWN = 2 };
enum { CPU_PRODUCTS_AUTO = 0, CPU_PRODUCTS_OWN = 1, CPU_PRODUCTS_BLAS = 2 };
/* How float32 is multiplied; but for the first, the number of parts of each factor, on tiles. */
enum { CPU_MATH_IEEE32 = 0, CPU_MATH_BF16X6 = 1, CPU_MATH_BF16X3 = 2, CPU_MATH_BF16 = 3 };
enum { CPU_LEVEL_BASELINE = 0, CPU_LEVEL_AVX2 = 1, CPU_LEVEL_AVX512 = 2 };

extern const odeon_device_ops cpu_device_ops;
extern const odeon_option *const cpu_options[];
odeon_status cpu_init(void *self);
void cpu_fini(void *self);

/* Every operator begins with this: counts a launch, refuses a set bit of a call's flags, none of
 * which has a meaning yet, and selects the kernels of dtype; ODEON_ERR_UNSUPPORTED if there are
 * none. */
odeon_status cpu_begin(odeon_queue *queue, const char *name, uint32_t flags, uint32_t dtype,
                       const cpu_kernels **out);
/* Fails with ODEON_ERR_INTERNAL unless holds: shapes are the caller's responsibility. */
odeon_status cpu_require(odeon_queue *queue, int32_t holds, const char *name, const char *what);
/* Have a and b the same dtype and count? */
int32_t cpu_alike(const odeon_shape *a, const odeon_shape *b);
int32_t cpu_absent_or_alike(const odeon_view *a, const odeon_shape *b);

/* Where a tensor that may be absent is read and written. */
static inline const void *read_or_null(const odeon_view *x)
{
    return x != NULL ? odeon_read(x) : NULL;
}

static inline void *write_or_null(const odeon_tensor *x)
{
    return x != NULL ? odeon_write(x) : NULL;
}

/* Are there products that OpenBLAS multiplies? */
static inline int32_t cpu_has_blas(const cpu_device *device)
{
    return device->library.handle != NULL && device->products != CPU_PRODUCTS_OWN;
}

/* c = alpha op(a) op(b) + beta c on plain addresses, by OpenBLAS or by the device's own kernels. */
void cpu_multiply(odeon_queue *queue, const cpu_kernels *k, uint32_t dtype, const cpu_gemm_shape *p,
                  const void *a, const void *b, void *c);

/* Is a product one for matrix tiles (tiles/tiles.h), by option math, dtype and shape? */
int32_t cpu_on_tiles(const cpu_device *device, uint32_t dtype, const cpu_gemm_shape *p);
void cpu_release_tiles(cpu_queue *queue);

/* The left factor of several products of one shape; for tiles it is split once. rows NULL: it is
 * not.
 */
typedef struct cpu_left {
    const cpu_gemm_shape *shape;
    const void *a;
    uint16_t *rows, *cols;
    uint32_t dtype, reserved0;
} cpu_left;

/* Holds until the queue's next product; shape and a must stay as long. */
cpu_left cpu_left_of(odeon_queue *queue, uint32_t dtype, const cpu_gemm_shape *shape,
                     const void *a);
/* Multiplies on tiles. Returns 0, with c as it was, where left is not split or a number of b has no
 * parts. */
int32_t cpu_tiles_multiply(odeon_queue *queue, const cpu_left *left, const void *b, void *c);
/* c = alpha op(a) op(b) + beta c, as cpu_multiply. */
void cpu_multiply_left(odeon_queue *queue, const cpu_kernels *k, const cpu_left *left,
                       const void *b, void *c);

/* Operators of family product, in dense_vjp.c. */
uint64_t cpu_dense_vjp_scratch(const odeon_device *device, const odeon_shape *x,
                               const odeon_shape *w);
odeon_status cpu_dense_vjp(odeon_queue *queue, const odeon_dense_vjp *call);

/* The families, each in the file of its name. */
extern const odeon_move_family cpu_move;
extern const odeon_solver_family cpu_solver;
extern const odeon_pointwise_family cpu_pointwise;
extern const odeon_product_family cpu_product;
extern const odeon_conv_family cpu_conv;
extern const odeon_pool_family cpu_pool;
extern const odeon_norm_family cpu_norm;
extern const odeon_random_family cpu_random;
extern const odeon_loss_family cpu_loss;
extern const odeon_optimizer_family cpu_optimizer;
extern const odeon_device_slices cpu_slices; /* in solver.c */
extern const odeon_device_lanes cpu_lanes;   /* in lanes.c */
extern const odeon_device_fused cpu_fused;   /* in fused.c */

#endif
