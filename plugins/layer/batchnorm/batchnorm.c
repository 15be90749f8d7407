/* batchnorm: for every channel y = (x - mean) / sqrt(variance + epsilon) * weight[C] + bias[C]; x,
 * y [B,C,...]; as torch.nn.BatchNorm1d to 3d. In training mean and (biased) variance are those of
 * the batch over all workers; in evaluation those of the running state, updated in training as
 * running = (1 - momentum) running + momentum batch, with the unbiased variance. Source: Ioffe,
 * Szegedy, Batch Normalization, 2015, algs. 1 and 2. */
#include <math.h>

#include "../common/shape.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct batchnorm {
    const odeon_host *host;
    double momentum, epsilon;
    int32_t affine;
} batchnorm;

static const odeon_option momentum = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "momentum",
    .default_text = "0.1",
    .min_text = "0",
    .max_text = "1",
    .help = "weight of a batch in the running mean and variance",
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
static const odeon_option *const options[] = {&momentum, &epsilon, &affine, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    batchnorm *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "batchnorm: no memory for %zu bytes",
                          sizeof *layer);
    }
    *layer = (batchnorm){
        .host = host,
        .momentum = host->option_f64(config, "momentum"),
        .epsilon = host->option_f64(config, "epsilon"),
        .affine = (int32_t)host->option_i64(config, "affine"),
    };
    *out = layer;
    return ODEON_OK;
}

static void destroy(void *self)
{
    batchnorm *layer = self;
    if (layer != NULL) {
        layer->host->free(layer->host, layer);
    }
}

/* ---- memory ---- */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Bytes of two float64 numbers per channel. */
static uint64_t pair_bytes(const odeon_tensor *x)
{
    return aligned(2 * (uint64_t)x->dim[1] * sizeof(double));
}

/* Views of the layer's memory. Scratch holds the statistics if there is no tape, then sums, then
 * one number per channel in the network's dtype. */
typedef struct layout {
    odeon_tensor stats, sums;   /* F64 [2,C] */
    odeon_tensor mean, rstd;    /* F64 [C], the rows of stats */
    odeon_tensor first, second; /* F64 [C], the rows of sums */
    odeon_tensor converted;     /* [C] */
} layout;

static odeon_tensor row_of(const odeon_tensor *pair, int64_t row)
{
    return (odeon_tensor){.data = (double *)pair->data + row * pair->dim[1],
                          .dim = {pair->dim[1]},
                          .ndim = 1,
                          .dtype = ODEON_DTYPE_F64};
}

/* The tape, if there is one, holds the statistics for the vjp. */
static layout layout_of(const odeon_buffers *buffers, const odeon_tensor *x)
{
    char *scratch = buffers->scratch;
    layout p = {.stats = {.dim = {2, x->dim[1]}, .ndim = 2, .dtype = ODEON_DTYPE_F64},
                .converted = {.dim = {x->dim[1]}, .ndim = 1, .dtype = x->dtype}};
    p.sums = p.stats;
    p.stats.data = buffers->tape != NULL ? buffers->tape : scratch;
    p.sums.data = scratch + pair_bytes(x);
    p.converted.data = scratch + 2 * pair_bytes(x);
    p.mean = row_of(&p.stats, 0);
    p.rstd = row_of(&p.stats, 1);
    p.first = row_of(&p.sums, 0);
    p.second = row_of(&p.sums, 1);
    return p;
}

/* In evaluation the layer is affine, as its statistics are constants; in training samples are
 * coupled through the batch. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)device;
    const batchnorm *layer = self;
    if (in->ndim < 2 || in->dim[1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "batchnorm: the input is %s; it takes channels [B,C,...]",
                          shape_print(in).text);
    }
    int32_t training = (flags & ODEON_CALL_TRAIN) != 0;
    out->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_STATEFUL | ODEON_LAYER_EPILOGUE |
                 (training ? ODEON_LAYER_BATCH_COUPLED : ODEON_LAYER_LINEAR);
    out->out = *in;
    out->min_batch = training && shape_channels(in).dim[2] < 2 ? 2 : 0;
    out->tape_bytes = pair_bytes(in);
    out->scratch_bytes = 2 * pair_bytes(in) + (uint64_t)in->dim[1] * sizeof(double);
    return ODEON_OK;
}

/* weight, bias if affine, then the running mean and variance as state, named as in
 * torch.nn.BatchNorm. */
