/* Convolutions by cuDNN 9's calls of old, the only file that knows of cuDNN. They take descriptors,
 * which a queue makes once and describes anew at each call, and algorithms whose sums have a fixed
 * order; bias and ReLU are cuDNN's too where it has them. Shapes that cuDNN does not take go to the
 * kernels of our own. */
#include "dnn.h"

#include <cudnn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "epilogue.h"
#include "failure.h"
#include "launch.h"
#include "library.h"
#include "odeon/device_conv.h"
#include "ops/product.h"
#include "recorder.h"

/* X(function, field): the calls of cuDNN that are used; their types are its header's. */
#define FUNCTIONS(X)                                                                               \
    X(cudnnCreate, create)                                                                         \
    X(cudnnDestroy, destroy)                                                                       \
    X(cudnnSetStream, set_stream)                                                                  \
    X(cudnnGetErrorString, error_text)                                                             \
    X(cudnnCreateTensorDescriptor, new_tensor)                                                     \
    X(cudnnDestroyTensorDescriptor, end_tensor)                                                    \
    X(cudnnSetTensor4dDescriptor, set_tensor)                                                      \
    X(cudnnCreateFilterDescriptor, new_filter)                                                     \
    X(cudnnDestroyFilterDescriptor, end_filter)                                                    \
    X(cudnnSetFilter4dDescriptor, set_filter)                                                      \
    X(cudnnCreateConvolutionDescriptor, new_conv)                                                  \
    X(cudnnDestroyConvolutionDescriptor, end_conv)                                                 \
    X(cudnnSetConvolution2dDescriptor, set_conv)                                                   \
    X(cudnnSetConvolutionMathType, set_math)                                                       \
    X(cudnnGetConvolutionForwardAlgorithm_v7, forward_list)                                        \
    X(cudnnGetConvolutionBackwardDataAlgorithm_v7, data_list)                                      \
    X(cudnnGetConvolutionBackwardFilterAlgorithm_v7, filter_list)                                  \
    X(cudnnGetConvolutionForwardWorkspaceSize, forward_bytes)                                      \
    X(cudnnGetConvolutionBackwardDataWorkspaceSize, data_bytes)                                    \
    X(cudnnGetConvolutionBackwardFilterWorkspaceSize, filter_bytes)                                \
    X(cudnnCreateActivationDescriptor, new_act)                                                    \
    X(cudnnDestroyActivationDescriptor, end_act)                                                   \
    X(cudnnSetActivationDescriptor, set_act)                                                       \
    X(cudnnConvolutionForward, forward)                                                            \
    X(cudnnConvolutionBiasActivationForward, fused)                                                \
    X(cudnnConvolutionBackwardData, data)                                                          \
    X(cudnnConvolutionBackwardFilter, filter)

/* How cuDNN does one of the three convolutions of a shape. */
enum { FORWARD, DATA, FILTER, WAYS };
typedef struct plan {
    int32_t takes;        /* 0: not at all */
    cudnnMathType_t math; /* what the algorithm was listed with */
    int32_t algorithm, reserved0;
    size_t bytes;           /* of scratch */
    _Atomic int32_t *fused; /* EPILOGUE_ of the shape, of bias alone and of bias with ReLU */
} plan;

/* Plans are made when a shape is first met, and kept: to ask cuDNN takes it longer than to begin a
 * convolution. */
typedef struct known_shape {
    int64_t key[12]; /* what make_key says */
    plan plans[WAYS];
    _Atomic int32_t fused[2];
    struct known_shape *next;
} known_shape;

#define FIELD_(function, field) __typeof__(&(function)) field;
struct cuda_dnn {
    FUNCTIONS(FIELD_)
    cudnnHandle_t handle;
    cudnnTensorDescriptor_t x, y, bias;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    cudnnActivationDescriptor_t act;
    known_shape *shapes; /* of the device's own cuDNN, which is asked for sizes alone */
};

