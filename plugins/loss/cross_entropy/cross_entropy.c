/* cross_entropy: the mean over the batch of -log softmax(x)[label]; x [B,K] logits, labels I64 [B];
 * as torch.nn.CrossEntropyLoss, with its label smoothing and class weights, and with a mask of the
 * samples, which counts them. Metric accuracy: the share of samples whose first largest logit is
 * that of the label. */
#include <stdbool.h>

#include "../common/weight.h"
#include "odeon/device_loss.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

/* Without label_smoothing, class_weights and a mask the device's plain form of the loss is used. */
typedef struct cross_entropy {
    ODEON_INSTANCE;
    double weight, label_smoothing;
    odeon_f64_list class_weights; /* n 0: 1 for every class */
} cross_entropy;

static const odeon_option *const options[] = {
    WEIGHT_OPTION(cross_entropy),
    ODEON_OPTION(cross_entropy, label_smoothing, F64, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "smoothing|labelsmooth", .min_text = "0", .max_text = "1",
                 .help = "share of the label that goes to all classes alike"),
    ODEON_OPTION(cross_entropy, class_weights, F64_LIST, .flags = ODEON_OPTION_OPTIONAL,
                 .aliases = "classweight|classweights|balance", .min_text = "0",
                 .help = "how much the samples of each class count, one number a class; the mean "
                         "divides by their sum"),
    NULL};

static odeon_status init(void *self)
{
    const cross_entropy *loss = self;
    const odeon_f64_list *weights = &loss->class_weights;
    double sum = 0.0;
    for (int64_t i = 0; i < weights->n; i++) {
        sum += weights->at[i];
    }
    return weights->n == 0 || sum > 0.0
               ? ODEON_OK
               : odeon_fail(loss->host, ODEON_ERR_CONFIG,
                            "cross_entropy: class_weights: no class counts: one must be above 0");
}

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
    if (loss->class_weights.n > 0 && loss->class_weights.n != classes) {
        return odeon_fail(
            loss->host, ODEON_ERR_CONFIG,
            "cross_entropy: class_weights has %lld numbers, the data set %lld classes: "
            "give one a class",
            (long long)loss->class_weights.n, (long long)classes);
    }
    return ODEON_OK;
}

static double label_weight(void *self, int64_t label)
{
    const odeon_f64_list *weights = &((const cross_entropy *)self)->class_weights;
    return weights->n > 0 && label >= 0 && label < weights->n ? weights->at[label] : 1.0;
}

/* output [B,K], label I64 [B] -> sums F64 [2], d_output [B,K] or NULL. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const cross_entropy *loss = self;
    const odeon_f64_list *weights = &loss->class_weights;
    bool weighed = loss->label_smoothing > 0.0 || weights->n > 0 || call->mask != NULL;
    return ODEON_DO(call->device, loss, softmax_cross_entropy, call->queue,
                    .flags = weighed ? ODEON_CROSS_ENTROPY_WEIGHED : 0, .x = call->output,
                    .labels = call->label, .weight = loss->weight * call->weight,
                    .sums = call->sums, .dx = call->d_output, .smoothing = loss->label_smoothing,
                    .class_weight = weights->n > 0 ? weights->at : NULL, .n = (int32_t)weights->n,
                    .mask = call->mask);
}

static const odeon_loss_ops ops = {.struct_size = sizeof ops,
                                   .metric_count = metric_count,
                                   .metric_name = metric_name,
                                   .check = check,
                                   .eval = eval,
                                   .label_weight = label_weight,
                                   .scheduled = "weight"};

ODEON_PLUGIN_OPTIONS(LOSS, "cross_entropy", &ops,
                     "cross entropy of logits and class labels, with accuracy", NULL,
                     "nll|nllloss|ce|crossentropyloss|softmaxcrossentropy|categoricalcrossentropy|"
                     "sparsecategoricalcrossentropy|logloss",
                     cross_entropy, options, init, NULL);
