/* ode: dy/dt = body(t, y) from y(t0) = x, both [B, ...]. With `span` the output is y(t1); with
 * `times` it is y at all of them, starting with y(t0) = x: [B, T, ...]. With `initial` y(t0) is the
 * first of several states in x [B, S, ...], or given as numbers.
 *
 * The layer only describes the problem and the method; the host solves it (odeon/container.h).
 * Source: Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, 2018. */
#include <string.h>

#include "control.h"
#include "odeon/plugin.h"

typedef struct ode {
    const odeon_host *host;
    const odeon_ode_services *services;
    odeon_ode_spec spec;
    odeon_ode *block; /* created by the host in attach */
} ode;

/* Shortens a table of 18 options. */
#define OPTION(variable, ...)                                                                      \
    static const odeon_option variable = {.struct_size = sizeof(odeon_option), __VA_ARGS__}

OPTION(span, .type = ODEON_OPTION_F64_LIST, .name = "span", .aliases = "tspan|timespan|interval",
       .default_text = "0 1",
       .help = "start and end of the integration: two times, in either direction");
OPTION(times, .type = ODEON_OPTION_F64_LIST, .name = "times",
       .aliases = "saveat|teval|ts|timepoints", .choices = "batch", .flags = ODEON_OPTION_OPTIONAL,
       .replaces = "span",
       .help = "in place of span: y at each of these is given out, the first being the start; or "
               "at those that the batch's samples have in common");
OPTION(initial, .type = ODEON_OPTION_F64_LIST, .name = "initial",
       .aliases = "y0|u0|x0|initialvalue|initialcondition", .choices = "first",
       .flags = ODEON_OPTION_OPTIONAL,
       .help =
           "y at the start: these numbers for every sample, or the first of the states that the "
           "input holds; the input itself if not given");
OPTION(integrator, .type = ODEON_OPTION_COMPONENT, .name = "integrator",
       .aliases = "method|solver|scheme|stepper|alg|algorithm", .choices = "integrator",
       .flags = ODEON_OPTION_REQUIRED, .help = "method of integration");
OPTION(gradient, .type = ODEON_OPTION_COMPONENT, .name = "gradient",
       .aliases = "sensealg|sensitivity|adjoint|backward", .choices = "gradient",
       .flags = ODEON_OPTION_REQUIRED, .help = "how the solve is differentiated");
OPTION(rtol, .type = ODEON_OPTION_F64_LIST, .name = "rtol",
       .aliases = "tol|reltol|tolerance|tolerances", .default_text = "1e-3", .min_text = "0",
       .flags = ODEON_OPTION_OPEN_MIN,
       .help = "error allowed in a step, relative to the state: one value, or one a component");
OPTION(atol, .type = ODEON_OPTION_F64_LIST, .name = "atol",
       .aliases = "tol|abstol|tolerance|tolerances", .default_text = "1e-3", .min_text = "0",
       .flags = ODEON_OPTION_OPEN_MIN,
       .help = "error allowed in a step, whatever the state: one value, or one a component");
OPTION(control, .type = ODEON_OPTION_CHOICE, .name = "control",
       .aliases = "controller|stepsizecontroller", .default_text = "pi", .choices = CONTROL_CHOICES,
       .help =
           "pi: proportional-integral by the method's order; else the system whose step control is "
           "followed, held against traces of its steps or of its formulas: torchdiffeq (dopri5, "
           "dopri8, bosh3, adaptive_heun, fehlberg2), sciml (tsit5, "
           "bosh3, dopri5), diffrax and torchode (dopri5, tsit5; diffrax bosh3 and dopri8 too); "
           "sciml_like has exact powers where sciml has that system's, which are good to 1e-5; "
           "replay takes a recorded list of steps");
OPTION(pid, .type = ODEON_OPTION_F64_LIST, .name = "pid", .flags = ODEON_OPTION_OPTIONAL,
       .help = "coefficients P, I, D of the controller of diffrax or torchode; 0 1 0 if not given");
OPTION(norm, .type = ODEON_OPTION_CHOICE, .name = "norm", .default_text = "rms",
       .choices = "rms|max", .help = "norm of the scaled error over batch and elements");
OPTION(end, .type = ODEON_OPTION_CHOICE, .name = "end", .default_text = "preset",
       .choices = "preset|clip|interpolate",
       .help =
           "end of an adaptive solve: its last step cut short, or read off the dense output of a "
           "step that reaches beyond; preset: as the system that control names does");
OPTION(first_step, .type = ODEON_OPTION_F64, .name = "first_step",
       .aliases = "dt0|h0|initialstep|inith", .min_text = "0",
       .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
       .help = "size of the first step; chosen automatically if not given");
OPTION(h_max, .type = ODEON_OPTION_F64, .name = "h_max",
       .aliases = "maxstep|maxstepsize|dtmax|hmax", .min_text = "0",
       .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
       .help = "largest adaptive step, the first one included, forward and backward; no limit if "
               "not given");
