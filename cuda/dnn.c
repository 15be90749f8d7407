/* Convolutions by cuDNN 9's calls of old, the only file that knows of cuDNN. They take descriptors,
 * which a queue makes once and describes anew at each call, and algorithms whose sums have a fixed
 * order. Shapes that cuDNN does not take go to the kernels of our own. */
#include "dnn.h"

#include <cudnn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "launch.h"
#include "library.h"
#include "odeon/device_conv.h"
#include "ops/product.h"
#include "recorder.h"

typedef cudnnStatus_t (*create_function)(cudnnHandle_t *handle);
typedef cudnnStatus_t (*destroy_function)(cudnnHandle_t handle);
typedef cudnnStatus_t (*set_stream_function)(cudnnHandle_t handle, cudaStream_t stream);
typedef const char *(*error_text_function)(cudnnStatus_t status);
typedef cudnnStatus_t (*new_tensor_function)(cudnnTensorDescriptor_t *x);
typedef cudnnStatus_t (*end_tensor_function)(cudnnTensorDescriptor_t x);
typedef cudnnStatus_t (*set_tensor_function)(cudnnTensorDescriptor_t x, cudnnTensorFormat_t format,
                                             cudnnDataType_t type, int b, int c, int h, int w);
typedef cudnnStatus_t (*new_filter_function)(cudnnFilterDescriptor_t *w);
typedef cudnnStatus_t (*end_filter_function)(cudnnFilterDescriptor_t w);
typedef cudnnStatus_t (*set_filter_function)(cudnnFilterDescriptor_t w, cudnnDataType_t type,
                                             cudnnTensorFormat_t format, int k, int c, int r,
                                             int s);
typedef cudnnStatus_t (*new_conv_function)(cudnnConvolutionDescriptor_t *conv);
typedef cudnnStatus_t (*end_conv_function)(cudnnConvolutionDescriptor_t conv);
typedef cudnnStatus_t (*set_conv_function)(cudnnConvolutionDescriptor_t conv, int pad_h, int pad_w,
                                           int stride_h, int stride_w, int dilation_h,
                                           int dilation_w, cudnnConvolutionMode_t mode,
                                           cudnnDataType_t type);
typedef cudnnStatus_t (*set_math_function)(cudnnConvolutionDescriptor_t conv, cudnnMathType_t math);
typedef cudnnStatus_t (*forward_list_function)(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                               cudnnFilterDescriptor_t w,
                                               cudnnConvolutionDescriptor_t conv,
                                               cudnnTensorDescriptor_t y, int most, int *n,
                                               cudnnConvolutionFwdAlgoPerf_t *list);
typedef cudnnStatus_t (*data_list_function)(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                            cudnnTensorDescriptor_t dy,
                                            cudnnConvolutionDescriptor_t conv,
                                            cudnnTensorDescriptor_t dx, int most, int *n,
                                            cudnnConvolutionBwdDataAlgoPerf_t *list);
typedef cudnnStatus_t (*filter_list_function)(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                              cudnnTensorDescriptor_t dy,
                                              cudnnConvolutionDescriptor_t conv,
                                              cudnnFilterDescriptor_t dw, int most, int *n,
                                              cudnnConvolutionBwdFilterAlgoPerf_t *list);
typedef cudnnStatus_t (*forward_bytes_function)(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                cudnnFilterDescriptor_t w,
                                                cudnnConvolutionDescriptor_t conv,
                                                cudnnTensorDescriptor_t y,
                                                cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes);
typedef cudnnStatus_t (*data_bytes_function)(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                             cudnnTensorDescriptor_t dy,
                                             cudnnConvolutionDescriptor_t conv,
                                             cudnnTensorDescriptor_t dx,
                                             cudnnConvolutionBwdDataAlgo_t algorithm,
                                             size_t *bytes);
