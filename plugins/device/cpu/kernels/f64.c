/* f64.c: the kernels in float64. */
#include "kernels.h"

typedef double real;
#define CPU_KERNELS CPU_KERNELS_F64
#define CPU_GEMM    CPU_GEMM_F64
#define CPU_DIRECT  CPU_DIRECT_F64
#include "body.h"
