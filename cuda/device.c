#include "device.h"

#include <stdio.h>
#include <string.h>

#include "blas.h"
#include "capture.h"
#include "card_memory.h"
#include "common/tables.h"
#include "dnn.h"
#include "failure.h"
#include "odeon/device_ext.h"
#include "stream_access.h"

/* ---- options ---- */

const odeon_option *const cuda_options[] = {
    ODEON_OPTION(cuda_device, card, I64, .default_text = "0", .min_text = "0", .max_text = "1023",
                 .help = "which one, as the driver counts; CUDA_VISIBLE_DEVICES changes the count"),
    ODEON_OPTION(
        cuda_device, math, CHOICE, .default_text = "ieee32", .choices = "ieee32|tf32",
        .help =
            "how float32 products and convolutions multiply: tf32 keeps 10 bits of each factor"),
    ODEON_OPTION(cuda_device, blas, CHOICE, .default_text = "cublas", .choices = "cublas|own",
                 .help = "who multiplies matrices; own kernels are slow but need no library"),
    ODEON_OPTION(cuda_device, convolution, CHOICE, .default_text = "cudnn", .choices = "cudnn|own",
                 .help = "who convolves; own kernels are slow but need no library"),
    ODEON_OPTION(
        cuda_device, algorithms, CHOICE, .default_text = "fixed", .choices = "fixed|fastest",
        .help =
            "how cuDNN convolves: the same way for all shapes, or for each as its tables say is "
            "fastest of what gives equal bits each time"),
    ODEON_OPTION(
        cuda_device, loops, CHOICE, .default_text = "yes", .choices = "yes|no",
        .help =
            "whether a recorded solve by adaptive steps is one loop on the GPU (CUDA 12.4), else "
            "so many steps a launch"),
    NULL};

/* ---- init, fini ---- */

odeon_status cuda_init(void *self)
{
    cuda_device *d = self;
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cuda: the system has no mutex left");
    }
    d->has_lock = 1;
    loops_kernels(d->functions);
    loss_kernels(d->functions);
    moving_kernels(d->functions);
    norm_kernels(d->functions);
    pairs_kernels(d->functions);
    pool_kernels(d->functions);
    product_kernels(d->functions);
    random_kernels(d->functions);
    solver_kernels(d->functions);
    pointwise_kernels(d->functions);
    optimizers_kernels(d->functions);
    return ODEON_OK;
}

void cuda_fini(void *self)
{
    cuda_device *d = self;
    if (!d->has_lock) {
        return;
    }
    cuda_dnn_close(d, d->dnn);
    while (d->blocks != NULL) {
        cuda_free(d, d->blocks->memory);
    }
    (void)pthread_mutex_destroy(&d->lock);
}

/* ---- what the device says of itself ---- */

static const int32_t least_major = 7, least_minor = 5; /* the oldest GPU there is code for */

static odeon_status count_cards(const cuda_device *d, int *cards)
{
    int driver = 0;
    *cards = 0;
    cudaError_t error = cudaDriverGetVersion(&driver);
    if (error != cudaSuccess || driver == 0) {
        (void)cudaGetLastError();
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: no device: this machine has no NVIDIA driver (libcuda.so.1); "
                          "install it or choose another run.device");
    }
    error = cudaGetDeviceCount(cards);
    if (error == cudaErrorInsufficientDriver) {
        (void)cudaGetLastError();
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: no device: the NVIDIA driver is for CUDA %d.%d and this plugin "
                          "for %d.%d; install a newer driver or choose another run.device",
                          driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                          CUDART_VERSION % 1000 / 10);
    }
    if (error == cudaErrorNoDevice || (error == cudaSuccess && *cards == 0)) {
        (void)cudaGetLastError();
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: no device: the NVIDIA driver finds no GPU that this process may "
                          "use; see nvidia-smi, or choose another run.device");
    }
    return cuda_check_card(d, error, "counting the GPUs");
}

