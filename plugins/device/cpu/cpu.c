#include "cpu.h"
#include "../common/tables.h"
#include "odeon/device_ext.h"
#include "tiles/tiles.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const level_name[] = {"baseline", "AVX2", "AVX-512"};
static const char *const level_option[] = {"baseline", "avx2", "avx512"};
static const char *const math_option[] = {"ieee32", "bf16x6", "bf16x3", "bf16"};

const odeon_option *const cpu_options[] = {
    ODEON_OPTION(cpu_device, blas, CHOICE, .default_text = "auto", .choices = "auto|openblas|own",
                 .help = "who multiplies matrices; auto takes OpenBLAS where it is installed"),
    ODEON_OPTION(cpu_device, products, CHOICE, .default_text = "auto", .choices = "auto|own|blas",
                 .help =
                     "which products blas multiplies: auto leaves those with a short side to own "
                     "kernels"),
    ODEON_OPTION(cpu_device, simd, CHOICE, .default_text = "auto",
                 .choices = "auto|baseline|avx2|avx512",
                 .help = "instruction set of the other operators; auto takes the widest that "
                         "there is"),
    ODEON_OPTION(cpu_device, convolution, CHOICE, .default_text = "auto",
                 .choices = "auto|direct|filters|places|unroll",
                 .help = "how convolutions are computed: directly with vectors of filters or of "
                         "places, or unrolled into a product; auto takes the fastest for a shape"),
    ODEON_OPTION(cpu_device, math, CHOICE, .default_text = "ieee32",
                 .choices = "ieee32|bf16x6|bf16x3|bf16",
                 .help = "how float32 products and convolutions multiply: as such, or on matrix "
                         "tiles (AMX) as 6, 3 or 1 products of bfloat16 parts, to 1e-7, 1e-5 or "
                         "4e-3"),
    ODEON_OPTION(cpu_device, slice_kib, I64, .default_text = "-1", .min_text = "-1",
                 .help = "KiB of cache that a worker's solves keep their samples in, some at a "
                         "time; -1: the second-level cache as found, 0: all of a batch at once"),
    ODEON_OPTION(cpu_device, threads, I64, .default_text = "1", .min_text = "1", .max_text = "256",
                 .help =
                     "threads that share the convolutions and pointwise operators of one worker, "
                     "for few large samples; more than 1 goes with run.workers = 1 alone"),
    NULL};

/* The widest instruction set that this processor can run. The AVX-512 kernels are compiled with F,
 * DQ, BW and VL, so all four are needed. */
static int32_t level_of_machine(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            return CPU_LEVEL_AVX512;
        }
        return CPU_LEVEL_AVX2;
    }
#endif
    return CPU_LEVEL_BASELINE;
}

/* Only narrows: a wider level than the machine's is refused by probe. */
static void choose_kernels(cpu_device *d)
{
    static const cpu_kernels *const f32[] = {
        &cpu_kernels_f32_baseline,
#if defined(__x86_64__)
        &cpu_kernels_f32_avx2,
        &cpu_kernels_f32_avx512,
#endif
    };
    static const cpu_kernels *const f64[] = {
        &cpu_kernels_f64_baseline,
#if defined(__x86_64__)
        &cpu_kernels_f64_avx2,
        &cpu_kernels_f64_avx512,
#endif
    };
    d->level = level_of_machine();
    d->level_asked = (int32_t)d->simd - 1;
    if (d->level_asked >= 0 && d->level_asked < d->level) {
        d->level = d->level_asked;
    }
    d->f32 = f32[d->level];
    d->f64 = f64[d->level];
}

/* Loads OpenBLAS here, on the main thread, because that changes the environment. */
odeon_status cpu_init(void *self)
{
    cpu_device *d = self;
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cpu: the system has no mutex left");
    }
    d->has_lock = 1;
    choose_kernels(d);
    d->has_tiles = d->math != CPU_MATH_IEEE32 && tiles_usable();
    if (d->blas != CPU_BLAS_OWN) {
        cpu_blas_load(&d->library);
    }
    return ODEON_OK;
}

void cpu_fini(void *self)
{
    cpu_device *d = self;
    if (d->has_lock) {
        (void)pthread_mutex_destroy(&d->lock);
    }
}

