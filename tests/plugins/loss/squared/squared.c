/* squared: the mean of (output - label)^2 over the elements that count, in the host's arithmetic,
 * so that a test can tell it from a device's. Metric off: the mean of |output - label|. Float64
 * only. */
#include <math.h>

#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct squared {
    ODEON_INSTANCE;
    double weight;
} squared;

static const odeon_option *const options[] = {
    ODEON_OPTION(squared, weight, F64, .default_text = "1", .help = "factor of the loss"), NULL};

static int32_t metric_count(void *self)
{
    (void)self;
    return 1;
}

static const char *metric_name(void *self, int32_t index)
{
    (void)self;
    (void)index;
    return "off";
}

static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    const squared *loss = self;
    if (shapes->classes > 0 || shapes->output->dtype != ODEON_DTYPE_F64 ||
        shapes->label->ndim != shapes->output->ndim) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "squared: labels must be numbers, in float64");
    }
    return ODEON_OK;
}

static odeon_status get(const odeon_loss_call *call, const odeon_view *x, int64_t i, double *out)
{
    return call->device->ops->download(call->queue, out, (const double *)odeon_read(x) + i,
                                       sizeof *out);
}

static odeon_status put(const odeon_loss_call *call, const odeon_tensor *x, int64_t i, double value)
{
    return call->device->ops->upload(call->queue, (double *)odeon_write(x) + i, &value,
                                     sizeof value);
}

static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const squared *loss = self;
    double sums[2] = {0.0, 0.0}, factor = loss->weight * call->weight;
    for (int64_t i = 0; i < odeon_count(&call->output->shape); i++) {
        double x, y, counts = 1.0;
        ODEON_TRY(get(call, call->output, i, &x));
        ODEON_TRY(get(call, call->label, i, &y));
        if (call->mask != NULL) {
            ODEON_TRY(get(call, call->mask, i, &counts));
        }
        sums[0] += factor * counts * (x - y) * (x - y);
        sums[1] += counts * fabs(x - y);
        if (call->d_output != NULL) {
            ODEON_TRY(put(call, call->d_output, i, 2.0 * factor * counts * (x - y)));
        }
    }
    ODEON_TRY(put(call, call->sums, 0, sums[0]));
    return put(call, call->sums, 1, sums[1]);
}

static const odeon_loss_ops ops = {
    .struct_size = sizeof ops,
    .metric_count = metric_count,
    .metric_name = metric_name,
    .check = check,
    .eval = eval,
};

ODEON_PLUGIN_OPTIONS(LOSS, "squared", &ops, "mean of squares, slowly", NULL, NULL, squared, options,
                     NULL, NULL);
