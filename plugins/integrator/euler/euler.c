/* euler: y1 = y + h f(t, y); order 1. Dense output: the straight line.
 * Source: Hairer, Norsett, Wanner, Solving ODEs I, 2nd ed., I.7. */
#include "odeon/integrator.h"
#include "odeon/plugin.h"

static const double a[1] = {0.0};
static const double b[1] = {1.0};
static const double c[1] = {0.0};
/* Dense output: stage i has the weight sum over k of interp[i][k] x^(k+1) at x in [0,1] of the
 * step. */
static const double interp[1] = {1.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau,
    .stages = 1,
    .order = 1,
    .interp_degree = 1,
    .interp_order = 1,
    .a = a,
    .b = b,
    .c = c,
    .interp = interp,
};
static const odeon_integrator ops = {.struct_size = sizeof ops, .tableau = &tableau};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_INTEGRATOR,
    .kind_version = ODEON_LAYOUT_INTEGRATOR,
    .id = "euler",
    .aliases = "forwardeuler|expliciteuler",
    .summary = "explicit Euler method: order 1, one evaluation a step",
    .version = "1.0",
    .license = "MIT",
    .source = "Euler, Institutionum calculi integralis, 1768; Hairer, Norsett, Wanner, Solving "
              "ODEs I, 2nd ed., I.7",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("integrator/euler");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "euler",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
