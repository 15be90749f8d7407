/* f32.c: the kernels in float32. */
#include "kernels.h"

typedef float real;
#define CPU_KERNELS CPU_KERNELS_F32
#define CPU_GEMM    CPU_GEMM_F32
#define CPU_DIRECT  CPU_DIRECT_F32
#include "body.h"