#define SYMBOL_(function, field) {#function, offsetof(cuda_dnn, field)},
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
    ODEON_TRY(check(d, dnn, dnn->new_tensor(&dnn->bias), "making a descriptor"));
    ODEON_TRY(check(d, dnn, dnn->new_filter(&dnn->w), "making a descriptor"));
    ODEON_TRY(check(d, dnn, dnn->new_act(&dnn->act), "making a descriptor"));
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
    if (dnn->act != NULL) {
        (void)dnn->end_act(dnn->act);
    }
    if (dnn->w != NULL) {
        (void)dnn->end_filter(dnn->w);
    }
    if (dnn->bias != NULL) {
        (void)dnn->end_tensor(dnn->bias);
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

static cudnnMathType_t usual_math(const cuda_device *d)
{
    return d->math == CUDA_MATH_TF32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

/* Describes a convolution; false where cuDNN refuses it. */
static int32_t describe(const cuda_dnn *dnn, uint32_t dtype, const conv_args *a,
                        cudnnMathType_t math)
{
    cudnnDataType_t type = dtype == ODEON_DTYPE_F32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
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

/* What cuDNN lists of an algorithm, for any of the three ways. */
typedef struct listed {
    cudnnStatus_t status;
    cudnnDeterminism_t order;
    cudnnMathType_t math;
    int32_t algorithm;
} listed;

/* Asks f for a list, which ends up in list[0 .. n-1]. */
#define LIST(type, call)                                                                           \
    do {                                                                                           \
        type all[MOST_ALGORITHMS];                                                                 \
        if ((call) != CUDNN_STATUS_SUCCESS) {                                                      \
            return 0;                                                                              \
        }                                                                                          \
        for (int i = 0; i < n; i++) {                                                              \
            list[i] = (listed){all[i].status, all[i].determinism, all[i].mathType,                 \
                               (int32_t)all[i].algo};                                              \
        }                                                                                          \
        return n;                                                                                  \
    } while (0)

static int list_all(const cuda_dnn *dnn, int32_t way, listed *list)
{
    int n = 0;
    if (way == FORWARD) {
        LIST(cudnnConvolutionFwdAlgoPerf_t,
             dnn->forward_list(dnn->handle, dnn->x, dnn->w, dnn->conv, dnn->y, MOST_ALGORITHMS, &n,
                               all));
    }
    if (way == DATA) {
        LIST(cudnnConvolutionBwdDataAlgoPerf_t,
             dnn->data_list(dnn->handle, dnn->w, dnn->y, dnn->conv, dnn->x, MOST_ALGORITHMS, &n,
                            all));
    }
    LIST(
        cudnnConvolutionBwdFilterAlgoPerf_t,
        dnn->filter_list(dnn->handle, dnn->x, dnn->y, dnn->conv, dnn->w, MOST_ALGORITHMS, &n, all));
}

/* With tf32 an algorithm of tensor cores is as good as one without. An entry of another arithmetic
 * than the convolution is described with would be refused when it is called. */
static int32_t may_use(const cuda_device *d, const listed *x)
{
    int32_t has_math =
        x->math == usual_math(d) || (d->math == CUDA_MATH_TF32 && x->math == CUDNN_TENSOR_OP_MATH);
    return x->status == CUDNN_STATUS_SUCCESS && x->order == CUDNN_DETERMINISTIC && has_math;
}

/* Adds those with sums of a fixed order to plans, the one first that cuDNN believes the fastest; it
 * measures nothing for it. */
static int32_t list_plans(const cuda_device *d, const cuda_dnn *dnn, int32_t way, plan *plans)
{
    listed list[MOST_ALGORITHMS];
    int32_t n = 0;
    for (int i = 0, all = list_all(dnn, way, list); i < all; i++) {
        if (may_use(d, &list[i])) {
            plans[n++] = (plan){.takes = 1, .math = list[i].math, .algorithm = list[i].algorithm};
        }
    }
    return n;
}

/* Completes *p with its scratch; false where cuDNN does not do the shape with no more than most. */
static int32_t measure(const cuda_dnn *dnn, int32_t way, size_t most, plan *p)
{
    return scratch_of(dnn, way, p->algorithm, &p->bytes) && p->bytes <= most;
}

/* The fixed algorithm where cuDNN has it for the shape, else the first of its list: any of its
 * algorithms is many times faster than own kernels. With algorithms = fastest the list comes first.
 */
static plan make_plan(const cuda_device *d, const cuda_dnn *dnn, int32_t way)
{
    plan plans[MOST_ALGORITHMS];
    plan fixed = {.takes = 1, .math = usual_math(d), .algorithm = fixed_algorithms[way]};
    int32_t is_fixed_first = d->algorithms != CUDA_ALGORITHMS_FASTEST;
    if (is_fixed_first && measure(dnn, way, SIZE_MAX, &fixed)) {
        return fixed;
    }
    for (int32_t i = 0, n = list_plans(d, dnn, way, plans); i < n; i++) {
        if (measure(dnn, way, MOST_SCRATCH, &plans[i])) {
            return plans[i];
        }
    }
    return !is_fixed_first && measure(dnn, way, SIZE_MAX, &fixed) ? fixed : (plan){0};
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
    int32_t described = describe(dnn, dtype, a, usual_math(d));
    for (int32_t way = 0; way < WAYS && described; way++) {
        shape->plans[way] = make_plan(d, dnn, way);
        shape->plans[way].fused = shape->fused;
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
    return !p->takes || describe(queue->dnn, dtype, a, p->math)
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

/* A convolution with what follows it. */
typedef struct fused_call {
    cuda_queue *queue;
    const conv_args *a;
    const plan *p;
    void *scratch;
    uint32_t dtype;
} fused_call;

/* Describes bias and function, with which y is not added to itself. */
static int32_t describe_epilogue(const cuda_dnn *dnn, const fused_call *c)
{
    cudnnDataType_t type = c->dtype == ODEON_DTYPE_F32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
    cudnnActivationMode_t mode =
        c->a->act == ODEON_UNARY_RELU ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
    return dnn->set_tensor(dnn->bias, CUDNN_TENSOR_NCHW, type, 1, (int)c->a->K, 1, 1) ==
               CUDNN_STATUS_SUCCESS &&
           dnn->set_act(dnn->act, mode, CUDNN_PROPAGATE_NAN, 0.0) == CUDNN_STATUS_SUCCESS;
}

static odeon_status run_fused(const void *call, const void *bias, int32_t *takes)
{
    const fused_call *c = call;
    const cuda_dnn *dnn = c->queue->dnn;
    factors f;
    set_factors(c->dtype, &f);
    ODEON_TRY(cuda_begin(c->queue));
    if (!describe_epilogue(dnn, c)) {
        *takes = 0;
        return ODEON_OK;
    }
    cudnnStatus_t status =
        dnn->fused(dnn->handle, f.one, dnn->x, c->a->x, dnn->w, c->a->w, dnn->conv,
                   (cudnnConvolutionFwdAlgo_t)c->p->algorithm, c->scratch, c->p->bytes, f.zero,
                   dnn->y, c->a->out, dnn->bias, bias, dnn->act, dnn->y, c->a->out);
    *takes = CUDNN_STATUS_CATEGORY(status) != CUDNN_STATUS_NOT_SUPPORTED;
    return *takes ? answer(c->queue, status, "conv2d with bias") : ODEON_OK;
}

/* *done: cuDNN does all of it. */
static odeon_status fuse(cuda_queue *queue, const odeon_conv2d *call, const conv_args *a,
                         const plan *p, int32_t *done)
{
    const fused_call c = {queue, a, p, call->scratch, call->x->shape.dtype};
    const cuda_epilogue e = {.run = run_fused,
                             .call = &c,
                             .bias = a->bias,
                             .y = a->out,
                             .channels = a->K,
                             .name = "cuDNN",
                             .dtype = c.dtype,
                             .act = a->act};
    *done = 0;
    return cuda_epilogue_may(a->bias, a->K, a->act)
               ? cuda_epilogue_run(queue, &e, &p->fused[a->act == ODEON_UNARY_RELU], done)
               : ODEON_OK;
}

static odeon_status conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    cuda_queue *q = cuda_queue_of(queue);
    conv_args a;
    factors f;
    plan p;
    int32_t done;
    ODEON_TRY(conv_arguments(queue, call, &a));
    ODEON_TRY(prepare(q, FORWARD, call->x->shape.dtype, &a, &p));
    const cuda_dnn *dnn = q->dnn;
    if (!p.takes) {
        return ops_conv.conv2d(queue, call);
    }
    ODEON_TRY(fuse(q, call, &a, &p, &done));
    if (done) {
        return ODEON_OK;
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
