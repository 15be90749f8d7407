/* Losses: their sums, and the tangents of their gradients, which are second derivatives. */
#include "dual.h"
#include "odeon/device_loss.h"
#include "odeon/device_pointwise.h"

/* The number at index i of F64 [2]. */
static odeon_tensor number_of(const odeon_tensor *sums, int64_t i)
{
    odeon_tensor one = *sums;
    one.view.byte_offset += (uint64_t)i * sizeof(double);
    one.view.shape.ndim = 1;
    one.view.shape.dim[0] = 1;
    return one;
}

/* ---- cross entropy ---- */

/* p = softmax(x). The operator gives p - onehot(label): with the label 0 in all rows p is that and
 * 1 in the first column. */
static odeon_status softmax(dual_queue *q, const odeon_view *x, const odeon_tensor *p)
{
    int64_t B = x->shape.dim[0], K = x->shape.dim[1];
    odeon_shape indices = {.ndim = 1, .dtype = ODEON_DTYPE_I64, .dim = {B}};
    odeon_tensor zeros, labels, sums, first;
    ODEON_TRY(dual_temp_f64(q, 1, &B, &zeros));
    ODEON_TRY(dual_temp(q, &indices, &labels));
    ODEON_TRY(dual_temp_f64(q, 1, (int64_t[]){2}, &sums));
    ODEON_TRY(dual_temp(q, &x->shape, &first));
    ODEON_TRY(dual_zero(q, &zeros));
    ODEON_TRY(ON(q, move, cast, .x = &zeros.view, .y = &labels, .scale = 1.0));
    ODEON_TRY(ON(q, loss, softmax_cross_entropy, .x = x, .labels = &labels.view, .sums = &sums,
                 .dx = p, .weight = 1.0));
    ODEON_TRY(ON(q, move, fill, .y = &sums, .value = odeon_imm(1.0)));
    odeon_tensor one = number_of(&sums, 0);
    ODEON_TRY(dual_zero(q, &first));
    ODEON_TRY(
        ON(q, move, rows_fill, .y = &first, .rows = B, .cols = 1, .pitch = K, .v = &one.view));
    return dual_add(q, 1.0, &first.view, p);
}

/* dx' = weight (p x' - p sum(p x')), sums over each row. */
static odeon_status curvature(dual_queue *q, const odeon_softmax_cross_entropy *call,
                              const odeon_view *x_dot)
{
    int64_t B = x_dot->shape.dim[0], K = x_dot->shape.dim[1];
    odeon_tensor dx_dot = twin_of(q, call->dx), p, product, mean;
    ODEON_TRY(dual_temp(q, &x_dot->shape, &p));
    ODEON_TRY(dual_temp(q, &x_dot->shape, &product));
    ODEON_TRY(dual_temp_f64(q, 1, &B, &mean));
    ODEON_TRY(softmax(q, call->x, &p));
    ODEON_TRY(dual_multiply(q, &p.view, x_dot, &product));
    ODEON_TRY(dual_zero(q, &mean));
    ODEON_TRY(
        ON(q, move, rows_sum, .x = &product.view, .rows = B, .cols = K, .pitch = K, .v = &mean));
    ODEON_TRY(
        ON(q, move, rows_fill, .y = &product, .rows = B, .cols = K, .pitch = K, .v = &mean.view));
    ODEON_TRY(ON(q, pointwise, binary, .id = ODEON_BINARY_SUB, .a = x_dot, .b = &product.view,
                 .y = &product));
    ODEON_TRY(dual_multiply(q, &p.view, &product.view, &product));
    return dual_scale(q, call->weight, &product.view, &dx_dot);
}

/* sums[0]' = dx . x'; sums[1] counts. */
static odeon_status softmax_cross_entropy(odeon_queue *queue,
                                          const odeon_softmax_cross_entropy *call)
{
    RULE(queue, softmax_cross_entropy, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor sums = twin_of(q, call->sums), slope;
    odeon_softmax_cross_entropy all = *call;
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &x.shape, &slope));
    all.dx = call->dx != NULL ? call->dx : &slope;
    ODEON_TRY(VALUE(q, loss, softmax_cross_entropy, &all));
    odeon_tensor first = number_of(&sums, 0), second = number_of(&sums, 1);
    ODEON_TRY(dual_inner(q, &all.dx->view, &x, &first));
    ODEON_TRY(dual_zero(q, &second));
    return call->dx != NULL ? curvature(q, call, &x) : ODEON_OK;
}

/* ---- differences ---- */

