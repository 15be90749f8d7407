/* formula: a layer given by equations, for known physics, alone or combined with a network. x
 * [B,...,N], one column per component -> y [B,...,M], by default the derivatives of the same
 * components. */
#include "../common/shape.h"
#include "odeon/plugin.h"
#include "parse.h"
#include "run.h"

/* The options, the parsed program and the initial values of its learnable constants. */
typedef struct formula {
    ODEON_INSTANCE;
    formula_text text;
    program program;
    formula_param params[PROGRAM_MAX_PARAMS];
} formula;

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(
        formula, text.equations, STRING, "equations", .flags = ODEON_OPTION_REQUIRED,
        .aliases = "equation|expression|rhs|f",
        .help =
            "equations with '|' between, as in x' = a*x - b*x*y | y' = d*x*y - c*y: NAME' is the "
            "derivative of a component, in the order of the input, a plain NAME an intermediate; "
            "t is the time; + - * / ^ and exp log sin cos tanh sqrt abs relu sigmoid softplus erf, "
            "min(a, b), max(a, b), if(a > b, c, d); x[3]' is that of a vector of three, of which "
            "x[0] is the first, A @ x a product with a matrix, and sum, dot and norm are numbers"),
    ODEON_OPTION_AS(
        formula, text.constants, STRING, "constants", .flags = ODEON_OPTION_OPTIONAL,
        .aliases = "parameters|params|p|theta",
        .help = "constants with their values, as in a=1.5 b=1; of vectors and matrices row by "
                "row, as in c[3]=1 2 3 A[2 2]=0 1 -1 0, or one for all"),
    ODEON_OPTION_AS(
        formula, text.learn, STRING, "learn", .flags = ODEON_OPTION_OPTIONAL,
        .aliases = "trainable|learnable",
        .help = "which of the constants are parameters, which start with their values, as in a b; "
                "of a vector or matrix A all elements, A_0 or A_0_1"),
    ODEON_OPTION_AS(formula, text.bounds, STRING, "bounds", .flags = ODEON_OPTION_OPTIONAL,
                    .aliases = "limits|range",
                    .help = "between which numbers learned constants stay, as in a=0:inf b=0:1; "
                            "their weights are then those of a softplus or sigmoid"),
    ODEON_OPTION_AS(
        formula, text.inputs, STRING, "inputs", .flags = ODEON_OPTION_OPTIONAL,
        .help =
            "names of the input's components where the equations are no derivatives, as in x y, "
            "or x[3] y"),
    ODEON_OPTION_AS(formula, text.outputs, STRING, "outputs", .flags = ODEON_OPTION_OPTIONAL,
                    .help = "which names come out then, as in u v"),
    NULL};

/* Parsing needs no shapes, so mistakes in the equations are reported before any data is read. */
static odeon_status init(void *self)
{
    formula *layer = self;
    return formula_parse(layer->host, &layer->text, &layer->program, layer->params);
}

/* USES_T and ROUNDS_T depend on the equations. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const formula *layer = self;
    const program *p = &layer->program;
    int32_t last = plan->in.ndim - 1;
    if (plan->in.ndim < 2 || plan->in.dim[last] != p->n_inputs) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "formula: the input is %s; these equations take [B,%d], one column a "
                          "component",
                          shape_print(&plan->in).text, (int)p->n_inputs);
    }
    plan->flags =
        (p->uses_t ? ODEON_LAYER_USES_T : 0) | (program_rounds_time(p) ? ODEON_LAYER_ROUNDS_T : 0);
    plan->out = plan->in;
    plan->out.dim[last] = p->n_outputs;
    plan->tape_bytes = run_tape_bytes(p, &plan->in);
    plan->scratch_bytes = run_scratch_bytes(p, &plan->in);
    return ODEON_OK;
}

/* One parameter [1] per learnable constant. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    (void)in;
    const formula *layer = self;
    if (index >= layer->program.n_params) {
        return ODEON_OK;
    }
    out->role = ODEON_PARAM_WEIGHT;
    out->shape = (odeon_shape){.ndim = 1, .dim = {1}};
    out->name = layer->params[index].name;
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = layer->params[index].value;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const formula *layer = self;
    if (layer->program.uses_t && call->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "formula is outside of an ODE block, where there is no time t");
    }
    return run_forward(&layer->program, call);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const formula *layer = self;
    return run_vjp(&layer->program, call);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "formula", &ops,
                     "equations such as x' = a*x - b*x*y, with constants that may be learnt", NULL,
                     "expression|equation|equations|symbolic", formula, options, init, NULL);
