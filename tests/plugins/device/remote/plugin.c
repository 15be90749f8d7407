/* The plugin: streams in front of the device of remote.h. */
#include "odeon/plugin.h"
#include "cpu.h"
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
        status = remote_open(&d->between, config, &d->remote);
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
        remote_close(&d->remote);
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

/* The two of the device cpu, which its instance behind this one is given (remote_open). */
static const odeon_option option_blas = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "blas",
    .default_text = "auto",
    .choices = "auto|openblas|own",
    .help = "who multiplies matrices; auto takes OpenBLAS where it is installed",
};

static const odeon_option option_simd = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "simd",
    .default_text = "auto",
    .choices = "auto|baseline|avx2|avx512",
    .help = "instruction set of the other operators; auto takes the widest that there is",
};

static const odeon_option *const options[] = {&option_late, &option_loops, &option_memory,
                                              &option_blas, &option_simd,  NULL};

static const odeon_device_ops ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = -1,
    .device_type = ODEON_ON_PRIVATE,
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
    .get_table = stream_table,
};

ODEON_PLUGIN_WITH(DEVICE, "remote", &ops,
                  "the processor with memory that the host cannot touch, for tests", NULL, NULL,
                  options, create, destroy);
