#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "odeon/plugin.h"

/* ---- the device ---- */

/* A device has no state but the host. */
typedef struct reference_device {
    const odeon_host *host; /* borrowed */
} reference_device;

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    (void)config;
    *out = NULL;
    reference_device *device = host->alloc(host, sizeof *device);
    if (device == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "device reference: no memory for %zu bytes",
                          sizeof *device);
    }
    device->host = host;
    *out = device;
    return ODEON_OK;
}

static void destroy(void *self)
{
    reference_device *device = self;
    if (device != NULL) {
        device->host->free(device->host, device);
    }
}

static odeon_status probe(void *device)
{
    (void)device; /* runs wherever the host does */
    return ODEON_OK;
}

static odeon_status describe(void *device, char *text, uint64_t bytes)
{
    (void)device;
    (void)snprintf(text, bytes, "plain loops");
    return ODEON_OK;
}

/* No extensions: nothing is captured, counted or pinned here. */
static const void *get_extension(void *device, const char *id)
{
    (void)device;
    (void)id;
    return NULL;
}

/* ---- queues and memory ---- */

static odeon_status queue_create(void *self, int32_t worker, odeon_queue **out)
{
    (void)worker;
    reference_device *device = self;
    *out = NULL;
    odeon_queue *queue = device->host->alloc(device->host, sizeof *queue);
    if (queue == NULL) {
        return odeon_fail(device->host, ODEON_ERR_NOMEM,
                          "device reference: no memory for a queue of %zu bytes", sizeof *queue);
    }
    queue->host = device->host;
    *out = queue;
    return ODEON_OK;
}

static void queue_destroy(odeon_queue *queue)
{
    if (queue != NULL) {
        queue->host->free(queue->host, queue);
    }
}

static odeon_status wait_for_all(odeon_queue *queue)
{
    (void)queue; /* operators have finished when they return */
    return ODEON_OK;
}

static odeon_status memory_alloc(void *self, uint64_t bytes, void **out)
{
    reference_device *device = self;
    *out = device->host->alloc(device->host, bytes > 0 ? bytes : 1);
    if (*out == NULL) {
        return odeon_fail(device->host, ODEON_ERR_NOMEM,
                          "device reference: no memory for %llu bytes; use a smaller batch",
                          (unsigned long long)bytes);
    }
    return ODEON_OK;
}

static void memory_free(void *self, void *memory)
{
    reference_device *device = self;
    device->host->free(device->host, memory);
}

static odeon_status transfer(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes)
{
    (void)queue;
    if (bytes > 0) { /* memcpy must not get NULL even for 0 bytes */
        memcpy(destination, source, bytes);
    }
    return ODEON_OK;
}

static odeon_status slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values)
{
    (void)queue;
    for (int32_t i = 0; i < n; i++) {
        values[i] = slots[first + i];
    }
    return ODEON_OK;
}

/* ---- the plugin ---- */

static const odeon_device_ops ops = {
    .struct_size = sizeof ops,
    .rank = 0,
    .probe = probe,
    .describe = describe,
    .queue_create = queue_create,
    .queue_destroy = queue_destroy,
    .alloc = memory_alloc,
    .free = memory_free,
    .upload = transfer,
    .download = transfer,
    .slots_read = slots_read,
    .wait = wait_for_all,
    .copy = reference_copy,
    .cast = reference_cast,
    .gather = reference_gather,
    .fill = reference_fill,
    .copy2d = reference_copy2d,
    .rows_fill = reference_rows_fill,
    .rows_sum = reference_rows_sum,
    .slots_write = reference_slots_write,
    .stage_times = reference_stage_times,
    .lincomb = reference_lincomb,
    .error_sum = reference_error_sum,
    .dot = reference_dot,
    .step_control = reference_step_control,
    .step_start = reference_step_start,
    .select = reference_select,
    .row_store = reference_row_store,
    .row_load = reference_row_load,
    .step_back = reference_step_back,
    .unary = reference_unary,
    .unary_vjp = reference_unary_vjp,
    .binary = reference_binary,
    .power = reference_power,
    .gemm = reference_gemm,
    .channel_sum = reference_channel_sum,
    .conv2d_scratch = reference_conv2d_scratch,
    .conv2d = reference_conv2d,
    .conv2d_vjp_x = reference_conv2d_vjp_x,
    .conv2d_vjp_w = reference_conv2d_vjp_w,
    .pool2d = reference_pool2d,
    .pool2d_vjp = reference_pool2d_vjp,
    .group_norm = reference_group_norm,
    .group_norm_vjp = reference_group_norm_vjp,
    .channel_moment = reference_channel_moment,
    .batch_norm = reference_batch_norm,
    .batch_norm_vjp_sums = reference_batch_norm_vjp_sums,
    .batch_norm_vjp = reference_batch_norm_vjp,
    .dropout = reference_dropout,
    .window2d = reference_window2d,
    .window2d_vjp = reference_window2d_vjp,
    .softmax_cross_entropy = reference_softmax_cross_entropy,
    .difference_loss = reference_difference_loss,
    .sgd_step = reference_sgd_step,
    .adam_step = reference_adam_step,
    .rmsprop_step = reference_rmsprop_step,
    .get_extension = get_extension,
};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DEVICE,
    .kind_version = ODEON_LAYOUT_DEVICE,
    .id = "reference",
    .summary = "every operator as a plain loop in double precision, to test other devices against",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};

static const odeon_component *const components[] = {&component, NULL};

const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof odeon_plugin_v1,
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "reference",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};

ODEON_PLUGIN_NOTE("device/reference");
