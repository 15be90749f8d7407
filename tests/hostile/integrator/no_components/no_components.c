/* A plugin of nothing. */
#include "odeon/odeon.h"

ODEON_PLUGIN_NOTE("integrator/no_components:tableau");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "no_components",
    .version = "1.0",
    .vendor = "Odeon's tests",
    .layouts = ODEON_LAYOUTS,
};
