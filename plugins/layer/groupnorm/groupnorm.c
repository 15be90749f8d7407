/* groupnorm: for every sample and group of C/groups channels y = (x - mean) / sqrt(variance +
 * epsilon) * weight[C] + bias[C], variance biased; x, y [B,C,...]; as torch.nn.GroupNorm. Source:
 * Wu, He, Group Normalization, 2018, eqs. 1 to 6. */
#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct groupnorm {
    const odeon_host *host;
    int64_t groups; /* 0: use the default */
    double epsilon;
    int32_t affine;
} groupnorm;

enum { DEFAULT_GROUPS = 32 };

static const odeon_option groups = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .flags = ODEON_OPTION_OPTIONAL,
    .name = "groups",
    .aliases = "numgroups|ngroups",
    .min_text = "1",
    .max_text = "2147483647",
    .help =
        "groups of channels, a divisor of their number; left out: 32, or one a channel if there "
        "are fewer",
};
static const odeon_option epsilon = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "epsilon",
    .aliases = "eps",
    .default_text = "1e-5",
    .min_text = "0",
    .help = "added to the variance",
};
static const odeon_option affine = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "affine",
    .default_text = "yes",
    .help = "scale and shift every channel by a learned weight and bias",
};
static const odeon_option *const options[] = {&groups, &epsilon, &affine, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    groupnorm *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "groupnorm: no memory for %zu bytes",
                          sizeof *layer);
    }
    *layer = (groupnorm){
        .host = host,
        .groups = host->option_given(config, "groups") ? host->option_i64(config, "groups") : 0,
        .epsilon = host->option_f64(config, "epsilon"),
        .affine = (int32_t)host->option_i64(config, "affine"),
    };
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    groupnorm *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* The default is 32 groups, or one per channel if there are fewer channels. */
static int32_t groups_of(const groupnorm *layer, const odeon_tensor *in)
{
    if (layer->groups > 0) {
        return (int32_t)layer->groups; /* within 32 bits by the option's bounds */
    }
    return in->dim[1] < DEFAULT_GROUPS ? (int32_t)in->dim[1] : DEFAULT_GROUPS;
}

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    (void)flags;
    const groupnorm *layer = self;
    if (in->ndim < 2 || in->dim[1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "groupnorm: the input is %s; it takes channels [B,C,...]",
                          shape_print(in).text);
    }
    int32_t n_groups = groups_of(layer, in);
    if (in->dim[1] % n_groups != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "groupnorm: %d groups do not divide the %lld channels of the input %s; "
                          "set groups to a divisor",
                          (int)n_groups, (long long)in->dim[1], shape_print(in).text);
    }
    uint64_t stats_bytes = (uint64_t)in->dim[0] * (uint64_t)n_groups * 2 * sizeof(double);
    out->flags = ODEON_LAYER_NEEDS_IN;
    out->out = *in;
    out->tape_bytes = stats_bytes;
    out->scratch_bytes = stats_bytes; /* used by a forward call without a tape */
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    const groupnorm *layer = self;
    if (!layer->affine || index > 1) {
        out->struct_size = 0;
        return ODEON_OK;
    }
    *out = (odeon_param){.struct_size = sizeof *out,
                         .role = index == 0 ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS,
                         .shape = {.dim = {in->dim[1]}, .ndim = 1},
                         .name = index == 0 ? "weight" : "bias",
                         .init = ODEON_INIT_CONSTANT,
                         .init_a = index == 0 ? 1.0 : 0.0};
    return ODEON_OK;
}

/* The statistics, mean and rstd per sample and group: F64 [B,groups,2] at memory. */
static odeon_tensor stats_at(const groupnorm *layer, const odeon_tensor *x, void *memory)
{
    return (odeon_tensor){.data = memory,
                          .dim = {x->dim[0], groups_of(layer, x), 2},
                          .ndim = 3,
                          .dtype = ODEON_DTYPE_F64};
}

/* in [B,C,...] -> out [B,C,...]. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const groupnorm *layer = self;
    odeon_tensor x = shape_channels(in), y = shape_channels(out);
    odeon_tensor stats =
        stats_at(layer, in, buffers->tape != NULL ? buffers->tape : buffers->scratch);
    return context->device->ops->group_norm(context->queue, groups_of(layer, in), layer->epsilon,
                                            &x, layer->affine ? &buffers->param[0] : NULL,
                                            layer->affine ? &buffers->param[1] : NULL, &y, &stats);
}

/* in, d_out [B,C,...] -> d_in; adds to the gradients of weight and bias. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)out;
    (void)d_t;
    const groupnorm *layer = self;
    odeon_tensor x = shape_channels(in), dy = shape_channels(d_out);
    odeon_tensor dx = shape_channels(d_in != NULL ? d_in : in);
    odeon_tensor stats = stats_at(layer, in, buffers->tape);
    const odeon_tensor *grad = layer->affine ? buffers->grad : NULL;
    return context->device->ops->group_norm_vjp(
        context->queue, groups_of(layer, in), &x, layer->affine ? &buffers->param[0] : NULL, &stats,
        &dy, d_in != NULL ? &dx : NULL, grad != NULL ? &grad[0] : NULL,
        grad != NULL ? &grad[1] : NULL);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "groupnorm",
    .aliases = "gn|groupnormalization|groupnormalisation",
    .summary = "normalization over groups of channels of every sample",
    .version = "1.0",
    .license = "MIT",
    .source = "Wu, He, Group Normalization, 2018, eqs. 1 to 6",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/groupnorm");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "groupnorm",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
