/* sum: y = b1(x) + b2(x) + ..., where every subsection is a branch; any shape. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    bodies *layer = self;
    return bodies_init(layer->host, "sum", layer);
}

static void fini(void *self)
{
    bodies_fini(self);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    return bodies_attach(self, body, net);
}

/* Scratch holds the output of a branch after the first, or its part of d_in. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const bodies *layer = self;
    ODEON_TRY(bodies_plan(layer, plan));
    for (int32_t i = 1; i < layer->n; i++) {
        odeon_body_plan branch;
        ODEON_TRY(bodies_ask(layer, i, plan, &branch));
        if (!bodies_same_shape(&branch.out, &plan->out)) {
            return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "sum: branch 1 makes %s, branch %d %s; a sum needs one shape",
                              shape_print(&plan->out).text, (int)i + 1,
                              shape_print(&branch.out).text);
        }
    }
    plan->scratch_bytes = layer->n > 1 ? bodies_value_bytes(plan) : 0;
    return ODEON_OK;
}

/* total += part */
static odeon_status add(const odeon_layer_call *call, const odeon_view *part,
                        const odeon_tensor *total)
{
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                    .a = &total->view, .b = part, .y = total);
}

/* The first branch writes to out; the others go through scratch and are added, in order. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    odeon_tensor made = odeon_tensor_at(call->scratch, call->out->view.shape);
    ODEON_TRY(bodies_forward(layer, 0, call, NULL, call->out));
    for (int32_t i = 1; i < layer->n; i++) {
        ODEON_TRY(bodies_forward(layer, i, call, NULL, &made));
        ODEON_TRY(add(call, &made.view, call->out));
    }
    return ODEON_OK;
}

/* d_in is the sum of the branches' vjps, added in the same way. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    odeon_tensor part;
    if (call->d_in != NULL) {
        part = odeon_tensor_at(call->scratch, call->d_in->view.shape);
    }
    ODEON_TRY(bodies_vjp(layer, 0, call, NULL, call->d_in));
    for (int32_t i = 1; i < layer->n; i++) {
        ODEON_TRY(bodies_vjp(layer, i, call, NULL, call->d_in != NULL ? &part : NULL));
        ODEON_TRY(call->d_in == NULL ? ODEON_OK : add(call, &part.view, call->d_in));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_BRANCHES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "sum", &ops,
                     "adds what the sections below it make of its input, each a branch", NULL,
                     "add|parallel|branches", bodies, NULL, init, fini);
