/* Batch normalization, which comes in parts; its statistics have tangents as all else. */
#include "norm.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"

odeon_tensor dual_row(const odeon_view *pair, int64_t row)
{
    odeon_tensor x = {*pair};
    int64_t channels = pair->shape.dim[1];
    x.view.byte_offset += (uint64_t)(row * channels) * sizeof(double);
    x.view.shape = (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {channels}};
    return x;
}

odeon_status dual_new_pair(dual_queue *q, int64_t channels, odeon_tensor *out)
{
    return dual_temp_f64(q, 2, (int64_t[]){2, channels}, out);
}

odeon_status dual_make_pair(dual_queue *q, int64_t channels, const odeon_tensor *c,
                            const odeon_tensor *s, odeon_tensor *out)
{
    ODEON_TRY(dual_new_pair(q, channels, out));
    odeon_tensor first = dual_row(&out->view, 0), second = dual_row(&out->view, 1);
    ODEON_TRY(c != NULL ? ON(q, move, copy, .x = &c->view, .y = &first) : dual_zero(q, &first));
    return s != NULL ? ON(q, move, copy, .x = &s->view, .y = &second)
                     : ON(q, move, fill, .y = &second, .value = odeon_imm(1.0));
}

odeon_status dual_scaled(dual_queue *q, const odeon_view *z, const odeon_tensor *c,
                         const odeon_tensor *s, const odeon_view *w, const odeon_tensor *y)
{
    odeon_tensor pair, shaped = *y;
    shaped.view.shape = z->shape;
    ODEON_TRY(dual_make_pair(q, z->shape.dim[1], c, s, &pair));
    return ON(q, norm, batch_norm, .x = z, .stats = &pair.view, .w = w, .y = &shaped);
}

odeon_status dual_add_scaled(dual_queue *q, const odeon_view *z, const odeon_tensor *c,
                             const odeon_tensor *s, const odeon_view *w, const odeon_tensor *y)
{
    odeon_tensor part, shaped = *y;
    shaped.view.shape = z->shape;
    ODEON_TRY(dual_temp(q, &z->shape, &part));
    ODEON_TRY(dual_scaled(q, z, c, s, w, &part));
    return dual_add(q, 1.0, &part.view, &shaped);
}

/* out = the sum of x: the same of tangents. Of (x - mean)^2: out' = 2 sum (x - mean)(x' - mean').
 */
static odeon_status channel_moment(odeon_queue *queue, const odeon_channel_moment *call)
{
    RULE(queue, channel_moment, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor out = twin_of(q, call->out), moved, pair, sums;
    ODEON_TRY(VALUE(q, norm, channel_moment, call));
    if (call->mean == NULL) {
        return ON(q, norm, channel_moment, .x = &x, .out = &out);
    }
    odeon_tensor mean = {*call->mean}, mean_dot = {twin(q, call->mean)};
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_temp(q, &x.shape, &moved));
    ODEON_TRY(dual_scaled(q, &x, &mean_dot, NULL, NULL, &moved));
    ODEON_TRY(dual_make_pair(q, x.shape.dim[1], &mean, NULL, &pair));
    ODEON_TRY(dual_new_pair(q, x.shape.dim[1], &sums));
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = call->x, .stats = &pair.view, .dy = &moved.view,
                 .sums = &sums));
    odeon_tensor second = dual_row(&sums.view, 1);
    return dual_scale(q, 2.0, &second.view, &out);
}

/* y = act(u), u = (x - m) r w + b:
 * u' = (x' - m') r w + b' + (x - m) r' w + (x - m) r w', y' = act'(y) u' */
