/* batchnorm: for every channel y = (x - mean) / sqrt(variance + epsilon) * weight[C] + bias[C]; x,
 * y [B,C,...]; as torch.nn.BatchNorm1d to 3d. In training mean and (biased) variance are those of
 * the batch over all workers; in evaluation those of the running state, updated in training as
 * running = (1 - momentum) running + momentum batch, with the unbiased variance. Source: Ioffe,
 * Szegedy, Batch Normalization, 2015, algs. 1 and 2. */
#include <math.h>

#include "../common/shape.h"
#include "odeon/device_fused.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct batchnorm {
    ODEON_INSTANCE;
    double momentum, epsilon;
    int64_t affine;
    /* The device that plans were made for has the vjp with the function behind. */
    int32_t is_fused, reserved0;
} batchnorm;

static const odeon_option *const options[] = {
    ODEON_OPTION(batchnorm, momentum, F64, .default_text = "0.1", .min_text = "0", .max_text = "1",
                 .help = "weight of a batch in the running mean and variance"),
    ODEON_OPTION(batchnorm, epsilon, F64, .flags = ODEON_OPTION_OPEN_MIN, .aliases = "eps",
                 .default_text = "1e-5", .min_text = "0", .help = "added to the variance"),
    ODEON_OPTION(batchnorm, affine, FLAG, .default_text = "yes",
                 .help = "scale and shift every channel by a learned weight and bias"),
    NULL};

/* ---- memory ---- */

/* Bytes of two float64 numbers per channel. */
static uint64_t pair_bytes(int64_t channels)
{
    return shape_aligned(2 * channels * (int64_t)sizeof(double));
}

/* The layer's memory. Scratch holds the statistics if there is no tape, then sums, then one number
 * per channel in the network's dtype. */
typedef struct layout {
    odeon_tensor stats, sums;   /* F64 [2,C] */
    odeon_tensor mean, rstd;    /* F64 [C], the rows of stats */
    odeon_tensor first, second; /* F64 [C], the rows of sums */
    odeon_tensor converted;     /* [C] */
} layout;

/* The tape, if there is one, holds the statistics for the vjp. */
static layout layout_of(const odeon_layer_call *call)
{
    int64_t channels = call->in->shape.dim[1];
    odeon_shape row = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {channels}};
    odeon_shape pair = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {2, channels}};
    odeon_shape own = {.ndim = 1, .dtype = call->in->shape.dtype, .dim = {channels}};
    char *scratch = call->scratch;
    double *stats = call->tape != NULL ? call->tape : call->scratch;
    char *sums = scratch + pair_bytes(channels);
    uint64_t row_bytes = (uint64_t)channels * sizeof(double);
    return (layout){.stats = odeon_tensor_at(stats, pair),
                    .mean = odeon_tensor_at(stats, row),
                    .rstd = odeon_tensor_at(stats + channels, row),
                    .sums = odeon_tensor_at(sums, pair),
                    .first = odeon_tensor_at(sums, row),
                    .second = odeon_tensor_at(sums + row_bytes, row),
                    .converted = odeon_tensor_at(scratch + 2 * pair_bytes(channels), own)};
}

/* In evaluation the layer is affine, as its statistics are constants; in training samples are
 * coupled through the batch. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    batchnorm *layer = self;
    if (plan->in.ndim < 2 || plan->in.dim[1] < 1) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "batchnorm: the input is %s; it takes channels [B,C,...]",
                          shape_print(&plan->in).text);
    }
    int32_t training = (plan->call_flags & ODEON_CALL_TRAIN) != 0;
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_STATEFUL | ODEON_LAYER_EPILOGUE |
                  (training ? ODEON_LAYER_BATCH_COUPLED : ODEON_LAYER_LINEAR);
    layer->is_fused = ODEON_HAS(plan->device->norm, odeon_norm_family, batch_norm_act_vjp_sums) &&
                      ODEON_HAS(plan->device->norm, odeon_norm_family, batch_norm_act_vjp);
    plan->flags |= layer->is_fused ? ODEON_LAYER_EPILOGUE_FROM_IN | ODEON_LAYER_VJP_IN_PLACE |
                                         ODEON_LAYER_DEFERS
                                   : 0;
    plan->out = plan->in;
    plan->min_batch = training && shape_channels(&plan->in).dim[2] < 2 ? 2 : 0;
    plan->tape_bytes = pair_bytes(plan->in.dim[1]);
    plan->scratch_bytes =
        2 * pair_bytes(plan->in.dim[1]) + (uint64_t)plan->in.dim[1] * sizeof(double);
    return ODEON_OK;
}

/* weight, bias if affine, then the running mean and variance as state, named as in
 * torch.nn.BatchNorm. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    static const int32_t roles[] = {ODEON_PARAM_WEIGHT, ODEON_PARAM_BIAS, ODEON_PARAM_STATE,
                                    ODEON_PARAM_STATE};
    static const double starts[] = {1.0, 0.0, 0.0, 1.0};
    const batchnorm *layer = self;
    int32_t row = layer->affine ? index : index + 2;
    if (row >= 4) {
        return ODEON_OK;
    }
    out->role = roles[row];
    out->shape = (odeon_shape){.ndim = 1, .dim = {in->dim[1]}};
    out->name = names[row];
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = starts[row];
    return ODEON_OK;
}

/* ---- statistics ---- */

