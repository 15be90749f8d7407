/* cross_entropy: the mean over the batch of -log softmax(x)[label]; x [B,K] logits, labels I64 [B];
 * as torch.nn.CrossEntropyLoss. Metric accuracy: the share of samples whose first largest logit is
 * that of the label. */
#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct cross_entropy {
    const odeon_host *host;
    double weight;
} cross_entropy;

static const odeon_option weight = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight",
    .default_text = "1",
    .min_text = "0",
    .help = "factor of this loss, for sums of several",
};
static const odeon_option *const options[] = {&weight, NULL};

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    cross_entropy *loss = host->alloc(host, sizeof *loss);
    if (loss == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "cross_entropy: no memory for %zu bytes",
                          sizeof *loss);
    }
    *loss = (cross_entropy){.host = host, .weight = host->option_f64(config, "weight")};
    *out = loss;
    return ODEON_OK;
}

static void destroy(void *self)
{
    cross_entropy *loss = self;
    if (loss != NULL) {
        loss->host->free(loss->host, loss);
    }
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
static odeon_status check(void *self, const odeon_tensor *output, const odeon_tensor *label,
                          const odeon_tensor *mask, int64_t classes)
{
    const cross_entropy *loss = self;
    (void)label;
    if (mask != NULL) {
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
    return call->device->ops->softmax_cross_entropy(call->queue, call->output, call->label,
                                                    loss->weight * call->weight, call->sums,
                                                    call->d_output);
}

static const odeon_loss_ops ops = {
    .struct_size = sizeof ops,
    .metric_count = metric_count,
    .metric_name = metric_name,
    .check = check,
    .eval = eval,
};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LOSS,
    .kind_version = ODEON_LAYOUT_LOSS,
    .id = "cross_entropy",
    .aliases = "nll|nllloss|ce|crossentropyloss|softmaxcrossentropy|categoricalcrossentropy|"
               "sparsecategoricalcrossentropy|logloss",
    .summary = "cross entropy of logits and class labels, with accuracy",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("loss/cross_entropy");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "cross_entropy",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
