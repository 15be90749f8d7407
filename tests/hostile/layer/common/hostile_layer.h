/* hostile_layer.h: the plugin of a layer that copies, as a container unless told otherwise. A
 * source that wants one thing about it wrong defines it before including this; the id in any case.
 */
#ifndef ODEON_TESTS_HOSTILE_LAYER_H
#define ODEON_TESTS_HOSTILE_LAYER_H
#include "odeon/device_move.h"
#include "odeon/odeon.h"

#ifndef HOSTILE_BODIES
#define HOSTILE_BODIES ODEON_BODIES_CHAIN
#endif
#ifndef HOSTILE_ATTACH
#define HOSTILE_ATTACH attach
static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    (void)self;
    (void)body;
    (void)net;
    return ODEON_OK;
}
#endif
#ifndef HOSTILE_CALL_FLAGS
#define HOSTILE_CALL_FLAGS 0
#endif
#ifndef HOSTILE_OPTIONS
#define HOSTILE_OPTIONS NULL
#endif
#ifndef HOSTILE_BODY_NAMES
#define HOSTILE_BODY_NAMES NULL
#endif

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    return ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out,
                    .flags = HOSTILE_CALL_FLAGS);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return call->d_in == NULL
               ? ODEON_OK
               : ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = HOSTILE_BODIES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = HOSTILE_ATTACH,
                                    .body_names = HOSTILE_BODY_NAMES};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .interface_version = ODEON_LAYOUT_LAYER,
    .interface = ODEON_INTERFACE_LAYER,
    .id = HOSTILE_ID,
    .summary = "passes its input on",
    .version = "1.0",
    .license = "MIT",
    .options = HOSTILE_OPTIONS,
    .ops = &ops,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/" HOSTILE_ID);
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = HOSTILE_ID,
    .version = "1.0",
    .vendor = "Odeon's tests",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
#endif
