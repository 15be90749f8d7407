/* ode_rnn: a gated recurrent unit over uneven observations, whose state moves between them by an
 * ordinary differential equation: x [B,T,D] at the batch's times [B,T] -> the last state [B,H], or
 * all [B,T,H]. Its sections are the field f, of states [B,H]:
 *
 *   before a row   h' = f(t, h) from the time of the row before on
 *   at a row       h = GRU(x, h), with the weights of the layer gru
 *
 * From row to row every sample takes `substeps` steps of an explicit method, of sizes of its own.
 * With direction = backward time falls, and so do the steps. Rows that do not count only move the
 * state; from the first row that counts, which finds h = 0, to the last one: what a series is
 * filled up with changes no bit. Gradients are those of the steps.
 *
 * Source: Rubanova, Chen, Duvenaud, Latent ODEs for irregularly-sampled time series, 2019,
 * algorithm 1; with a field of gates De Brouwer and others, GRU-ODE-Bayes, 2019. */
#include "ode_rnn.h"

#include "../common/shape.h"
#include "odeon/dataset.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    GRU_OPTIONS(ode_rnn),
    ODEON_OPTION(ode_rnn, integrator, COMPONENT, .aliases = "method|solver|scheme",
                 .choices = "integrator", .default_text = "euler",
                 .help = "an explicit table, as euler, midpoint, rk4, tsit5, whose steps are of "
                         "equal size between two rows"),
    ODEON_OPTION(ode_rnn, substeps, I64, .aliases = "steps|nsteps", .default_text = "1",
                 .min_text = "1", .max_text = "1000", .help = "steps between two rows",
                 .unit = "steps"),
    NULL};

static gru_unit unit_of(const ode_rnn *layer)
{
    return (gru_unit){.host = layer->host,
                      .id = "ode_rnn",
                      .units = layer->units,
                      .output = layer->output,
                      .direction = layer->direction,
                      .rows = layer->rows,
                      .between = &flow_between};
}

/* ---- the method ---- */

static bool is_explicit(const odeon_tableau *method)
{
    bool found = method->a_im == NULL;
    for (int32_t i = 0; found && i < method->stages; i++) {
        found = method->a[(ptrdiff_t)i * method->stages + i] == 0.0;
    }
    return found;
}

/* Stages at the end that no b has are for the next step, or for error estimates. */
static int32_t stages_read(const odeon_tableau *method)
{
    int32_t n = method->stages;
    while (n > 1 && method->b[n - 1] == 0.0) {
        n--;
    }
    return n;
}

static odeon_status take_method(ode_rnn *layer)
{
    const odeon_other *other = layer->method;
    layer->tableau = other->interface == ODEON_INTERFACE_TABLEAU ? other->ops : NULL;
    if (layer->tableau == NULL || !is_explicit(layer->tableau)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "ode_rnn: integrator = %s: between rows it takes a table of explicit "
                          "stages, as euler, midpoint, rk4 or tsit5",
                          other->id);
    }
    layer->stages = stages_read(layer->tableau);
    return layer->stages <= ODEON_MAX_STAGES
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                            "ode_rnn: integrator = %s has %d stages, more than %d", other->id,
                            (int)layer->stages, ODEON_MAX_STAGES);
}

static odeon_status init(void *self)
{
    ode_rnn *layer = self;
    ODEON_TRY(bodies_init(layer->host, "ode_rnn", &layer->bodies));
    layer->components = layer->host->get_extension(layer->host, ODEON_HOST_COMPONENT);
    if (layer->components == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                          "ode_rnn: this host does not offer %s", ODEON_HOST_COMPONENT);
    }
    ODEON_TRY(layer->components->make(layer->host, layer->integrator, &layer->method));
    return take_method(layer);
}

static void fini(void *self)
{
    ode_rnn *layer = self;
    if (layer->components != NULL) {
        layer->components->destroy(layer->host, layer->method);
    }
    bodies_fini(&layer->bodies);
}

/* ---- the layer ---- */

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    ode_rnn *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

