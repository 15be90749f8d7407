/* What nvcc compiles of the kernel, as functions of the host on a stream made for tests. */
#include "launch.h"

#include "../mocked.h"
#include "element.h"

typedef struct call {
    double beta;
    int64_t n;
    const void *x, *dy; /* dy NULL: forward */
    void *y;
    int32_t is_f64, reserved0;
} call;

static void run(const void *arguments)
{
    const call *a = arguments;
    const float *x = a->x, *dy = a->dy;
    const double *x64 = a->x, *dy64 = a->dy;
    float *y = a->y, beta = (float)a->beta;
    double *y64 = a->y;
    for (int64_t i = 0; i < a->n && a->is_f64; i++) {
        y64[i] =
            dy64 == NULL ? swish_f64(a->beta, x64[i]) : dy64[i] * swish_slope_f64(a->beta, x64[i]);
    }
    for (int64_t i = 0; i < a->n && !a->is_f64; i++) {
        y[i] = dy == NULL ? swish_f32(beta, x[i]) : dy[i] * swish_slope_f32(beta, x[i]);
    }
}

int32_t swish_launch(void *stream, int32_t is_f64, double beta, int64_t n, const void *x, void *y)
{
    return swish_launch_vjp(stream, is_f64, beta, n, x, NULL, y);
}

int32_t swish_launch_vjp(void *stream, int32_t is_f64, double beta, int64_t n, const void *x,
                         const void *dy, void *dx)
{
    const call a = {.beta = beta, .n = n, .x = x, .dy = dy, .y = dx, .is_f64 = is_f64};
    cudaStream_t s = stream;
    return (int32_t)s->ask(s, run, &a, sizeof a);
}