typedef cudnnStatus_t (*filter_bytes_function)(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                               cudnnTensorDescriptor_t dy,
                                               cudnnConvolutionDescriptor_t conv,
                                               cudnnFilterDescriptor_t dw,
                                               cudnnConvolutionBwdFilterAlgo_t algorithm,
                                               size_t *bytes);
typedef cudnnStatus_t (*forward_function)(cudnnHandle_t handle, const void *alpha,
                                          cudnnTensorDescriptor_t of_x, const void *x,
                                          cudnnFilterDescriptor_t of_w, const void *w,
                                          cudnnConvolutionDescriptor_t conv,
                                          cudnnConvolutionFwdAlgo_t algorithm, void *scratch,
                                          size_t bytes, const void *beta,
                                          cudnnTensorDescriptor_t of_y, void *y);
typedef cudnnStatus_t (*data_function)(cudnnHandle_t handle, const void *alpha,
                                       cudnnFilterDescriptor_t of_w, const void *w,
                                       cudnnTensorDescriptor_t of_dy, const void *dy,
                                       cudnnConvolutionDescriptor_t conv,
                                       cudnnConvolutionBwdDataAlgo_t algorithm, void *scratch,
                                       size_t bytes, const void *beta,
                                       cudnnTensorDescriptor_t of_dx, void *dx);
typedef cudnnStatus_t (*filter_function)(cudnnHandle_t handle, const void *alpha,
                                         cudnnTensorDescriptor_t of_x, const void *x,
                                         cudnnTensorDescriptor_t of_dy, const void *dy,
                                         cudnnConvolutionDescriptor_t conv,
                                         cudnnConvolutionBwdFilterAlgo_t algorithm, void *scratch,
                                         size_t bytes, const void *beta,
                                         cudnnFilterDescriptor_t of_dw, void *dw);

/* How cuDNN does one of the three convolutions of a shape. */
enum { FORWARD, DATA, FILTER, WAYS };
typedef struct plan {
    int32_t takes; /* 0: not at all */
    int32_t algorithm;
    size_t bytes; /* of scratch */
} plan;

/* Plans are made when a shape is first met, and kept: to ask cuDNN takes it longer than to begin a
 * convolution. */
typedef struct known_shape {
    int64_t key[12]; /* what make_key says */
    plan plans[WAYS];
    struct known_shape *next;
} known_shape;

struct cuda_dnn {
    create_function create;
    destroy_function destroy;
    set_stream_function set_stream;
    error_text_function error_text;
    new_tensor_function new_tensor;
    end_tensor_function end_tensor;
    set_tensor_function set_tensor;
    new_filter_function new_filter;
    end_filter_function end_filter;
    set_filter_function set_filter;
    new_conv_function new_conv;
    end_conv_function end_conv;
    set_conv_function set_conv;
    set_math_function set_math;
    forward_list_function forward_list;
    data_list_function data_list;
    filter_list_function filter_list;
    forward_bytes_function forward_bytes;
    data_bytes_function data_bytes;
    filter_bytes_function filter_bytes;
    forward_function forward;
    data_function data;
    filter_function filter;
    cudnnHandle_t handle;
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    known_shape *shapes; /* of the device's own cuDNN, which is asked for sizes alone */
};

