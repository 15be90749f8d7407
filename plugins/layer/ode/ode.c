/* ode: dy/dt = body(t, y), or body(t, y) + stiff(t, y) with a subsection named stiff, from y(t0) =
 * x, both [B, ...]. With `span` the output is y(t1); with `times` it is y at all of them, starting
 * with y(t0) = x: [B, T, ...]. With `initial` y(t0) is the first of several states in x [B, S,
 * ...], or given as numbers.
 *
 * The layer only describes the problem and the method; the host solves it (odeon/container.h).
 * Source: Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, 2018. */
#include <stdbool.h>
#include <string.h>

#include "control.h"
#include "odeon/device_solver.h"
#include "odeon/plugin.h"

typedef struct ode {
    ODEON_INSTANCE;
    odeon_f64_list span, times, initial, rtol, atol, pid, stops;
    const odeon_config *integrator, *gradient;
    odeon_choice control;
    int64_t norm, end, step; /* indices of the choices */
    double first_step, h_max, h_min, step_size, tolerance_factor;
    int64_t steps, max_steps, count_integrals;
    int64_t direction, max_events; /* of events; direction: index of the choice */

    const odeon_ode_services *services;
    odeon_control controller, implicit; /* implicit: of methods with implicit stages */
    odeon_ode_spec spec;                /* its control is the controller above */
    odeon_net *body;                    /* as attach has given it */
    odeon_ode *block;                   /* created by the host in attach */
} ode;

enum { BODY = 0, STIFF = 1, EVENT = 2, RESET = 3 };

static const char *const body_names[] = {"stiff", "event", "reset", NULL};

