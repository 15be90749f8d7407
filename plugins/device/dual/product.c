/* Products are bilinear: a call for each factor's tangent. */
#include "dual.h"
#include "odeon/device_conv.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* An activation at the end, on tangents that stand in dot; all that may stand there keep y. */
static odeon_status finish(dual_queue *q, int32_t act, const odeon_view *y, const odeon_tensor *dot)
{
    return act == ODEON_UNARY_IDENTITY
               ? ODEON_OK
               : ON(q, pointwise, unary_vjp, .id = act, .kept = y, .dy = &dot->view, .dx = dot);
}

/* c' = act'(c) (alpha (a' b + a b') + bias') + beta c', of which beta c' and bias' go with the
 * first product. */
static odeon_status gemm(odeon_queue *queue, const odeon_gemm *call)
{
    RULE(queue, gemm, call);
    odeon_view a = twin(q, call->a), b = twin(q, call->b), bias;
    odeon_tensor c = twin_of(q, call->c);
    odeon_gemm one = *call;
    one.c = &c;
    one.act = ODEON_UNARY_IDENTITY;
    one.bias = twin_or_null(q, call->bias, &bias);
    int32_t b_moves = !dual_is_constant(q, call->b);
    if (b_moves) {
        one.b = &b;
        ODEON_TRY(VALUE(q, product, gemm, &one));
        one.b = call->b;
        one.beta = 1.0;
        one.bias = NULL;
    }
    if (!b_moves || !dual_is_constant(q, call->a)) {
        one.a = &a;
        ODEON_TRY(VALUE(q, product, gemm, &one));
    }
    ODEON_TRY(VALUE(q, product, gemm, call));
    return finish(q, call->act, &call->c->view, &c);
}

static odeon_status channel_sum(odeon_queue *queue, const odeon_channel_sum *call)
{
    RULE(queue, channel_sum, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor bias = twin_of(q, call->bias);
    ODEON_TRY(ON(q, product, channel_sum, .x = &x, .bias = &bias));
    return VALUE(q, product, channel_sum, call);
}

/* c' = alpha (a' b + a b') + beta c' */
static odeon_status gemm_batch(odeon_queue *queue, const odeon_gemm_batch *call)
{
    RULE(queue, gemm_batch, call);
    odeon_view a = twin(q, call->a), b = twin(q, call->b);
    odeon_tensor c = twin_of(q, call->c);
    odeon_gemm_batch one = *call;
    one.c = &c;
    one.a = &a;
    ODEON_TRY(VALUE(q, product, gemm_batch, &one));
    one.a = call->a;
    one.b = &b;
    one.beta = 1.0;
    ODEON_TRY(VALUE(q, product, gemm_batch, &one));
    return VALUE(q, product, gemm_batch, call);
}

static const odeon_product_family whole = {
    .struct_size = sizeof(odeon_product_family),
    .gemm = gemm,
    .channel_sum = channel_sum,
    .gemm_batch = gemm_batch,
};
static const odeon_product_family needed = {
    .struct_size = offsetof(odeon_product_family, gemm_batch),
    .gemm = gemm,
    .channel_sum = channel_sum,
};

const odeon_product_family *dual_product_of(const odeon_device *base)
{
    return ODEON_HAS(base->product, odeon_product_family, gemm_batch) ? &whole : &needed;
}

/* ---- convolutions: the caller's scratch serves all calls, one after the other ---- */

static uint64_t conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w)
{
    const dual_device *d = device->self;
    return d->base->conv->conv2d_scratch(d->base, geometry, x, w);
}

/* y' = act'(y) (x' * w + x * w' + bias') */
static odeon_status conv2d(odeon_queue *queue, const odeon_conv2d *call)
{
    RULE(queue, conv2d, call);
    odeon_view x = twin(q, call->x), w = twin(q, call->w), bias;
    odeon_tensor y = twin_of(q, call->y), more;
    odeon_conv2d one = *call;
    one.act = ODEON_UNARY_IDENTITY;
    one.x = &x;
    one.y = &y;
    one.bias = twin_or_null(q, call->bias, &bias);
    ODEON_TRY(VALUE(q, conv, conv2d, &one));
    if (!dual_is_constant(q, call->w)) {
        ODEON_TRY(dual_begin(q));
        ODEON_TRY(dual_temp(q, &y.view.shape, &more));
        one.x = call->x;
        one.w = &w;
        one.y = &more;
        one.bias = NULL;
        ODEON_TRY(VALUE(q, conv, conv2d, &one));
        ODEON_TRY(dual_add(q, 1.0, &more.view, &y));
    }
    ODEON_TRY(VALUE(q, conv, conv2d, call));
    return finish(q, call->act, &call->y->view, &y);
}

/* V(w, dy): dx' = V(w, dy') + V(w', dy) */
static odeon_status conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d_vjp_x *call)
{
    RULE(queue, conv2d_vjp_x, call);
    odeon_view w = twin(q, call->w), dy = twin(q, call->dy);
    odeon_tensor dx = twin_of(q, call->dx), more;
    odeon_conv2d_vjp_x one = *call;
    one.dy = &dy;
    one.dx = &dx;
    ODEON_TRY(VALUE(q, conv, conv2d_vjp_x, &one));
    if (!dual_is_constant(q, call->w)) {
        ODEON_TRY(dual_begin(q));
        ODEON_TRY(dual_temp(q, &dx.view.shape, &more));
        one.w = &w;
        one.dy = call->dy;
        one.dx = &more;
        ODEON_TRY(VALUE(q, conv, conv2d_vjp_x, &one));
        ODEON_TRY(dual_add(q, 1.0, &more.view, &dx));
    }
    return VALUE(q, conv, conv2d_vjp_x, call);
}

/* dw' += V(x', dy) + V(x, dy') */
static odeon_status conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d_vjp_w *call)
{
    RULE(queue, conv2d_vjp_w, call);
    odeon_view x = twin(q, call->x), dy = twin(q, call->dy);
    odeon_tensor dw = twin_of(q, call->dw);
    odeon_conv2d_vjp_w one = *call;
    one.dw = &dw;
    one.x = &x;
    ODEON_TRY(VALUE(q, conv, conv2d_vjp_w, &one));
    one.x = call->x;
    one.dy = &dy;
    ODEON_TRY(VALUE(q, conv, conv2d_vjp_w, &one));
    return VALUE(q, conv, conv2d_vjp_w, call);
}

const odeon_conv_family dual_conv = {
    .struct_size = sizeof(odeon_conv_family),
    .conv2d_scratch = conv2d_scratch,
    .conv2d = conv2d,
    .conv2d_vjp_x = conv2d_vjp_x,
    .conv2d_vjp_w = conv2d_vjp_w,
};
