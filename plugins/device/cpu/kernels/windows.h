/* windows.h: unroll the windows of an image into a matrix (im2col) and add them back (col2im). */
#ifndef ODEON_CPU_WINDOWS_H
#define ODEON_CPU_WINDOWS_H

/* A range [begin, end). inside gives the outputs q for which input q * stride + at lies within the
 * size inputs; the others fall on padding. */
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

/* Copies move RUN numbers at a time, whole vectors even where a row is shorter. The excess written
 * beyond a row is overwritten by the next row, as rows are made in order; room keeps the last row
 * from writing beyond the buffer. */
enum { RUN = 16 };

/* to[i] = from[i * stride] for i < n. from_room and to_room: how many numbers may be read and
 * written. The compiler has to allow for from and to overlapping within a run and would copy it in
 * pieces of many sizes; memcpy of a known size are whole vectors. */
ALWAYS_INLINE void copy_run(int64_t stride, int64_t n, const real *from, int64_t from_room,
                            real *to, int64_t to_room)
{
    int64_t i = 0;
    for (; i < n && i + RUN <= to_room && (i + RUN) * stride <= from_room; i += RUN) {
        if (stride == 1) {
            memcpy(to + i, from + i, RUN * sizeof *to);
            continue;
        }
        for (int l = 0; l < RUN; l++) {
            to[i + l] = from[(i + l) * stride];
        }
    }
    for (; i < n; i++) {
        to[i] = from[i * stride];
    }
}

/* Constant strides let the compiler vectorize the common cases. */
static void im2col_row(int64_t stride, int64_t n, const real *restrict from, int64_t from_room,
                       real *restrict to, int64_t to_room)
{
    switch (stride) { /* a constant stride for each loop */
    case 1:
        copy_run(1, n, from, from_room, to, to_room);
        break;
    case 2:
        copy_run(2, n, from, from_room, to, to_room);
        break;
    default:
        for (int64_t i = 0; i < n; i++) {
            to[i] = from[i * stride];
        }
        break;
    }
}

/* Edges are mostly one number wide, where a call of memset would cost more than the store. */
ALWAYS_INLINE void zero_run(int64_t n, real *to)
{
    if (n == 1) {
        *to = 0;
    } else if (n > 1) {
        memset(to, 0, (size_t)n * sizeof *to);
    }
}

/* One row of the matrix: what element (r, s) of all windows sees of one channel. */
typedef struct matrix_row {
    int64_t down, right; /* offset from output position times stride to the input */
    span rows, cols;     /* outputs whose input is not padding */
} matrix_row;

static matrix_row matrix_row_of(const cpu_windows *g, int64_t element)
{
    matrix_row m = {.down = element / g->kernel_w - g->pad_h,
                    .right = element % g->kernel_w - g->pad_w};
    m.rows = inside(m.down, g->height, g->stride_h, g->out_h);
    m.cols = inside(m.right, g->width, g->stride_w, g->out_w);
    return m;
}

/* The rows of one channel, equal for all channels, computed once because the divisions take longer
 * than copying a row. Windows of more elements than KNOWN_ROWS compute the rest each time. */
enum { KNOWN_ROWS = 64 };

typedef struct matrix_rows {
    int64_t n;
    matrix_row known[KNOWN_ROWS];
} matrix_rows;

static void find_rows(const cpu_windows *g, matrix_rows *out)
{
    int64_t window = g->kernel_h * g->kernel_w;
    out->n = window < KNOWN_ROWS ? window : KNOWN_ROWS;
    for (int64_t element = 0; element < out->n; element++) {
        out->known[element] = matrix_row_of(g, element);
    }
}

static matrix_row row_at(const cpu_windows *g, const matrix_rows *rows, int64_t element)
{
    return element < rows->n ? rows->known[element] : matrix_row_of(g, element);
}

/* With stride 1 and equal widths a row of the matrix is the channel shifted: one copy, in which
 * only the columns that come from beyond an edge must be corrected. */
static int32_t is_shift(const cpu_windows *g)
{
    return g->stride_h == 1 && g->stride_w == 1 && g->out_w == g->width;
}

/* The run of outputs [begin, end) whose inputs stay within the channel. */
static span shifted_run(const cpu_windows *g, const matrix_row *m)
{
    int64_t begin = m->rows.begin * g->width, end = m->rows.end * g->width;
    return (span){m->right < 0 ? begin - m->right : begin, m->right > 0 ? end - m->right : end};
}

/* Zeroes the outputs that see padding left and right. */
static void zero_edges(const cpu_windows *g, const matrix_row *m, real *out)
{
    for (int64_t p = m->rows.begin; p < m->rows.end; p++) {
        zero_run(m->cols.begin, out + p * g->out_w);
        zero_run(g->out_w - m->cols.end, out + p * g->out_w + m->cols.end);
    }
}

