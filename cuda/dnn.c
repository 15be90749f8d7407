/* Convolutions by cuDNN 9's calls of old, the only file that knows of cuDNN. They take descriptors,
 * which a queue makes once and describes anew at each call, and algorithms whose sums have a fixed
 * order. Shapes that cuDNN does not take go to the kernels of our own. */
#include <cudnn.h>
#include <limits.h>
#include <string.h>

#include "library.h"
#include "ops/product.h"

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

static const cudnnConvolutionFwdAlgo_t forward_algorithm =
    CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
static const cudnnConvolutionBwdDataAlgo_t data_algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
static const cudnnConvolutionBwdFilterAlgo_t filter_algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

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
    ODEON_TRY(cuda_check(d, cudaSetDevice(d->ordinal), "taking the card into use"));
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
static int32_t describe(const cuda_device *d, const cuda_dnn *dnn, int32_t dtype,
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

/* Scratch of one of the three on what was described last; false where cuDNN refuses it. */
static int32_t forward_scratch(const cuda_dnn *dnn, size_t *bytes)
{
    return dnn->forward_bytes(dnn->handle, dnn->x, dnn->w, dnn->conv, dnn->y, forward_algorithm,
                              bytes) == CUDNN_STATUS_SUCCESS;
}

static int32_t data_scratch(const cuda_dnn *dnn, size_t *bytes)
{
    return dnn->data_bytes(dnn->handle, dnn->w, dnn->y, dnn->conv, dnn->x, data_algorithm, bytes) ==
           CUDNN_STATUS_SUCCESS;
}

static int32_t filter_scratch(const cuda_dnn *dnn, size_t *bytes)
{
    return dnn->filter_bytes(dnn->handle, dnn->x, dnn->y, dnn->conv, dnn->w, filter_algorithm,
                             bytes) == CUDNN_STATUS_SUCCESS;
}

static uint64_t most_scratch(const cuda_device *d, const cuda_dnn *dnn, int32_t dtype,
                             const conv_args *a)
{
    size_t forward = 0, data = 0, filter = 0;
    if (!describe(d, dnn, dtype, a)) {
        return 0;
    }
    forward = forward_scratch(dnn, &forward) ? forward : 0;
    data = data_scratch(dnn, &data) ? data : 0;
    filter = filter_scratch(dnn, &filter) ? filter : 0;
    size_t most = forward > data ? forward : data;
    return most > filter ? most : filter;
}

uint64_t cuda_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                             const odeon_tensor *w)
{
    cuda_device *d = device;
    uint64_t bytes = 0;
    const conv_args a = conv_shape(geometry, x, w);
    int32_t may_open = cuda_recorder(d) == NULL; /* cuDNN takes memory when it starts */
    if (d->use_dnn && may_take(&a)) {
        (void)pthread_mutex_lock(&d->lock);
        if ((d->dnn != NULL || may_open) && open_once(d, NULL, &d->dnn) == ODEON_OK) {
            bytes = most_scratch(d, d->dnn, x->dtype, &a);
        } /* else the convolution itself will fail */
        (void)pthread_mutex_unlock(&d->lock);
    }
    return bytes;
}

/* ---- the operators ---- */

/* Gets cuDNN ready for a convolution with checked arguments. *ready is false where the kernels of
 * our own do it. */
static odeon_status prepare(odeon_queue *queue, int32_t dtype, const conv_args *a, int32_t *ready)
{
    *ready = queue->device->use_dnn && may_take(a);
    if (*ready && queue->dnn == NULL) {
        if (queue->recording != NULL) {
            return device_fail(queue, ODEON_ERR_DEVICE,
                               "conv2d: the first convolution of a queue cannot be recorded; do "
                               "one before");
        }
        ODEON_TRY(open_once(queue->device, queue->stream, &queue->dnn));
    }
    if (*ready) {
        *ready = describe(queue->device, queue->dnn, dtype, a);
    }
    return ODEON_OK;
}

