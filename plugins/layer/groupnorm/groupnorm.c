/* groupnorm: for every sample and group of C/groups channels y = (x - mean) / sqrt(variance +
 * epsilon) * weight[C] + bias[C], variance biased; x, y [B,C,...]; as torch.nn.GroupNorm. Source:
 * Wu, He, Group Normalization, 2018, eqs. 1 to 6. */
#include "../common/shape.h"
#include "odeon/device_norm.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct groupnorm {
    ODEON_INSTANCE;
    int64_t groups; /* 0: the default */
    double epsilon;
    int64_t affine;
    /* The device that plans were made for has the vjp with the function behind. */
    int32_t is_fused, reserved0;
} groupnorm;

enum { DEFAULT_GROUPS = 32 };

static const odeon_option *const options[] = {
    ODEON_OPTION(groupnorm, groups, I64, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "numgroups|ngroups", .min_text = "1", .max_text = "2147483647",
                 .help = "groups of channels, a divisor of their number; left out: 32, or one a "
                         "channel if there "
                         "are fewer"),
    ODEON_OPTION(groupnorm, epsilon, F64, .flags = ODEON_OPTION_OPEN_MIN, .aliases = "eps",
                 .default_text = "1e-5", .min_text = "0", .help = "added to the variance"),
    ODEON_OPTION(groupnorm, affine, FLAG, .default_text = "yes",
                 .help = "scale and shift every channel by a learned weight and bias"),
    NULL};

/* The default is 32 groups, or one per channel if there are fewer channels. */
static int32_t groups_of(const groupnorm *layer, const odeon_shape *in)
{
    if (layer->groups > 0) {
        return (int32_t)layer->groups; /* within 32 bits by the option's bounds */
    }
    return in->dim[1] < DEFAULT_GROUPS ? (int32_t)in->dim[1] : DEFAULT_GROUPS;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    groupnorm *layer = self;
    if (plan->in.ndim < 2 || plan->in.dim[1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "groupnorm: the input is %s; it takes channels [B,C,...]",
                          shape_print(&plan->in).text);
    }
    int32_t n_groups = groups_of(layer, &plan->in);
    if (plan->in.dim[1] % n_groups != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "groupnorm: %d groups do not divide the %lld channels of the input %s; "
                          "set groups to a divisor",
                          (int)n_groups, (long long)plan->in.dim[1], shape_print(&plan->in).text);
    }
    uint64_t stats_bytes = (uint64_t)plan->in.dim[0] * (uint64_t)n_groups * 2 * sizeof(double);
    layer->is_fused = ODEON_HAS(plan->device->norm, odeon_norm_family, group_norm_act_vjp);
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_EPILOGUE |
                  (layer->is_fused ? ODEON_LAYER_EPILOGUE_FROM_IN | ODEON_LAYER_VJP_IN_PLACE : 0);
    plan->out = plan->in;
    plan->tape_bytes = stats_bytes;
    plan->scratch_bytes = stats_bytes; /* used by a forward call without a tape */
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const groupnorm *layer = self;
    if (!layer->affine || index > 1) {
        return ODEON_OK;
    }
    out->role = index == 0 ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = 1, .dim = {in->dim[1]}};
    out->name = index == 0 ? "weight" : "bias";
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = index == 0 ? 1.0 : 0.0;
    return ODEON_OK;
}

/* The statistics, mean and rstd per sample and group: F64 [B,groups,2] at memory. */
static odeon_tensor stats_at(const groupnorm *layer, const odeon_shape *x, void *memory)
{
    return odeon_tensor_at(memory, (odeon_shape){.ndim = 3,
                                                 .dtype = ODEON_DTYPE_F64,
                                                 .dim = {x->dim[0], groups_of(layer, x), 2}});
}

/* in [B,C,...] -> out [B,C,...]. The next layer's function may be fused (act). */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const groupnorm *layer = self;
    odeon_view x = shape_channels_view(call->in);
    odeon_tensor y = shape_channels_tensor(call->out);
    odeon_tensor stats = stats_at(layer, &x.shape, call->tape != NULL ? call->tape : call->scratch);
    return ODEON_DO(
        call->device, norm, group_norm, call->queue, .groups = groups_of(layer, &x.shape),
        .epsilon = layer->epsilon, .x = &x, .w = layer->affine ? &call->param[0] : NULL,
        .b = layer->affine ? &call->param[1] : NULL, .act = call->act, .y = &y, .stats = &stats);
}

/* in, d_out [B,C,...] -> d_in; adds to the gradients of weight and bias. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const groupnorm *layer = self;
    const odeon_tensor *grad = layer->affine ? call->grad : NULL;
    odeon_view x = shape_channels_view(call->in), dy = shape_channels_view(call->d_out);
    odeon_tensor dx, stats = stats_at(layer, &x.shape, call->tape);
    if (call->d_in != NULL) {
        dx = shape_channels_tensor(call->d_in);
    }
    if (layer->is_fused) {
        return ODEON_DO(call->device, norm, group_norm_act_vjp, call->queue,
                        .groups = groups_of(layer, &x.shape), .act = call->act, .x = &x,
                        .w = layer->affine ? &call->param[0] : NULL,
                        .b = layer->affine ? &call->param[1] : NULL, .stats = &stats.view,
                        .dy = &dy, .dx = call->d_in != NULL ? &dx : NULL,
                        .dw = grad != NULL ? &grad[0] : NULL, .db = grad != NULL ? &grad[1] : NULL);
    }
    return ODEON_DO(call->device, norm, group_norm_vjp, call->queue,
                    .groups = groups_of(layer, &x.shape), .x = &x,
                    .w = layer->affine ? &call->param[0] : NULL, .stats = &stats.view, .dy = &dy,
                    .dx = call->d_in != NULL ? &dx : NULL, .dw = grad != NULL ? &grad[0] : NULL,
                    .db = grad != NULL ? &grad[1] : NULL);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "groupnorm", &ops,
                     "normalization over groups of channels of every sample",
                     "Wu, He, Group Normalization, 2018, eqs. 1 to 6",
                     "gn|groupnormalization|groupnormalisation", groupnorm, options, NULL, NULL);
