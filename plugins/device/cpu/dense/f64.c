/* f64.c: the product in float64. */
#include <stdint.h>

typedef double real;
#define REAL_BYTES 8
#define CPU_GEMM   CPU_GEMM_F64
#if defined(CPU_GEMM_F64_NARROWER)
#define CPU_GEMM_NARROWER CPU_GEMM_F64_NARROWER
#endif
#include "body.h"
