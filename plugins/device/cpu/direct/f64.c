/* f64.c: direct convolutions in float64. */
typedef double real;
#define REAL_BYTES 8
#define CPU_DIRECT CPU_DIRECT_F64
#include "body.h"
