#include <stdarg.h>
#include <string.h>

#include "emulated.h"

enum { POISON = 0xff }; /* NaN in either dtype */

odeon_status emulated_queue_create(void *self, int32_t worker, void **out)
{
    emulated_device *d = self;
    *out = NULL;
    emulated_queue *q = d->host->alloc(d->host, sizeof *q);
    if (q == NULL) {
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "emulated: no memory for a queue");
    }
    *q = (emulated_queue){.device = d, .order = (uint32_t)worker};
    q->scratch = d->host->alloc(d->host, SCRATCH_BYTES);
    q->shared = d->host->alloc(d->host, KERNEL_SHARED_BYTES);
    if (q->scratch == NULL || q->shared == NULL) {
        emulated_queue_destroy(d, q);
        return odeon_fail(d->host, ODEON_ERR_NOMEM, "emulated: no memory for a queue");
    }
    *out = q;
    return ODEON_OK;
}

void emulated_queue_destroy(void *self, void *handle)
{
    const odeon_host *host = ((emulated_device *)self)->host;
    emulated_queue *q = handle;
    if (q != NULL) {
        host->free(host, q->scratch);
        host->free(host, q->shared);
        host->free(host, q);
    }
}

void *queue_scratch(odeon_queue *queue)
{
    unsigned char *scratch = emulated_queue_of(queue)->scratch;
    memset(scratch, POISON, SCRATCH_BYTES);
    return scratch;
}

int32_t queue_decides_pass(odeon_queue *queue, const double *slots, loop_args *out)
{
    (void)queue;
    (void)slots;
    (void)out;
    return 0; /* it does not record */
}

odeon_status device_fail(odeon_queue *queue, odeon_status status, const char *format, ...)
{
    char text[ODEON_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return odeon_fail(emulated_queue_of(queue)->device->host, status, "emulated: %s", text);
}

static odeon_status check(odeon_queue *queue, int32_t kernel, kernel_shape shape)
{
    int32_t threads = shape.threads;
    ODEON_TRY(expect_true(queue, kernel >= 0 && kernel < KERNEL_COUNT, "no such kernel"));
    ODEON_TRY(expect_true(
        queue, threads >= 1 && threads <= KERNEL_THREADS && (threads & (threads - 1)) == 0,
        "threads of a block are no power of two up to KERNEL_THREADS"));
    return expect_true(queue, shape.shared_bytes >= 0 && shape.shared_bytes <= KERNEL_SHARED_BYTES,
                       "more shared memory than KERNEL_SHARED_BYTES");
}

/* Ends at the end of the buffer, as near as alignment allows. */
static void *shared_of(const emulated_queue *queue, int32_t bytes)
{
    int32_t rounded = (bytes + 15) / 16 * 16;
    void *shared = queue->shared + KERNEL_SHARED_BYTES - rounded;
    memset(shared, POISON, (size_t)rounded);
    return shared;
}

static void run_block(emulated_queue *queue, const emulated_kernel *k, const void *arguments,
                      kernel_thread w, void *shared)
{
    int32_t threads = w.threads;
    for (int32_t phase = 0; phase < k->phases; phase++) {
        queue->order = queue->order * 1664525u + 1013904223u;
        uint32_t step = (queue->order >> 8) | 1u, from = queue->order >> 16; /* odd: all threads */
        for (int32_t i = 0; i < threads; i++) {
            /* All members anew: a processor waits where one is written and all are read at once. */
            int32_t thread = (int32_t)((from + (uint32_t)i * step) & (uint32_t)(threads - 1));
            k->run(phase, arguments, (kernel_thread){w.block, w.blocks, thread, threads}, shared);
        }
    }
}

odeon_status launch(odeon_queue *queue, int32_t kernel, const void *arguments, kernel_shape shape)
{
    _Alignas(16) unsigned char copy[KERNEL_ARGUMENT_BYTES];
    ODEON_TRY(check(queue, kernel, shape));
    if (shape.blocks <= 0) {
        return ODEON_OK;
    }
    emulated_queue *q = emulated_queue_of(queue);
    const emulated_kernel *k = &emulated_kernels[kernel];
    memcpy(copy, arguments, (size_t)k->bytes);
    atomic_fetch_add_explicit(&q->device->launches, 1, memory_order_relaxed);
    int64_t from = (int64_t)(q->order >> 4) % shape.blocks;
    for (int64_t i = 0; i < shape.blocks; i++) {
        kernel_thread w = {(from + i) % shape.blocks, shape.blocks, 0, shape.threads};
        run_block(q, k, copy, w, shared_of(q, shape.shared_bytes));
    }
    return ODEON_OK;
}
