#define ODEON_PLUGIN_VERSION "1.0"
#define ODEON_PLUGIN_VENDOR  "Odeon"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "odeon/plugin.h"
#include "device.h"
#include "table.h"

ODEON_PLUGIN_OPTIONS(DEVICE, "cuda", &cuda_device_ops, "NVIDIA GPU, one stream a worker", NULL,
                     "gpu|nvidia|cudagpu", cuda_device, cuda_options, cuda_init, cuda_fini);