/* Numbers per channel in the global batch, over all workers. */
static double count_of(const odeon_layer_call *call)
{
    return (double)call->n_global * (double)shape_channels(&call->in->shape).dim[2];
}

/* rstd [C] = 1 / sqrt(scale * variances + epsilon) */
static odeon_status compute_rstd(const batchnorm *layer, const odeon_layer_call *call,
                                 const odeon_view *variances, double scale,
                                 const odeon_tensor *rstd)
{
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = variances, .scale = scale,
                       .shift = layer->epsilon, .y = rstd));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_SQRT,
                       .x = &rstd->view, .y = rstd));
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RECIPROCAL,
                    .x = &rstd->view, .y = rstd);
}

/* y [C] += factor * a [C] * b [C], by way of product [C]. */
static odeon_status add_products(const odeon_layer_call *call, double factor, const odeon_view *a,
                                 const odeon_view *b, const odeon_tensor *product,
                                 const odeon_tensor *y)
{
    const odeon_view *terms[] = {&y->view, &product->view};
    odeon_scalar weights[] = {odeon_imm(1.0), odeon_imm(factor)};
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL, .a = a,
                       .b = b, .y = product));
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = y, .n = 2, .x = terms,
                    .coefficient = weights);
}

/* scale * sums -> p->mean, then the sums of squares about it -> p->second, of this worker's slice.
 */
static odeon_status squares_about(const odeon_layer_call *call, const odeon_view *x, double scale,
                                  const layout *p)
{
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &p->first.view, .scale = scale,
                       .y = &p->mean));
    return ODEON_DO(call->device, norm, channel_moment, call->queue, .x = x, .mean = &p->mean.view,
                    .out = &p->second);
}

/* Sums over the workers of x and of x^2 in one collective. Each worker takes distances from its own
 * mean, so that what cancels is the square of the means in double: a rounding of 1e-16 (mean /
 * deviation)^2, which is below that of float32 numbers themselves for every batch that has a
 * variance. A variance that rounding made negative is 0. */
static odeon_status sum_at_once(const odeon_layer_call *call, const odeon_view *x, const layout *p)
{
    const odeon_group *group = call->group;
    double own = (double)odeon_count(&x->shape) / (double)x->shape.dim[1];
    ODEON_TRY(squares_about(call, x, own > 0.0 ? 1.0 / own : 0.0, p));
    ODEON_TRY(add_products(call, 1.0, &p->mean.view, &p->first.view, &p->rstd, &p->second));
    ODEON_TRY(group->sum(group->self, call->queue, &p->sums, ODEON_OK));
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &p->first.view,
                       .scale = 1.0 / count_of(call), .y = &p->mean));
    ODEON_TRY(add_products(call, -1.0, &p->mean.view, &p->first.view, &p->rstd, &p->second));
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                    .x = &p->second.view, .y = &p->second);
}

/* The mean first, then the squares about it: two collectives, and nothing cancels. */
static odeon_status sum_in_turn(const odeon_layer_call *call, const odeon_view *x, const layout *p)
{
    const odeon_group *group = call->group;
    ODEON_TRY(group->sum(group->self, call->queue, &p->first, ODEON_OK));
    ODEON_TRY(squares_about(call, x, 1.0 / count_of(call), p));
    return group->sum(group->self, call->queue, &p->second, ODEON_OK);
}

