/* concat: y = b1(x), b2(x), ... one behind the other, where every subsection is a branch: outputs
 * [B,Ci,...] -> y [B,C1 + C2 + ...,...]. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    bodies *layer = self;
    return bodies_init(layer->host, "concat", layer);
}

static void fini(void *self)
{
    bodies_fini(self);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    return bodies_attach(self, body, net);
}

static uint64_t value_bytes(const odeon_shape *x)
{
    return ((uint64_t)odeon_bytes(x) + 63) / 64 * 64;
}

/* Scratch holds an output of a branch, or its cotangent, in room for all, and a part of d_in. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const bodies *layer = self;
    ODEON_TRY(bodies_plan(layer, plan));
    odeon_shape first = plan->out;
    int64_t channels = 0;
    for (int32_t i = 0; i < layer->n; i++) {
        odeon_body_plan branch;
        ODEON_TRY(bodies_ask(layer, i, plan, &branch));
        odeon_shape like = branch.out;
        like.dim[1] = first.dim[1];
        if (like.ndim < 2 || !bodies_same_shape(&like, &first)) {
            return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "concat: branch 1 makes %s, branch %d %s; they may differ in their "
                              "channels [B,C,...] alone",
                              shape_print(&first).text, (int)i + 1, shape_print(&branch.out).text);
        }
        channels += branch.out.dim[1];
    }
    plan->out.dim[1] = channels;
    plan->scratch_bytes = value_bytes(&plan->out) + value_bytes(&plan->in);
    return ODEON_OK;
}

/* The shape of branch i's output and the first channel that it has in all, whose shape is whole. */
static odeon_status part_of(const bodies *layer, const odeon_layer_call *call,
                            const odeon_shape *whole, int32_t i, odeon_shape *part, int64_t *first)
{
    *first = 0;
    for (int32_t k = 0; k <= i; k++) {
        odeon_body_plan branch = {
            .struct_size = sizeof branch, .call_flags = call->flags, .batch = whole->dim[0]};
        ODEON_TRY(layer->services->plan(layer->nets[k], &branch));
        *first += k < i ? branch.out.dim[1] : 0;
        *part = *whole;
        part->dim[1] = branch.out.dim[1];
    }
    return ODEON_OK;
}

/* Copies channels of x to channels of y, of as many samples: all of one of the two. */
static odeon_status move(const odeon_layer_call *call, const odeon_view *x, int64_t x_first,
                         const odeon_tensor *y, int64_t y_first)
{
    odeon_shape from = shape_channels(&x->shape), to = shape_channels(&y->view.shape);
    int64_t channels = from.dim[1] < to.dim[1] ? from.dim[1] : to.dim[1];
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = x, .y = y, .rows = from.dim[0],
                    .cols = channels * from.dim[2], .x_pitch = from.dim[1] * from.dim[2],
                    .x_at = x_first * from.dim[2], .y_pitch = to.dim[1] * to.dim[2],
                    .y_at = y_first * to.dim[2]);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    for (int32_t i = 0; i < layer->n; i++) {
        odeon_shape shape;
        int64_t first;
        ODEON_TRY(part_of(layer, call, &call->out->view.shape, i, &shape, &first));
        odeon_tensor made = odeon_tensor_at(call->scratch, shape);
        ODEON_TRY(bodies_forward(layer, i, call, NULL, &made));
        ODEON_TRY(move(call, &made.view, 0, call->out, first));
    }
    return ODEON_OK;
}

/* d_in += part, or, of the first branch, which has written it, nothing. */
static odeon_status add(const odeon_layer_call *call, int32_t branch, const odeon_tensor *part)
{
    return call->d_in == NULL || branch == 0
               ? ODEON_OK
               : ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                          .a = &call->d_in->view, .b = &part->view, .y = call->d_in);
}

/* d_in is the sum of the branches' vjps. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    odeon_layer_call inner = *call;
    odeon_tensor part = {.view = {.data = NULL}};
    for (int32_t i = 0; i < layer->n; i++) {
        odeon_shape shape;
        int64_t first;
        ODEON_TRY(part_of(layer, call, &call->d_out->shape, i, &shape, &first));
        odeon_tensor bar = odeon_tensor_at(call->scratch, shape);
        if (call->d_in != NULL) {
            odeon_shape in = call->d_in->view.shape;
            char *end = (char *)call->scratch + value_bytes(&call->d_out->shape);
            part = odeon_tensor_at(end, in);
        }
        inner.d_out = &bar.view;
        ODEON_TRY(move(call, call->d_out, first, &bar, 0));
        const odeon_tensor *into = call->d_in == NULL || i == 0 ? call->d_in : &part;
        ODEON_TRY(bodies_vjp(layer, i, &inner, NULL, into));
        ODEON_TRY(add(call, i, &part));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_BRANCHES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "concat", &ops,
                     "puts what the sections below it make of its input behind one another", NULL,
                     "cat|concatenate|stack", bodies, NULL, init, fini);
