/* hamiltonian: the field of the energy that its body is. x [B,2n,...] is (q, p), of n channels
 * each; the body makes one number of a sample, H(q, p), and out is (dH/dp, -dH/dq). Along its paths
 * H is constant, whatever the weights, up to the error of the steps.
 *
 * Of the cotangent (a, b) of out the gradient is that of <a, dH/dp> - <b, dH/dq>, which is the
 * derivative of H along (-b, a): a second derivative (ODEON_HOST_BODY_DUALS), so that training
 * needs run.device = dual(base=...). Evaluation does not.
 *
 * Source: Greydanus, Dzamba, Yosinski, Hamiltonian neural networks, 2019. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "odeon/plugin.h"

typedef struct hamiltonian {
    ODEON_INSTANCE;
    bodies bodies;
    const odeon_body_duals *duals;
} hamiltonian;

static odeon_status init(void *self)
{
    hamiltonian *layer = self;
    return bodies_init_duals(layer->host, "hamiltonian", &layer->bodies, &layer->duals);
}

static void fini(void *self)
{
    hamiltonian *layer = self;
    bodies_fini(&layer->bodies);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    hamiltonian *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

/* ---- plan ---- */

static odeon_status check(const hamiltonian *layer, const odeon_layer_plan *plan)
{
    if (plan->in.ndim < 2 || plan->in.dim[1] % 2 != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "hamiltonian: the state is %s; it takes (q, p), an even number of "
                          "channels [B,2n,...]",
                          shape_print(&plan->in).text);
    }
    if (odeon_count(&plan->out) != plan->in.dim[0]) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "hamiltonian: the body makes %s of %s; an energy is one number of a "
                          "sample: end it with dense(units=1)",
                          shape_print(&plan->out).text, shape_print(&plan->in).text);
    }
    return (plan->flags & (ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_STATEFUL)) == 0
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "hamiltonian: a layer of the body couples the samples of a batch, so "
                            "that none has an energy of its own");
}

/* Nothing is kept for the vjp, which evaluates the body anew. Scratch: the energies, a vector of
 * the state's shape, then what the body keeps or what the duals need. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const hamiltonian *layer = self;
    odeon_body_plan body;
    uint64_t duals = 0;
    ODEON_TRY(bodies_plan(&layer->bodies, plan));
    ODEON_TRY(check(layer, plan));
    ODEON_TRY(bodies_ask(&layer->bodies, 0, plan, &body));
    ODEON_TRY(layer->duals->scratch_bytes(layer->bodies.nets[0], &body, &duals));
    uint64_t rest = duals > body.frame_bytes ? duals : body.frame_bytes;
    plan->scratch_bytes =
        shape_aligned(odeon_bytes(&body.out)) + shape_aligned(odeon_bytes(&plan->in)) + rest;
    plan->flags = (plan->flags & ~(uint32_t)ODEON_LAYER_LINEAR) | ODEON_LAYER_NEEDS_IN;
    plan->tape_bytes = 0;
    plan->out = plan->in;
    return ODEON_OK;
}

/* ---- a call ---- */

/* What lies in the scratch. */
typedef struct parts {
    odeon_tensor energy; /* of the body's output */
    odeon_tensor vector; /* of the state's shape */
    void *rest;
} parts;

static odeon_status divide(const hamiltonian *layer, const odeon_layer_call *call,
                           const odeon_shape *x, parts *p)
{
    odeon_body_plan body = {.struct_size = sizeof body, .call_flags = call->flags};
    body.batch = x->dim[0];
    ODEON_TRY(layer->bodies.services->plan(layer->bodies.nets[0], &body));
    char *vector = (char *)call->scratch + shape_aligned(odeon_bytes(&body.out));
    *p = (parts){.energy = odeon_tensor_at(call->scratch, body.out),
                 .vector = odeon_tensor_at(vector, *x),
                 .rest = vector + shape_aligned(odeon_bytes(x))};
    return ODEON_OK;
}

