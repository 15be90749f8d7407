/* formula: a layer given by equations, for known physics, alone or combined with a network. x
 * [B,N], one column per component -> y [B,M], by default the derivatives of the same components. */
#include <string.h>

#include "../common/shape.h"
#include "odeon/plugin.h"
#include "parse.h"
#include "run.h"

/* The parsed program and the initial values of its learnable constants. */
typedef struct formula {
    const odeon_host *host;
    program program;
    formula_param params[PROGRAM_MAX_PARAMS];
} formula;

static const odeon_option equations = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "equations",
    .aliases = "equation|expression|rhs|f",
    .help = "equations with '|' between, as in x' = a*x - b*x*y | y' = d*x*y - c*y: NAME' is the "
            "derivative of a component, in the order of the input, a plain NAME an intermediate; "
            "t is the time; + - * / ^ and exp log sin cos tanh sqrt abs relu sigmoid softplus",
};
static const odeon_option constants = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "constants",
    .aliases = "parameters|params|p|theta",
    .help = "constants with their values, as in a=1.5 b=1",
};
static const odeon_option learn = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "learn",
    .aliases = "trainable|learnable",
    .help = "which of the constants are parameters, which start with their values, as in a b",
};
static const odeon_option inputs = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "inputs",
    .help = "names of the input's components where the equations are no derivatives, as in x y",
};
static const odeon_option outputs = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "outputs",
    .help = "which names come out then, as in u v",
};
static const odeon_option *const options[] = {&equations, &constants, &learn,
                                              &inputs,    &outputs,   NULL};

/* Parsing needs no shapes, so mistakes in the equations are reported before any data is read. */
static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    formula *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "formula: no memory for %zu bytes", sizeof *layer);
    }
    memset(layer, 0, sizeof *layer);
    layer->host = host;
    formula_text text = {
        .equations = host->option_text(config, "equations"),
        .constants = host->option_text(config, "constants"),
        .learn = host->option_text(config, "learn"),
        .inputs = host->option_text(config, "inputs"),
        .outputs = host->option_text(config, "outputs"),
    };
    odeon_status status = formula_parse(host, &text, &layer->program, layer->params);
    if (status != ODEON_OK) {
        host->free(host, layer);
        return status;
    }
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    formula *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* USES_T and ROUNDS_T depend on the equations. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const formula *layer = self;
    const program *p = &layer->program;
    if (in->ndim != 2 || in->dim[1] != p->n_inputs) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "formula: the input is %s; these equations take [B,%d], one column a "
                          "component",
                          shape_print(in).text, (int)p->n_inputs);
    }
    out->flags =
        (p->uses_t ? ODEON_LAYER_USES_T : 0) | (program_rounds_time(p) ? ODEON_LAYER_ROUNDS_T : 0);
    out->out = (odeon_tensor){.dim = {in->dim[0], p->n_outputs}, .ndim = 2, .dtype = in->dtype};
    out->tape_bytes = run_tape_bytes(p, in);
    out->scratch_bytes = run_scratch_bytes(p, in);
    return ODEON_OK;
}

/* One parameter [1] per learnable constant. */
static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    (void)in;
    const formula *layer = self;
    if (index >= layer->program.n_params) {
        out->struct_size = 0;
        return ODEON_OK;
    }
    *out = (odeon_param){.struct_size = sizeof *out,
                         .role = ODEON_PARAM_WEIGHT,
                         .shape = {.dim = {1}, .ndim = 1},
                         .name = layer->params[index].name,
                         .init = ODEON_INIT_CONSTANT,
                         .init_a = layer->params[index].value};
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const formula *layer = self;
    if (layer->program.uses_t && context->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "formula is outside of an ODE block, where there is no time t");
    }
    return run_forward(&layer->program, context, buffers, in, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)in;
    (void)out;
    const formula *layer = self;
    return run_vjp(&layer->program, context, buffers, d_out, d_in, d_t);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "formula",
    .aliases = "expression|equation|equations|symbolic",
    .summary = "equations such as x' = a*x - b*x*y, with constants that may be learnt",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/formula");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "formula",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
