/* cross_entropy: the mean over the batch of -log softmax(x)[label]; x [B,K] logits, labels I64 [B];
 * as torch.nn.CrossEntropyLoss. Metric accuracy: the share of samples whose first largest logit is
 * that of the label. */
#include "../common/weight.h"
#include "odeon/device_loss.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct cross_entropy {
    ODEON_INSTANCE;
    double weight;
} cross_entropy;

static const odeon_option *const options[] = {WEIGHT_OPTION(cross_entropy), NULL};

static int32_t metric_count(void *self)
{
    (void)self;
    return 1;
}

static const char *metric_name(void *self, int32_t index)
{
    (void)self;
    return index == 0 ? "accuracy" : NULL;
}

/* Refuses a mismatch of network and data set before training, with the change that repairs it. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    const cross_entropy *loss = self;
    const odeon_shape *output = shapes->output;
    int64_t classes = shapes->classes;
    if (shapes->mask != NULL) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "cross_entropy: the data set has a mask, which this loss does not know");
    }
    if (classes < 1) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "cross_entropy: the data set's labels are not classes; choose another "
                          "loss or data set");
    }
    if (output->ndim != 2) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "cross_entropy: the network's output has %d dimensions besides the "
                          "batch, expected 1 of %lld classes; end the model with flatten, "
                          "dense(units=classes)",
                          (int)output->ndim - 1, (long long)classes);
    }
    if (output->dim[1] != classes) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "cross_entropy: the network has %lld outputs, the data set %lld classes; "
                          "end the model with dense(units=classes)",
                          (long long)output->dim[1], (long long)classes);
    }
    return ODEON_OK;
}

/* output [B,K], label I64 [B] -> sums F64 [2], d_output [B,K] or NULL. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const cross_entropy *loss = self;
    if (call->mask != NULL) {
        return odeon_fail(loss->host, ODEON_ERR_UNSUPPORTED,
                          "cross_entropy: the batch has a mask, which this loss does not know");
    }
    return ODEON_DO(call->device, loss, softmax_cross_entropy, call->queue, .x = call->output,
                    .labels = call->label, .weight = loss->weight * call->weight,
                    .sums = call->sums, .dx = call->d_output);
}

static const odeon_loss_ops ops = {
    .struct_size = sizeof ops,
    .metric_count = metric_count,
    .metric_name = metric_name,
    .check = check,
    .eval = eval,
};

ODEON_PLUGIN_OPTIONS(LOSS, "cross_entropy", &ops,
                     "cross entropy of logits and class labels, with accuracy", NULL,
                     "nll|nllloss|ce|crossentropyloss|softmaxcrossentropy|categoricalcrossentropy|"
                     "sparsecategoricalcrossentropy|logloss",
                     cross_entropy, options, NULL, NULL);
