#include <cudnn.h>
#include <stdlib.h>
#include <string.h>

#include "mocked.h"

enum { POISON = 0xff };

/* What any descriptor or handle points to: for a convolution padding and stride. */
typedef struct descriptor {
    cudnnDataType_t type;
    int dim[4];
    cudaStream_t stream;
    cudnnMathType_t math; /* of a convolution */
} descriptor;

static cudnnStatus_t make(void *out)
{
    void *made = mocked_fails() ? NULL : calloc(1, sizeof(descriptor));
    memcpy(out, &made, sizeof made);
    return made != NULL ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_ALLOC_FAILED;
}

static cudnnStatus_t set(void *to, cudnnDataType_t type, int a, int b, int c, int d)
{
    descriptor *x = to;
    x->type = type;
    x->dim[0] = a;
    x->dim[1] = b;
    x->dim[2] = c;
    x->dim[3] = d;
    return mocked_fails() ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t create(cudnnHandle_t *handle)
{
    if (mocked_outside_capture() != cudaSuccess) {
        return CUDNN_STATUS_INTERNAL_ERROR;
    }
    return make(handle);
}

static cudnnStatus_t new_tensor(cudnnTensorDescriptor_t *x)
{
    return make(x);
}

static cudnnStatus_t new_filter(cudnnFilterDescriptor_t *w)
{
    return make(w);
}

static cudnnStatus_t new_conv(cudnnConvolutionDescriptor_t *conv)
{
    return make(conv);
}

static cudnnStatus_t destroy(cudnnHandle_t handle)
{
    free(handle);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t end_tensor(cudnnTensorDescriptor_t x)
{
    free(x);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t end_filter(cudnnFilterDescriptor_t w)
{
    free(w);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t end_conv(cudnnConvolutionDescriptor_t conv)
{
    free(conv);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream)
{
    ((descriptor *)(void *)handle)->stream = stream;
    return mocked_fails() ? CUDNN_STATUS_INTERNAL_ERROR : CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t new_act(cudnnActivationDescriptor_t *act)
{
    return make(act);
}

static cudnnStatus_t end_act(cudnnActivationDescriptor_t act)
{
    free(act);
    return CUDNN_STATUS_SUCCESS;
}

/* dim: the mode, and whether NaN is passed on. */
static cudnnStatus_t set_act(cudnnActivationDescriptor_t act, cudnnActivationMode_t mode,
                             cudnnNanPropagation_t nan, double coefficient)
{
    (void)coefficient;
    return set(act, CUDNN_DATA_FLOAT, (int)mode, (int)nan, 0, 0);
}

static const char *error_text(cudnnStatus_t status)
{
    (void)status;
    return "mocked failure";
}

static cudnnStatus_t set_tensor(cudnnTensorDescriptor_t x, cudnnTensorFormat_t format,
                                cudnnDataType_t type, int b, int c, int h, int w)
{
    return format == CUDNN_TENSOR_NCHW ? set(x, type, b, c, h, w) : CUDNN_STATUS_NOT_SUPPORTED;
}

static cudnnStatus_t set_filter(cudnnFilterDescriptor_t x, cudnnDataType_t type,
                                cudnnTensorFormat_t format, int k, int c, int r, int s)
{
    return format == CUDNN_TENSOR_NCHW ? set(x, type, k, c, r, s) : CUDNN_STATUS_NOT_SUPPORTED;
}

static cudnnStatus_t set_conv(cudnnConvolutionDescriptor_t conv, int pad_h, int pad_w, int stride_h,
                              int stride_w, int dilation_h, int dilation_w,
                              cudnnConvolutionMode_t mode, cudnnDataType_t type)
{
    if (dilation_h != 1 || dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    return set(conv, type, pad_h, pad_w, stride_h, stride_w);
}

static cudnnStatus_t set_math(cudnnConvolutionDescriptor_t conv, cudnnMathType_t math)
{
    ((descriptor *)(void *)conv)->math = math;
    return mocked_fails() ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

/* ---- convolutions ---- */

typedef struct convolution {
    const descriptor *x, *w, *y, *conv;
} convolution;

static int windows(int size, int padding, int kernel, int stride)
{
    return (size + 2 * padding - kernel) / stride + 1;
}

static int32_t fits(const convolution *c)
{
    const int *x = c->x->dim, *w = c->w->dim, *y = c->y->dim, *g = c->conv->dim;
    return c->x->type == c->w->type && c->x->type == c->y->type && c->x->type == c->conv->type &&
           x[1] == w[1] && y[0] == x[0] && y[1] == w[0] &&
           y[2] == windows(x[2], g[0], w[2], g[2]) && y[3] == windows(x[3], g[1], w[3], g[3]);
}

/* Another number for each way and algorithm. */
static size_t needed(int way, int algorithm)
{
    static const size_t of_way[] = {1000, 3000, 2000};
    return of_way[way] + 100 * (size_t)algorithm;
}

/* The algorithms of the list below, and which arithmetic each is for. */
enum { USUAL = 1, WITHOUT_ORDER = 0, REFUSING = 2, FAST = 3, OF_TENSOR_CORES = 4 };

static cudnnMathType_t math_of(int algorithm)
{
    return algorithm == OF_TENSOR_CORES ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH;
}

static cudnnStatus_t scratch_of(const convolution *c, int way, int algorithm, size_t *out)
{
    const char *refused = getenv("ODEON_MOCKED_NO_SHAPE");
    *out = needed(way, algorithm);
    if (refused != NULL && (algorithm == USUAL || strcmp(refused, "all") == 0)) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    return fits(c) && !mocked_fails() ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

static cudnnStatus_t forward_bytes(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                   cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv,
                                   cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t algorithm,
                                   size_t *bytes)
{
    const convolution c = {(void *)x, (void *)w, (void *)y, (void *)conv};
    (void)handle;
    return scratch_of(&c, 0, (int)algorithm, bytes);
}

static cudnnStatus_t data_bytes(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t conv,
                                cudnnTensorDescriptor_t dx, cudnnConvolutionBwdDataAlgo_t algorithm,
                                size_t *bytes)
{
    const convolution c = {(void *)dx, (void *)w, (void *)dy, (void *)conv};
    (void)handle;
    return scratch_of(&c, 1, (int)algorithm, bytes);
}

static cudnnStatus_t filter_bytes(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                  cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t conv,
                                  cudnnFilterDescriptor_t dw,
                                  cudnnConvolutionBwdFilterAlgo_t algorithm, size_t *bytes)
{
    const convolution c = {(void *)x, (void *)dw, (void *)dy, (void *)conv};
    (void)handle;
    return scratch_of(&c, 2, (int)algorithm, bytes);
}

/* Fastest first: one without a fixed order, one for tensor cores, one that refuses, then algorithm
 * 3, and 1. */
#define LIST(name, type, algorithm)                                                                \
    static cudnnStatus_t name(int most, int *n, type *list)                                        \
    {                                                                                              \
        const type all[] = {                                                                       \
            {.algo = (algorithm)WITHOUT_ORDER, .determinism = CUDNN_NON_DETERMINISTIC},            \
            {.algo = (algorithm)OF_TENSOR_CORES, .determinism = CUDNN_DETERMINISTIC},              \
            {.algo = (algorithm)REFUSING,                                                          \
             .status = CUDNN_STATUS_NOT_SUPPORTED,                                                 \
             .determinism = CUDNN_DETERMINISTIC},                                                  \
            {.algo = (algorithm)FAST, .determinism = CUDNN_DETERMINISTIC},                         \
            {.algo = (algorithm)USUAL, .determinism = CUDNN_DETERMINISTIC},                        \
        };                                                                                         \
        const int known = (int)(sizeof all / sizeof *all);                                         \
        *n = most < known ? most : known;                                                          \
        for (int i = 0; i < *n; i++) {                                                             \
            list[i] = all[i];                                                                      \
            list[i].mathType = math_of((int)all[i].algo);                                          \
        }                                                                                          \
        return mocked_fails() ? CUDNN_STATUS_INTERNAL_ERROR : CUDNN_STATUS_SUCCESS;                \
    }
LIST(forward_algorithms, cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t)
LIST(data_algorithms, cudnnConvolutionBwdDataAlgoPerf_t, cudnnConvolutionBwdDataAlgo_t)
LIST(filter_algorithms, cudnnConvolutionBwdFilterAlgoPerf_t, cudnnConvolutionBwdFilterAlgo_t)

static cudnnStatus_t forward_list(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                  cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv,
                                  cudnnTensorDescriptor_t y, int most, int *n,
                                  cudnnConvolutionFwdAlgoPerf_t *list)
{
    const convolution c = {(void *)x, (void *)w, (void *)y, (void *)conv};
    (void)handle;
    return fits(&c) ? forward_algorithms(most, n, list) : CUDNN_STATUS_BAD_PARAM;
}

static cudnnStatus_t data_list(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                               cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t conv,
                               cudnnTensorDescriptor_t dx, int most, int *n,
                               cudnnConvolutionBwdDataAlgoPerf_t *list)
{
    const convolution c = {(void *)dx, (void *)w, (void *)dy, (void *)conv};
    (void)handle;
    return fits(&c) ? data_algorithms(most, n, list) : CUDNN_STATUS_BAD_PARAM;
}

static cudnnStatus_t filter_list(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                 cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t conv,
                                 cudnnFilterDescriptor_t dw, int most, int *n,
                                 cudnnConvolutionBwdFilterAlgoPerf_t *list)
{
    const convolution c = {(void *)x, (void *)dw, (void *)dy, (void *)conv};
    (void)handle;
    return fits(&c) ? filter_algorithms(most, n, list) : CUDNN_STATUS_BAD_PARAM;
}

static double get(const descriptor *d, const void *from, int64_t i)
{
    return d->type == CUDNN_DATA_FLOAT ? (double)((const float *)from)[i]
                                       : ((const double *)from)[i];
}

static void put(const descriptor *d, void *to, int64_t i, double value)
{
    if (d->type == CUDNN_DATA_FLOAT) {
        ((float *)to)[i] = (float)value;
    } else {
        ((double *)to)[i] = value;
    }
}

static int64_t count(const descriptor *d)
{
    return (int64_t)d->dim[0] * d->dim[1] * d->dim[2] * d->dim[3];
}

static int64_t at(const descriptor *d, int i, int j, int k, int l)
{
    return (((int64_t)i * d->dim[1] + j) * d->dim[2] + k) * d->dim[3] + l;
}

/* Numbers of x, w and y as doubles: two are read, and the third is what is summed up. */
typedef struct sums {
    const descriptor *of;  /* of the tensor that is summed up */
    const void *x, *w, *y; /* NULL: the one that is summed up */
} sums;

typedef struct numbers {
    double *x, *w, *y;
    double *lines; /* room for an image's numbers of x and y at one position */
} numbers;

/* Outputs of a row that weight t of a filter's row, or of its column, reaches: [from,to). */
typedef struct span {
    int from, to;
} span;

static span reached(int t, int size, int outputs, int padding, int stride)
{
    int before = padding - t, last = size - 1 + padding - t;
    int from = before > 0 ? (before + stride - 1) / stride : 0;
    int to = last >= 0 ? last / stride + 1 : 0;
    return (span){from, to < outputs ? to : outputs};
}

/* n products of one weight. Four sums side by side, as vectors have them. */
static double weight_sum(int n, const double *x, const double *y)
{
    double sum[4] = {0.0};
    for (int i = 0; i + 4 <= n; i += 4) {
        for (int l = 0; l < 4; l++) {
            sum[l] += x[i + l] * y[i + l];
        }
    }
    for (int i = n - n % 4; i < n; i++) {
        sum[0] += x[i] * y[i];
    }
    return sum[0] + sum[1] + (sum[2] + sum[3]);
}

static void add_multiple(int n, double *restrict to, double factor, const double *restrict from)
{
    for (int i = 0; i < n; i++) {
        to[i] += factor * from[i];
    }
}

/* A place in the filters, and the outputs that its weights reach. */
typedef struct position {
    int r, s;
    span rows, columns;
} position;

static int reached_outputs(const position *o)
{
    return (o->rows.to - o->rows.from) * (o->columns.to - o->columns.from);
}

/* The numbers of one image that meet at a position: [channels][reached outputs] in line, so that
 * they are taken in long runs however small the image is. */
typedef struct gathered {
    double *first; /* in the tensor, of channel 0 */
    int channels, rows, columns;
    int64_t channel, row, column; /* from one to the next */
    double *line;
} gathered;

static gathered gathered_x(const convolution *v, const numbers *n, const position *o, int b,
                           double *line)
{
    const int *g = v->conv->dim, *x = v->x->dim;
    return (gathered){.first = n->x + at(v->x, b, 0, o->rows.from * g[2] - g[0] + o->r,
                                         o->columns.from * g[3] - g[1] + o->s),
                      .channels = x[1],
                      .rows = o->rows.to - o->rows.from,
                      .columns = o->columns.to - o->columns.from,
                      .channel = (int64_t)x[2] * x[3],
                      .row = (int64_t)g[2] * x[3],
                      .column = g[3],
                      .line = line};
}

static gathered gathered_y(const convolution *v, const numbers *n, const position *o, int b,
                           double *line)
{
    const int *y = v->y->dim;
    return (gathered){.first = n->y + at(v->y, b, 0, o->rows.from, o->columns.from),
                      .channels = y[1],
                      .rows = o->rows.to - o->rows.from,
                      .columns = o->columns.to - o->columns.from,
                      .channel = (int64_t)y[2] * y[3],
                      .row = y[3],
                      .column = 1,
                      .line = line};
}

/* Reads the numbers into the line, or adds what the line has to them. */
static void move_line(const gathered *g, int32_t back)
{
    double *line = g->line;
    for (int c = 0; c < g->channels; c++) {
        for (int p = 0; p < g->rows; p++) {
            double *at = g->first + c * g->channel + p * g->row;
            for (int q = 0; q < g->columns; q++, line++) {
                if (back) {
                    at[q * g->column] += *line;
                } else {
                    *line = at[q * g->column];
                }
            }
        }
    }
}

static void add_weights(const convolution *v, int32_t which, const numbers *n, const position *o,
                        double *x, double *y)
{
    const int reach = reached_outputs(o);
    for (int k = 0; k < v->y->dim[1]; k++) {
        for (int c = 0; c < v->x->dim[1]; c++) {
            double *w = n->w + at(v->w, k, c, o->r, o->s), *from = x + (int64_t)c * reach,
                   *to = y + (int64_t)k * reach;
            if (which == 1) {
                *w += weight_sum(reach, from, to);
            } else if (which == 2) {
                add_multiple(reach, to, *w, from);
            } else {
                add_multiple(reach, from, *w, to);
            }
        }
    }
}

/* A convolution with its descriptors as they are at the call. */
typedef struct convolve_call {
    descriptor x, w, y, conv;
    sums s;
    int32_t which; /* of the three is summed up: 0, 1, 2 for x, w, y */
    double beta;
    void *scratch, *result;
    size_t bytes;
    const void *bias;        /* NULL: none */
    int32_t relu, hides_nan; /* behind the bias */
} convolve_call;

/* Number i with bias and function behind it; sums are of the type before the bias is added. */
static void finish(const convolve_call *c, int64_t i)
{
    int64_t channel = i / ((int64_t)c->y.dim[2] * c->y.dim[3]) % c->y.dim[1];
    put(&c->y, c->result, i, get(&c->y, c->result, i) + get(&c->y, c->bias, channel));
    double value = get(&c->y, c->result, i);
    if (c->relu && (value < 0.0 || (c->hides_nan && value != value))) {
        put(&c->y, c->result, i, 0.0);
    }
}

/* As doubles; zeros where from is NULL. NULL: no memory. */
static double *widen(const descriptor *d, const void *from)
{
    double *made = calloc((size_t)count(d), sizeof *made);
    for (int64_t i = 0; i < count(d) && made != NULL && from != NULL; i++) {
        made[i] = get(d, from, i);
    }
    return made;
}

/* Of one image; a line that is summed up begins with zeros. */
static void add_position(const convolution *v, int32_t which, const numbers *n, const position *o,
                         int b)
{
    const size_t reach = (size_t)reached_outputs(o);
    double *const x_line = n->lines, *const y_line = x_line + reach * (size_t)v->x->dim[1];
    const gathered x = gathered_x(v, n, o, b, x_line), y = gathered_y(v, n, o, b, y_line);
    move_line(&x, 0);
    move_line(&y, 0);
    if (which == 0) {
        memset(x_line, 0, reach * (size_t)x.channels * sizeof *x_line);
    } else if (which == 2) {
        memset(y_line, 0, reach * (size_t)y.channels * sizeof *y_line);
    }
    add_weights(v, which, n, o, x_line, y_line);
    if (which != 1) {
        move_line(which == 0 ? &x : &y, 1);
    }
}

static void add_all(const convolution *v, int32_t which, const numbers *n)
{
    const int *x = v->x->dim, *w = v->w->dim, *y = v->y->dim, *g = v->conv->dim;
    for (int r = 0; r < w[2]; r++) {
        for (int s = 0; s < w[3]; s++) {
            const position o = {r, s, reached(r, x[2], y[2], g[0], g[2]),
                                reached(s, x[3], y[3], g[1], g[3])};
            for (int b = 0; b < y[0] && o.rows.from < o.rows.to && o.columns.from < o.columns.to;
                 b++) {
                add_position(v, which, n, &o, b);
            }
        }
    }
}

static void store(const convolve_call *c, const descriptor *of, const double *sum)
{
    for (int64_t i = 0; i < count(of); i++) {
        double before = c->beta != 0.0 ? c->beta * get(of, c->result, i) : 0.0;
        put(of, c->result, i, before + sum[i]);
        if (c->bias != NULL) {
            finish(c, i);
        }
    }
}

static void run_call(const void *arguments)
{
    const convolve_call *c = arguments;
    const convolution v = {&c->x, &c->w, &c->y, &c->conv};
    const descriptor *of[] = {&c->x, &c->w, &c->y};
    const size_t outputs = (size_t)c->y.dim[2] * (size_t)c->y.dim[3],
                 channels = (size_t)c->x.dim[1] + (size_t)c->y.dim[1];
    const numbers n = {widen(&c->x, c->s.x), widen(&c->w, c->s.w), widen(&c->y, c->s.y),
                       calloc(outputs * channels + 1, sizeof(double))};
    double *const all[] = {n.x, n.w, n.y, n.lines};
    memset(c->scratch, POISON, c->bytes);
    if (n.x != NULL && n.w != NULL && n.y != NULL && n.lines != NULL) {
        add_all(&v, c->which, &n);
        store(c, of[c->which], all[c->which]);
    }
    for (int i = 0; i < 4; i++) {
        free(all[i]);
    }
}

/* What stands behind a convolution; bias NULL: nothing. */
typedef struct epilogue {
    const void *bias;
    const descriptor *act;
} epilogue;

/* The scratch that was asked for is the one that is given. */
static cudnnStatus_t run_with(cudnnHandle_t handle, const convolution *v, const sums *s,
                              int algorithm, const void *alpha, const void *beta, void *scratch,
                              size_t bytes, void *result, epilogue e)
{
    cudaStream_t stream = ((descriptor *)(void *)handle)->stream;
    const int which = s->of == v->x ? 0 : s->of == v->w ? 1 : 2;
    const int way = which == 2 ? 0 : which + 1; /* forward, data, filter */
    if (v->conv->math != CUDNN_DEFAULT_MATH && v->conv->math != math_of(algorithm)) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    if (stream == NULL || !fits(v) || scratch == NULL || bytes != needed(way, algorithm) ||
        get(v->x, alpha, 0) != 1.0 || mocked_fails()) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    const convolve_call call = {
        .x = *v->x,
        .w = *v->w,
        .y = *v->y,
        .conv = *v->conv,
        .s = *s,
        .which = s->of == v->x   ? 0
                 : s->of == v->w ? 1
                                 : 2,
        .beta = get(v->x, beta, 0),
        .scratch = scratch,
        .result = result,
        .bytes = bytes,
        .bias = e.bias,
        .relu = e.bias != NULL && e.act->dim[0] == CUDNN_ACTIVATION_RELU,
        .hides_nan = e.bias != NULL && (e.act->dim[1] != 1 || getenv("ODEON_MOCKED_HIDES_NAN"))};
    return mocked_ask(stream, run_call, &call, sizeof call) == cudaSuccess
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_EXECUTION_FAILED;
}

static cudnnStatus_t run(cudnnHandle_t handle, const convolution *v, const sums *s, int algorithm,
                         const void *alpha, const void *beta, void *scratch, size_t bytes,
                         void *result)
{
    return run_with(handle, v, s, algorithm, alpha, beta, scratch, bytes, result, (epilogue){0});
}

/* As documented, bias alone is done by one algorithm only. */
static cudnnStatus_t fused(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t of_x,
                           const void *x, cudnnFilterDescriptor_t of_w, const void *w,
                           cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algorithm,
                           void *scratch, size_t bytes, const void *beta,
                           cudnnTensorDescriptor_t of_z, const void *z,
                           cudnnTensorDescriptor_t of_bias, const void *bias,
                           cudnnActivationDescriptor_t act, cudnnTensorDescriptor_t of_y, void *y)
{
    const convolution c = {(void *)of_x, (void *)of_w, (void *)of_y, (void *)conv};
    const descriptor *b = (void *)of_bias;
    const epilogue e = {bias, (void *)act};
    sums s = {.of = c.y, .x = x, .w = w};
    if (getenv("ODEON_MOCKED_NO_EPILOGUE") != NULL ||
        (e.act->dim[0] == CUDNN_ACTIVATION_IDENTITY &&
         algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)) {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    if (bias == NULL || (void *)of_z != (void *)of_y || z != y || b->type != c.y->type ||
        b->dim[0] != 1 || b->dim[1] != c.y->dim[1] || b->dim[2] != 1 || b->dim[3] != 1) {
        return CUDNN_STATUS_BAD_PARAM;
    }
    return run_with(handle, &c, &s, (int)algorithm, alpha, beta, scratch, bytes, y, e);
}

static cudnnStatus_t forward(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t of_x,
                             const void *x, cudnnFilterDescriptor_t of_w, const void *w,
                             cudnnConvolutionDescriptor_t conv, cudnnConvolutionFwdAlgo_t algorithm,
                             void *scratch, size_t bytes, const void *beta,
                             cudnnTensorDescriptor_t of_y, void *y)
{
    const convolution c = {(void *)of_x, (void *)of_w, (void *)of_y, (void *)conv};
    sums s = {.of = c.y, .x = x, .w = w};
    return run(handle, &c, &s, (int)algorithm, alpha, beta, scratch, bytes, y);
}

static cudnnStatus_t data(cudnnHandle_t handle, const void *alpha, cudnnFilterDescriptor_t of_w,
                          const void *w, cudnnTensorDescriptor_t of_dy, const void *dy,
                          cudnnConvolutionDescriptor_t conv,
                          cudnnConvolutionBwdDataAlgo_t algorithm, void *scratch, size_t bytes,
                          const void *beta, cudnnTensorDescriptor_t of_dx, void *dx)
{
    const convolution c = {(void *)of_dx, (void *)of_w, (void *)of_dy, (void *)conv};
    sums s = {.of = c.x, .w = w, .y = dy};
    return algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0
               ? CUDNN_STATUS_NOT_SUPPORTED
               : run(handle, &c, &s, (int)algorithm, alpha, beta, scratch, bytes, dx);
}

static cudnnStatus_t filter(cudnnHandle_t handle, const void *alpha, cudnnTensorDescriptor_t of_x,
                            const void *x, cudnnTensorDescriptor_t of_dy, const void *dy,
                            cudnnConvolutionDescriptor_t conv,
                            cudnnConvolutionBwdFilterAlgo_t algorithm, void *scratch, size_t bytes,
                            const void *beta, cudnnFilterDescriptor_t of_dw, void *dw)
{
    const convolution c = {(void *)of_x, (void *)of_dw, (void *)of_dy, (void *)conv};
    sums s = {.of = c.w, .x = x, .y = dy};
    return algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0
               ? CUDNN_STATUS_NOT_SUPPORTED
               : run(handle, &c, &s, (int)algorithm, alpha, beta, scratch, bytes, dw);
}

#define FIND(text, function)                                                                       \
    if (strcmp(name, text) == 0) {                                                                 \
        memcpy(address, &(void (*)(void)){(void (*)(void))function}, sizeof(void *));              \
        return 1;                                                                                  \
    }

int32_t mocked_dnn(const char *name, void *address)
{
    FIND("cudnnCreate", create)
    FIND("cudnnDestroy", destroy)
    FIND("cudnnSetStream", set_stream)
    FIND("cudnnGetErrorString", error_text)
    FIND("cudnnCreateTensorDescriptor", new_tensor)
    FIND("cudnnDestroyTensorDescriptor", end_tensor)
    FIND("cudnnSetTensor4dDescriptor", set_tensor)
    FIND("cudnnCreateFilterDescriptor", new_filter)
    FIND("cudnnDestroyFilterDescriptor", end_filter)
    FIND("cudnnSetFilter4dDescriptor", set_filter)
    FIND("cudnnCreateConvolutionDescriptor", new_conv)
    FIND("cudnnDestroyConvolutionDescriptor", end_conv)
    FIND("cudnnSetConvolution2dDescriptor", set_conv)
    FIND("cudnnSetConvolutionMathType", set_math)
    FIND("cudnnGetConvolutionForwardAlgorithm_v7", forward_list)
    FIND("cudnnGetConvolutionBackwardDataAlgorithm_v7", data_list)
    FIND("cudnnGetConvolutionBackwardFilterAlgorithm_v7", filter_list)
    FIND("cudnnGetConvolutionForwardWorkspaceSize", forward_bytes)
    FIND("cudnnGetConvolutionBackwardDataWorkspaceSize", data_bytes)
    FIND("cudnnGetConvolutionBackwardFilterWorkspaceSize", filter_bytes)
    FIND("cudnnCreateActivationDescriptor", new_act)
    FIND("cudnnDestroyActivationDescriptor", end_act)
    FIND("cudnnSetActivationDescriptor", set_act)
    FIND("cudnnConvolutionForward", forward)
    FIND("cudnnConvolutionBiasActivationForward", fused)
    FIND("cudnnConvolutionBackwardData", data)
    FIND("cudnnConvolutionBackwardFilter", filter)
    return 0;
}