static const odeon_option *const options[] = {
    ODEON_OPTION(ode, span, F64_LIST, .aliases = "tspan|timespan|interval", .default_text = "0 1",
                 .help = "start and end of the integration: two times, in either direction"),
    ODEON_OPTION(
        ode, times, F64_LIST, .aliases = "saveat|teval|ts|timepoints", .choices = "batch",
        .flags = ODEON_OPTION_OPTIONAL, .replaces = "span",
        .help = "in place of span: y at each of these is given out, the first being the start; or "
                "at those of the batch's samples, which all have in common unless step = sample"),
    ODEON_OPTION(
        ode, initial, F64_LIST, .aliases = "y0|u0|x0|initialvalue|initialcondition",
        .choices = "first", .flags = ODEON_OPTION_OPTIONAL,
        .help =
            "y at the start: these numbers for every sample, or the first of the states that the "
            "input holds; the input itself if not given"),
    ODEON_OPTION(ode, integrator, COMPONENT,
                 .aliases = "method|solver|scheme|stepper|alg|algorithm", .choices = "integrator",
                 .flags = ODEON_OPTION_REQUIRED, .help = "method of integration"),
    ODEON_OPTION(ode, gradient, COMPONENT, .aliases = "sensealg|sensitivity|adjoint|backward",
                 .choices = "gradient", .default_text = "direct",
                 .help = "how the solve is differentiated, where anything is trained"),
    ODEON_OPTION(
        ode, rtol, F64_LIST, .aliases = "tol|reltol|tolerance|tolerances", .default_text = "1e-3",
        .min_text = "0", .flags = ODEON_OPTION_OPEN_MIN,
        .help = "error allowed in a step, relative to the state: one value, or one a component"),
    ODEON_OPTION(ode, atol, F64_LIST, .aliases = "tol|abstol|tolerance|tolerances",
                 .default_text = "1e-3", .min_text = "0", .flags = ODEON_OPTION_OPEN_MIN,
                 .help =
                     "error allowed in a step, whatever the state: one value, or one a component"),
    ODEON_OPTION(ode, tolerance_factor, F64, .aliases = "tolfactor|tolerancescale",
                 .default_text = "1", .min_text = "0", .flags = ODEON_OPTION_OPEN_MIN,
                 .help = "times rtol and atol; it may follow a schedule: set = "
                         "model.PATH.tolerance_factor: linear(from=100)"),
    ODEON_OPTION(
        ode, control, CHOICE_PATH, .aliases = "controller|stepsizecontroller",
        .default_text = "auto", .choices = CONTROL_CHOICES,
        .help =
            "auto: predictive for methods with implicit stages, pi for all others; pi: "
            "proportional-integral by the method's order; predictive: Gustafsson's, by the last "
            "two "
            "steps, their errors and sizes; else the system whose step control "
            "is followed, held against traces of its steps or of its formulas: torchdiffeq "
            "(dopri5, "
            "dopri8, bosh3, adaptive_heun, fehlberg2), sciml (tsit5, "
            "bosh3, dopri5), diffrax and torchode (dopri5, tsit5; diffrax bosh3 and dopri8 too); "
            "sciml_like has exact powers where sciml has that system's, which are good to 1e-5; "
            "replay takes a recorded list of steps"),
    ODEON_OPTION(
        ode, pid, F64_LIST, .flags = ODEON_OPTION_OPTIONAL,
        .help =
            "coefficients P, I, D of the controller of diffrax or torchode; 0 1 0 if not given"),
    ODEON_OPTION(ode, norm, CHOICE, .default_text = "rms", .choices = "rms|max",
                 .help = "norm of the scaled error over batch and elements"),
    ODEON_OPTION(
        ode, step, CHOICE, .default_text = "batch", .choices = "batch|sample",
        .help =
            "whose steps: one for all samples, by an error norm over the batch, or each sample "
            "solved by itself, with steps, norm, max_steps and, with times = batch, times of its "
            "own, so that its result does not depend on its company; no batch norm in the body. "
            "With "
            "a section event always sample"),
    ODEON_OPTION(
        ode, end, CHOICE, .default_text = "preset", .choices = "preset|clip|interpolate",
        .help =
            "end of an adaptive solve: its last step cut short, or read off the dense output of a "
            "step that reaches beyond; preset: as the system that control names does"),
    ODEON_OPTION(ode, first_step, F64, .aliases = "dt0|h0|initialstep|inith", .min_text = "0",
                 .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
                 .help = "size of the first step; chosen automatically if not given"),
    ODEON_OPTION(
        ode, h_max, F64, .aliases = "maxstep|maxstepsize|dtmax|hmax", .min_text = "0",
        .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
        .help = "largest adaptive step, the first one included, forward and backward; no limit if "
                "not given"),
    ODEON_OPTION(
        ode, h_min, F64, .aliases = "minstep|minstepsize|dtmin|hmin", .min_text = "0",
        .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time",
        .help =
            "an adaptive solve fails where it would need a smaller step, but for one that is cut "
            "at a time or a stop; limited by rounding alone if not given"),
    ODEON_OPTION(
        ode, stops, F64_LIST, .aliases = "tstops|stept|jumpt|jumpts|tcrit",
        .flags = ODEON_OPTION_OPTIONAL, .unit = "time",
        .help =
            "times within the solve that steps end at, forward and backward, in any order: where "
            "the field jumps, or has a pulse that a step could pass; of adaptive steps and of "
            "step_size"),
    ODEON_OPTION(ode, count_integrals, FLAG, .default_text = "no",
                 .help = "integrals along the path, which layers of the body declare, count in the "
                         "error of a step; if not, they leave the steps as they are"),
    ODEON_OPTION(ode, steps, I64, .aliases = "nsteps|numsteps|n", .min_text = "1",
                 .flags = ODEON_OPTION_OPTIONAL, .unit = "steps",
                 .help = "fixed steps: so many, all equal, between two times"),
    ODEON_OPTION(
        ode, step_size, F64, .aliases = "dt|h|stepsize", .min_text = "0",
        .flags = ODEON_OPTION_OPTIONAL | ODEON_OPTION_OPEN_MIN, .unit = "time", .replaces = "steps",
        .help = "fixed steps: on a grid of this size from the start, shorter before a time"),
    ODEON_OPTION(
        ode, max_steps, I64, .aliases = "maxiters|maxnumsteps|mxstep|maxsteps",
        .default_text = "10000", .min_text = "1", .unit = "steps",
        .help =
            "adaptive steps, rejected ones included, of a solve; the adjoint's way back through "
            "many times is one"),
    ODEON_OPTION(
        ode, direction, CHOICE, .aliases = "eventdirection", .default_text = "both",
        .choices = "both|up|down",
        .help =
            "of a section event, one number made of the state, and of t: which of its crossings "
            "of zero count, in the direction of the solve. Seen by its signs at the ends of steps, "
            "so that h_max has to be below the time between two crossings"),
    ODEON_OPTION(ode, max_events, I64, .default_text = "100", .min_text = "1",
                 .help = "events of a sample, of a section event with a section reset, which makes "
                         "the state to go on with; more are an error"),
    NULL};

