/* product: y = b1(x) b2(x) ..., element by element, where every subsection is a branch; any shape.
 * A gate is a branch that ends with sigmoid. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    bodies *layer = self;
    return bodies_init(layer->host, "product", layer);
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

/* Behind the branches' frames the tape holds their outputs, which the vjp multiplies again. Scratch
 * holds an output, or a branch's cotangent and its part of d_in. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const bodies *layer = self;
    ODEON_TRY(bodies_plan(layer, plan));
    for (int32_t i = 1; i < layer->n; i++) {
        odeon_body_plan branch;
        ODEON_TRY(bodies_ask(layer, i, plan, &branch));
        if (!bodies_same_shape(&branch.out, &plan->out)) {
            return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "product: branch 1 makes %s, branch %d %s; a product needs one shape",
                              shape_print(&plan->out).text, (int)i + 1,
                              shape_print(&branch.out).text);
        }
    }
    plan->flags &= layer->n > 1 ? ~(uint32_t)ODEON_LAYER_LINEAR : ~(uint32_t)0;
    plan->tape_bytes += (uint64_t)layer->n * value_bytes(&plan->out);
    plan->scratch_bytes = value_bytes(&plan->out) + value_bytes(&plan->in);
    return ODEON_OK;
}

/* Where the outputs of the branches lie in the tape. */
static odeon_status kept(const bodies *layer, const odeon_layer_call *call, int64_t batch,
                         char **out)
{
    uint64_t frames = 0;
    for (int32_t i = 0; i < layer->n; i++) {
        odeon_body_plan branch = {
            .struct_size = sizeof branch, .call_flags = call->flags, .batch = batch};
        ODEON_TRY(layer->services->plan(layer->nets[i], &branch));
        frames += branch.frame_bytes;
    }
    *out = (char *)call->tape + frames;
    return ODEON_OK;
}

static odeon_status multiply(const odeon_layer_call *call, const odeon_view *factor,
                             const odeon_tensor *y)
{
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL,
                    .a = &y->view, .b = factor, .y = y);
}

/* The first branch writes to out; the others are multiplied to it, in order. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    const odeon_shape *shape = &call->out->view.shape;
    char *outputs = NULL;
    if (call->tape != NULL) {
        ODEON_TRY(kept(layer, call, shape->dim[0], &outputs));
    }
    for (int32_t i = 0; i < layer->n; i++) {
        void *at = outputs != NULL ? outputs + (uint64_t)i * value_bytes(shape) : call->scratch;
        odeon_tensor made = odeon_tensor_at(at, *shape);
        ODEON_TRY(bodies_forward(layer, i, call, NULL, &made));
        ODEON_TRY(i > 0 ? multiply(call, &made.view, call->out)
                        : ODEON_DO(call->device, move, copy, call->queue, .x = &made.view,
                                   .y = call->out));
    }
    return ODEON_OK;
}

/* bar = d_out times the outputs of all branches but one. */
static odeon_status cotangent(const bodies *layer, const odeon_layer_call *call, int32_t branch,
                              char *outputs, const odeon_tensor *bar)
{
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = bar));
    for (int32_t i = 0; i < layer->n; i++) {
        void *at = outputs + (uint64_t)i * value_bytes(&bar->view.shape);
        odeon_tensor value = odeon_tensor_at(at, bar->view.shape);
        ODEON_TRY(i == branch ? ODEON_OK : multiply(call, &value.view, bar));
    }
    return ODEON_OK;
}

/* d_in is the sum of the branches' vjps. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const bodies *layer = self;
    const odeon_shape *shape = &call->d_out->shape;
    char *outputs, *behind = (char *)call->scratch + value_bytes(shape);
    odeon_tensor bar = odeon_tensor_at(call->scratch, *shape), part;
    odeon_layer_call inner = *call;
    inner.d_out = &bar.view;
    ODEON_TRY(kept(layer, call, shape->dim[0], &outputs));
    if (call->d_in != NULL) {
        part = odeon_tensor_at(behind, call->d_in->view.shape);
    }
    for (int32_t i = 0; i < layer->n; i++) {
        const odeon_tensor *into = call->d_in == NULL || i == 0 ? call->d_in : &part;
        ODEON_TRY(cotangent(layer, call, i, outputs, &bar));
        ODEON_TRY(bodies_vjp(layer, i, &inner, NULL, into));
        if (into != NULL && i > 0) {
            ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                               .a = &call->d_in->view, .b = &part.view, .y = call->d_in));
        }
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_BRANCHES,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "product", &ops,
                     "multiplies what the sections below it make of its input, each a branch", NULL,
                     "multiply|gate|gated", bodies, NULL, init, fini);