/* 1 where |d| < beta: 1 - |e'|, which is greater than 0 there alone. */
static odeon_status inside(dual_queue *q, const odeon_difference_loss *call,
                           const odeon_tensor *sums, const odeon_tensor *out)
{
    ODEON_TRY(ON(q, loss, difference_loss, .kind = call->kind, .beta = call->beta, .x = call->x,
                 .target = call->target, .sums = sums, .dx = out, .weight = 1.0));
    ODEON_TRY(ON(q, pointwise, unary, .id = ODEON_UNARY_ABS, .x = &out->view, .y = out));
    return ON(q, move, cast, .x = &out->view, .y = out, .scale = -1.0, .shift = 1.0);
}

/* dx' = weight mask e'' d', d' being the tangent of the difference. e'' of SQUARE is 2: what the
 * operator itself makes of tangents; of ABS 0; of SMOOTH 1 / beta inside of beta. */
static odeon_status bend(dual_queue *q, const odeon_difference_loss *call, const odeon_view *x,
                         const odeon_view *target)
{
    odeon_tensor dx = twin_of(q, call->dx), sums, where;
    if (call->kind == ODEON_DIFFERENCE_ABS) {
        return dual_zero(q, &dx);
    }
    ODEON_TRY(dual_temp_f64(q, 1, (int64_t[]){2}, &sums));
    ODEON_TRY(ON(q, loss, difference_loss, .kind = ODEON_DIFFERENCE_SQUARE, .x = x,
                 .target = target, .mask = call->mask, .sums = &sums, .dx = &dx,
                 .weight = call->weight));
    if (call->kind == ODEON_DIFFERENCE_SQUARE) {
        return ODEON_OK;
    }
    ODEON_TRY(dual_temp(q, &x->shape, &where));
    ODEON_TRY(inside(q, call, &sums, &where));
    ODEON_TRY(ON(q, pointwise, unary_vjp, .id = ODEON_UNARY_RELU, .kept = &where.view,
                 .dy = &dx.view, .dx = &dx));
    return dual_scale(q, 0.5 / call->beta, &dx.view, &dx);
}

/* sums[0]' = dx . d'; sums[1]' = (mask sign(d)) . d', where what stands before d' is the gradient
 * of ABS. */
static odeon_status sums_tangent(dual_queue *q, const odeon_difference_loss *call,
                                 const odeon_tensor *slope, const odeon_tensor *moved)
{
    odeon_tensor sums = twin_of(q, call->sums), sign, unused;
    odeon_tensor first = number_of(&sums, 0), second = number_of(&sums, 1);
    ODEON_TRY(dual_temp(q, &moved->view.shape, &sign));
    ODEON_TRY(dual_temp_f64(q, 1, (int64_t[]){2}, &unused));
    ODEON_TRY(ON(q, loss, difference_loss, .kind = ODEON_DIFFERENCE_ABS, .x = call->x,
                 .target = call->target, .mask = call->mask, .sums = &unused, .dx = &sign,
                 .weight = 1.0));
    ODEON_TRY(dual_inner(q, &slope->view, &moved->view, &first));
    return dual_inner(q, &sign.view, &moved->view, &second);
}

static odeon_status difference_loss(odeon_queue *queue, const odeon_difference_loss *call)
{
    RULE(queue, difference_loss, call);
    odeon_view x = twin(q, call->x), target = twin(q, call->target);
    odeon_tensor slope, moved;
    odeon_difference_loss all = *call;
    if (call->kind < 0 || call->kind >= ODEON_DIFFERENCE_COUNT) {
        return odeon_fail(q->device->host, ODEON_ERR_UNSUPPORTED,
                          "dual: difference_loss: there is no rule of derivatives for kind %d",
                          (int)call->kind);
    }
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &x.shape, &slope));
    ODEON_TRY(dual_temp(q, &x.shape, &moved));
    all.dx = call->dx != NULL ? call->dx : &slope;
    ODEON_TRY(VALUE(q, loss, difference_loss, &all));
    ODEON_TRY(ON(q, pointwise, binary, .id = ODEON_BINARY_SUB, .a = &x, .b = &target, .y = &moved));
    ODEON_TRY(sums_tangent(q, call, all.dx, &moved));
    return call->dx != NULL ? bend(q, call, &x, &target) : ODEON_OK;
}

const odeon_loss_family dual_loss = {
    .struct_size = sizeof(odeon_loss_family),
    .softmax_cross_entropy = softmax_cross_entropy,
    .difference_loss = difference_loss,
};
