/* penalty: the mean over the samples of a number that the network makes on its way, such as the
 * integral of |f|^2 along the path of an ODE block: a penalty beside the loss that is learned from.
 * Its derivative by the network's output is 0. */
#include <string.h>

#include "../common/weight.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/host.h"
#include "odeon/loss.h"
#include "odeon/plugin.h"

typedef struct penalty {
    ODEON_INSTANCE;
    double weight;
    const char *of;
    odeon_f64_list weights;
    char *text;                              /* copy of `of`, cut into names */
    const char *names[ODEON_MAX_QUANTITIES]; /* in there */
    int32_t n, reserved0;
} penalty;

static const odeon_option *const options[] = {
    WEIGHT_OPTION(penalty),
    ODEON_OPTION(penalty, of, STRING, .flags = ODEON_OPTION_REQUIRED, .aliases = "name|names",
                 .help = "integrals along the paths of ODE blocks, as ode.kinetic of the block "
                         "[model.ode]; of several the sum counts"),
    ODEON_OPTION(penalty, weights, F64_LIST, .flags = ODEON_OPTION_OPTIONAL, .min_text = "0",
                 .help = "how much each of them counts in the sum; 1 unless given"),
    NULL};

static odeon_status split(penalty *loss)
{
    char *at = loss->text;
    for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        if (loss->n == ODEON_MAX_QUANTITIES) {
            return odeon_fail(loss->host, ODEON_ERR_CONFIG, "penalty: of names more than %d",
                              ODEON_MAX_QUANTITIES);
        }
        loss->names[loss->n++] = at;
        at += strcspn(at, " \t");
        if (*at != '\0') {
            *at++ = '\0';
        }
    }
    if (loss->n == 0) {
        return odeon_fail(loss->host, ODEON_ERR_CONFIG, "penalty: of names nothing");
    }
    return loss->weights.n == 0 || loss->weights.n == loss->n
               ? ODEON_OK
               : odeon_fail(loss->host, ODEON_ERR_CONFIG,
                            "penalty: of names %d integrals, weights has %d numbers; give one for "
                            "each",
                            (int)loss->n, (int)loss->weights.n);
}

static odeon_status init(void *self)
{
    penalty *loss = self;
    uint64_t bytes = strlen(loss->of) + 1;
    loss->text = loss->host->alloc(loss->host, bytes);
    if (loss->text == NULL) {
        return odeon_fail(loss->host, ODEON_ERR_NOMEM, "penalty: no memory");
    }
    memcpy(loss->text, loss->of, bytes);
    return split(loss);
}

static void fini(void *self)
{
    penalty *loss = self;
    loss->host->free(loss->host, loss->text);
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

static const char *name_of(void *self, int32_t index)
{
    const penalty *loss = self;
    return index < loss->n ? loss->names[index] : NULL;
}

/* Whatever output and labels are. */
static odeon_status check(void *self, const odeon_loss_shapes *shapes)
{
    (void)self;
    (void)shapes;
    return ODEON_OK;
}

/* Of quantity i: its share of the mean, and of the sum. */
static double share_of(const penalty *loss, const odeon_loss_call *call, int32_t i)
{
    double own = loss->weights.n > 0 ? loss->weights.at[i] : 1.0;
    return own * loss->weight * call->row_share;
}

static odeon_status add(const odeon_loss_call *call, const odeon_view *value)
{
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = value, .rows = 1,
                    .cols = odeon_count(&value->shape), .v = call->sums);
}

/* On the device, since a quantity's own sum is not a share of the mean yet. */
static odeon_status rescale(const odeon_loss_call *call, double factor)
{
    return factor == 1.0
               ? ODEON_OK
               : ODEON_DO(call->device, pointwise, power, call->queue, .x = &call->sums->view,
                          .y = call->sums, .scale = factor, .exponent = 1.0);
}

/* quantity [B] each -> sums F64 [1]. Before the next number is added the sum so far is brought to
 * its scale; one of weight 0 is left out. */
static odeon_status eval(void *self, const odeon_loss_call *call)
{
    const penalty *loss = self;
    double scale = 0.0; /* what one of sums counts so far */
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = call->sums, .value = odeon_imm(0.0)));
    for (int32_t i = 0; i < loss->n; i++) {
        const odeon_quantity *q = call->quantity[i];
        double share = share_of(loss, call, i);
        if (share > 0.0) {
            ODEON_TRY(scale == 0.0 ? ODEON_OK : rescale(call, scale / share));
            ODEON_TRY(add(call, q->value));
            scale = share;
        }
        ODEON_TRY(q->d_value == NULL ? ODEON_OK
                                     : ODEON_DO(call->device, move, fill, call->queue,
                                                .y = q->d_value, .value = odeon_imm(share)));
    }
    ODEON_TRY(rescale(call, scale));
    return call->d_output == NULL ? ODEON_OK
                                  : ODEON_DO(call->device, move, fill, call->queue,
                                             .y = call->d_output, .value = odeon_imm(0.0));
}

static const odeon_loss_ops ops = {.struct_size = sizeof ops,
                                   .flags = ODEON_LOSS_NO_LABELS,
                                   .metric_count = metric_count,
                                   .metric_name = metric_name,
                                   .check = check,
                                   .eval = eval,
                                   .quantity = name_of,
                                   .scheduled = "weight"};

ODEON_PLUGIN_OPTIONS(LOSS, "penalty", &ops,
                     "mean of integrals along the paths of ODE blocks, as a penalty", NULL,
                     "quantity|regularizer|regularization", penalty, options, init, fini);