/* Whether the plugin was built for the GPU; its code comes to the GPU for it. */
static odeon_status expect_code(const cuda_device *d, int major, int minor)
{
    struct cudaFuncAttributes attributes;
    cudaError_t error = cudaFuncGetAttributes(&attributes, d->functions[0]);
    if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction ||
        error == cudaErrorUnsupportedPtxVersion || error == cudaErrorJitCompilerNotFound) {
        (void)cudaGetLastError();
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: this plugin was not built for the GPU, of compute capability "
                          "%d.%d (%s); build it with -DODEON_CUDA_ARCHITECTURES=%d%d",
                          major, minor, cudaGetErrorName(error), major, minor);
    }
    return cuda_check_card(d, error, "bringing a kernel to it");
}

odeon_status cuda_probe(void *device)
{
    const cuda_device *d = device;
    int cards = 0, major = 0, minor = 0;
    ODEON_TRY(count_cards(d, &cards));
    if (d->card >= cards) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: card = %d, but the driver shows only %d (from 0); choose one of "
                          "those",
                          (int)d->card, cards);
    }
    ODEON_TRY(cuda_check_card(
        d, cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, (int)d->card),
        "asking what it can"));
    ODEON_TRY(cuda_check_card(
        d, cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, (int)d->card),
        "asking what it can"));
    if (major < least_major || (major == least_major && minor < least_minor)) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: the GPU has compute capability %d.%d, at least %d.%d is needed",
                          major, minor, (int)least_major, (int)least_minor);
    }
    ODEON_TRY(cuda_check_card(d, cudaSetDevice((int)d->card), "taking it into use"));
    return expect_code(d, major, minor);
}

odeon_status cuda_describe(void *device, char *text, uint64_t bytes)
{
    const cuda_device *d = device;
    struct cudaDeviceProp card;
    int driver = 0;
    ODEON_TRY(cuda_check(d, cudaGetDeviceProperties(&card, (int)d->card), "asking the GPU"));
    ODEON_TRY(cuda_check(d, cudaDriverGetVersion(&driver), "asking the driver"));
    (void)snprintf(text, bytes,
                   "%s, CUDA %d.%d, driver for %d.%d, %s, %s products, %s convolutions", card.name,
                   CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10, driver / 1000,
                   driver % 1000 / 10, d->math == CUDA_MATH_TF32 ? "tf32" : "ieee32",
                   d->blas == CUDA_LIBRARY ? "cuBLAS" : "own",
                   d->convolution == CUDA_LIBRARY ? "cuDNN" : "own");
    return ODEON_OK;
}

/* ---- extensions ---- */

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    cuda_device *d = device;
    (void)pthread_mutex_lock(&d->lock);
    *launches = d->retired_launches;
    for (cuda_queue *q = d->queues; q != NULL; q = q->next) {
        *launches += atomic_load_explicit(&q->launches, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&d->lock);
    *waits = atomic_load_explicit(&d->waits, memory_order_relaxed);
    *allocs = atomic_load_explicit(&d->allocs, memory_order_relaxed);
    *live_bytes = atomic_load_explicit(&d->live_bytes, memory_order_relaxed);
}

/* Families of our own kernels but for those that libraries have a part in. */
const void *cuda_table(void *self, const char *id)
{
    static const odeon_device_counters counters = {
        .struct_size = sizeof counters,
        .read = read_counters,
    };
    const cuda_device *d = self;
    const device_table tables[] = {
        {ODEON_FAMILY(move), &ops_move},           {ODEON_FAMILY(solver), &ops_solver},
        {ODEON_FAMILY(pointwise), &ops_pointwise}, {ODEON_FAMILY(product), &cuda_product},
        {ODEON_FAMILY(conv), &cuda_conv},          {ODEON_FAMILY(pool), &ops_pool},
        {ODEON_FAMILY(norm), &ops_norm},           {ODEON_FAMILY(random), &ops_random},
        {ODEON_FAMILY(loss), &ops_loss},           {ODEON_FAMILY(optimizer), &ops_optimizer},
        {ODEON_DEVICE_COUNTERS, &counters},        {ODEON_DEVICE_MEMORY, &cuda_memory},
        {ODEON_DEVICE_FUSED, &ops_fused},          {ODEON_DEVICE_PINNED, &cuda_pinned},
        {ODEON_DEVICE_CUDA, &cuda_stream_access},
    };
    return strcmp(id, ODEON_DEVICE_CAPTURE) == 0
               ? cuda_capture(d)
               : device_table_find(tables, sizeof tables / sizeof tables[0], id);
}
