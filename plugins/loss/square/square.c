/* square: the mean of output^2 over samples and the numbers of each, whatever the labels: of a
 * model whose output is itself what is to vanish, as that of the layer flow_matching. */
#include "../common/weight.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct square {
    ODEON_INSTANCE;
    double weight;
} square;

static const odeon_option *const options[] = {WEIGHT_OPTION(square), NULL};

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

/* Whatever output and labels are. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    (void)self;
    (void)shapes;
    return ODEON_OK;
}

/* output [B,...] -> sums F64 [1], d_output = 2 share output. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const square *loss = self;
    const odeon_view *x = call->output;
    int64_t rows = x->shape.dim[0], features = rows > 0 ? odeon_count(&x->shape) / rows : 1;
    double share = loss->weight * call->row_share / (double)features;
    const odeon_scalar twice = odeon_imm(2.0 * share);
    ODEON_TRY(ODEON_DO(call->device, solver, dot, call->queue, .a = x, .b = x,
                       .slots = odeon_write(call->sums)));
    ODEON_TRY(ODEON_DO(call->device, pointwise, power, call->queue, .x = &call->sums->view,
                       .y = call->sums, .scale = share, .exponent = 1.0));
    return call->d_output == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, solver, lincomb, call->queue, .y = call->d_output, .n = 1,
                          .x = &x, .coefficient = &twice);
}

static const odeon_loss_ops ops = {.struct_size = sizeof ops,
                                   .flags = ODEON_LOSS_NO_LABELS,
                                   .metric_count = metric_count,
                                   .metric_name = metric_name,
                                   .check = check,
                                   .eval = eval,
                                   .scheduled = "weight"};

ODEON_PLUGIN_OPTIONS(LOSS, "square", &ops, "mean square of the output itself, without labels", NULL,
                     "meansquare|outputsquare|residual|flowmatchingloss", square, options, NULL,
                     NULL);
