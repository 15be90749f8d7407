/* implicit_midpoint: one implicit stage, which a host may prove and not yet carry out. For tests.
 */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double half[] = {0.5}, one[] = {1.0};
/* It claims less than it has: it is of order 2. */
static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 1, .order = 1, .a = half, .b = one, .c = half};
static const odeon_integrator ops = {.struct_size = sizeof ops, .tableau = &tableau};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_INTEGRATOR,
    .kind_version = ODEON_LAYOUT_INTEGRATOR,
    .id = "implicit_midpoint",
    .summary = "the implicit midpoint rule",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("integrator/implicit_midpoint");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "implicit_midpoint",
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
