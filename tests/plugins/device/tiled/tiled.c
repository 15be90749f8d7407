/* tiled: the device `cpu` on a processor whose matrix tiles are emulated, so that products on tiles
 * can be tested on any machine. */
#include "cpu.h"
#include "odeon/plugin.h"
#include "tiles/tiles.h"

int32_t tiles_usable(void)
{
    return 1;
}

ODEON_PLUGIN_OPTIONS(DEVICE, "tiled", &cpu_device_ops, "cpu with matrix tiles, emulated", NULL,
                     NULL, cpu_device, cpu_options, cpu_init, cpu_fini);