/* X(function, type, field) */
#define FUNCTIONS(X)                                                                               \
    X(cudnnCreate, create_function, create)                                                        \
    X(cudnnDestroy, destroy_function, destroy)                                                     \
    X(cudnnSetStream, set_stream_function, set_stream)                                             \
    X(cudnnGetErrorString, error_text_function, error_text)                                        \
    X(cudnnCreateTensorDescriptor, new_tensor_function, new_tensor)                                \
    X(cudnnDestroyTensorDescriptor, end_tensor_function, end_tensor)                               \
    X(cudnnSetTensor4dDescriptor, set_tensor_function, set_tensor)                                 \
    X(cudnnCreateFilterDescriptor, new_filter_function, new_filter)                                \
    X(cudnnDestroyFilterDescriptor, end_filter_function, end_filter)                               \
    X(cudnnSetFilter4dDescriptor, set_filter_function, set_filter)                                 \
    X(cudnnCreateConvolutionDescriptor, new_conv_function, new_conv)                               \
    X(cudnnDestroyConvolutionDescriptor, end_conv_function, end_conv)                              \
    X(cudnnSetConvolution2dDescriptor, set_conv_function, set_conv)                                \
    X(cudnnSetConvolutionMathType, set_math_function, set_math)                                    \
    X(cudnnGetConvolutionForwardAlgorithm_v7, forward_list_function, forward_list)                 \
    X(cudnnGetConvolutionBackwardDataAlgorithm_v7, data_list_function, data_list)                  \
    X(cudnnGetConvolutionBackwardFilterAlgorithm_v7, filter_list_function, filter_list)            \
    X(cudnnGetConvolutionForwardWorkspaceSize, forward_bytes_function, forward_bytes)              \
    X(cudnnGetConvolutionBackwardDataWorkspaceSize, data_bytes_function, data_bytes)               \
    X(cudnnGetConvolutionBackwardFilterWorkspaceSize, filter_bytes_function, filter_bytes)         \
    X(cudnnConvolutionForward, forward_function, forward)                                          \
    X(cudnnConvolutionBackwardData, data_function, data)                                           \
    X(cudnnConvolutionBackwardFilter, filter_function, filter)

/* The headers say the same of these functions as the types above; nothing is linked. */
#define IS_(function, type, field)                                                                 \
    _Static_assert(_Generic(&function, type : 1, default : 0), #function);
FUNCTIONS(IS_)

#define SYMBOL_(function, type, field) {#function, offsetof(cuda_dnn, field)},
static const cuda_symbol symbols[] = {FUNCTIONS(SYMBOL_)};

/* Of every shape unless the INI asks for the fastest: sums have a fixed order, and each is one
 * kernel or two. */
static const int32_t fixed_algorithms[WAYS] = {
    [FORWARD] = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
    [DATA] = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
    [FILTER] = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
};

/* ---- open, close ---- */

static odeon_status check(const cuda_device *d, const cuda_dnn *dnn, cudnnStatus_t status,
                          const char *what)
{
    if (status == CUDNN_STATUS_SUCCESS) {
        return ODEON_OK;
    }
    return odeon_fail(
        d->host, status == CUDNN_STATUS_ALLOC_FAILED ? ODEON_ERR_NOMEM : ODEON_ERR_DEVICE,
        "cuda: cuDNN: %s: %s; convolution = own goes without it", what, dnn->error_text(status));
}

static odeon_status open_dnn(const cuda_device *d, cudaStream_t stream, cuda_dnn *dnn)
{
    ODEON_TRY(cuda_use_card(d));
    ODEON_TRY(cuda_library_load(d, "libcudnn.so." ODEON_TEXT(CUDNN_MAJOR), "set convolution = own",
                                sizeof symbols / sizeof *symbols, symbols, dnn));
    ODEON_TRY(check(d, dnn, dnn->create(&dnn->handle), "starting"));
    ODEON_TRY(check(d, dnn, dnn->set_stream(dnn->handle, stream), "taking a stream"));
    ODEON_TRY(check(d, dnn, dnn->new_tensor(&dnn->x), "making a descriptor"));
    ODEON_TRY(check(d, dnn, dnn->new_tensor(&dnn->y), "making a descriptor"));
    ODEON_TRY(check(d, dnn, dnn->new_filter(&dnn->w), "making a descriptor"));
    return check(d, dnn, dnn->new_conv(&dnn->conv), "making a descriptor");
}

void cuda_dnn_close(const cuda_device *d, cuda_dnn *dnn)
{
    if (dnn == NULL) {
        return;
    }
    if (dnn->conv != NULL) {
        (void)dnn->end_conv(dnn->conv);
    }
    if (dnn->w != NULL) {
        (void)dnn->end_filter(dnn->w);
    }
    if (dnn->y != NULL) {
        (void)dnn->end_tensor(dnn->y);
    }
    if (dnn->x != NULL) {
        (void)dnn->end_tensor(dnn->x);
    }
    if (dnn->handle != NULL) {
        (void)dnn->destroy(dnn->handle);
    }
    while (dnn->shapes != NULL) {
        known_shape *shape = dnn->shapes;
        dnn->shapes = shape->next;
        d->host->free(d->host, shape);
    }
    d->host->free(d->host, dnn);
}

/* *dnn stays NULL on failure. Nothing to do if it is open. */
static odeon_status open_once(const cuda_device *d, cudaStream_t stream, cuda_dnn **dnn)
{
    if (*dnn != NULL) {
        return ODEON_OK;
    }
    cuda_dnn *opened = d->host->alloc(d->host, sizeof *opened);
    if (opened == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes",
                          sizeof *opened);
    }
    memset(opened, 0, sizeof *opened);
    odeon_status status = open_dnn(d, stream, opened);
    if (status != ODEON_OK) {
        cuda_dnn_close(d, opened);
        return status;
    }
    *dnn = opened;
    return ODEON_OK;
}

