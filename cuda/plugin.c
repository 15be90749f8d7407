#include "odeon/plugin.h"
#include "device.h"
#include "table.h"

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DEVICE,
    .kind_version = ODEON_LAYOUT_DEVICE,
    .id = "cuda",
    .aliases = "gpu|nvidia|cudagpu",
    .summary = "NVIDIA GPU, one stream a worker",
    .version = "1.0",
    .license = "MIT",
    .options = cuda_options,
    .ops = &cuda_device_ops,
    .create = cuda_create,
    .destroy = cuda_destroy,
};

static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("device/cuda");

const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "cuda",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
