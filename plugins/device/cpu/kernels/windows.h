/* windows.h: what convolutions see of an image. */
#ifndef ODEON_CPU_WINDOWS_H
#define ODEON_CPU_WINDOWS_H

/* Outputs q in [begin, end) whose window position at falls on one of size inputs; they are inputs
 * q * stride + at. Outside them it falls on padding. */
typedef struct span {
    int64_t begin, end;
} span;

static span inside(int64_t at, int64_t size, int64_t stride, int64_t outputs)
{
    int64_t begin = at < 0 ? (-at + stride - 1) / stride : 0;
    int64_t end = size - at <= 0 ? 0 : (size - at - 1) / stride + 1;
    begin = begin < outputs ? begin : outputs;
    end = end < outputs ? end : outputs;
    return (span){begin, end > begin ? end : begin};
}

static void unroll_row(const real *x, int64_t at, int64_t stride, span valid, int64_t outputs,
                       real *row)
{
    for (int64_t q = 0; q < valid.begin; q++) {
        row[q] = 0;
    }
    if (stride == 1) {
        for (int64_t q = valid.begin; q < valid.end; q++) {
            row[q] = x[q + at];
        }
    } else {
        for (int64_t q = valid.begin; q < valid.end; q++) {
            row[q] = x[q * stride + at];
        }
    }
    for (int64_t q = valid.end; q < outputs; q++) {
        row[q] = 0;
    }
}

/* Every (channel, r, s) is one row of the matrix: the image, shifted. */
static void unroll(const cpu_windows *g, const void *x, void *columns)
{
    real *out = columns;
    for (int64_t index = 0; index < g->channels * g->kernel_h * g->kernel_w; index++) {
        int64_t s = index % g->kernel_w, r = index / g->kernel_w % g->kernel_h;
        const real *image =
            (const real *)x + index / (g->kernel_w * g->kernel_h) * g->height * g->width;
        span rows = inside(r - g->pad_h, g->height, g->stride_h, g->out_h);
        span cols = inside(s - g->pad_w, g->width, g->stride_w, g->out_w);
        for (int64_t p = 0; p < g->out_h; p++, out += g->out_w) {
            if (p < rows.begin || p >= rows.end) {
                memset(out, 0, (size_t)g->out_w * sizeof *out);
                continue;
            }
            const real *row = image + (p * g->stride_h + r - g->pad_h) * g->width;
            unroll_row(row, s - g->pad_w, g->stride_w, cols, g->out_w, out);
        }
    }
}

static void roll_up(const cpu_windows *g, const void *columns, void *x)
{
    const real *in = columns;
    for (int64_t index = 0; index < g->channels * g->kernel_h * g->kernel_w; index++) {
        int64_t s = index % g->kernel_w, r = index / g->kernel_w % g->kernel_h;
        real *image = (real *)x + index / (g->kernel_w * g->kernel_h) * g->height * g->width;
        span rows = inside(r - g->pad_h, g->height, g->stride_h, g->out_h);
        span cols = inside(s - g->pad_w, g->width, g->stride_w, g->out_w);
        in += rows.begin * g->out_w;
        for (int64_t p = rows.begin; p < rows.end; p++, in += g->out_w) {
            int64_t at = (p * g->stride_h + r - g->pad_h) * g->width + s - g->pad_w;
#pragma omp simd
            for (int64_t q = cols.begin; q < cols.end; q++) {
                image[q * g->stride_w + at] += in[q];
            }
        }
        in += (g->out_h - rows.end) * g->out_w;
    }
}

#endif