static bool has_fixed_steps(const ode *layer)
{
    return layer->steps > 0 || layer->step_size > 0.0;
}

/* Chooses fixed, adaptive or replayed steps from the options given. */
static odeon_status read_mode(ode *layer)
{
    odeon_ode_spec *spec = &layer->spec;
    if (layer->control.index == CONTROL_REPLAY && has_fixed_steps(layer)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "ode: control = replay lists the steps; leave out steps and step_size");
    }
    spec->mode = ODEON_STEPS_ADAPTIVE;
    if (layer->steps > 0) {
        spec->mode = ODEON_STEPS_COUNT;
        spec->steps = layer->steps;
    } else if (layer->step_size > 0.0) {
        spec->mode = ODEON_STEPS_SIZE;
        spec->step_size = layer->step_size;
    } else if (layer->control.index == CONTROL_REPLAY) {
        spec->mode = ODEON_STEPS_REPLAY;
        spec->replay_path = layer->control.path;
    }
    return ODEON_OK;
}

static odeon_status read_times(ode *layer)
{
    const odeon_host *host = layer->host;
    odeon_ode_spec *spec = &layer->spec;
    bool all = host->option_given(host, "times") != 0;
    const odeon_f64_list *times = all ? &layer->times : &layer->span;
    spec->output = all ? ODEON_OUTPUT_ALL : ODEON_OUTPUT_END;
    spec->times = times->at;
    spec->n_times = times->at != NULL ? (int32_t)times->n : 0;
    return all || (times->n == 2 && times->at[0] != times->at[1])
               ? ODEON_OK
               : odeon_fail(host, ODEON_ERR_CONFIG,
                            "ode: span must be two different times, as 0 1");
}

/* The choice `first` has no list, so a missing list means it. */
static void read_initial(ode *layer)
{
    odeon_ode_spec *spec = &layer->spec;
    spec->initial = ODEON_INITIAL_INPUT;
    if (layer->host->option_given(layer->host, "initial") != 0) {
        spec->initial_values = layer->initial.at;
        spec->n_initial_values = spec->initial_values != NULL ? (int32_t)layer->initial.n : 0;
        spec->initial = spec->initial_values == NULL ? ODEON_INITIAL_FIRST : ODEON_INITIAL_LIST;
    }
}

/* Fixed steps always end exactly at the span's end. */
static int32_t read_end(const ode *layer)
{
    static const int32_t ends[] = {ODEON_END_CLIP, ODEON_END_CLIP, ODEON_END_INTERPOLATE};
    if (has_fixed_steps(layer)) {
        return ODEON_END_CLIP;
    }
    return layer->end == 0 ? control_end(layer->control.index) : ends[layer->end];
}

/* Reads P, I, D; the default is an integral controller. */
static odeon_status read_pid(const ode *layer, double *coefficients)
{
    coefficients[0] = coefficients[2] = 0.0;
    coefficients[1] = 1.0;
    if (layer->host->option_given(layer->host, "pid") == 0) {
        return ODEON_OK;
    }
    if (layer->pid.n != 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "ode: pid has three coefficients, P, I and D, as 0.4 0.3 0");
    }
    if (layer->control.index != CONTROL_REPLAY && !control_has_pid(layer->control.index)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "ode: pid belongs to control = diffrax or torchode; the others have "
                          "coefficients of their own");
    }
    memcpy(coefficients, layer->pid.at, 3 * sizeof *coefficients);
    return ODEON_OK;
}

/* Equal steps between two times cannot also end at stops, so that is refused. */
static odeon_status read_limits(ode *layer)
{
    if (layer->h_max > 0.0) {
        layer->controller.h_max = layer->implicit.h_max = layer->h_max;
    }
    layer->controller.h_min = layer->implicit.h_min = layer->h_min;
    layer->spec.stops = layer->stops.at;
    layer->spec.n_stops = (int32_t)layer->stops.n;
    return layer->stops.n == 0 || layer->steps == 0
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "ode: steps are equal between two times and would pass the stops; give "
                            "step_size, or name the stops in times");
}

/* A first step that the preset brings is kept within h_min and h_max; a configured one is checked
 * by the host. */
