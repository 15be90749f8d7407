/* clash: a layer with an option that the host keeps for itself. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct clash {
    ODEON_INSTANCE;
} clash;

static const odeon_option repeat_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_I64,
    .name = "repeat",
    .default_text = "1",
    .help = "in the way of the key",
};
static const odeon_option *const options[] = {&repeat_option, NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_VIEW;
    plan->out = plan->in;
    return ODEON_OK;
}

/* A view is never called. */
static odeon_status refuse(void *self, const odeon_layer_call *call)
{
    (void)self;
    (void)call;
    return ODEON_ERR_UNSUPPORTED;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = refuse, .vjp = refuse};

ODEON_PLUGIN_OPTIONS(LAYER, "clash", &ops, "has an option of the host", NULL, NULL, clash, options,
                     NULL, NULL);
