#include "device.h"

#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "card_memory.h"
#include "dnn.h"
#include "failure.h"
#include "stream_access.h"

/* ---- options ---- */

static const odeon_option ordinal_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "card",
    .default_text = "0",
    .min_text = "0",
    .max_text = "1023",
    .help = "which one, as the driver counts; CUDA_VISIBLE_DEVICES changes the count",
};

static const odeon_option math_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "math",
    .default_text = "ieee32",
    .choices = "ieee32|tf32",
    .help = "how float32 products and convolutions multiply: tf32 keeps 10 bits of each factor",
};

static const odeon_option blas_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "blas",
    .default_text = "cublas",
    .choices = "cublas|own",
    .help = "who multiplies matrices; own kernels are slow but need no library",
};

static const odeon_option convolution_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "convolution",
    .default_text = "cudnn",
    .choices = "cudnn|own",
    .help = "who convolves; own kernels are slow but need no library",
};

static const odeon_option algorithms_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "algorithms",
    .default_text = "fixed",
    .choices = "fixed|fastest",
    .help = "how cuDNN convolves: the same way for all shapes, or for each as its tables say is "
            "fastest of what gives equal bits each time",
};

static const odeon_option loops_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "loops",
    .default_text = "yes",
    .choices = "yes|no",
    .help = "whether a recorded solve by adaptive steps is one loop on the GPU (CUDA 12.4), else "
            "so many steps a launch",
};

const odeon_option *const cuda_options[] = {
    &ordinal_option,    &math_option,  &blas_option, &convolution_option,
    &algorithms_option, &loops_option, NULL};

/* ---- create, destroy ---- */

odeon_status cuda_create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    cuda_device *d = host->alloc(host, sizeof *d);
    if (d == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "cuda: no memory for %zu bytes", sizeof *d);
    }
    memset(d, 0, sizeof *d);
    d->host = host;
    d->ordinal = (int32_t)host->option_i64(config, "card");
    d->math = (int32_t)host->option_i64(config, "math");
    d->use_blas = host->option_i64(config, "blas") == 0;
    d->use_dnn = host->option_i64(config, "convolution") == 0;
    d->fastest = host->option_i64(config, "algorithms") == 1;
    d->loops = host->option_i64(config, "loops") == 0;
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        host->free(host, d);
        return odeon_fail(host, ODEON_ERR_NOMEM, "cuda: the system has no mutex left");
    }
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
    *out = d;
    return ODEON_OK;
}

void cuda_destroy(void *self)
{
    cuda_device *d = self;
    if (d != NULL) {
        cuda_dnn_close(d, d->dnn);
        while (d->blocks != NULL) {
            cuda_free(d, d->blocks->memory);
        }
        (void)pthread_mutex_destroy(&d->lock);
        d->host->free(d->host, d);
    }
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
    if (d->ordinal >= cards) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: card = %d, but the driver shows only %d (from 0); choose one of "
                          "those",
                          (int)d->ordinal, cards);
    }
    ODEON_TRY(cuda_check_card(
        d, cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, d->ordinal),
        "asking what it can"));
    ODEON_TRY(cuda_check_card(
        d, cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, d->ordinal),
        "asking what it can"));
    if (major < least_major || (major == least_major && minor < least_minor)) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cuda: the GPU has compute capability %d.%d, at least %d.%d is needed",
                          major, minor, (int)least_major, (int)least_minor);
    }
    ODEON_TRY(cuda_check_card(d, cudaSetDevice(d->ordinal), "taking it into use"));
    return expect_code(d, major, minor);
}

odeon_status cuda_describe(void *device, char *text, uint64_t bytes)
{
    const cuda_device *d = device;
    struct cudaDeviceProp card;
    int driver = 0;
    ODEON_TRY(cuda_check(d, cudaGetDeviceProperties(&card, d->ordinal), "asking the GPU"));
    ODEON_TRY(cuda_check(d, cudaDriverGetVersion(&driver), "asking the driver"));
    (void)snprintf(text, bytes,
                   "%s, CUDA %d.%d, driver for %d.%d, %s, %s products, %s convolutions", card.name,
                   CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10, driver / 1000,
                   driver % 1000 / 10, d->math == CUDA_MATH_TF32 ? "tf32" : "ieee32",
                   d->use_blas ? "cuBLAS" : "own", d->use_dnn ? "cuDNN" : "own");
    return ODEON_OK;
}

/* ---- extensions ---- */

static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    cuda_device *d = device;
    (void)pthread_mutex_lock(&d->lock);
    *launches = d->retired_launches;
    for (odeon_queue *q = d->queues; q != NULL; q = q->next) {
        *launches += atomic_load_explicit(&q->launches, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&d->lock);
    *waits = atomic_load_explicit(&d->waits, memory_order_relaxed);
    *allocs = atomic_load_explicit(&d->allocs, memory_order_relaxed);
    *live_bytes = atomic_load_explicit(&d->live_bytes, memory_order_relaxed);
}

const void *cuda_extension(void *device, const char *id)
{
    static const odeon_device_counters counters = {
        .struct_size = sizeof counters,
        .read = read_counters,
    };
    const cuda_device *d = device;
    if (strcmp(id, ODEON_DEVICE_COUNTERS) == 0) {
        return &counters;
    }
    if (strcmp(id, ODEON_DEVICE_MEMORY) == 0) {
        return &cuda_memory;
    }
    if (strcmp(id, ODEON_DEVICE_PINNED) == 0) {
        return &cuda_pinned;
    }
    if (strcmp(id, ODEON_DEVICE_CAPTURE) == 0) {
        return cuda_capture(d);
    }
    return strcmp(id, ODEON_DEVICE_CUDA) == 0 ? &cuda_stream_access : NULL;
}