/* Of a call that did something. */
static odeon_status answer(odeon_queue *queue, cudnnStatus_t status, const char *what)
{
    return cuda_spoil(queue, check(queue->device, queue->dnn, status, what));
}

/* 1 and 0, of the dtype that cuDNN wants them in. */
typedef struct factors {
    float one_f32, zero_f32;
    double one_f64, zero_f64;
    const void *one, *zero;
} factors;

static void set_factors(int32_t dtype, factors *f)
{
    f->one_f32 = 1.0f;
    f->zero_f32 = 0.0f;
    f->one_f64 = 1.0;
    f->zero_f64 = 0.0;
    f->one = dtype == ODEON_DTYPE_F32 ? (const void *)&f->one_f32 : &f->one_f64;
    f->zero = dtype == ODEON_DTYPE_F32 ? (const void *)&f->zero_f32 : &f->zero_f64;
}

odeon_status cuda_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *w, const odeon_epilogue *epilogue,
                         const odeon_tensor *y, void *scratch)
{
    conv_args a;
    factors f;
    int32_t ready;
    size_t bytes = 0;
    ODEON_TRY(conv_arguments(queue, geometry, x, w, y, epilogue, &a));
    ODEON_TRY(prepare(queue, x->dtype, &a, &ready));
    const cuda_dnn *dnn = queue->dnn;
    if (!ready || !forward_scratch(dnn, &bytes)) {
        return ops_conv2d(queue, geometry, x, w, epilogue, y, scratch);
    }
    set_factors(x->dtype, &f);
    ODEON_TRY(cuda_begin(queue));
    ODEON_TRY(answer(queue,
                     dnn->forward(dnn->handle, f.one, dnn->x, a.x, dnn->w, a.w, dnn->conv,
                                  forward_algorithm, scratch, bytes, f.zero, dnn->y, a.y),
                     "conv2d"));
    return finish_product(queue, y, a.P * a.Q, a.K, epilogue);
}

odeon_status cuda_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *w, const odeon_tensor *dy,
                               const odeon_tensor *dx, void *scratch)
{
    conv_args a;
    factors f;
    int32_t ready;
    size_t bytes = 0;
    ODEON_TRY(conv_arguments(queue, geometry, dx, w, dy, NULL, &a));
    ODEON_TRY(prepare(queue, dx->dtype, &a, &ready));
    const cuda_dnn *dnn = queue->dnn;
    if (!ready || !data_scratch(dnn, &bytes)) {
        return ops_conv2d_vjp_x(queue, geometry, w, dy, dx, scratch);
    }
    set_factors(dx->dtype, &f);
    ODEON_TRY(cuda_begin(queue));
    return answer(queue,
                  dnn->data(dnn->handle, f.one, dnn->w, a.w, dnn->y, a.y, dnn->conv, data_algorithm,
                            scratch, bytes, f.zero, dnn->x, a.x),
                  "conv2d_vjp_x");
}

odeon_status cuda_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dw, void *scratch)
{
    conv_args a;
    factors f;
    int32_t ready;
    size_t bytes = 0;
    ODEON_TRY(conv_arguments(queue, geometry, x, dw, dy, NULL, &a));
    ODEON_TRY(prepare(queue, x->dtype, &a, &ready));
    const cuda_dnn *dnn = queue->dnn;
    if (!ready || !filter_scratch(dnn, &bytes)) {
        return ops_conv2d_vjp_w(queue, geometry, x, dy, dw, scratch);
    }
    set_factors(x->dtype, &f);
    ODEON_TRY(cuda_begin(queue));
    return answer(queue,
                  dnn->filter(dnn->handle, f.one, dnn->x, a.x, dnn->y, a.y, dnn->conv,
                              filter_algorithm, scratch, bytes, f.one, dnn->w, a.w),
                  "conv2d_vjp_w");
}