/* ---- what is to be done ---- */

/* cuDNN has int for sizes and no empty tensors. */
static int32_t may_take(const conv_args *a)
{
    return a->B * a->C * a->H * a->W > 0 && a->K * a->R * a->S > 0 && a->P * a->Q > 0 &&
           a->B * a->C * a->H * a->W <= INT_MAX && a->B * a->K * a->P * a->Q <= INT_MAX &&
           a->K * a->C * a->R * a->S <= INT_MAX;
}

/* Describes a convolution; false where cuDNN refuses it. */
static int32_t describe(const cuda_device *d, const cuda_dnn *dnn, uint32_t dtype,
                        const conv_args *a)
{
    cudnnDataType_t type = dtype == ODEON_DTYPE_F32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
    cudnnMathType_t math = d->math == CUDA_MATH_TF32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
    return dnn->set_tensor(dnn->x, CUDNN_TENSOR_NCHW, type, (int)a->B, (int)a->C, (int)a->H,
                           (int)a->W) == CUDNN_STATUS_SUCCESS &&
           dnn->set_filter(dnn->w, type, CUDNN_TENSOR_NCHW, (int)a->K, (int)a->C, (int)a->R,
                           (int)a->S) == CUDNN_STATUS_SUCCESS &&
           dnn->set_tensor(dnn->y, CUDNN_TENSOR_NCHW, type, (int)a->B, (int)a->K, (int)a->P,
                           (int)a->Q) == CUDNN_STATUS_SUCCESS &&
           dnn->set_conv(dnn->conv, (int)a->padding_h, (int)a->padding_w, (int)a->stride_h,
                         (int)a->stride_w, 1, 1, CUDNN_CROSS_CORRELATION,
                         type) == CUDNN_STATUS_SUCCESS &&
           dnn->set_math(dnn->conv, math) == CUDNN_STATUS_SUCCESS;
}

/* ---- plans ---- */

/* Scratch on what was described last; false where cuDNN refuses it. */
static int32_t scratch_of(const cuda_dnn *dnn, int32_t way, int32_t algorithm, size_t *bytes)
{
    cudnnStatus_t status;
    if (way == FORWARD) {
        status = dnn->forward_bytes(dnn->handle, dnn->x, dnn->w, dnn->conv, dnn->y,
                                    (cudnnConvolutionFwdAlgo_t)algorithm, bytes);
    } else if (way == DATA) {
        status = dnn->data_bytes(dnn->handle, dnn->w, dnn->y, dnn->conv, dnn->x,
                                 (cudnnConvolutionBwdDataAlgo_t)algorithm, bytes);
    } else {
        status = dnn->filter_bytes(dnn->handle, dnn->x, dnn->y, dnn->conv, dnn->w,
                                   (cudnnConvolutionBwdFilterAlgo_t)algorithm, bytes);
    }
    return status == CUDNN_STATUS_SUCCESS;
}