static double read_first_step(const ode *layer)
{
    const odeon_control *c = &layer->controller;
    if (layer->first_step > 0.0) {
        return layer->first_step;
    }
    double first = control_first_step(layer->control.index);
    if (first > c->h_max) {
        return c->h_max;
    }
    return first > 0.0 && first < c->h_min ? c->h_min : first;
}

static odeon_status read_control(ode *layer)
{
    odeon_ode_spec *spec = &layer->spec;
    double coefficients[3];
    ODEON_TRY(read_pid(layer, coefficients));
    control_preset(layer->control.index, coefficients, &layer->controller);
    control_preset(CONTROL_PREDICTIVE, coefficients, &layer->implicit);
    layer->controller.norm = layer->norm == 0 ? ODEON_NORM_RMS : ODEON_NORM_MAX;
    layer->implicit.norm = layer->controller.norm;
    spec->control = &layer->controller;
    spec->control_implicit = layer->control.index == CONTROL_AUTO ? &layer->implicit : NULL;
    spec->control_hints = control_hints_name(layer->control.index);
    spec->rtol = layer->rtol.at;
    spec->n_rtol = (int32_t)layer->rtol.n;
    spec->atol = layer->atol.at;
    spec->n_atol = (int32_t)layer->atol.n;
    spec->tolerance_factor = &layer->tolerance_factor;
    spec->exponents_per_order = 1;
    spec->max_steps = layer->max_steps;
    spec->end = read_end(layer);
    ODEON_TRY(read_limits(layer));
    spec->first_step = read_first_step(layer);
    return ODEON_OK;
}

static void read_events(ode *layer)
{
    static const int32_t directions[] = {0, 1, -1};
    layer->spec.event_direction = directions[layer->direction];
    layer->spec.max_events = layer->max_events;
}

/* The spec borrows lists and texts of the configuration, which outlives the layer. */
static odeon_status init(void *self)
{
    ode *layer = self;
    layer->services = layer->host->get_extension(layer->host, ODEON_HOST_ODE);
    if (layer->services == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED, "ode: this host does not offer %s",
                          ODEON_HOST_ODE);
    }
    layer->spec = (odeon_ode_spec){.struct_size = sizeof layer->spec,
                                   .integrator = layer->integrator,
                                   .gradient = layer->gradient};
    layer->spec.flags = layer->step == 0 ? 0u : ODEON_ODE_STEP_PER_SAMPLE;
    layer->spec.flags |= layer->count_integrals != 0 ? ODEON_ODE_COUNT_INTEGRALS : 0u;
    ODEON_TRY(read_control(layer));
    read_events(layer);
    read_initial(layer);
    ODEON_TRY(read_times(layer));
    return read_mode(layer);
}

static void fini(void *self)
{
    ode *layer = self;
    if (layer->services != NULL) {
        layer->services->destroy(layer->block);
    }
}

static odeon_status body_in(void *self, const odeon_shape *in, int32_t body, odeon_shape *out)
{
    const ode *layer = self;
    (void)body;
    return layer->services->body_in(layer->host, &layer->spec, in, out);
}

/* The last of the bodies, there or not, completes the field. */
static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    ode *layer = self;
    switch (body) {
    case BODY:
        layer->body = net;
        return ODEON_OK;
    case STIFF:
        layer->spec.stiff = net;
        return ODEON_OK;
    case EVENT:
        layer->spec.event = net;
        return ODEON_OK;
    default:
        layer->spec.reset = net;
        return layer->services->create(layer->host, &layer->spec, layer->body, &layer->block);
    }
}

/* The host keeps the records of a solve; a tape of one word only tells forward that a vjp will
 * follow. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const ode *layer = self;
    ODEON_TRY(layer->services->plan(layer->block, plan));
    plan->tape_bytes = sizeof(double);
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const ode *layer = self;
    return layer->services->forward(layer->block, call, call->tape != NULL);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const ode *layer = self;
    return layer->services->vjp(layer->block, call);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_FIELD,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .body_in = body_in,
                                    .body_names = body_names,
                                    .scheduled = "tolerance_factor"};

ODEON_PLUGIN_OPTIONS(
    LAYER, "ode", &ops,
    "continuous layer: integrates the layers of its body over time; a section named stiff is a "
    "second "
    "term of the right-hand side, for methods that treat it implicitly; one named event says where "
    "the solve ends, or, with one named reset, where the state jumps",
    "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, 2018",
    "neuralode|node|odeint|odeblock|odesolve|odesolver|odenet", ode, options, init, fini);
