/* nest: a container, for the tests of nested sections. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct nest {
    ODEON_INSTANCE;
} nest;

static const odeon_option part_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_COMPONENT,
    .name = "part",
    .default_text = "every_option",
    .choices = "layer",
    .help = "a layer that is a value",
};
static const odeon_option rtol_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .flags = ODEON_OPTION_OPEN_MIN,
    .name = "rtol",
    .default_text = "1e-3",
    .min_text = "0",
    .help = "a tolerance",
};
static const odeon_option word_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_STRING,
    .flags = ODEON_OPTION_REQUIRED,
    .name = "word",
    .help = "must be given",
};
static const odeon_option *const options[] = {&part_option, &rtol_option, &word_option, NULL};

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

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    (void)self;
    (void)body;
    (void)net;
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = refuse,
                                    .vjp = refuse,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "nest", &ops, "holds nested sections", NULL, NULL, nest, options, NULL,
                     NULL);