/* ---- probe and description ---- */

static void warn(const cpu_device *d, const char *text)
{
    d->host->log(d->host, ODEON_LOG_WARNING, text);
}

/* Missing OpenBLAS is an error only if it was required; else its loss of speed is worth a
 * warning. */
static odeon_status probe_blas(const cpu_device *d)
{
    const cpu_blas *b = &d->library;
    char text[ODEON_MESSAGE_BYTES];
    if (b->handle == NULL && d->blas == CPU_BLAS_OPENBLAS) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cpu: blas = openblas, but libopenblas.so.0 cannot be loaded (%s); "
                          "install OpenBLAS (Debian: libopenblas0-pthread) or set blas = own",
                          b->reason);
    }
    if (b->handle == NULL) {
        (void)snprintf(text, sizeof text,
                       "cpu: no OpenBLAS (%s): own kernels compute all products, the large ones "
                       "slower; install it (Debian: libopenblas0-pthread) or set blas = own",
                       b->reason);
        warn(d, text);
        return ODEON_OK;
    }
    if (b->asked[0] != '\0' && strcasecmp(b->asked, b->core) != 0) {
        (void)snprintf(text, sizeof text,
                       "cpu: OpenBLAS runs its %s kernels although OPENBLAS_CORETYPE=%s asks for "
                       "others: products may be several times slower",
                       b->core, b->asked);
        warn(d, text);
    }
    return ODEON_OK;
}

static odeon_status probe(void *device)
{
    const cpu_device *d = device;
    if (d->level_asked > d->level) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cpu: simd = %s, but this processor has no more than %s; set simd = auto",
                          level_option[d->level_asked], level_option[d->level]);
    }
    if (d->math != CPU_MATH_IEEE32 && !d->has_tiles) {
        return odeon_fail(d->host, ODEON_ERR_DEVICE,
                          "cpu: math = %s needs matrix tiles (AMX), which this processor does not "
                          "have or its kernel does not grant; set math = ieee32",
                          math_option[d->math]);
    }
    return d->blas == CPU_BLAS_OWN ? ODEON_OK : probe_blas(d);
}

static odeon_status describe(void *device, char *text, uint64_t bytes)
{
    const cpu_device *d = device;
    const char *level = level_name[d->level];
    const char *tiles = d->has_tiles ? ", products on tiles as " : "";
    const char *math = d->has_tiles ? math_option[d->math] : "";
    if (d->library.handle == NULL) {
        (void)snprintf(text, bytes, "own products, %s%s%s", level, tiles, math);
    } else if (d->library.threads == 1) {
        (void)snprintf(text, bytes, "OpenBLAS %s %s, %s%s%s", d->library.version, d->library.core,
                       level, tiles, math);
    } else {
        (void)snprintf(text, bytes, "OpenBLAS %s %s (%d threads), %s%s%s", d->library.version,
                       d->library.core, (int)d->library.threads, level, tiles, math);
    }
    return ODEON_OK;
}

/* ---- queues, memory ---- */

/* No address space for OpenBLAS's buffers: all workers use the device's own loops from here on, or
 * the run fails if OpenBLAS was required. All alike, since mixed products would give workers
 * different rounding. */
static odeon_status give_up_blas(cpu_device *d, int32_t n)
{
    char text[ODEON_MESSAGE_BYTES];
    long long mebibytes = (long long)(CPU_BLAS_BUFFER_BYTES >> 20);
    if (d->blas == CPU_BLAS_OPENBLAS) {
        return odeon_fail(
            d->host, ODEON_ERR_DEVICE,
            "cpu: blas = openblas, but its buffer of %lld MiB for worker %d cannot be "
            "mapped: raise the limit on address space (ulimit -v) or set blas = own",
            mebibytes, (int)n - 1);
    }
    d->library.handle = NULL;
    (void)snprintf(text, sizeof text,
                   "cpu: OpenBLAS needs %lld MiB of address space for worker %d and cannot have "
                   "them: own kernels compute all products, the large ones slower; raise the limit "
                   "(ulimit -v) or set blas = own",
                   mebibytes, (int)n - 1);
    warn(d, text);
    return ODEON_OK;
}

