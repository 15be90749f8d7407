/* breaks: a layer that passes its input on, except that one of its slots does what no plugin
 * should: dies of a signal, answers without a word, asks the device for what it refuses. For tests.
 */
#include <signal.h>
#include <string.h>

#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

enum { IN_FORWARD = 0, IN_VJP, IN_PLAN, IN_INIT, IN_NOWHERE };

enum {
    HOW_SEGV = 0,
    HOW_ABORT,
    HOW_FPE,
    HOW_ILL,
    HOW_BUS,
    HOW_DEEP,      /* recursion without end */
    HOW_UNKNOWN,   /* a status that is none */
    HOW_SILENT,    /* ODEON_ERR_NUMERIC without a reason */
    HOW_REFUSED,   /* tensors that an operator refuses */
    HOW_FLAGS,     /* plan: a flag that has no meaning */
    HOW_RESERVED,  /* param: a reserved word */
    HOW_STATES,    /* param: a weight behind running state */
    HOW_NEEDS,     /* plan: a field of the batch that there is none of */
    HOW_INTEGRALS, /* plan: more integrals along the path than there may be */
    HOW_NAMELESS,  /* plan: names of integrals, but none */
    HOW_UNNAMED,   /* plan: an integral without a name */
    HOW_QUANTITY   /* plan: a number of a sample without a name */
};

typedef struct breaks {
    ODEON_INSTANCE;
    int64_t in, how;
} breaks;

static const odeon_option *const options[] = {
    ODEON_OPTION(breaks, in, CHOICE, .default_text = "forward",
                 .choices = "forward|vjp|plan|init|nowhere", .help = "the slot that misbehaves"),
    ODEON_OPTION(breaks, how, CHOICE, .default_text = "segv",
                 .choices = "segv|abort|fpe|ill|bus|deep|unknown|silent|refused|flags|reserved|"
                            "states|needs|integrals|nameless|unnamed|quantity",
                 .help = "what it does"),
    NULL};

static volatile int depth;

/* As deep as the stack is, and one more. */
__attribute__((noinline)) static int fall(volatile char *above)
{
    volatile char here[1024];
    here[0] = above[0];
    depth++;
    return depth > 0 ? fall(here) + here[0] : 0;
}

static odeon_status misbehave(const breaks *layer, const odeon_layer_call *call,
                              const odeon_tensor *to)
{
    volatile char start = 0;
    switch (layer->how) {
    case HOW_SEGV: {
        volatile int *volatile nowhere = NULL;
        *nowhere = 1;
        return ODEON_OK;
    }
    case HOW_ABORT:
        (void)raise(SIGABRT);
        return ODEON_OK;
    case HOW_FPE:
        (void)raise(SIGFPE);
        return ODEON_OK;
    case HOW_ILL:
        (void)raise(SIGILL);
        return ODEON_OK;
    case HOW_BUS:
        (void)raise(SIGBUS);
        return ODEON_OK;
    case HOW_DEEP:
        return fall(&start) == 0 ? ODEON_OK : ODEON_ERR_INTERNAL;
    case HOW_UNKNOWN:
        return -1234;
    case HOW_SILENT:
        return ODEON_ERR_NUMERIC;
    default: {
        if (to == NULL) {
            return ODEON_OK;
        }
        odeon_view longer = to->view;
        longer.shape.dim[longer.shape.ndim - 1]++;
        return ODEON_DO(call->device, move, copy, call->queue, .x = &longer, .y = to);
    }
    }
}

static odeon_status init(void *self)
{
    const breaks *layer = self;
    return layer->in == IN_INIT ? misbehave(layer, NULL, NULL) : ODEON_OK;
}

/* What there is of integrals and numbers of a sample has no name. */
static void misname(const breaks *layer, odeon_layer_plan *plan)
{
    static const char *const unnamed[] = {NULL};
    plan->n_integrals = layer->how == HOW_INTEGRALS  ? ODEON_MAX_INTEGRALS + 1
                        : layer->how >= HOW_NAMELESS ? 1
                                                     : 0;
    plan->integral_names = layer->how == HOW_NAMELESS ? NULL : unnamed;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const breaks *layer = self;
    plan->out = plan->in;
    plan->flags = layer->how == HOW_FLAGS      ? 1u << 20
                  : layer->how == HOW_QUANTITY ? ODEON_LAYER_QUANTITIES
                                               : 0u;
    plan->needs = layer->how == HOW_NEEDS ? 1u << 30 : 0u;
    misname(layer, plan);
    return layer->in == IN_PLAN ? misbehave(layer, NULL, NULL) : ODEON_OK;
}

/* Parameters are there for their reserved word or their order alone. */
static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const breaks *layer = self;
    if (layer->how == HOW_RESERVED && index == 0) {
        out->name = "reserved";
        out->shape = (odeon_shape){.ndim = 1, .dim = {1}};
        out->reserved0 = 1;
    }
    if (layer->how == HOW_STATES && index < 2) {
        out->name = index == 0 ? "state" : "weight";
        out->role = index == 0 ? ODEON_PARAM_STATE : ODEON_PARAM_WEIGHT;
        out->shape = (odeon_shape){.ndim = 1, .dtype = in->dtype, .dim = {1}};
    }
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const breaks *layer = self;
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out));
    return layer->in == IN_FORWARD ? misbehave(layer, call, call->out) : ODEON_OK;
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const breaks *layer = self;
    if (call->d_in != NULL) {
        ODEON_TRY(
            ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in));
    }
    return layer->in == IN_VJP ? misbehave(layer, call, call->d_in) : ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "breaks", &ops, "passes its input on until it breaks", NULL, NULL,
                     breaks, options, init, NULL);
