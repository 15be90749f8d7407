/* f32.c: the product in float32. */
#include <stdint.h>

typedef float real;
#define REAL_BYTES 4
#define CPU_GEMM   CPU_GEMM_F32
#if defined(CPU_GEMM_F32_NARROWER)
#define CPU_GEMM_NARROWER CPU_GEMM_F32_NARROWER
#endif
#include "body.h"
