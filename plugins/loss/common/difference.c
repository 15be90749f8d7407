#include "difference.h"
#include "odeon/device_loss.h"

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

/* The host checks that output, label and mask have the same shape. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    const difference *loss = self;
    if (shapes->classes > 0) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "%s: the data set's labels are %lld classes, this loss compares numbers; "
                          "choose a loss of classes, such as cross_entropy, or another data set",
                          loss->id, (long long)shapes->classes);
    }
    return ODEON_OK;
}

/* call->weight is 1 / elements of the global batch (or of its mask), so the shares of all workers
 * add up to the mean. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const difference *loss = self;
    return ODEON_DO(call->device, loss, difference_loss, call->queue, .kind = loss->kind,
                    .beta = loss->beta, .x = call->output, .target = call->label,
                    .mask = call->mask, .weight = loss->weight * call->weight, .sums = call->sums,
                    .dx = call->d_output);
}

const odeon_loss_ops difference_ops = {.struct_size = sizeof difference_ops,
                                       .metric_count = metric_count,
                                       .metric_name = metric_name,
                                       .check = check,
                                       .eval = eval,
                                       .scheduled = "weight"};