static odeon_status param(void *self, const odeon_tensor *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    static const int32_t roles[] = {ODEON_PARAM_WEIGHT, ODEON_PARAM_BIAS, ODEON_PARAM_STATE,
                                    ODEON_PARAM_STATE};
    static const double starts[] = {1.0, 0.0, 0.0, 1.0};
    const batchnorm *layer = self;
    int32_t row = layer->affine ? index : index + 2;
    if (row >= 4) {
        out->struct_size = 0;
        return ODEON_OK;
    }
    *out = (odeon_param){.struct_size = sizeof *out,
                         .role = roles[row],
                         .shape = {.dim = {in->dim[1]}, .ndim = 1},
                         .name = names[row],
                         .init = ODEON_INIT_CONSTANT,
                         .init_a = starts[row]};
    return ODEON_OK;
}

/* ---- statistics ---- */

/* Numbers per channel in the global batch, over all workers. */
static double count_of(const odeon_context *context, const odeon_tensor *x)
{
    return (double)context->n_global * (double)x->dim[2];
}

/* rstd [C] = 1 / sqrt(scale * variances + epsilon) */
static odeon_status compute_rstd(const batchnorm *layer, const odeon_context *context,
                                 const odeon_tensor *variances, double scale,
                                 const odeon_tensor *rstd)
{
    const odeon_device_ops *ops = context->device->ops;
    ODEON_TRY(ops->cast(context->queue, variances, scale, layer->epsilon, rstd));
    ODEON_TRY(ops->unary(context->queue, ODEON_UNARY_SQRT, rstd, rstd));
    return ops->unary(context->queue, ODEON_UNARY_RECIPROCAL, rstd, rstd);
}

/* Statistics of the global batch, in two passes and two collectives: one pass with E[x^2] - E[x]^2
 * would cancel digits. The sums of squares stay in p->second. */
static odeon_status batch_statistics(const batchnorm *layer, const odeon_context *context,
                                     const odeon_tensor *x, const layout *p)
{
    const odeon_device_ops *ops = context->device->ops;
    const odeon_group *group = context->group;
    double count = count_of(context, x);
    if (count < 2.0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "batchnorm: a batch with one number a channel has no variance; train "
                          "with at least two samples a batch, or leave out a short last one "
                          "(data.drop_last = yes)");
    }
    ODEON_TRY(ops->channel_moment(context->queue, x, NULL, &p->first));
    ODEON_TRY(group->sum(group->self, context->queue, &p->first, ODEON_OK));
    ODEON_TRY(ops->cast(context->queue, &p->first, 1.0 / count, 0.0, &p->mean));
    ODEON_TRY(ops->channel_moment(context->queue, x, &p->mean, &p->second));
    ODEON_TRY(group->sum(group->self, context->queue, &p->second, ODEON_OK));
    return compute_rstd(layer, context, &p->second, 1.0 / count, &p->rstd);
}

/* running [C] = (1 - momentum) running + momentum * scale * batch */
static odeon_status update_running(const batchnorm *layer, const odeon_context *context,
                                   const layout *p, const odeon_tensor *batch, double scale,
                                   const odeon_tensor *running)
{
    const odeon_device_ops *ops = context->device->ops;
    const odeon_tensor *terms[] = {running, &p->converted};
    odeon_scalar weights[] = {odeon_imm(1.0 - layer->momentum), odeon_imm(layer->momentum)};
    ODEON_TRY(ops->cast(context->queue, batch, scale, 0.0, &p->converted));
    return ops->lincomb(context->queue, running, NULL, 2, terms, weights, NULL);
}

