/* pool.h: pooling, one number per window of an image. */
#ifndef ODEON_CPU_POOL_H
#define ODEON_CPU_POOL_H
#include "windows.h"

/* The range of inputs that the window of output p covers, without padding. */
static span window(int64_t p, int64_t stride, int64_t pad, int64_t kernel, int64_t size)
{
    int64_t begin = p * stride - pad, end = begin + kernel;
    begin = begin > 0 ? begin : 0;
    end = end < size ? end : size;
    return (span){begin, end > begin ? end : begin};
}

/* x [C,H,W] -> y [C,P,Q]; padded zeros count in the mean. */
static void average(const cpu_windows *g, const void *x, void *y)
{
    real *out = y;
    double area = (double)(g->kernel_h * g->kernel_w);
    for (int64_t c = 0; c < g->channels; c++) {
        const real *image = (const real *)x + c * g->height * g->width;
        for (int64_t p = 0; p < g->out_h; p++) {
            span rows = window(p, g->stride_h, g->pad_h, g->kernel_h, g->height);
            for (int64_t q = 0; q < g->out_w; q++) {
                span cols = window(q, g->stride_w, g->pad_w, g->kernel_w, g->width);
                double sum = 0.0;
                for (int64_t i = rows.begin; i < rows.end; i++) {
                    for (int64_t j = cols.begin; j < cols.end; j++) {
                        sum += (double)image[i * g->width + j];
                    }
                }
                *out++ = (real)(sum / area);
            }
        }
    }
}

/* dy [C,P,Q]; adds to dx [C,H,W]. */
static void average_vjp(const cpu_windows *g, const void *dy, void *dx)
{
    const real *in = dy;
    real area = (real)(g->kernel_h * g->kernel_w);
    for (int64_t c = 0; c < g->channels; c++) {
        real *image = (real *)dx + c * g->height * g->width;
        for (int64_t p = 0; p < g->out_h; p++) {
            span rows = window(p, g->stride_h, g->pad_h, g->kernel_h, g->height);
            for (int64_t q = 0; q < g->out_w; q++) {
                span cols = window(q, g->stride_w, g->pad_w, g->kernel_w, g->width);
                real share = *in++ / area;
                for (int64_t i = rows.begin; i < rows.end; i++) {
                    for (int64_t j = cols.begin; j < cols.end; j++) {
                        image[i * g->width + j] += share;
                    }
                }
            }
        }
    }
}

/* Offset in the image of the first largest number of a window, or of the last NaN if there is one;
 * -1 if the window covers only padding. */
static int64_t find_largest(const real *image, int64_t width, span rows, span cols)
{
    int64_t best = -1;
    for (int64_t i = rows.begin; i < rows.end; i++) {
        for (int64_t at = i * width + cols.begin; at < i * width + cols.end; at++) {
            if (best < 0 || image[at] > image[best] || isnan(image[at])) {
                best = at;
            }
        }
    }
    return best;
}

/* x [C,H,W] -> y [C,P,Q]. */
static void largest(const cpu_windows *g, const void *x, void *y)
{
    real *out = y;
    for (int64_t c = 0; c < g->channels; c++) {
        const real *image = (const real *)x + c * g->height * g->width;
        for (int64_t p = 0; p < g->out_h; p++) {
            span rows = window(p, g->stride_h, g->pad_h, g->kernel_h, g->height);
            for (int64_t q = 0; q < g->out_w; q++) {
                span cols = window(q, g->stride_w, g->pad_w, g->kernel_w, g->width);
                int64_t best = find_largest(image, g->width, rows, cols);
                *out++ = best < 0 ? (real)-HUGE_VAL : image[best];
            }
        }
    }
}

/* x [C,H,W], dy [C,P,Q]; adds to dx [C,H,W]. The largest is found again rather than stored. */
static void largest_vjp(const cpu_windows *g, const void *x, const void *dy, void *dx)
{
    const real *in = dy;
    for (int64_t c = 0; c < g->channels; c++) {
        const real *image = (const real *)x + c * g->height * g->width;
        real *slope = (real *)dx + c * g->height * g->width;
        for (int64_t p = 0; p < g->out_h; p++) {
            span rows = window(p, g->stride_h, g->pad_h, g->kernel_h, g->height);
            for (int64_t q = 0; q < g->out_w; q++, in++) {
                span cols = window(q, g->stride_w, g->pad_w, g->kernel_w, g->width);
                int64_t best = find_largest(image, g->width, rows, cols);
                if (best >= 0) {
                    slope[best] += *in;
                }
            }
        }
    }
}

/* x, x_dot [C,H,W] -> y_dot [C,P,Q]: x_dot where the largest of x is, 0 where there is none. */
static void largest_jvp(const cpu_windows *g, const void *x, const void *x_dot, void *y_dot)
{
    real *out = y_dot;
    for (int64_t c = 0; c < g->channels; c++) {
        const real *image = (const real *)x + c * g->height * g->width;
        const real *moved = (const real *)x_dot + c * g->height * g->width;
        for (int64_t p = 0; p < g->out_h; p++) {
            span rows = window(p, g->stride_h, g->pad_h, g->kernel_h, g->height);
            for (int64_t q = 0; q < g->out_w; q++) {
                span cols = window(q, g->stride_w, g->pad_w, g->kernel_w, g->width);
                int64_t best = find_largest(image, g->width, rows, cols);
                *out++ = best < 0 ? (real)0 : moved[best];
            }
        }
    }
}

#endif
