/* ralston2.c: the explicit method of two stages and order 2 with the least bound on its error. */
#include "odeon/odeon.h"

static const double a[] = {0.0, 0.0, 2.0 / 3.0, 0.0};
static const double b[] = {0.25, 0.75};
static const double c[] = {0.0, 2.0 / 3.0};

static const odeon_tableau tableau = {
    .struct_size = sizeof tableau, .stages = 2, .order = 2, .a = a, .b = b, .c = c};
static const odeon_integrator integrator = {.struct_size = sizeof integrator, .tableau = &tableau};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_INTEGRATOR,
    .kind_version = ODEON_LAYOUT_INTEGRATOR,
    .id = "ralston2",
    .summary = "Ralston's method: order 2, two evaluations a step",
    .version = "1.0",
    .license = "MIT",
    .source = "Ralston, Runge-Kutta methods with minimum error bounds, Math. Comp. 16, 1962",
    .ops = &integrator,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("integrator/ralston2");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "ralston2",
    .version = "1.0",
    .vendor = "somebody else",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