/* y = (x2, x1) of x = (x1, x2). */
static odeon_status exchange(const odeon_layer_call *call, const odeon_view *x,
                             const odeon_tensor *y)
{
    odeon_shape channels = shape_channels(&x->shape);
    int64_t width = channels.dim[1] * channels.dim[2], half = width / 2;
    for (int32_t i = 0; i < 2; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = x, .y = y,
                           .rows = x->shape.dim[0], .cols = half, .x_pitch = width,
                           .x_at = (1 - i) * half, .y_pitch = width, .y_at = i * half));
    }
    return ODEON_OK;
}

/* One half of each sample of x changes its sign: part 0 is the first. free: room for a half. */
static odeon_status negate(const odeon_layer_call *call, const odeon_tensor *x, int32_t part,
                           void *free)
{
    odeon_shape channels = shape_channels(&x->view.shape), half = x->view.shape;
    int64_t width = channels.dim[1] * channels.dim[2], at = part * (width / 2);
    half.dim[1] /= 2;
    odeon_tensor y = odeon_tensor_at(free, half);
    ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &x->view, .y = &y,
                       .rows = half.dim[0], .cols = width / 2, .x_pitch = width, .x_at = at,
                       .y_pitch = width / 2));
    const odeon_view *list = &y.view;
    const odeon_scalar minus = odeon_imm(-1.0);
    ODEON_TRY(ODEON_DO(call->device, solver, lincomb, call->queue, .y = &y, .n = 1, .x = &list,
                       .coefficient = &minus));
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = &y.view, .y = x,
                    .rows = half.dim[0], .cols = width / 2, .x_pitch = width / 2, .y_pitch = width,
                    .y_at = at);
}

static odeon_status fill_ones(const odeon_layer_call *call, const odeon_tensor *y)
{
    return ODEON_DO(call->device, move, fill, call->queue, .y = y, .value = odeon_imm(1.0));
}

/* p->vector = the gradient of the energy by the state. */
static odeon_status find_gradient(const hamiltonian *layer, const odeon_layer_call *call,
                                  const parts *p)
{
    odeon_layer_call inner = *call;
    inner.tape = p->rest;
    inner.d_out = &p->energy.view;
    inner.d_t = NULL;
    inner.integrand = NULL;
    inner.flags |= ODEON_CALL_NO_PARAM_GRAD | ODEON_CALL_NO_T_GRAD;
    ODEON_TRY(bodies_forward(&layer->bodies, 0, &inner, NULL, &p->energy));
    ODEON_TRY(fill_ones(call, &p->energy));
    return bodies_vjp(&layer->bodies, 0, &inner, NULL, &p->vector);
}

/* in (q, p) -> out (dH/dp, -dH/dq). The body's frame is free once the gradient is there. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const hamiltonian *layer = self;
    parts p;
    ODEON_TRY(divide(layer, call, &call->in->shape, &p));
    ODEON_TRY(find_gradient(layer, call, &p));
    ODEON_TRY(exchange(call, &p.vector.view, call->out));
    return negate(call, call->out, 1, odeon_write(&p.vector));
}

/* in_dot = (-b, a) of d_out = (a, b). */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const hamiltonian *layer = self;
    parts p;
    ODEON_TRY(divide(layer, call, &call->d_out->shape, &p));
    ODEON_TRY(exchange(call, call->d_out, &p.vector));
    ODEON_TRY(negate(call, &p.vector, 0, p.rest));
    ODEON_TRY(fill_ones(call, &p.energy));
    const odeon_body_dual_call inner = {.struct_size = sizeof inner,
                                        .around = call,
                                        .in = call->in,
                                        .in_dot = &p.vector.view,
                                        .d_out = &p.energy.view,
                                        .d_in = call->d_in,
                                        .d_t = call->d_t,
                                        .scratch = p.rest};
    return layer->duals->vjp(layer->bodies.nets[0], &inner);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "hamiltonian", &ops,
                     "the field (dH/dp, -dH/dq) of the energy H(q, p) that its sections make of "
                     "the state (q, p)",
                     "Greydanus, Dzamba, Yosinski, Hamiltonian neural networks, 2019",
                     "hnn|symplectic|energy|hamiltonianneuralnetwork", hamiltonian, NULL, init,
                     fini);