enum { MOST_ALGORITHMS = 16, MOST_SCRATCH = 64 << 20 };

/* Those with sums of a fixed order, the one first that cuDNN believes the fastest. It measures
 * nothing for it. */
static int32_t list_algorithms(const cuda_dnn *dnn, int32_t way, int32_t *algorithms)
{
    cudnnConvolutionFwdAlgoPerf_t forward[MOST_ALGORITHMS];
    cudnnConvolutionBwdDataAlgoPerf_t data[MOST_ALGORITHMS];
    cudnnConvolutionBwdFilterAlgoPerf_t filter[MOST_ALGORITHMS];
    cudnnStatus_t status;
    int listed = 0, n = 0;
    if (way == FORWARD) {
        status = dnn->forward_list(dnn->handle, dnn->x, dnn->w, dnn->conv, dnn->y, MOST_ALGORITHMS,
                                   &listed, forward);
    } else if (way == DATA) {
        status = dnn->data_list(dnn->handle, dnn->w, dnn->y, dnn->conv, dnn->x, MOST_ALGORITHMS,
                                &listed, data);
    } else {
        status = dnn->filter_list(dnn->handle, dnn->x, dnn->y, dnn->conv, dnn->w, MOST_ALGORITHMS,
                                  &listed, filter);
    }
    for (int i = 0; status == CUDNN_STATUS_SUCCESS && i < listed; i++) {
        cudnnStatus_t of_this = way == FORWARD ? forward[i].status
                                : way == DATA  ? data[i].status
                                               : filter[i].status;
        cudnnDeterminism_t order = way == FORWARD ? forward[i].determinism
                                   : way == DATA  ? data[i].determinism
                                                  : filter[i].determinism;
        if (of_this == CUDNN_STATUS_SUCCESS && order == CUDNN_DETERMINISTIC) {
            algorithms[n++] = way == FORWARD ? (int32_t)forward[i].algo
                              : way == DATA  ? (int32_t)data[i].algo
                                             : (int32_t)filter[i].algo;
        }
    }
    return n;
}

static plan make_plan(const cuda_device *d, const cuda_dnn *dnn, int32_t way)
{
    int32_t algorithms[MOST_ALGORITHMS + 1];
    int32_t n =
        d->algorithms == CUDA_ALGORITHMS_FASTEST ? list_algorithms(dnn, way, algorithms) : 0;
    algorithms[n] = fixed_algorithms[way];
    for (int32_t i = 0; i <= n; i++) {
        plan p = {.takes = 1, .algorithm = algorithms[i]};
        if (scratch_of(dnn, way, p.algorithm, &p.bytes) && (i == n || p.bytes <= MOST_SCRATCH)) {
            return p;
        }
    }
    return (plan){0};
}

static void make_key(uint32_t dtype, const conv_args *a, int64_t *key)
{
    const int64_t made[] = {dtype, a->B, a->C,        a->H,        a->W,         a->K,
                            a->R,  a->S, a->stride_h, a->stride_w, a->padding_h, a->padding_w};
    memcpy(key, made, sizeof made);
}

/* A shape not met before. */
static odeon_status add_shape(const cuda_device *d, cuda_dnn *dnn, uint32_t dtype,
                              const conv_args *a)
{
    known_shape *shape = d->host->alloc(d->host, sizeof *shape);
    if (shape == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *shape);
    }
    memset(shape, 0, sizeof *shape);
    make_key(dtype, a, shape->key);
    int32_t described = describe(d, dnn, dtype, a);
    for (int32_t way = 0; way < WAYS && described; way++) {
        shape->plans[way] = make_plan(d, dnn, way);
    }
    if (!shape->plans[FORWARD].takes || !shape->plans[DATA].takes || !shape->plans[FILTER].takes) {
        char text[200];
        (void)snprintf(text, sizeof text,
                       "cuda: cuDNN does not convolve [%lld,%lld,%lld,%lld] with [%lld,%lld,%lld,"
                       "%lld], own kernels do, slowly",
                       (long long)a->B, (long long)a->C, (long long)a->H, (long long)a->W,
                       (long long)a->K, (long long)a->C, (long long)a->R, (long long)a->S);
        d->host->log(d->host, ODEON_LOG_WARNING, text);
    }
    shape->next = dnn->shapes;
    dnn->shapes = shape;
    return ODEON_OK;
}