/* Evaluation reads the running state; training measures the batch and updates the state only where
 * the host asks for it, once per batch. */
static odeon_status choose_statistics(const batchnorm *layer, const odeon_context *context,
                                      const odeon_buffers *buffers, const odeon_tensor *x,
                                      const layout *p)
{
    const odeon_tensor *running = buffers->state;
    if ((context->flags & ODEON_CALL_TRAIN) == 0) {
        ODEON_TRY(context->device->ops->cast(context->queue, &running[0], 1.0, 0.0, &p->mean));
        return compute_rstd(layer, context, &running[1], 1.0, &p->rstd);
    }
    ODEON_TRY(batch_statistics(layer, context, x, p));
    if ((context->flags & ODEON_CALL_UPDATE_STATE) != 0) {
        double unbiased = 1.0 / (count_of(context, x) - 1.0);
        ODEON_TRY(update_running(layer, context, p, &p->mean, 1.0, &running[0]));
        return update_running(layer, context, p, &p->second, unbiased, &running[1]);
    }
    return ODEON_OK;
}

/* ---- the layer ---- */

/* in [B,C,...] -> out [B,C,...]. The next layer's function may be fused (epilogue_act). */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const batchnorm *layer = self;
    odeon_tensor x = shape_channels(in), y = shape_channels(out);
    layout p = layout_of(buffers, &x);
    ODEON_TRY(choose_statistics(layer, context, buffers, &x, &p));
    return context->device->ops->batch_norm(
        context->queue, &x, &p.stats, layer->affine ? &buffers->param[0] : NULL,
        layer->affine ? &buffers->param[1] : NULL, context->epilogue_act, &y);
}

/* grad [C] += this worker's sums; the host reduces gradients over the workers. */
static odeon_status add_to(const odeon_context *context, const layout *p, const odeon_tensor *sums,
                           const odeon_tensor *grad)
{
    const odeon_device_ops *ops = context->device->ops;
    ODEON_TRY(ops->cast(context->queue, sums, 1.0, 0.0, &p->converted));
    return ops->binary(context->queue, ODEON_BINARY_ADD, grad, &p->converted, grad);
}

/* In training the sums of all workers enter dx, as every sample contributed to the statistics. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)out;
    (void)d_t;
    const batchnorm *layer = self;
    const odeon_device_ops *ops = context->device->ops;
    const odeon_group *group = context->group;
    odeon_tensor x = shape_channels(in), dy = shape_channels(d_out);
    layout p = layout_of(buffers, &x);
    ODEON_TRY(ops->batch_norm_vjp_sums(context->queue, &x, &p.stats, &dy, &p.sums));
    if (layer->affine && buffers->grad != NULL) {
        ODEON_TRY(add_to(context, &p, &p.second, &buffers->grad[0]));
        ODEON_TRY(add_to(context, &p, &p.first, &buffers->grad[1]));
    }
    if (d_in == NULL) {
        return ODEON_OK;
    }
    double count = HUGE_VAL; /* running statistics do not depend on the input */
    if ((context->flags & ODEON_CALL_TRAIN) != 0) {
        ODEON_TRY(group->sum(group->self, context->queue, &p.sums, ODEON_OK));
        count = count_of(context, &x);
    }
    odeon_tensor dx = shape_channels(d_in);
    return ops->batch_norm_vjp(context->queue, &x, layer->affine ? &buffers->param[0] : NULL,
                               &p.stats, &dy, &p.sums, count, &dx);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "batchnorm",
    .aliases = "bn|batchnorm1d|batchnorm2d|batchnormalization|batchnormalisation",
    .summary = "normalization of every channel over the batch",
    .version = "1.0",
    .license = "MIT",
    .source = "Ioffe, Szegedy, Batch Normalization, 2015, algs. 1 and 2",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/batchnorm");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "batchnorm",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
