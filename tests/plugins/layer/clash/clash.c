/* clash: a layer with an option that the host keeps for itself. */
#include "odeon/layer.h"
#include "odeon/plugin.h"

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

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "clash",
    .summary = "has an option of the host",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/clash");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "clash",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
