/* flow_nll: the mean negative logarithm of a density that a continuous normalizing flow moves to
 * the normal one. The model's output z [B,...] is the end of the path that a sample x begins, and
 * the quantity `of` the integral along it of the divergence of the field, with rising time:
 *
 *   log p(x) = log N(z; 0, I) + integral of div f
 *
 * Source: Chen, Rubanova, Bettencourt, Duvenaud, Neural ordinary differential equations, 2018, eq.
 * 8; Grathwohl and others, FFJORD, 2019, eq. 3. */
#include "../common/weight.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

static const double log_of_two_pi = 1.8378770664093453;

typedef struct flow_nll {
    ODEON_INSTANCE;
    double weight;
    const char *of;
} flow_nll;

static const odeon_option *const options[] = {
    WEIGHT_OPTION(flow_nll),
    ODEON_OPTION(flow_nll, of, STRING, .flags = ODEON_OPTION_REQUIRED, .aliases = "name|quantity",
                 .help = "the integral of the divergence, as ode.divergence of the block "
                         "[model.ode], whose time rises from the samples to the noise"),
    NULL};

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

static const char *name_of(void *self, int32_t index)
{
    const flow_nll *loss = self;
    return index == 0 ? loss->of : NULL;
}

/* Whatever output and labels are. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    (void)self;
    (void)shapes;
    return ODEON_OK;
}

static odeon_status scale(const odeon_loss_call *call, double factor)
{
    return ODEON_DO(call->device, pointwise, power, call->queue, .x = &call->sums->view,
                    .y = call->sums, .scale = factor, .exponent = 1.0);
}

/* sums = share (|z|^2 / 2 + (numbers of z) log(2 pi) / 2 - sum of the integrals) */
static odeon_status add_up(const odeon_loss_call *call, double share)
{
    const odeon_view *integral = call->quantity[0]->value;
    double constant = 0.5 * (double)odeon_count(&call->output->shape) * log_of_two_pi;
    ODEON_TRY(ODEON_DO(call->device, solver, dot, call->queue, .a = call->output, .b = call->output,
                       .slots = odeon_write(call->sums)));
    ODEON_TRY(scale(call, -0.5));
    ODEON_TRY(ODEON_DO(call->device, move, rows_sum, call->queue, .x = integral, .rows = 1,
                       .cols = odeon_count(&integral->shape), .v = call->sums));
    return ODEON_DO(call->device, move, cast, call->queue, .x = &call->sums->view, .y = call->sums,
                    .scale = -share, .shift = share * constant);
}

/* output z [B,...], quantity [B] -> sums F64 [1]; d_output = share z, d_value = -share. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const flow_nll *loss = self;
    double share = loss->weight * call->row_share;
    const odeon_scalar factor = odeon_imm(share);
    const odeon_quantity *q = call->quantity[0];
    ODEON_TRY(add_up(call, share));
    ODEON_TRY(q->d_value == NULL ? ODEON_OK
                                 : ODEON_DO(call->device, move, fill, call->queue, .y = q->d_value,
                                            .value = odeon_imm(-share)));
    return call->d_output == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, solver, lincomb, call->queue, .y = call->d_output, .n = 1,
                          .x = &call->output, .coefficient = &factor);
}

static const odeon_loss_ops ops = {.struct_size = sizeof ops,
                                   .flags = ODEON_LOSS_NO_LABELS,
                                   .metric_count = metric_count,
                                   .metric_name = metric_name,
                                   .check = check,
                                   .eval = eval,
                                   .quantity = name_of,
                                   .scheduled = "weight"};

ODEON_PLUGIN_OPTIONS(LOSS, "flow_nll", &ops,
                     "negative log-likelihood of samples that a flow moves to normal noise",
                     "Grathwohl and others, FFJORD, 2019, eq. 3",
                     "nll|loglikelihood|negativeloglikelihood|cnf|flow", flow_nll, options, NULL,
                     NULL);
