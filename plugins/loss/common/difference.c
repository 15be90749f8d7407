#include "difference.h"

typedef struct difference {
    const odeon_host *host;
    difference_choice choice;
    double weight;
} difference;

const odeon_option difference_option_weight = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "weight",
    .default_text = "1",
    .min_text = "0",
    .help = "factor of this loss, for sums of several",
};

odeon_status difference_create(const odeon_host *host, const odeon_config *config,
                               const difference_choice *choice, void **out)
{
    *out = NULL;
    difference *loss = host->alloc(host, sizeof *loss);
    if (loss == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %zu bytes", choice->id,
                          sizeof *loss);
    }
    *loss =
        (difference){.host = host, .choice = *choice, .weight = host->option_f64(config, "weight")};
    *out = loss;
    return ODEON_OK;
}

void difference_destroy(void *self)
{
    difference *loss = self;
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
    return index == 0 ? "mae" : NULL;
}

static odeon_status check(void *self, const odeon_tensor *output, const odeon_tensor *label,
                          const odeon_tensor *mask, int64_t classes)
{
    (void)output; /* the host checks that all have the same shape */
    (void)label;
    (void)mask;
    const difference *loss = self;
    if (classes > 0) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "%s: the data set's labels are %lld classes, this loss compares numbers; "
                          "choose a loss of classes, such as cross_entropy, or another data set",
                          loss->choice.id, (long long)classes);
    }
    return ODEON_OK;
}

/* call->weight is 1 / elements of the global batch (or of its mask), so the shares of all workers
 * add up to the mean. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const difference *loss = self;
    return call->device->ops->difference_loss(
        call->queue, loss->choice.kind, loss->choice.beta, call->output, call->label, call->mask,
        loss->weight * call->weight, call->sums, call->d_output);
}

const odeon_loss_ops difference_ops = {
    .struct_size = sizeof difference_ops,
    .metric_count = metric_count,
    .metric_name = metric_name,
    .check = check,
    .eval = eval,
};
