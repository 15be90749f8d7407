/* unrolled.h: a convolution, or its gradient, as one matrix product per image. */
#ifndef ODEON_CPU_UNROLLED_H
#define ODEON_CPU_UNROLLED_H
#include "direct_run.h"

void unrolled_run(const cpu_conv_call *call);

/* What an unrolled image is multiplied by: y = w columns, columns = w^T dy, dw = dy columns^T. */
cpu_gemm_shape unrolled_product(cpu_conv_mode mode, const cpu_convolution *c);

/* Bytes of scratch; rooms: CPU_ROOM_*, of one image. */
int64_t unrolled_scratch(const cpu_convolution *c, uint32_t dtype, int32_t rooms);

#endif
