/* The plugin: streams in front of the device of remote.h. */
#include "odeon/plugin.h"
#include "calls.h"
#include "cpu.h"
#include "remote.h"
#include "stream.h"

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    stream_device *d = host->alloc(host, sizeof *d);
    if (d == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes", sizeof *d);
    }
    odeon_status status = stream_device_open(host, (int32_t)host->option_i64(config, "late"),
                                             (int32_t)host->option_i64(config, "loops"), d);
    if (status == ODEON_OK) {
        d->ops = &remote_ops;
        status = remote_create(&d->between, config, &d->inner);
        if (status == ODEON_OK) {
            *out = d;
            return ODEON_OK;
        }
        stream_device_close(d);
    }
    host->free(host, d);
    return status;
}

static void destroy(void *self)
{
    stream_device *d = self;
    if (d != NULL) {
        const odeon_host *host = d->host;
        remote_destroy(d->inner);
        stream_device_close(d);
        host->free(host, d);
    }
}

static const odeon_option option_late = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "late",
    .default_text = "no",
    .help = "whether a thread of each queue carries operators out, some time after the call",
};

static const odeon_option option_loops = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "loops",
    .default_text = "yes",
    .help = "whether what it records may have loops",
};

static const odeon_option option_memory = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "memory",
    .default_text = "4294967296",
    .min_text = "4096",
    .unit = "bytes",
    .help = "how much of it there is, each block rounded up to a power of two",
};

static const odeon_option *const options[] = {&option_late,     &option_loops,    &option_memory,
                                              &cpu_option_blas, &cpu_option_simd, NULL};

static const odeon_device_ops ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = -1,
    .probe = stream_probe,
    .describe = stream_describe,
    .queue_create = stream_queue_create,
    .queue_destroy = stream_queue_destroy,
    .alloc = stream_alloc,
    .free = stream_free,
    .upload = stream_upload,
    .download = stream_download,
    .slots_read = stream_slots_read,
    .wait = stream_wait,
    .copy = call_copy,
    .cast = call_cast,
    .gather = call_gather,
    .fill = call_fill,
    .copy2d = call_copy2d,
    .rows_fill = call_rows_fill,
    .rows_sum = call_rows_sum,
    .slots_write = call_slots_write,
    .stage_times = call_stage_times,
    .lincomb = call_lincomb,
    .error_sum = call_error_sum,
    .dot = call_dot,
    .step_control = call_step_control,
    .step_start = call_step_start,
    .select = call_select,
    .row_store = call_row_store,
    .row_load = call_row_load,
    .step_back = call_step_back,
    .unary = call_unary,
    .unary_vjp = call_unary_vjp,
    .binary = call_binary,
    .power = call_power,
    .gemm = call_gemm,
    .channel_sum = call_channel_sum,
    .conv2d_scratch = stream_conv2d_scratch,
    .conv2d = call_conv2d,
    .conv2d_vjp_x = call_conv2d_vjp_x,
    .conv2d_vjp_w = call_conv2d_vjp_w,
    .pool2d = call_pool2d,
    .pool2d_vjp = call_pool2d_vjp,
    .group_norm = call_group_norm,
    .group_norm_vjp = call_group_norm_vjp,
    .channel_moment = call_channel_moment,
    .batch_norm = call_batch_norm,
    .batch_norm_vjp_sums = call_batch_norm_vjp_sums,
    .batch_norm_vjp = call_batch_norm_vjp,
    .dropout = call_dropout,
    .window2d = call_window2d,
    .window2d_vjp = call_window2d_vjp,
    .softmax_cross_entropy = call_softmax_cross_entropy,
    .difference_loss = call_difference_loss,
    .sgd_step = call_sgd_step,
    .adam_step = call_adam_step,
    .rmsprop_step = call_rmsprop_step,
    .get_extension = stream_extension,
};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DEVICE,
    .kind_version = ODEON_LAYOUT_DEVICE,
    .id = "remote",
    .summary = "the processor with memory that the host cannot touch, for tests",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};

static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("device/remote");

const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "remote",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
