/* The plugin: streams in front of the device of remote.h. */
#include "odeon/plugin.h"
#include "cpu.h"
#include "stream.h"

static odeon_status init(void *self)
{
    stream_device *d = self;
    ODEON_TRY(stream_device_open(d));
    odeon_status status = remote_open(&d->between, &d->options, &d->remote);
    if (status != ODEON_OK) {
        stream_device_close(d);
    }
    d->is_open = status == ODEON_OK;
    return status;
}

static void fini(void *self)
{
    stream_device *d = self;
    if (d->is_open) {
        remote_close(&d->remote);
        stream_device_close(d);
    }
}

static const odeon_option *const options[] = {
    ODEON_OPTION(stream_device, late, FLAG, .default_text = "no",
                 .help = "whether a thread of each queue carries operators out, some time after "
                         "the call"),
    ODEON_OPTION(stream_device, loops, FLAG, .default_text = "yes",
                 .help = "whether what it records may have loops"),
    ODEON_OPTION_AS(stream_device, options.memory, I64, "memory", .default_text = "4294967296",
                    .min_text = "4096", .unit = "bytes",
                    .help = "how much of it there is, each block rounded up to a power of two"),
    /* The two of the device cpu, which its instance behind this one is given (remote_open). */
    ODEON_OPTION_AS(stream_device, options.blas, CHOICE, "blas", .default_text = "auto",
                    .choices = "auto|openblas|own",
                    .help = "who multiplies matrices; auto takes OpenBLAS where it is installed"),
    ODEON_OPTION_AS(stream_device, options.simd, CHOICE, "simd", .default_text = "auto",
                    .choices = "auto|baseline|avx2|avx512",
                    .help = "instruction set of the other operators; auto takes the widest that "
                            "there is"),
    NULL};

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

ODEON_PLUGIN_OPTIONS(DEVICE, "remote", &ops,
                     "the processor with memory that the host cannot touch, for tests", NULL, NULL,
                     stream_device, options, init, fini);
