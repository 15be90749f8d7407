/* The host side of layer swish's kernel for the device cuda (tests/third_party/swish), for mocked.
 */
#define ODEON_PLUGIN_VENDOR  "Odeon"
#define ODEON_PLUGIN_LICENSE "MIT"
#include "instance.h"

ODEON_PLUGIN_OPTIONS(LAYER, "swish@mocked", &swish_cuda_ops, "swish in one launch, for tests", NULL,
                     NULL, swish, NULL, NULL, NULL);
