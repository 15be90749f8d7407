#include "element.h"
#include "launch.h"

static const int32_t threads = 256, most_blocks = 1 << 16;

static __device__ int64_t first()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

static __device__ int64_t stride()
{
    return (int64_t)gridDim.x * blockDim.x;
}

static __global__ void forward_f32(float beta, int64_t n, const float *x, float *y)
{
    for (int64_t i = first(); i < n; i += stride()) {
        y[i] = swish_f32(beta, x[i]);
    }
}

static __global__ void forward_f64(double beta, int64_t n, const double *x, double *y)
{
    for (int64_t i = first(); i < n; i += stride()) {
        y[i] = swish_f64(beta, x[i]);
    }
}

static __global__ void vjp_f32(float beta, int64_t n, const float *x, const float *dy, float *dx)
{
    for (int64_t i = first(); i < n; i += stride()) {
        dx[i] = dy[i] * swish_slope_f32(beta, x[i]);
    }
}

static __global__ void vjp_f64(double beta, int64_t n, const double *x, const double *dy,
                               double *dx)
{
    for (int64_t i = first(); i < n; i += stride()) {
        dx[i] = dy[i] * swish_slope_f64(beta, x[i]);
    }
}

static unsigned blocks_for(int64_t n)
{
    int64_t blocks = (n + threads - 1) / threads;
    return (unsigned)(blocks < most_blocks ? blocks : most_blocks);
}

int32_t swish_launch(void *stream, int32_t is_f64, double beta, int64_t n, const void *x, void *y)
{
    cudaStream_t s = (cudaStream_t)stream;
    if (is_f64) {
        forward_f64<<<blocks_for(n), threads, 0, s>>>(beta, n, (const double *)x, (double *)y);
    } else {
        forward_f32<<<blocks_for(n), threads, 0, s>>>((float)beta, n, (const float *)x, (float *)y);
    }
    return (int32_t)cudaGetLastError();
}

int32_t swish_launch_vjp(void *stream, int32_t is_f64, double beta, int64_t n, const void *x,
                         const void *dy, void *dx)
{
    cudaStream_t s = (cudaStream_t)stream;
    if (is_f64) {
        vjp_f64<<<blocks_for(n), threads, 0, s>>>(beta, n, (const double *)x, (const double *)dy,
                                                  (double *)dx);
    } else {
        vjp_f32<<<blocks_for(n), threads, 0, s>>>((float)beta, n, (const float *)x,
                                                  (const float *)dy, (float *)dx);
    }
    return (int32_t)cudaGetLastError();
}
