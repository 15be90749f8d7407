/* gaussian_nll: the negative logarithm of the likelihood of the labels under normal distributions
 * around the output, all of one deviation s: of a sample the sum over its numbers of
 *   (output - label)^2 / (2 s^2) + log s + log(2 pi) / 2,
 * and the mean of that over the samples. A number that the mask leaves out does not count. */
#include <math.h>

#include "../common/weight.h"
#include "odeon/device_loss.h"
#include "odeon/device_move.h"
#include "odeon/host.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

static const double half_log_of_two_pi = 0.9189385332046727;

typedef struct gaussian_nll {
    ODEON_INSTANCE;
    double weight, deviation;
} gaussian_nll;

static const odeon_option *const options[] = {
    WEIGHT_OPTION(gaussian_nll),
    ODEON_OPTION(gaussian_nll, deviation, F64, .flags = ODEON_OPTION_OPEN_MIN,
                 .aliases = "std|sigma|noise|noisestd", .default_text = "1", .min_text = "0",
                 .help = "of the labels around the output, in their unit"),
    NULL};

static int32_t metric_count(void *self)
{
    (void)self;
    return 1;
}

static const char *metric_name(void *self, int32_t index)
{
    (void)self;
    return index == 0 ? "mae" : NULL;
}

static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    const gaussian_nll *loss = self;
    return shapes->classes == 0
               ? ODEON_OK
               : odeon_fail(loss->host, ODEON_ERR_CONFIG,
                            "gaussian_nll: the data set's labels are %lld classes, this loss "
                            "compares numbers; choose a loss of classes, such as cross_entropy",
                            (long long)shapes->classes);
}

/* What does not depend on the output: of this slice's samples, by their share of the batch. */
static odeon_status add_constant(const gaussian_nll *loss, const odeon_loss_call *call)
{
    double counted = call->weight > 0.0 ? 1.0 / call->weight : 0.0;
    double rows = (double)call->output->shape.dim[0] * call->row_share;
    double one = log(loss->deviation) + half_log_of_two_pi;
    odeon_tensor first = *call->sums;
    first.view.shape.dim[0] = 1;
    return ODEON_DO(call->device, move, cast, call->queue, .x = &first.view, .y = &first,
                    .scale = 1.0, .shift = loss->weight * call->row_share * counted * one * rows);
}

/* output, label [B,...] -> sums F64 [2], d_output. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const gaussian_nll *loss = self;
    double share = loss->weight * call->row_share / (2.0 * loss->deviation * loss->deviation);
    ODEON_TRY(ODEON_DO(call->device, loss, difference_loss, call->queue,
                       .kind = ODEON_DIFFERENCE_SQUARE, .x = call->output, .target = call->label,
                       .mask = call->mask, .weight = share, .sums = call->sums,
                       .dx = call->d_output));
    return add_constant(loss, call);
}

static const odeon_loss_ops ops = {.struct_size = sizeof ops,
                                   .metric_count = metric_count,
                                   .metric_name = metric_name,
                                   .check = check,
                                   .eval = eval,
                                   .scheduled = "weight|deviation"};

ODEON_PLUGIN_OPTIONS(
    LOSS, "gaussian_nll", &ops,
    "negative log-likelihood of numbers around the output, normal of one deviation", NULL,
    "gaussiannll|gaussiannllloss|gaussianlikelihood|normal", gaussian_nll, options, NULL, NULL);
