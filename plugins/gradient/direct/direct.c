/* direct: backpropagation through the solver: the exact gradient of the accepted steps with
 * their sizes held fixed. Memory grows with the number of steps, as each keeps what its reverse
 * needs. Source: Hager, Runge-Kutta methods in optimal control and the transformed adjoint
 * system, 2000. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

static odeon_status forward(void *self, const odeon_solve_services *services,
                            const odeon_field *field, int32_t n_times, const double *times,
                            const odeon_tensor *y)
{
    (void)self;
    return services->solve(services->self, field, n_times, times, ODEON_KEEP_FRAMES, y);
}

/* The host reverses the stored steps; y and times are not needed, since the frames hold them. */
static odeon_status backward(void *self, const odeon_solve_services *services,
                             const odeon_field *field, int32_t n_times, const double *times,
                             const odeon_tensor *y, const odeon_tensor *d_y,
                             const odeon_tensor *d_y0)
{
    (void)self;
    (void)n_times;
    (void)times;
    (void)y;
    return services->reverse(services->self, field, d_y, d_y0);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_DISCRETE,
                                       .forward = forward,
                                       .backward = backward};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_GRADIENT,
    .kind_version = ODEON_LAYOUT_GRADIENT,
    .id = "direct",
    .aliases = "backprop|backpropagation|autograd|autodiff|bptt|discrete|discretizethenoptimize|"
               "discretisethenoptimise",
    .summary = "exact gradient of the steps taken; memory grows with their number",
    .version = "1.0",
    .license = "MIT",
    .source = "Hager, Numerische Mathematik 87 (2000), section 2",
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("gradient/direct");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "direct",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