static const known_shape *find_shape(const cuda_dnn *dnn, uint32_t dtype, const conv_args *a)
{
    const known_shape *shape = dnn != NULL ? dnn->shapes : NULL;
    int64_t key[sizeof shape->key / sizeof *shape->key];
    make_key(dtype, a, key);
    while (shape != NULL && memcmp(shape->key, key, sizeof key) != 0) {
        shape = shape->next;
    }
    return shape;
}

/* *plans [WAYS] live as long as the device. */
static odeon_status find_plans(cuda_device *d, uint32_t dtype, const conv_args *a,
                               const plan **plans)
{
    cuda_queue *recorder = cuda_recorder(d);
    odeon_status status = ODEON_OK;
    (void)pthread_mutex_lock(&d->lock);
    const known_shape *shape = find_shape(d->dnn, dtype, a);
    if (shape == NULL && recorder == NULL) { /* cuDNN may take memory for it */
        status = open_once(d, NULL, &d->dnn);
        status = status == ODEON_OK ? add_shape(d, d->dnn, dtype, a) : status;
        shape = status == ODEON_OK ? d->dnn->shapes : NULL;
    }
    (void)pthread_mutex_unlock(&d->lock);
    if (shape == NULL && recorder != NULL) {
        return cuda_fail(recorder, ODEON_ERR_DEVICE,
                         "conv2d: the first convolution of a shape cannot be recorded; do one "
                         "before");
    }
    *plans = shape != NULL ? shape->plans : NULL;
    return status;
}

static uint64_t conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w)
{
    cuda_device *d = device->handle;
    const plan *plans;
    const conv_args a = conv_shape(geometry, x, w);
    size_t most = 0;
    if (d->convolution == CUDA_OWN || !may_take(&a)) {
        return 0;
    }
    odeon_status status = find_plans(d, x->dtype, &a, &plans);
    if (status != ODEON_OK) {
        if (cuda_recorder(d) == NULL) { /* else the recording fails, and with it who asks */
            atomic_store(&d->scratch_unknown, status);
        }
        return 0;
    }
    for (int32_t way = 0; way < WAYS; way++) {
        most = plans[way].bytes > most ? plans[way].bytes : most;
    }
    return most;
}

/* ---- the operators ---- */

/* Gets cuDNN ready for a convolution with checked arguments. p->takes is 0 where the kernels of our
 * own do it. */
static odeon_status prepare(cuda_queue *queue, int32_t way, uint32_t dtype, const conv_args *a,
                            plan *p)
{
    cuda_device *d = queue->device;
    const plan *plans;
    *p = (plan){0};
    if (d->convolution == CUDA_OWN || !may_take(a)) {
        return ODEON_OK;
    }
    odeon_status unknown = atomic_load(&d->scratch_unknown);
    if (unknown != ODEON_OK) {
        return cuda_fail(queue, unknown, "conv2d: cuDNN did not say how much scratch it needs");
    }
    if (queue->dnn == NULL && queue->recording != NULL) { /* cuDNN takes memory when it starts */
        return cuda_fail(queue, ODEON_ERR_DEVICE,
                         "conv2d: the first convolution of a queue cannot be recorded; do one "
                         "before");
    }
    ODEON_TRY(open_once(d, queue->stream, &queue->dnn));
    ODEON_TRY(find_plans(d, dtype, a, &plans));
    *p = plans[way];
    return !p->takes || describe(d, queue->dnn, dtype, a)
               ? ODEON_OK
               : cuda_fail(queue, ODEON_ERR_DEVICE,
                           "conv2d: cuDNN refuses a shape that it took before");
}

