/* second_order: the field of y'' = f(t, y, y') as one of first order. x [B,2n,...] is (y, v), of n
 * channels each, and out is (v, f(t, y, v)): the body makes f, [B,n,...], of all of x. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

static odeon_status init(void *self)
{
    bodies *layer = self;
    return bodies_init(layer->host, "second_order", layer);
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

/* Scratch holds f, or its cotangent, or two halves of a state. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const bodies *layer = self;
    odeon_shape half = plan->in;
    ODEON_TRY(bodies_plan(layer, plan));
    half.dim[1] /= 2;
    if (plan->in.ndim < 2 || plan->in.dim[1] % 2 != 0 || !bodies_same_shape(&half, &plan->out)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "second_order: of %s, which is (y, y'), the body makes %s; y'' has half "
                          "as many channels as its input, whose number is even",
                          shape_print(&plan->in).text, shape_print(&plan->out).text);
    }
    plan->scratch_bytes = 2 * value_bytes(&half);
    plan->out = plan->in;
    return ODEON_OK;
}

/* Elements of a sample of (y, v). */
static int64_t width_of(const odeon_shape *x)
{
    odeon_shape channels = shape_channels(x);
    return channels.dim[1] * channels.dim[2];
}

static odeon_tensor half_at(const odeon_layer_call *call, const odeon_shape *whole)
{
    odeon_shape half = *whole;
    half.dim[1] /= 2;
    return odeon_tensor_at(call->scratch, half);
}

static odeon_status copy(const odeon_layer_call *call, const odeon_view *x, int64_t x_pitch,
                         int64_t x_at, const odeon_tensor *y, int64_t y_pitch, int64_t y_at,
                         int64_t half)
{
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = x, .y = y,
                    .rows = x->shape.dim[0], .cols = half, .x_pitch = x_pitch, .x_at = x_at,
                    .y_pitch = y_pitch, .y_at = y_at);
}

/* in (y, v) -> out (v, f). */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    int64_t width = width_of(&call->in->shape), half = width / 2;
    odeon_tensor f = half_at(call, &call->in->shape);
    ODEON_TRY(bodies_forward(self, 0, call, NULL, &f));
    ODEON_TRY(copy(call, call->in, width, half, call->out, width, 0, half));
    return copy(call, &f.view, half, 0, call->out, width, half, half);
}

/* The second half of d_in += the first of d_out, by way of scratch, where bar is no more needed. */
static odeon_status add_velocity(const odeon_layer_call *call, int64_t width)
{
    int64_t half = width / 2;
    odeon_tensor bar = half_at(call, &call->d_out->shape), sum;
    sum = odeon_tensor_at((char *)call->scratch + value_bytes(&bar.view.shape), bar.view.shape);
    ODEON_TRY(copy(call, call->d_out, width, 0, &bar, half, 0, half));
    ODEON_TRY(copy(call, &call->d_in->view, width, half, &sum, half, 0, half));
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                       .a = &sum.view, .b = &bar.view, .y = &sum));
    return copy(call, &sum.view, half, 0, call->d_in, width, half, half);
}

/* d_in is the body's vjp of the second half of d_out; to its v the first half is added. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    int64_t width = width_of(&call->d_out->shape), half = width / 2;
    odeon_tensor bar = half_at(call, &call->d_out->shape);
    odeon_layer_call inner = *call;
    inner.d_out = &bar.view;
    ODEON_TRY(copy(call, call->d_out, width, half, &bar, half, 0, half));
    ODEON_TRY(bodies_vjp(self, 0, &inner, NULL, call->d_in));
    return call->d_in == NULL ? ODEON_OK : add_velocity(call, width);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "second_order", &ops,
                     "the field of y'' = f(t, y, y'): its sections make f of the state (y, y')",
                     NULL, "secondorder|acceleration", bodies, NULL, init, fini);