static odeon_status require_variance(const batchnorm *layer, const odeon_layer_call *call)
{
    return count_of(call) >= 2.0
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "batchnorm: a batch with one number a channel has no variance; train "
                            "with at least two samples a batch, or leave out a short last one "
                            "(data.drop_last = yes)");
}

/* Statistics of the global batch; the sums of squares stay in p->second. One worker and float64
 * have nothing to gain from, or to lose digits to, a single collective. */
static odeon_status batch_statistics(const batchnorm *layer, const odeon_layer_call *call,
                                     const odeon_view *x, const layout *p)
{
    double count = count_of(call);
    int32_t at_once = call->group->size > 1 && x->shape.dtype == ODEON_DTYPE_F32;
    ODEON_TRY(ODEON_DO(call->device, norm, channel_moment, call->queue, .x = x, .out = &p->first));
    ODEON_TRY(at_once ? sum_at_once(call, x, p) : sum_in_turn(call, x, p));
    return compute_rstd(layer, call, &p->second.view, 1.0 / count, &p->rstd);
}

/* running [C] = (1 - momentum) running + momentum * scale * batch */
static odeon_status update_running(const batchnorm *layer, const odeon_layer_call *call,
                                   const layout *p, const odeon_view *batch, double scale,
                                   const odeon_tensor *running)
{
    const odeon_view *terms[] = {&running->view, &p->converted.view};
    odeon_scalar weights[] = {odeon_imm(1.0 - layer->momentum), odeon_imm(layer->momentum)};
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = batch, .scale = scale,
                       .y = &p->converted));
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = running, .n = 2, .x = terms,
                    .coefficient = weights);
}

/* What is below, where a device has operators for all of it at once and no other worker a part of
 * the batch. *done: there are such. */
static odeon_status choose_at_once(const batchnorm *layer, const odeon_layer_call *call,
                                   const odeon_view *x, const layout *p, int32_t *done)
{
    const odeon_device_fused *fused = call->device->get_table(call->device, ODEON_DEVICE_FUSED);
    const odeon_tensor *running = call->state;
    int32_t updates = (call->flags & ODEON_CALL_UPDATE_STATE) != 0;
    *done = fused != NULL;
    if (fused != NULL && (call->flags & ODEON_CALL_TRAIN) == 0) {
        const odeon_running_statistics all = {.struct_size = sizeof all,
                                              .mean = &running[0].view,
                                              .variance = &running[1].view,
                                              .stats = &p->stats,
                                              .epsilon = layer->epsilon};
        return fused->running_statistics(call->queue, &all);
    }
    *done = fused != NULL && call->group->size == 1 && call->n_global == x->shape.dim[0];
    if (!*done) {
        return ODEON_OK;
    }
    const odeon_batch_statistics all = {.struct_size = sizeof all,
                                        .x = x,
                                        .stats = &p->stats,
                                        .running_mean = updates ? &running[0] : NULL,
                                        .running_variance = updates ? &running[1] : NULL,
                                        .momentum = layer->momentum,
                                        .epsilon = layer->epsilon};
    ODEON_TRY(require_variance(layer, call));
    return fused->batch_statistics(call->queue, &all);
}

/* Evaluation reads the running state; training measures the batch and updates the state only where
 * the host asks for it, once per batch. */
static odeon_status choose_statistics(const batchnorm *layer, const odeon_layer_call *call,
                                      const odeon_view *x, const layout *p)
{
    const odeon_tensor *running = call->state;
    int32_t done;
    ODEON_TRY(choose_at_once(layer, call, x, p, &done));
    if (done) {
        return ODEON_OK;
    }
    if ((call->flags & ODEON_CALL_TRAIN) == 0) {
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &running[0].view,
                           .scale = 1.0, .y = &p->mean));
        return compute_rstd(layer, call, &running[1].view, 1.0, &p->rstd);
    }
    ODEON_TRY(require_variance(layer, call));
    ODEON_TRY(batch_statistics(layer, call, x, p));
    if ((call->flags & ODEON_CALL_UPDATE_STATE) != 0) {
        double unbiased = 1.0 / (count_of(call) - 1.0);
        ODEON_TRY(update_running(layer, call, p, &p->mean.view, 1.0, &running[0]));
        return update_running(layer, call, p, &p->second.view, unbiased, &running[1]);
    }
    return ODEON_OK;
}