/* Of a call that did something. */
static odeon_status answer(cuda_queue *queue, cudnnStatus_t status, const char *what)
{
    return cuda_spoil(queue, check(queue->device, queue->dnn, status, what));
}

/* 1 and 0, of the dtype that cuDNN wants them in. */
typedef struct factors {
    float one_f32, zero_f32;
    double one_f64, zero_f64;
    const void *one, *zero;
} factors;

static void set_factors(uint32_t dtype, factors *f)
{
    f->one_f32 = 1.0f;
    f->zero_f32 = 0.0f;
    f->one_f64 = 1.0;
    f->zero_f64 = 0.0;
    f->one = dtype == ODEON_DTYPE_F32 ? (const void *)&f->one_f32 : &f->one_f64;
    f->zero = dtype == ODEON_DTYPE_F32 ? (const void *)&f->zero_f32 : &f->zero_f64;
}

static odeon_status conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    cuda_queue *q = cuda_queue_of(queue);
    conv_args a;
    factors f;
    plan p;
    ODEON_TRY(conv_arguments(queue, call, &a));
    ODEON_TRY(prepare(q, FORWARD, call->x->shape.dtype, &a, &p));
    const cuda_dnn *dnn = q->dnn;
    if (!p.takes) {
        return ops_conv.conv2d(queue, call);
    }
    set_factors(call->x->shape.dtype, &f);
    ODEON_TRY(cuda_begin(q));
    ODEON_TRY(answer(q,
                     dnn->forward(dnn->handle, f.one, dnn->x, a.x, dnn->w, a.w, dnn->conv,
                                  (cudnnConvolutionFwdAlgo_t)p.algorithm, call->scratch, p.bytes,
                                  f.zero, dnn->y, a.out),
                     "conv2d"));
    return finish_product(queue, call->y, a.P * a.Q, a.K, call->bias, call->act);
}

static odeon_status conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    cuda_queue *q = cuda_queue_of(queue);
    conv_args a;
    factors f;
    plan p;
    ODEON_TRY(conv_vjp_x_arguments(queue, call, &a));
    ODEON_TRY(prepare(q, DATA, call->dx->view.shape.dtype, &a, &p));
    const cuda_dnn *dnn = q->dnn;
    if (!p.takes) {
        return ops_conv.conv2d_vjp_x(queue, call);
    }
    set_factors(call->dx->view.shape.dtype, &f);
    ODEON_TRY(cuda_begin(q));
    return answer(q,
                  dnn->data(dnn->handle, f.one, dnn->w, a.w, dnn->y, a.y, dnn->conv,
                            (cudnnConvolutionBwdDataAlgo_t)p.algorithm, call->scratch, p.bytes,
                            f.zero, dnn->x, a.out),
                  "conv2d_vjp_x");
}

static odeon_status conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    cuda_queue *q = cuda_queue_of(queue);
    conv_args a;
    factors f;
    plan p;
    ODEON_TRY(conv_vjp_w_arguments(queue, call, &a));
    ODEON_TRY(prepare(q, FILTER, call->x->shape.dtype, &a, &p));
    const cuda_dnn *dnn = q->dnn;
    if (!p.takes) {
        return ops_conv.conv2d_vjp_w(queue, call);
    }
    set_factors(call->x->shape.dtype, &f);
    ODEON_TRY(cuda_begin(q));
    return answer(q,
                  dnn->filter(dnn->handle, f.one, dnn->x, a.x, dnn->y, a.y, dnn->conv,
                              (cudnnConvolutionBwdFilterAlgo_t)p.algorithm, call->scratch, p.bytes,
                              f.one, dnn->w, a.out),
                  "conv2d_vjp_w");
}

const odeon_conv_family cuda_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = conv2d_scratch,
    .conv2d = conv2d,
    .conv2d_vjp_x = conv2d_vjp_x,
    .conv2d_vjp_w = conv2d_vjp_w,
};
