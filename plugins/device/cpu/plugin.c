#include "cpu.h"

#include "odeon/plugin.h"

ODEON_PLUGIN_OPTIONS(DEVICE, "cpu", &cpu_device_ops,
                     "processor of this machine, one thread a worker", NULL, NULL, cpu_device,
                     cpu_options, cpu_init, cpu_fini);
