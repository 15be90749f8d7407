/* launch.h: what goes to a queue's stream. ops.h has the launch of a kernel. */
#ifndef ODEON_CUDA_LAUNCH_H
#define ODEON_CUDA_LAUNCH_H
#include "cuda.h"

/* Before a kernel or a library's call goes to the stream: counts it unless it is recorded, and sees
 * to it that this thread speaks to the queue's GPU. */
odeon_status cuda_begin(cuda_queue *queue);
/* launch of ops.h. */
odeon_status cuda_launch(cuda_queue *queue, int32_t kernel, const void *arguments,
                         kernel_shape shape);

#endif