/* Reserves OpenBLAS's buffers for one more queue: each worker has one queue and at most one product
 * running. [main] */
static odeon_status reserve_blas(cpu_device *d)
{
    int32_t n = d->n_queues + 1;
    if (d->library.handle == NULL || n <= d->n_reserved) {
        return ODEON_OK;
    }
    if (!cpu_blas_reserve(&d->library, n)) {
        return give_up_blas(d, n);
    }
    d->n_reserved = n;
    return ODEON_OK;
}

/* Workers that share a batch leave no cores to threads that share a sample. */
static odeon_status start_threads(const cpu_device *d, int32_t worker, cpu_threads **out)
{
    *out = NULL;
    if (d->threads == 1) {
        return ODEON_OK;
    }
    if (worker > 0) {
        return odeon_fail(d->host, ODEON_ERR_CONFIG,
                          "cpu: threads = %d share the samples of one worker, and there are more; "
                          "set run.workers = 1, or threads = 1",
                          (int)d->threads);
    }
    return cpu_threads_create(d->host, (int32_t)d->threads, out);
}

static void queue_free(const cpu_device *d, cpu_queue *queue)
{
    cpu_threads_destroy(queue->threads);
    cpu_release_tiles(queue);
    d->host->free(d->host, queue);
}

/* OpenBLAS's buffers are reserved here, where a failure can still be handled. */
static odeon_status queue_create(void *self, int32_t worker, void **out)
{
    cpu_device *d = self;
    *out = NULL;
    ODEON_TRY(reserve_blas(d));
    const size_t head = (sizeof(cpu_queue) + 63) / 64 * 64, bytes = head + CPU_GEMM_WORKSPACE;
    cpu_queue *q = d->host->alloc(d->host, bytes);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "cpu: no memory for %zu bytes", bytes);
    }
    memset(q, 0, sizeof *q);
    q->device = d;
    q->workspace = (char *)q + head;
    odeon_status status = start_threads(d, worker, &q->threads);
    if (status != ODEON_OK) {
        queue_free(d, q);
        return status;
    }
    (void)pthread_mutex_lock(&d->lock);
    q->next = d->queues;
    if (q->next != NULL) {
        q->next->previous = q;
    }
    d->queues = q;
    d->n_queues++;
    (void)pthread_mutex_unlock(&d->lock);
    *out = q;
    return ODEON_OK;
}

static void queue_destroy(void *self, void *handle)
{
    cpu_device *d = self;
    cpu_queue *queue = handle;
    if (queue == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&d->lock);
    if (queue->previous != NULL) {
        queue->previous->next = queue->next;
    } else {
        d->queues = queue->next;
    }
    if (queue->next != NULL) {
        queue->next->previous = queue->previous;
    }
    d->retired_launches += queue->launches;
    d->n_queues--;
    (void)pthread_mutex_unlock(&d->lock);
    queue_free(d, queue);
}

/* Each block is preceded by its size, so that live bytes can be counted; the header keeps the
 * alignment of 64 bytes. */
enum { HEADER_BYTES = 64 };

static odeon_status device_alloc(void *device, uint64_t bytes, void **out)
{
    cpu_device *d = device;
    *out = NULL;
    char *block =
        bytes > UINT64_MAX - HEADER_BYTES ? NULL : d->host->alloc(d->host, bytes + HEADER_BYTES);
    if (block == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM,
                          "cpu: no memory for %llu bytes; use a smaller batch or model",
                          (unsigned long long)bytes);
    }
    memcpy(block, &bytes, sizeof bytes);
    atomic_fetch_add_explicit(&d->allocs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->live_bytes, (int64_t)bytes, memory_order_relaxed);
    *out = block + HEADER_BYTES;
    return ODEON_OK;
}

static void device_free(void *device, void *memory)
{
    cpu_device *d = device;
    uint64_t bytes;
    if (memory == NULL) {
        return;
    }
    char *block = (char *)memory - HEADER_BYTES;
    memcpy(&bytes, block, sizeof bytes);
    atomic_fetch_sub_explicit(&d->live_bytes, (int64_t)bytes, memory_order_relaxed);
    d->host->free(d->host, block);
}