static odeon_status batch_norm(odeon_queue *queue, const odeon_batch_norm *call)
{
    RULE(queue, batch_norm, call);
    odeon_view x = twin(q, call->x), stats = twin(q, call->stats), w, b;
    odeon_tensor y = twin_of(q, call->y), pair;
    odeon_tensor m = dual_row(call->stats, 0), r = dual_row(call->stats, 1),
                 m_dot = dual_row(&stats, 0), r_dot = dual_row(&stats, 1);
    ODEON_TRY(VALUE(q, norm, batch_norm, call));
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_make_pair(q, x.shape.dim[1], &m_dot, &r, &pair));
    odeon_batch_norm one = *call;
    one.x = &x;
    one.stats = &pair.view;
    one.b = twin_or_null(q, call->b, &b);
    one.y = &y;
    one.act = ODEON_UNARY_IDENTITY;
    ODEON_TRY(VALUE(q, norm, batch_norm, &one));
    ODEON_TRY(dual_add_scaled(q, call->x, &m, &r_dot, call->w, &y));
    if (!dual_is_constant(q, call->w)) {
        w = twin(q, call->w);
        ODEON_TRY(dual_add_scaled(q, call->x, &m, &r, &w, &y));
    }
    return call->act == ODEON_UNARY_IDENTITY ? ODEON_OK
                                             : ON(q, pointwise, unary_vjp, .id = call->act,
                                                  .kept = &call->y->view, .dy = &y.view, .dx = &y);
}

/* s0 = sum dy: s0' = sum dy'. s1 = sum dy n: s1' = sum dy' n + sum dy (x' - m') r
 * + sum dy (x - m) r' */
static odeon_status batch_norm_vjp_sums(odeon_queue *queue, const odeon_batch_norm_vjp_sums *call)
{
    RULE(queue, batch_norm_vjp_sums, call);
    odeon_view x = twin(q, call->x), stats = twin(q, call->stats), dy = twin(q, call->dy);
    odeon_tensor sums = twin_of(q, call->sums), pair, more;
    odeon_tensor m = dual_row(call->stats, 0), r = dual_row(call->stats, 1),
                 m_dot = dual_row(&stats, 0), r_dot = dual_row(&stats, 1),
                 target = dual_row(&sums.view, 1);
    int64_t C = x.shape.dim[1];
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(dual_new_pair(q, C, &more));
    odeon_tensor second = dual_row(&more.view, 1);
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = call->x, .stats = call->stats, .dy = &dy,
                 .sums = &sums));
    ODEON_TRY(dual_make_pair(q, C, &m_dot, &r, &pair));
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = &x, .stats = &pair.view, .dy = call->dy,
                 .sums = &more));
    ODEON_TRY(dual_add(q, 1.0, &second.view, &target));
    ODEON_TRY(dual_make_pair(q, C, &m, &r_dot, &pair));
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = call->x, .stats = &pair.view, .dy = call->dy,
                 .sums = &more));
    ODEON_TRY(dual_add(q, 1.0, &second.view, &target));
    return VALUE(q, norm, batch_norm_vjp_sums, call);
}

/* dx += D(x', w, (m', r), 0, (0, s1)), that is -w r^2 (x' - m') s1 / N */
static odeon_status add_by_x(dual_queue *q, const odeon_batch_norm_vjp *call, const odeon_view *x,
                             const odeon_tensor *m_dot, const odeon_tensor *dx)
{
    odeon_tensor r = dual_row(call->stats, 1), s1 = dual_row(call->sums, 1), zero, pair, s, more;
    ODEON_TRY(dual_temp(q, &x->shape, &zero));
    ODEON_TRY(dual_temp(q, &x->shape, &more));
    ODEON_TRY(dual_zero(q, &zero));
    ODEON_TRY(dual_make_pair(q, x->shape.dim[1], m_dot, &r, &pair));
    ODEON_TRY(dual_make_pair(q, x->shape.dim[1], NULL, &s1, &s));
    ODEON_TRY(ON(q, norm, batch_norm_vjp, .x = x, .w = call->w, .stats = &pair.view,
                 .dy = &zero.view, .sums = &s.view, .dx = &more, .count = call->count));
    return dual_add(q, 1.0, &more.view, dx);
}

/* dx += w r' (dy - s0 / N - 2 (x - m) r s1 / N), of which what stands in brackets is
 * D(x, 1, (m, 1), dy, (s0, 2 r s1)) */
