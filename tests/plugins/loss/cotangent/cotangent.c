/* cotangent: the sum over batch and elements of output * values, so that dL/doutput is values; the
 * label of a sample is its row of values. Float64 only. Takes part in no mean: the weight rests. */
#include <inttypes.h>

#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct cotangent {
    ODEON_INSTANCE;
    odeon_f64_list values; /* rows as long as a sample's output */
    double *row;           /* room for one */
} cotangent;

static const odeon_option *const options[] = {
    ODEON_OPTION(cotangent, values, F64_LIST, .flags = ODEON_OPTION_REQUIRED,
                 .help = "dL/doutput, a row for each label"),
    NULL};

static odeon_status init(void *self)
{
    cotangent *loss = self;
    loss->row = loss->host->alloc(loss->host, (uint64_t)loss->values.n * sizeof *loss->row);
    return loss->row != NULL ? ODEON_OK
                             : odeon_fail(loss->host, ODEON_ERR_NOMEM, "cotangent: no memory");
}

static void fini(void *self)
{
    cotangent *loss = self;
    loss->host->free(loss->host, loss->row);
}

static int32_t metric_count(void *self)
{
    (void)self;
    return 0;
}

static const char *metric_name(void *self, int32_t index)
{
    (void)self;
    (void)index;
    return NULL;
}

/* output has batch 1: its elements are a row's. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    const cotangent *loss = self;
    int64_t n = odeon_count(shapes->output);
    if (shapes->output->dtype != ODEON_DTYPE_F64 || n * shapes->classes != loss->values.n) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG,
                          "cotangent: %" PRId64 " values for %" PRId64 " rows of %" PRId64
                          " elements, which must be float64",
                          loss->values.n, shapes->classes, n);
    }
    return ODEON_OK;
}

/* Row i of the slice: its cotangent to the device, its share of the sum to *sum. */
static odeon_status eval_row(const cotangent *loss, const odeon_loss_call *call, int64_t i,
                             int64_t size, double *sum)
{
    const odeon_device_ops *ops = call->device->ops;
    uint64_t bytes = (uint64_t)size * sizeof(double);
    const int64_t *labels = odeon_read(call->label);
    const double *output = odeon_read(call->output);
    int64_t label = 0;
    ODEON_TRY(ops->download(call->queue, &label, labels + i, sizeof label));
    if (label < 0 || label >= loss->values.n / size) {
        return odeon_fail(loss->host, ODEON_ERR_DATA, "cotangent: no row %" PRId64, label);
    }
    const double *row = loss->values.at + label * size;
    ODEON_TRY(ops->download(call->queue, loss->row, output + i * size, bytes));
    for (int64_t k = 0; k < size; k++) {
        *sum += loss->row[k] * row[k];
    }
    if (call->d_output == NULL) {
        return ODEON_OK;
    }
    double *d_output = odeon_write(call->d_output);
    return ops->upload(call->queue, d_output + i * size, row, bytes);
}

static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const cotangent *loss = self;
    int64_t samples = call->output->shape.dim[0];
    int64_t size = samples == 0 ? 0 : odeon_count(&call->output->shape) / samples;
    double sum = 0.0;
    for (int64_t i = 0; i < samples; i++) {
        ODEON_TRY(eval_row(loss, call, i, size, &sum));
    }
    return call->device->ops->upload(call->queue, odeon_write(call->sums), &sum, sizeof sum);
}

static const odeon_loss_ops ops = {
    .struct_size = sizeof ops,
    .metric_count = metric_count,
    .metric_name = metric_name,
    .check = check,
    .eval = eval,
};

ODEON_PLUGIN_OPTIONS(LOSS, "cotangent", &ops,
                     "sum of the output times given numbers, which are its gradient", NULL, NULL,
                     cotangent, options, init, fini);