static odeon_status transfer(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    (void)queue;
    if (bytes > 0) {
        memcpy(destination, source, bytes);
    }
    return ODEON_OK;
}

/* Operators have finished when they return; a wait is only counted. */
static odeon_status device_wait(odeon_queue *queue)
{
    atomic_fetch_add_explicit(&cpu_queue_of(queue)->device->waits, 1, memory_order_relaxed);
    return ODEON_OK;
}

static odeon_status download(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    ODEON_TRY(transfer(queue, destination, source, bytes));
    return device_wait(queue);
}

static odeon_status slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    return download(queue, values, slots + first, (uint64_t)n * sizeof *values);
}

/* ---- start and checks of operators ---- */

/* Called first by every operator, so launches are counted even for empty tensors. */
odeon_status cpu_begin(odeon_queue *queue, const char *name, uint32_t flags, uint32_t dtype,
                       const cpu_kernels **out)
{
    cpu_queue *q = cpu_queue_of(queue);
    /* only the owning worker writes, so load and store suffice for an increment */
    int64_t launches = atomic_load_explicit(&q->launches, memory_order_relaxed);
    atomic_store_explicit(&q->launches, launches + 1, memory_order_relaxed);
    *out = NULL;
    if (flags != 0) {
        return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED, "%s: unknown flags %#x", name,
                          (unsigned)flags);
    }
    if (dtype == ODEON_DTYPE_F32) {
        *out = q->device->f32;
        return ODEON_OK;
    }
    if (dtype == ODEON_DTYPE_F64) {
        *out = q->device->f64;
        return ODEON_OK;
    }
    return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                      "cpu: %s: dtype %#x is neither float32 nor float64", name, (unsigned)dtype);
}

odeon_status cpu_require(odeon_queue *queue, int32_t holds, const char *name, const char *what)
{
    if (holds) {
        return ODEON_OK;
    }
    return odeon_fail(cpu_queue_of(queue)->device->host, ODEON_ERR_INTERNAL,
                      "cpu: %s: the caller's tensors are not %s", name, what);
}

int32_t cpu_alike(const odeon_shape *a, const odeon_shape *b)
{
    return a->dtype == b->dtype && odeon_count(a) == odeon_count(b);
}

int32_t cpu_absent_or_alike(const odeon_view *a, const odeon_shape *b)
{
    return a == NULL || cpu_alike(&a->shape, b);
}

/* ---- counters ---- */

/* Launches are counted per queue, without contention; those of destroyed queues are kept in
 * retired_launches. */
static void read_counters(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                          int64_t *live_bytes)
{
    cpu_device *d = device;
    (void)pthread_mutex_lock(&d->lock);
    *launches = d->retired_launches;
    for (cpu_queue *q = d->queues; q != NULL; q = q->next) {
        *launches += atomic_load_explicit(&q->launches, memory_order_relaxed);
    }
    (void)pthread_mutex_unlock(&d->lock);
    *waits = atomic_load_explicit(&d->waits, memory_order_relaxed);
    *allocs = atomic_load_explicit(&d->allocs, memory_order_relaxed);
    *live_bytes = atomic_load_explicit(&d->live_bytes, memory_order_relaxed);
}

static const odeon_device_counters counters = {
    .struct_size = sizeof counters,
    .read = read_counters,
};

static const void *get_table(void *self, const char *id)
{
#define FAMILY(name, header) {ODEON_FAMILY(name), &cpu_##name},
    static const device_table tables[] = {
        ODEON_FAMILY_LIST(FAMILY){ODEON_DEVICE_COUNTERS, &counters},
        {ODEON_DEVICE_SLICES, &cpu_slices},
        {ODEON_DEVICE_LANES, &cpu_lanes},
        {ODEON_DEVICE_FUSED, &cpu_fused}};
#undef FAMILY
    (void)self;
    return device_table_find(tables, sizeof tables / sizeof tables[0], id);
}

const odeon_device_ops cpu_device_ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = 10,
    .device_type = ODEON_ON_HOST,
    .probe = probe,
    .describe = describe,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .alloc = device_alloc,
    .free = device_free,
    .upload = transfer,
    .download = download,
    .slots_read = slots_read,
    .wait = device_wait,
    .get_table = get_table,
};
