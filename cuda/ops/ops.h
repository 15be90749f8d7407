/* ops.h: what the operators' host side needs of a queue.
 *
 * The files of this folder check shapes, fill in the arguments of a kernel and launch it. They know
 * nothing of CUDA, so that they are compiled twice: into the device `cuda`, and into `emulated`,
 * which runs the kernels on the host. Both give what stands here. */
#ifndef ODEON_CUDA_OPS_H
#define ODEON_CUDA_OPS_H
#include "../kernels/list.h"
#include "odeon/device_conv.h"
#include "odeon/device_fused.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/status.h"

enum { SCRATCH_BYTES = 1 << 20 };

/* Runs kernel (KERNEL_ of list.h) behind all that this queue was told before. arguments, of the
 * type that the list says, are copied. A shape of no blocks is nothing to do.
 * Errors: ODEON_ERR_DEVICE. */
odeon_status launch(odeon_queue *queue, int32_t kernel, const void *arguments, kernel_shape shape);
/* SCRATCH_BYTES of device memory for what passes between the kernels of one operator; contents are
 * undefined at every call of this function, so an operator calls it once. */
void *queue_scratch(odeon_queue *queue);
/* Is a loop being recorded whose passes slots[ODEON_SLOT_STOP] ends? Then the next kernel, which is
 * launched with *out, decides on the next pass; it is the last that changes that slot. */
int32_t queue_decides_pass(odeon_queue *queue, const double *slots, loop_args *out);
/* As odeon_fail; the device's name is put in front. Says which operator, what, and what to do. */
__attribute__((format(printf, 3, 4))) odeon_status
device_fail(odeon_queue *queue, odeon_status status, const char *format, ...);

/* The kernel of a dtype, float32 or float64, whose float32 id is f32. */
static inline int32_t kernel_of(int32_t f32, uint32_t dtype)
{
    return dtype == ODEON_DTYPE_F64 ? f32 + 1 : f32;
}

static inline int32_t is_aligned(const void *data)
{
    return (uintptr_t)data % VECTOR_BYTES == 0;
}

/* One thread a vector of x, a rest counted as one: small blocks for little, so that many processors
 * have a part of it. */
kernel_shape shape_vectors(const odeon_shape *x);
/* One thread an element, up to a number of blocks that fills any GPU; then kernel_stride. */
kernel_shape shape_each(int64_t count);
/* Blocks that each add up so many elements by kernel_tree_sum: as many threads as that needs, with
 * one double a thread in shared memory. */
kernel_shape shape_sums(int64_t blocks, int64_t elements);

/* Checks of arguments: they fail where a caller breaks the contract (ODEON_ERR_INTERNAL).
 * "gemm: b" is an example of what. */

/* Every operator begins with this: no bit of a call's flags has a meaning yet
 * (ODEON_ERR_UNSUPPORTED). */
odeon_status expect_flags(odeon_queue *queue, const char *name, uint32_t flags);
/* Anything that must hold; text says what does not. */
odeon_status expect_true(odeon_queue *queue, int32_t holds, const char *text);
/* x is float32 or float64 (else ODEON_ERR_UNSUPPORTED) with ndim dimensions; 0: any number. */
odeon_status expect_real(odeon_queue *queue, const char *what, const odeon_shape *x, int32_t ndim);
/* x is of dtype and has this shape. */
odeon_status expect_shape(odeon_queue *queue, const char *what, const odeon_shape *x,
                          uint32_t dtype, int32_t ndim, const int64_t *dim);
/* x has the dtype and the number of elements of model; their shapes may differ. */
odeon_status expect_like(odeon_queue *queue, const char *what, const odeon_shape *x,
                         const odeon_shape *model);
/* The same of an x that may be NULL. */
odeon_status expect_optional(odeon_queue *queue, const char *what, const odeon_view *x,
                             const odeon_shape *model);

/* The addresses of tensors that may be NULL. */
static inline const void *read_or_null(const odeon_view *x)
{
    return x != NULL ? odeon_read(x) : NULL;
}

static inline void *write_or_null(const odeon_tensor *x)
{
    return x != NULL ? odeon_write(x) : NULL;
}

/* The families, all of kernels of our own; the device `cuda` takes products and convolutions from
 * libraries where it may. */
extern const odeon_move_family ops_move;           /* moving.c */
extern const odeon_solver_family ops_solver;       /* solver.c */
extern const odeon_pointwise_family ops_pointwise; /* pointwise.c */
extern const odeon_product_family ops_product;     /* product.c */
extern const odeon_conv_family ops_conv;           /* product.c */
extern const odeon_pool_family ops_pool;           /* pool.c */
extern const odeon_norm_family ops_norm;           /* norm.c */
extern const odeon_random_family ops_random;       /* random.c */
extern const odeon_loss_family ops_loss;           /* loss.c */
extern const odeon_optimizer_family ops_optimizer; /* optimizers.c */

extern const odeon_device_fused ops_fused; /* fused.c */

#endif
