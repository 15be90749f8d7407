/* adjoint: the continuous adjoint, solved backward together with the state:
 *
 *   y' = f,  a' = -a^T df/dy,  theta_bar' = -a^T df/dtheta
 *
 * from the last time to the first. At the last time theta_bar = 0, a = dL/dy, and y is the forward
 * solution. At every earlier output time y is reset to the forward solution and a is increased by
 * the cotangent of that output.
 *
 * Memory does not grow with the number of steps. The result approximates the gradient of the exact
 * solution up to the tolerance; it is not the gradient of the computed steps. theta_bar may be left
 * out of the error norm (seminorm). The adjoint of time, t_bar' = -a^T df/dt, is not part of the
 * result, but may be solved so that the error norm equals torchdiffeq's. Source: Chen et al.,
 * Neural ODEs, 2018, algorithm 1; Kidger, Chen, Lyons, "Hey, that's not an ODE", 2021. */
#include "odeon/gradient.h"
#include "odeon/plugin.h"

/* Parts of the augmented state, in the host's order. */
enum { PART_Y = 0, PART_ADJOINT = 1 };

typedef struct adjoint {
    const odeon_host *host;
    int32_t augment, reserved0; /* ODEON_AUGMENT_* */
} adjoint;

static const odeon_option norm = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "norm",
    .default_text = "seminorm",
    .choices = "seminorm|full",
    .help = "whether the error norm leaves the parameters' adjoint out or counts it too",
};
static const odeon_option count_time = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "count_time",
    .default_text = "no",
    .help = "integrate the adjoint of t as well and count it in the norm, as torchdiffeq does",
};
static const odeon_option *const options[] = {&norm, &count_time, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    adjoint *method = host->alloc(host, sizeof *method);
    if (method == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "adjoint: no memory for %zu bytes",
                          sizeof *method);
    }
    *method = (adjoint){.host = host};
    method->augment |= host->option_i64(config, "norm") != 0 ? ODEON_AUGMENT_FULL : 0;
    method->augment |= host->option_i64(config, "count_time") != 0 ? ODEON_AUGMENT_TIME : 0;
    *out = method;
    return ODEON_OK;
}

static void destroy(void *self)
{
    adjoint *method = self;
    if (method != NULL) {
        method->host->free(method->host, method);
    }
}

/* Keeps no steps: only y at the output times, which the caller stores. */
static odeon_status forward(void *self, const odeon_solve_services *services,
                            const odeon_field *field, int32_t n_times, const double *times,
                            const odeon_tensor *y)
{
    (void)self;
    return services->solve(services->self, field, n_times, times, ODEON_KEEP_NONE, y);
}

/* A view of one part of the augmented state. */
static odeon_tensor part(const odeon_field *field, const odeon_tensor *state, int32_t index)
{
    odeon_tensor x = *state;
    x.data = (char *)state->data + field->parts[index].offset * odeon_dtype_bytes(state->dtype);
    x.dim[0] = field->parts[index].n;
    return x;
}

/* Solves the augmented system from output time i back to i - 1. y is reset to the forward solution,
 * which stops its backward error from growing over intervals; drift records how far it had moved
 * from y[i - 1]. */
static odeon_status cross_interval(const odeon_solve_services *services,
                                   const odeon_field *augmented, const double *times,
                                   const odeon_tensor *state, const odeon_tensor *y,
                                   const odeon_tensor *d_y, int32_t i)
{
    odeon_tensor now = part(augmented, state, PART_Y), a = part(augmented, state, PART_ADJOINT);
    const double interval[2] = {times[i], times[i - 1]};
    const odeon_tensor both[2] = {*state, *state};
    if (d_y[i].data != NULL) {
        ODEON_TRY(services->add(services->self, &d_y[i], &a));
    }
    ODEON_TRY(services->copy(services->self, &y[i], &now));
    ODEON_TRY(services->solve(services->self, augmented, 2, interval, ODEON_KEEP_NONE, both));
    return services->drift(services->self, &now, &y[i - 1]);
}

/* y [n_times] and cotangents d_y [n_times] (data NULL: zero) -> d_y0; adds theta_bar to the
 * parameters' gradients. */
static odeon_status backward(void *self, const odeon_solve_services *services,
                             const odeon_field *field, int32_t n_times, const double *times,
                             const odeon_tensor *y, const odeon_tensor *d_y,
                             const odeon_tensor *d_y0)
{
    const adjoint *method = self;
    const odeon_field *augmented;
    odeon_tensor state;
    ODEON_TRY(services->augment(services->self, field, method->augment, &augmented, &state));
    for (int32_t i = n_times - 1; i > 0; i--) {
        ODEON_TRY(cross_interval(services, augmented, times, &state, y, d_y, i));
    }
    ODEON_TRY(services->add_theta(services->self, augmented, &state));
    odeon_tensor a = part(augmented, &state, PART_ADJOINT);
    ODEON_TRY(services->copy(services->self, &a, d_y0));
    return d_y[0].data == NULL ? ODEON_OK : services->add(services->self, &d_y[0], d_y0);
}

static const odeon_gradient_ops ops = {.struct_size = sizeof ops,
                                       .flags = ODEON_GRADIENT_NEEDS_Y,
                                       .forward = forward,
                                       .backward = backward};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_GRADIENT,
    .kind_version = ODEON_LAYOUT_GRADIENT,
    .id = "adjoint",
    .aliases = "backsolve|backsolveadjoint|continuous|continuousadjoint|odeintadjoint|"
               "optimizethendiscretize|optimisethendiscretise",
    .summary = "continuous adjoint solved backward; memory does not grow with the steps",
    .version = "1.0",
    .license = "MIT",
    .source = "Chen et al., Neural Ordinary Differential Equations, 2018, algorithm 1",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("gradient/adjoint");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "adjoint",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