OPTION(
    h_min, .type = ODEON_OPTION_F64, .name = "h_min", .aliases = "minstep|minstepsize|dtmin|hmin",
    .min_text = "0", .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
    .help = "an adaptive solve fails where it would need a smaller step, but for one that is cut "
            "at a time or a stop; limited by rounding alone if not given");
OPTION(stops, .type = ODEON_OPTION_F64_LIST, .name = "stops",
       .aliases = "tstops|stept|jumpt|jumpts|tcrit", .flags = ODEON_OPTION_OPTIONAL, .unit = "time",
       .help =
           "times within the solve that steps end at, forward and backward, in any order: where "
           "the field jumps, or has a pulse that a step could pass; of adaptive steps and of "
           "step_size");
OPTION(steps, .type = ODEON_OPTION_I64, .name = "steps", .aliases = "nsteps|numsteps|n",
       .min_text = "1", .flags = ODEON_OPTION_OPTIONAL, .unit = "steps",
       .help = "fixed steps: so many, all equal, between two times");
OPTION(step_size, .type = ODEON_OPTION_F64, .name = "step_size", .aliases = "dt|h|stepsize",
       .min_text = "0", .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
       .replaces = "steps",
       .help = "fixed steps: on a grid of this size from the start, shorter before a time");
OPTION(max_steps, .type = ODEON_OPTION_I64, .name = "max_steps",
       .aliases = "maxiters|maxnumsteps|mxstep|maxsteps", .default_text = "10000", .min_text = "1",
       .unit = "steps",
       .help = "adaptive steps, rejected ones included, of a solve; the adjoint's way back through "
               "many times is one");

static const odeon_option *const options[] = {
    &span,    &times, &initial,   &integrator, &gradient,   &rtol,  &atol,
    &control, &pid,   &norm,      &end,        &first_step, &h_max, &h_min,
    &stops,   &steps, &step_size, &max_steps,  NULL};

/* Chooses fixed, adaptive or replayed steps from the options given. */
static odeon_status read_mode(const odeon_host *host, const odeon_config *config,
                              odeon_ode_spec *spec)
{
    int32_t counted = host->option_given(config, "steps");
    int32_t sized = host->option_given(config, "step_size");
    int64_t choice = host->option_i64(config, "control");
    if (choice == CONTROL_REPLAY && (counted != 0 || sized != 0)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "ode: control = replay lists the steps; leave out steps and step_size");
    }
    spec->mode = ODEON_STEPS_ADAPTIVE;
    if (counted != 0) {
        spec->mode = ODEON_STEPS_COUNT;
        spec->steps = host->option_i64(config, "steps");
    } else if (sized != 0) {
        spec->mode = ODEON_STEPS_SIZE;
        spec->step_size = host->option_f64(config, "step_size");
    } else if (choice == CONTROL_REPLAY) {
        spec->mode = ODEON_STEPS_REPLAY;
        spec->replay_path = host->option_text(config, "control");
    }
    return ODEON_OK;
}

static odeon_status read_times(const odeon_host *host, const odeon_config *config,
                               odeon_ode_spec *spec)
{
    if (host->option_given(config, "times") == 0) {
        spec->output = ODEON_OUTPUT_END;
        spec->times = host->option_list_f64(config, "span", &spec->n_times);
        return spec->n_times == 2 && spec->times[0] != spec->times[1]
                   ? ODEON_OK
                   : odeon_fail(host, ODEON_ERR_CONFIG,
                                "ode: span must be two different times, as 0 1");
    }
    spec->output = ODEON_OUTPUT_ALL;
    spec->times = host->option_list_f64(config, "times", &spec->n_times);
    return ODEON_OK;
}

/* The choice `first` has no list, so a missing list means it. */
static void read_initial(const odeon_host *host, const odeon_config *config, odeon_ode_spec *spec)
{
    spec->initial = ODEON_INITIAL_INPUT;
    if (host->option_given(config, "initial") != 0) {
        spec->initial_values = host->option_list_f64(config, "initial", &spec->n_initial_values);
        spec->initial = spec->initial_values == NULL ? ODEON_INITIAL_FIRST : ODEON_INITIAL_LIST;
    }
}

/* Fixed steps always end exactly at the span's end. */
static int32_t read_end(const odeon_host *host, const odeon_config *config)
{
    static const int32_t ends[] = {ODEON_END_CLIP, ODEON_END_CLIP, ODEON_END_INTERPOLATE};
    int64_t choice = host->option_i64(config, "end");
    if (host->option_given(config, "steps") != 0 || host->option_given(config, "step_size") != 0) {
        return ODEON_END_CLIP;
    }
    return choice == 0 ? control_end(host->option_i64(config, "control")) : ends[choice];
}

/* Reads P, I, D; the default is an integral controller. */
static odeon_status read_pid(const odeon_host *host, const odeon_config *config,
                             double *coefficients)
{
    coefficients[0] = coefficients[2] = 0.0;
    coefficients[1] = 1.0;
    if (host->option_given(config, "pid") == 0) {
        return ODEON_OK;
    }
    int32_t n;
    const double *given = host->option_list_f64(config, "pid", &n);
    if (n != 3) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "ode: pid has three coefficients, P, I and D, as 0.4 0.3 0");
    }
    int64_t choice = host->option_i64(config, "control");
    if (choice != CONTROL_REPLAY && !control_has_pid(choice)) {
        return odeon_fail(host, ODEON_ERR_CONFIG,
                          "ode: pid belongs to control = diffrax or torchode; the others have "
                          "coefficients of their own");
    }
    memcpy(coefficients, given, 3 * sizeof *coefficients);
    return ODEON_OK;
}

