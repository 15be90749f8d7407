/* A layer with two kernels for one device: this one, and that of shadowed@cpu.so. */
#include "odeon/device_move.h"
#include "odeon/odeon.h"

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    return ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component layer = {
    .struct_size = sizeof layer,
    .kind = ODEON_KIND_LAYER,
    .interface_version = ODEON_LAYOUT_LAYER,
    .interface = ODEON_INTERFACE_LAYER,
    .id = "shadowed",
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component kernel = {
    .struct_size = sizeof kernel,
    .kind = ODEON_KIND_LAYER,
    .interface_version = ODEON_LAYOUT_LAYER,
    .interface = ODEON_INTERFACE_LAYER,
    .id = "shadowed@cpu",
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
};
static const odeon_component *const components[] = {&layer, &kernel, NULL};

ODEON_PLUGIN_NOTE("layer/shadowed,layer/shadowed@cpu");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "shadowed",
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