static odeon_status add_by_r(dual_queue *q, const odeon_batch_norm_vjp *call,
                             const odeon_tensor *r_dot, const odeon_tensor *dx)
{
    odeon_tensor m = dual_row(call->stats, 0), r = dual_row(call->stats, 1),
                 s0 = dual_row(call->sums, 0), s1 = dual_row(call->sums, 1), pair, s, more;
    int64_t C = call->x->shape.dim[1];
    ODEON_TRY(dual_temp(q, &call->x->shape, &more));
    ODEON_TRY(dual_make_pair(q, C, &m, NULL, &pair));
    ODEON_TRY(dual_make_pair(q, C, &s0, &s1, &s));
    odeon_tensor twice = dual_row(&s.view, 1);
    ODEON_TRY(dual_multiply(q, &twice.view, &r.view, &twice));
    ODEON_TRY(dual_scale(q, 2.0, &twice.view, &twice));
    ODEON_TRY(ON(q, norm, batch_norm_vjp, .x = call->x, .stats = &pair.view, .dy = call->dy,
                 .sums = &s.view, .dx = &more, .count = call->count));
    return dual_add_scaled(q, &more.view, NULL, r_dot, call->w, dx);
}

/* dx = w r (dy - s0 / N - (x - m) r s1 / N) =: D(x, w, (m, r), dy, (s0, s1)):
 * dx' = D(x, w, (m, r), dy', s') + the two above + D(x, w', (m, r), dy, s) */
static odeon_status batch_norm_vjp(odeon_queue *queue, const odeon_batch_norm_vjp *call)
{
    RULE(queue, batch_norm_vjp, call);
    odeon_view x = twin(q, call->x), stats = twin(q, call->stats), dy = twin(q, call->dy),
               sums = twin(q, call->sums), w;
    odeon_tensor dx = twin_of(q, call->dx), m_dot = dual_row(&stats, 0),
                 r_dot = dual_row(&stats, 1), more;
    odeon_batch_norm_vjp one = *call;
    one.dy = &dy;
    one.sums = &sums;
    one.dx = &dx;
    ODEON_TRY(VALUE(q, norm, batch_norm_vjp, &one));
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(add_by_x(q, call, &x, &m_dot, &dx));
    ODEON_TRY(add_by_r(q, call, &r_dot, &dx));
    if (!dual_is_constant(q, call->w)) {
        ODEON_TRY(dual_temp(q, &x.shape, &more));
        w = twin(q, call->w);
        one = *call;
        one.w = &w;
        one.dx = &more;
        ODEON_TRY(VALUE(q, norm, batch_norm_vjp, &one));
        ODEON_TRY(dual_add(q, 1.0, &more.view, &dx));
    }
    return VALUE(q, norm, batch_norm_vjp, call);
}

static const odeon_norm_family whole = {
    .struct_size = sizeof(odeon_norm_family),
    .group_norm = dual_group_norm,
    .group_norm_vjp = dual_group_norm_vjp,
    .channel_moment = channel_moment,
    .batch_norm = batch_norm,
    .batch_norm_vjp_sums = batch_norm_vjp_sums,
    .batch_norm_vjp = batch_norm_vjp,
    .softmax = dual_softmax,
    .softmax_vjp = dual_softmax_vjp,
};
static const odeon_norm_family needed = {
    .struct_size = offsetof(odeon_norm_family, softmax),
    .group_norm = dual_group_norm,
    .group_norm_vjp = dual_group_norm_vjp,
    .channel_moment = channel_moment,
    .batch_norm = batch_norm,
    .batch_norm_vjp_sums = batch_norm_vjp_sums,
    .batch_norm_vjp = batch_norm_vjp,
};

const odeon_norm_family *dual_norm_of(const odeon_device *base)
{
    return ODEON_HAS(base->norm, odeon_norm_family, softmax) &&
                   ODEON_HAS(base->norm, odeon_norm_family, softmax_vjp)
               ? &whole
               : &needed;
}
