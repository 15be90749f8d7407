/* launch.h: what is compiled by nvcc, as the host side calls it. */
#ifndef SWISH_LAUNCH_H
#define SWISH_LAUNCH_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One launch on stream, a cudaStream_t, over n numbers, float32 or (is_f64) float64, on the card:
 * y = swish(x); dx = dy swish'(x). A cudaError_t. */
int32_t swish_launch(void *stream, int32_t is_f64, double beta, int64_t n, const void *x, void *y);
int32_t swish_launch_vjp(void *stream, int32_t is_f64, double beta, int64_t n, const void *x,
                         const void *dy, void *dx);

#ifdef __cplusplus
}
#endif
#endif
