/* f32.c: direct convolutions in float32. */
typedef float real;
#define REAL_BYTES 4
#define CPU_DIRECT CPU_DIRECT_F32
#include "body.h"