/* ---- the layer ---- */

/* in [B,C,...] -> out [B,C,...]. The next layer's function may be fused (act). Without out the
 * statistics alone are wanted. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const batchnorm *layer = self;
    odeon_view x = shape_channels_view(call->in);
    layout p = layout_of(call);
    ODEON_TRY(choose_statistics(layer, call, &x, &p));
    if (call->out == NULL) {
        return ODEON_OK;
    }
    odeon_tensor y = shape_channels_tensor(call->out);
    return ODEON_DO(call->device, norm, batch_norm, call->queue, .x = &x, .stats = &p.stats.view,
                    .w = layer->affine ? &call->param[0] : NULL,
                    .b = layer->affine ? &call->param[1] : NULL, .act = call->act, .y = &y);
}

/* grad [C] += this worker's sums; the host reduces gradients over the workers. */
static odeon_status add_to(const odeon_layer_call *call, const layout *p, const odeon_view *sums,
                           const odeon_tensor *grad)
{
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = sums, .scale = 1.0,
                       .y = &p->converted));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                    .a = &grad->view, .b = &p->converted.view, .y = grad);
}

static odeon_status vjp_sums(const batchnorm *layer, const odeon_layer_call *call,
                             const odeon_view *x, const odeon_view *dy, const layout *p)
{
    return layer->is_fused
               ? ODEON_DO(call->device, norm, batch_norm_act_vjp_sums, call->queue, .x = x,
                          .stats = &p->stats.view, .w = layer->affine ? &call->param[0] : NULL,
                          .b = layer->affine ? &call->param[1] : NULL, .act = call->act, .dy = dy,
                          .sums = &p->sums)
               : ODEON_DO(call->device, norm, batch_norm_vjp_sums, call->queue, .x = x,
                          .stats = &p->stats.view, .dy = dy, .sums = &p->sums);
}

static odeon_status vjp_of_input(const batchnorm *layer, const odeon_layer_call *call,
                                 const odeon_view *x, const odeon_view *dy, double count,
                                 const layout *p)
{
    odeon_tensor dx = shape_channels_tensor(call->d_in);
    const odeon_view *w = layer->affine ? &call->param[0] : NULL;
    return layer->is_fused ? ODEON_DO(call->device, norm, batch_norm_act_vjp, call->queue, .x = x,
                                      .w = w, .b = layer->affine ? &call->param[1] : NULL,
                                      .stats = &p->stats.view, .act = call->act, .dy = dy,
                                      .sums = &p->sums.view, .count = count, .dx = &dx)
                           : ODEON_DO(call->device, norm, batch_norm_vjp, call->queue, .x = x,
                                      .w = w, .stats = &p->stats.view, .dy = dy,
                                      .sums = &p->sums.view, .count = count, .dx = &dx);
}

/* In training the sums of all workers enter dx, as every sample contributed to the statistics. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const batchnorm *layer = self;
    const odeon_group *group = call->group;
    odeon_view x = shape_channels_view(call->in), dy = shape_channels_view(call->d_out);
    layout p = layout_of(call);
    ODEON_TRY(vjp_sums(layer, call, &x, &dy, &p));
    if (layer->affine && call->grad != NULL) {
        ODEON_TRY(add_to(call, &p, &p.second.view, &call->grad[0]));
        ODEON_TRY(add_to(call, &p, &p.first.view, &call->grad[1]));
    }
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    double count = HUGE_VAL; /* running statistics do not depend on the input */
    if ((call->flags & ODEON_CALL_TRAIN) != 0) {
        ODEON_TRY(group->sum(group->self, call->queue, &p.sums, ODEON_OK));
        count = count_of(call);
    }
    return vjp_of_input(layer, call, &x, &dy, count, &p);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "batchnorm", &ops, "normalization of every channel over the batch",
                     "Ioffe, Szegedy, Batch Normalization, 2015, algs. 1 and 2",
                     "bn|batchnorm1d|batchnorm2d|batchnormalization|batchnormalisation", batchnorm,
                     options, NULL, NULL);
