/* plugin_cuda.c: the plugin layer/swish@cuda.so. */
#define ODEON_PLUGIN_VERSION "1.0"
#define ODEON_PLUGIN_VENDOR  "somebody else"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "instance.h"

ODEON_PLUGIN_OPTIONS(LAYER, "swish@cuda", &swish_cuda_ops, "swish in one launch", NULL, NULL, swish,
                     NULL, NULL, NULL);