/* Equal steps between two times cannot also end at stops, so that is refused. */
static odeon_status read_limits(const odeon_host *host, const odeon_config *config,
                                odeon_ode_spec *spec)
{
    if (host->option_given(config, "h_max") != 0) {
        spec->control.h_max = host->option_f64(config, "h_max");
    }
    if (host->option_given(config, "h_min") != 0) {
        spec->control.h_min = host->option_f64(config, "h_min");
    }
    if (host->option_given(config, "stops") != 0) {
        spec->stops = host->option_list_f64(config, "stops", &spec->n_stops);
    }
    return spec->n_stops == 0 || host->option_given(config, "steps") == 0
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "ode: steps are equal between two times and would pass the stops; give "
                            "step_size, or name the stops in times");
}

/* A first step that the preset brings is kept within h_min and h_max; a configured one is checked
 * by the host. */
static odeon_status read_control(const odeon_host *host, const odeon_config *config,
                                 odeon_ode_spec *spec)
{
    double coefficients[3];
    int64_t choice = host->option_i64(config, "control");
    ODEON_TRY(read_pid(host, config, coefficients));
    control_preset(choice, coefficients, &spec->control);
    spec->control_hints = control_hints_name(choice);
    spec->control.norm = host->option_i64(config, "norm") == 0 ? ODEON_NORM_RMS : ODEON_NORM_MAX;
    spec->rtol = host->option_list_f64(config, "rtol", &spec->n_rtol);
    spec->atol = host->option_list_f64(config, "atol", &spec->n_atol);
    spec->exponents_per_order = 1;
    spec->max_steps = host->option_i64(config, "max_steps");
    spec->end = read_end(host, config);
    ODEON_TRY(read_limits(host, config, spec));
    spec->first_step = control_first_step(choice);
    if (host->option_given(config, "first_step") != 0) {
        spec->first_step = host->option_f64(config, "first_step");
    } else if (spec->first_step > spec->control.h_max) {
        spec->first_step = spec->control.h_max;
    } else if (spec->first_step > 0.0 && spec->first_step < spec->control.h_min) {
        spec->first_step = spec->control.h_min;
    }
    return ODEON_OK;
}

static void destroy(void *self)
{
    ode *layer = self;
    if (layer != NULL) {
        layer->services->destroy(layer->block);
        layer->host->free(layer->host, layer);
    }
}

static odeon_status read_spec(const odeon_host *host, const odeon_config *config,
                              odeon_ode_spec *spec)
{
    *spec = (odeon_ode_spec){.struct_size = sizeof *spec,
                             .integrator = host->option_component(config, "integrator"),
                             .gradient = host->option_component(config, "gradient")};
    ODEON_TRY(read_control(host, config, spec));
    read_initial(host, config, spec);
    ODEON_TRY(read_times(host, config, spec));
    return read_mode(host, config, spec);
}

/* The spec borrows lists and texts of the configuration, which outlives the layer. */
static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    const odeon_ode_services *services = host->get_extension(host, ODEON_HOST_ODE);
    if (services == NULL) {
        return odeon_fail(host, ODEON_ERR_UNSUPPORTED, "ode: this host does not offer %s",
                          ODEON_HOST_ODE);
    }
    ode *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "ode: no memory for %zu bytes", sizeof *layer);
    }
    *layer = (ode){.host = host, .services = services};
    odeon_status status = read_spec(host, config, &layer->spec);
    if (status != ODEON_OK) {
        destroy(layer);
        return status;
    }
    *out = layer;
    return ODEON_OK;
}

static odeon_status body_in(void *self, const odeon_tensor *in, int32_t body, odeon_tensor *out)
{
    const ode *layer = self;
    (void)body;
    return layer->services->body_in(layer->host, &layer->spec, in, out);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    ode *layer = self;
    (void)body;
    return layer->services->create(layer->host, &layer->spec, net, &layer->block);
}

/* The host keeps the records of a solve; a tape of one word only tells forward that a vjp will
 * follow. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    const ode *layer = self;
    ODEON_TRY(layer->services->plan(layer->block, device, in, flags, out));
    out->tape_bytes = sizeof(double);
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const ode *layer = self;
    return layer->services->forward(layer->block, context, in, out, buffers->tape != NULL);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const ode *layer = self;
    (void)buffers;
    (void)d_t;
    return layer->services->vjp(layer->block, context, in, out, d_out, d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_FIELD,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .body_in = body_in};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "ode",
    .aliases = "neuralode|node|odeint|odeblock|odesolve|odesolver|odenet",
    .summary = "continuous layer: integrates the layers of its body over time",
    .version = "1.0",
    .license = "MIT",
    .source = "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, 2018",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/ode");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "ode",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
