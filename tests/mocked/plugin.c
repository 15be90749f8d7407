#define ODEON_PLUGIN_VERSION "1.0"
#define ODEON_PLUGIN_VENDOR  "Odeon"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "odeon/plugin.h"
#include "device.h"
#include "table.h"

ODEON_PLUGIN_OPTIONS(DEVICE, "mocked", &cuda_device_ops,
                     "the host side of the device cuda without a GPU, for tests", NULL, NULL,
                     cuda_device, cuda_options, cuda_init, cuda_fini);
