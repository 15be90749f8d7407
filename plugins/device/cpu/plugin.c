#include "cpu.h"

#include "odeon/plugin.h"

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_DEVICE,
    .kind_version = ODEON_LAYOUT_DEVICE,
    .id = "cpu",
    .summary = "processor of this machine, one thread a worker",
    .version = "1.0",
    .license = "MIT",
    .options = cpu_options,
    .ops = &cpu_device_ops,
    .create = cpu_create,
    .destroy = cpu_destroy,
};

static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("device/cpu");

const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "cpu",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