/* One row of the matrix as one shifted copy. */
static void im2col_shift(const cpu_windows *g, const matrix_row *m, const real *image,
                         int64_t image_room, real *out, int64_t out_room)
{
    span run = shifted_run(g, m);
    int64_t shift = m->down * g->width + m->right;
    zero_run(m->rows.begin * g->out_w, out);
    if (run.begin < run.end) {
        im2col_row(1, run.end - run.begin, image + run.begin + shift,
                   image_room - run.begin - shift, out + run.begin, out_room - run.begin);
    }
    zero_edges(g, m, out);
    zero_run((g->out_h - m->rows.end) * g->out_w, out + m->rows.end * g->out_w);
}

/* One row of the matrix, output row by output row, for any stride. */
static void im2col_rows(const cpu_windows *g, const matrix_row *m, const real *image,
                        int64_t image_room, real *out, int64_t out_room)
{
    for (int64_t p = 0; p < g->out_h; p++) {
        real *to = out + p * g->out_w;
        if (p < m->rows.begin || p >= m->rows.end) {
            zero_run(g->out_w, to);
            continue;
        }
        int64_t from =
            (p * g->stride_h + m->down) * g->width + m->right + m->cols.begin * g->stride_w;
        zero_run(m->cols.begin, to);
        if (m->cols.begin < m->cols.end) {
            im2col_row(g->stride_w, m->cols.end - m->cols.begin, image + from, image_room - from,
                       to + m->cols.begin, out_room - p * g->out_w - m->cols.begin);
        }
        zero_run(g->out_w - m->cols.end, to + m->cols.end);
    }
}

/* x [C,H,W] -> columns [C*R*S, P*Q]; each (channel, r, s) is one row. */
static void im2col(const cpu_windows *g, const void *x, void *columns)
{
    int64_t window = g->kernel_h * g->kernel_w, outputs = g->out_h * g->out_w;
    int64_t plane = g->height * g->width, out_room = g->channels * window * outputs;
    real *out = columns;
    matrix_rows rows;
    find_rows(g, &rows);
    for (int64_t c = 0; c < g->channels; c++) {
        const real *image = (const real *)x + c * plane;
        int64_t image_room = (g->channels - c) * plane;
        for (int64_t element = 0; element < window; element++) {
            matrix_row m = row_at(g, &rows, element);
            if (is_shift(g)) {
                im2col_shift(g, &m, image, image_room, out, out_room);
            } else {
                im2col_rows(g, &m, image, image_room, out, out_room);
            }
            out += outputs;
            out_room -= outputs;
        }
    }
}

/* columns [R*S, P*Q]: t where a window sees the image, 0 on padding. */
static void time_rows(const cpu_windows *g, double t, void *columns)
{
    real *out = columns;
    for (int64_t element = 0; element < g->kernel_h * g->kernel_w; element++) {
        matrix_row m = matrix_row_of(g, element);
        for (int64_t p = 0; p < g->out_h; p++, out += g->out_w) {
            int32_t seen = p >= m.rows.begin && p < m.rows.end;
            for (int64_t q = 0; q < g->out_w; q++) {
                out[q] = seen && q >= m.cols.begin && q < m.cols.end ? (real)t : 0;
            }
        }
    }
}

/* Adds one row of the matrix to the image, shifted. */
static void col2im_shift(const cpu_windows *g, const matrix_row *m, real *in, real *image)
{
    span run = shifted_run(g, m);
    real *to = image + m->down * g->width + m->right;
    /* these gradients belong to padding; the shift would add them to the other edge */
    zero_edges(g, m, in);
#pragma omp simd
    for (int64_t i = run.begin; i < run.end; i++) {
        to[i] += in[i];
    }
}

/* Adds one row of the matrix to the image, output row by output row. */
static void col2im_rows(const cpu_windows *g, const matrix_row *m, const real *in, real *image)
{
    for (int64_t p = m->rows.begin; p < m->rows.end; p++) {
        const real *from = in + p * g->out_w;
        int64_t at = (p * g->stride_h + m->down) * g->width + m->right;
#pragma omp simd
        for (int64_t q = m->cols.begin; q < m->cols.end; q++) {
            image[q * g->stride_w + at] += from[q];
        }
    }
}

/* columns [C*R*S, P*Q], overwritten; adds to x [C,H,W]: the transpose of im2col. */
static void col2im(const cpu_windows *g, void *columns, void *x)
{
    int64_t window = g->kernel_h * g->kernel_w, outputs = g->out_h * g->out_w;
    real *in = columns;
    matrix_rows rows;
    find_rows(g, &rows);
    for (int64_t c = 0; c < g->channels; c++) {
        real *image = (real *)x + c * g->height * g->width;
        for (int64_t element = 0; element < window; element++, in += outputs) {
            matrix_row m = row_at(g, &rows, element);
            if (is_shift(g)) {
                col2im_shift(g, &m, in, image);
            } else {
                col2im_rows(g, &m, in, image);
            }
        }
    }
}

#endif
