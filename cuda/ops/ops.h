/* ops.h: what the operators' host side needs of a queue.
 *
 * The files of this folder check shapes, fill in the arguments of a kernel and launch it. They know
 * nothing of CUDA, so that they are compiled twice: into the device `cuda`, and into `emulated`,
 * which runs the kernels on the host. Both give what stands here. */
#ifndef ODEON_CUDA_OPS_H
#define ODEON_CUDA_OPS_H
#include "../kernels/list.h"
#include "odeon/status.h"
#include "operators.h"

enum { SCRATCH_BYTES = 1 << 20 };

/* Runs kernel (KERNEL_ of list.h) behind all that this queue was told before. arguments, of the
 * type that the list says, are copied. A shape of no blocks is nothing to do.
 * Errors: ODEON_ERR_DEVICE. */
odeon_status launch(odeon_queue *queue, int32_t kernel, const void *arguments, kernel_shape shape);
/* SCRATCH_BYTES of device memory for what passes between the kernels of one operator; contents are
 * undefined at every call of this function, so an operator calls it once. */
void *queue_scratch(odeon_queue *queue);
/* As odeon_fail; the device's name is put in front. Says which operator, what, and what to do. */
__attribute__((format(printf, 3, 4))) odeon_status
device_fail(odeon_queue *queue, odeon_status status, const char *format, ...);

/* The kernel of a dtype, float32 or float64, whose float32 id is f32. */
static inline int32_t kernel_of(int32_t f32, int32_t dtype)
{
    return dtype == ODEON_DTYPE_F64 ? f32 + 1 : f32;
}

/* One thread an element, up to a number of blocks that fills any GPU; then kernel_stride. */
kernel_shape shape_each(int64_t count);
/* Blocks that each add up so many elements by kernel_tree_sum: as many threads as that needs, with
 * one double a thread in shared memory. */
kernel_shape shape_sums(int64_t blocks, int64_t elements);

/* Checks of arguments: they fail where a caller breaks the contract (ODEON_ERR_INTERNAL).
 * "gemm: b" is an example of what. */

/* Anything that must hold; text says what does not. */
odeon_status expect_true(odeon_queue *queue, int32_t holds, const char *text);
/* x is float32 or float64 (else ODEON_ERR_UNSUPPORTED) with ndim dimensions; 0: any number. */
odeon_status expect_real(odeon_queue *queue, const char *what, const odeon_tensor *x, int32_t ndim);
/* x is of dtype and has this shape. */
odeon_status expect_shape(odeon_queue *queue, const char *what, const odeon_tensor *x,
                          int32_t dtype, int32_t ndim, const int64_t *dim);
/* x has the dtype and the number of elements of model; their shapes may differ. */
odeon_status expect_like(odeon_queue *queue, const char *what, const odeon_tensor *x,
                         const odeon_tensor *model);

#endif