/* The field is of states. */
static odeon_status body_in(void *self, const odeon_shape *in, int32_t body, odeon_shape *out)
{
    const ode_rnn *layer = self;
    (void)body;
    *out = (odeon_shape){.ndim = 2, .dtype = in->dtype, .dim = {in->dim[0], layer->units}};
    return ODEON_OK;
}

static odeon_status check_times(const ode_rnn *layer, const odeon_layer_plan *plan)
{
    const odeon_shape *times =
        plan->n_given > ODEON_ROLE_TIME ? &plan->given[ODEON_ROLE_TIME] : NULL;
    if (times == NULL || times->dtype == 0) {
        return ODEON_OK; /* the host refuses */
    }
    return times->ndim == 2 && times->dim[1] == plan->in.dim[1]
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "ode_rnn: the input is %s, and the data set's times are %s of a batch "
                            "of one: each row needs its time",
                            shape_print(&plan->in).text, shape_print(times).text);
}

/* A field is evaluated many times a call, for samples of steps of their own. */
static odeon_status check_field(const ode_rnn *layer, const odeon_body_plan *field)
{
    if (!bodies_same_shape(&field->in, &field->out)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "ode_rnn: its sections make %s of %s; the derivative of a state has the "
                          "state's shape: units = state in the last one",
                          shape_print(&field->out).text, shape_print(&field->in).text);
    }
    return (field->flags & (ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_STATEFUL)) == 0
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "ode_rnn: a layer of its sections makes samples depend on one another "
                            "or has running state, as batchnorm: take groupnorm or layernorm");
}

static odeon_status ask_field(const ode_rnn *layer, int64_t batch, uint32_t call_flags,
                              odeon_body_plan *out)
{
    const odeon_layer_plan around = {
        .struct_size = sizeof around, .call_flags = call_flags, .in.dim = {batch}};
    return bodies_ask(&layer->bodies, 0, &around, out);
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const ode_rnn *layer = self;
    gru_unit unit = unit_of(layer);
    odeon_body_plan field;
    ODEON_TRY(gru_plan(&unit, plan));
    ODEON_TRY(check_times(layer, plan));
    ODEON_TRY(ask_field(layer, plan->in.dim[0], plan->call_flags, &field));
    ODEON_TRY(check_field(layer, &field));
    plan->needs |= 1u << ODEON_ROLE_TIME;
    plan->flags |= field.flags & ODEON_LAYER_RANDOM;
    plan->tape_bytes += flow_tape_bytes(layer, &plan->in, field.frame_bytes);
    plan->scratch_bytes += flow_scratch_bytes(layer, &plan->in);
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    gru_unit unit = unit_of(self);
    gru_param(&unit, in, index, out);
    return ODEON_OK;
}

static odeon_status begin(const ode_rnn *layer, const gru_unit *unit, const odeon_layer_call *call,
                          gru_call *g, flow *f)
{
    odeon_body_plan field;
    ODEON_TRY(ask_field(layer, call->in->shape.dim[0], call->flags, &field));
    f->frame_bytes = field.frame_bytes;
    ODEON_TRY(gru_begin(unit, call, &call->in->shape, g));
    return flow_begin(layer, g, f);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    gru_unit unit = unit_of(self);
    gru_call g;
    flow f;
    ODEON_TRY(begin(self, &unit, call, &g, &f));
    return gru_forward(&g);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    gru_unit unit = unit_of(self);
    gru_call g;
    flow f;
    ODEON_TRY(begin(self, &unit, call, &g, &f));
    return gru_vjp(&g);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .param = param,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .body_in = body_in};

ODEON_PLUGIN_OPTIONS(LAYER, "ode_rnn", &ops,
                     "gated recurrent unit over uneven observations, between which its sections "
                     "move the state",
                     "Rubanova, Chen, Duvenaud, Latent ODEs for irregularly-sampled time series, "
                     "2019",
                     "odernn|rnnode|gruode|gru_ode|jumpode|jumps", ode_rnn, options, init, fini);
