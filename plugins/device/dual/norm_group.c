/* Group normalization, whose statistics come and go within one operator. */
#include "norm.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"

/* x[B,C,S] as [1, B groups, numbers of a group]. */
static odeon_view by_groups(const odeon_view *x, int32_t groups)
{
    odeon_view out = *x;
    out.shape.dim[0] = 1;
    out.shape.dim[1] = x->shape.dim[0] * groups;
    out.shape.dim[2] = x->shape.dim[1] / groups * x->shape.dim[2];
    return out;
}

/* stats[B,groups,2] as a pair [2, B groups], and back. */
static odeon_status to_pair(dual_queue *q, const odeon_view *stats, const odeon_tensor *pair)
{
    int64_t n = pair->view.shape.dim[1];
    ODEON_TRY(ON(q, move, copy2d, .x = stats, .y = pair, .rows = n, .cols = 1, .x_pitch = 2,
                 .y_pitch = 1));
    return ON(q, move, copy2d, .x = stats, .y = pair, .rows = n, .cols = 1, .x_pitch = 2, .x_at = 1,
              .y_pitch = 1, .y_at = n);
}

static odeon_status from_pair(dual_queue *q, const odeon_view *pair, const odeon_tensor *stats)
{
    int64_t n = pair->shape.dim[1];
    ODEON_TRY(ON(q, move, copy2d, .x = pair, .y = stats, .rows = n, .cols = 1, .x_pitch = 1,
                 .y_pitch = 2));
    return ON(q, move, copy2d, .x = pair, .y = stats, .rows = n, .cols = 1, .x_pitch = 1, .x_at = n,
              .y_pitch = 2, .y_at = 1);
}

/* m' = mean of x', r' = -r^2 mean of n x', in each group. */
static odeon_status stats_tangent(dual_queue *q, const odeon_group_norm *call,
                                  const odeon_view *x_dot, const odeon_tensor *stats_dot)
{
    odeon_view flat = by_groups(call->x, call->groups), flat_dot = by_groups(x_dot, call->groups);
    odeon_tensor pair, sums;
    double n = (double)flat.shape.dim[2];
    ODEON_TRY(dual_new_pair(q, flat.shape.dim[1], &pair));
    ODEON_TRY(dual_new_pair(q, flat.shape.dim[1], &sums));
    ODEON_TRY(to_pair(q, &call->stats->view, &pair));
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = &flat, .stats = &pair.view, .dy = &flat_dot,
                 .sums = &sums));
    odeon_tensor r = dual_row(&pair.view, 1), m_dot = dual_row(&sums.view, 0),
                 r_dot = dual_row(&sums.view, 1);
    ODEON_TRY(dual_multiply(q, &r_dot.view, &r.view, &r_dot));
    ODEON_TRY(dual_multiply(q, &r_dot.view, &r.view, &r_dot));
    ODEON_TRY(dual_scale(q, 1.0 / n, &m_dot.view, &m_dot));
    ODEON_TRY(dual_scale(q, -1.0 / n, &r_dot.view, &r_dot));
    return from_pair(q, &sums.view, stats_dot);
}

/* y' += n w' + b' */
static odeon_status add_affine(dual_queue *q, const odeon_group_norm *call, const odeon_tensor *y)
{
    odeon_view w, b;
    odeon_tensor more, again;
    if (dual_is_constant(q, call->w) && dual_is_constant(q, call->b)) {
        return ODEON_OK;
    }
    odeon_group_norm one = *call;
    ODEON_TRY(dual_temp(q, &y->view.shape, &more));
    ODEON_TRY(dual_temp(q, &call->stats->view.shape, &again));
    one.w = twin_or_null(q, call->w, &w);
    one.b = twin_or_null(q, call->b, &b);
    one.y = &more;
    one.stats = &again;
    one.act = ODEON_UNARY_IDENTITY;
    ODEON_TRY(VALUE(q, norm, group_norm, &one));
    return dual_add(q, 1.0, &more.view, y);
}

/* y = act(u): y' = act'(y) u'; y holds u'. */
static odeon_status pass_function(dual_queue *q, const odeon_group_norm *call,
                                  const odeon_tensor *y)
{
    return call->act == ODEON_UNARY_IDENTITY ? ODEON_OK
                                             : ON(q, pointwise, unary_vjp, .id = call->act,
                                                  .kept = &call->y->view, .dy = &y->view, .dx = y);
}

/* u = n w + b: u' = n' w + n w' + b'. n' = r (x' - mean(x') - n mean(n x')) is what the vjp without
 * w makes of x' in place of dy, since the Jacobian of n is symmetric. */
odeon_status dual_group_norm(odeon_queue *queue, const odeon_group_norm *call)
{
    RULE(queue, group_norm, call);
    odeon_view x = twin(q, call->x);
    odeon_tensor y = twin_of(q, call->y), stats = twin_of(q, call->stats), n_dot;
    ODEON_TRY(VALUE(q, norm, group_norm, call));
    if (odeon_count(&x.shape) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(stats_tangent(q, call, &x, &stats));
    ODEON_TRY(dual_temp(q, &x.shape, &n_dot));
    const odeon_tensor *target = call->w == NULL ? &y : &n_dot;
    ODEON_TRY(ON(q, norm, group_norm_vjp, .groups = call->groups, .x = call->x,
                 .stats = &call->stats->view, .dy = &x, .dx = target));
    if (call->w == NULL) {
        return pass_function(q, call, &y);
    }
    ODEON_TRY(dual_scaled(q, &n_dot.view, NULL, NULL, call->w, &y));
    ODEON_TRY(add_affine(q, call, &y));
    return pass_function(q, call, &y);
}

/* ---- the vjp ----
 * With u = dy w and V(w, dy) the operator itself, bilinear:
 * dx' = V(w, dy') + V(w', dy) + (r'/r) dx - r mean(u n) n' - r mean(u n') n, means over the group;
 * dw' += sum dy' n + sum dy n'; db' += sum dy'. */

/* What a group's terms are made of, groups being channels. */
typedef struct group_terms {
    odeon_view x, n_dot, u, dx;
    odeon_tensor dx_dot, pair, r_dot;
} group_terms;

static odeon_status add_by_stats(dual_queue *q, const group_terms *g)
{
    odeon_tensor m = dual_row(&g->pair.view, 0), r = dual_row(&g->pair.view, 1), sums, unit, factor;
    int64_t n = g->x.shape.dim[1];
    double scale = -1.0 / (double)g->x.shape.dim[2];
    ODEON_TRY(dual_new_pair(q, n, &sums));
    ODEON_TRY(dual_temp(q, &r.view.shape, &factor));
    odeon_tensor second = dual_row(&sums.view, 1);

    ODEON_TRY(ON(q, pointwise, binary, .id = ODEON_BINARY_DIV, .a = &g->r_dot.view, .b = &r.view,
                 .y = &factor));
    ODEON_TRY(dual_add_scaled(q, &g->dx, NULL, &factor, NULL, &g->dx_dot));

    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = &g->x, .stats = &g->pair.view, .dy = &g->u,
                 .sums = &sums));
    ODEON_TRY(dual_multiply(q, &second.view, &r.view, &factor));
    ODEON_TRY(dual_scale(q, scale, &factor.view, &factor));
    ODEON_TRY(dual_add_scaled(q, &g->n_dot, NULL, &factor, NULL, &g->dx_dot));

    ODEON_TRY(dual_make_pair(q, n, NULL, NULL, &unit));
    ODEON_TRY(ON(q, norm, batch_norm_vjp_sums, .x = &g->n_dot, .stats = &unit.view, .dy = &g->u,
                 .sums = &sums));
    ODEON_TRY(dual_multiply(q, &second.view, &r.view, &factor));
    ODEON_TRY(dual_multiply(q, &factor.view, &r.view, &factor));
    ODEON_TRY(dual_scale(q, scale, &factor.view, &factor));
    return dual_add_scaled(q, &g->x, &m, &factor, NULL, &g->dx_dot);
}

/* n' = (x' - m') r + (x - m) r', and the pairs that it takes. */
static odeon_status find_n_dot(dual_queue *q, const odeon_group_norm_vjp *call, group_terms *g)
{
    odeon_view stats = twin(q, call->stats), x = twin(q, call->x),
               flat_dot = by_groups(&x, call->groups);
    odeon_tensor pair_dot, n_dot;
    g->x = by_groups(call->x, call->groups);
    ODEON_TRY(dual_new_pair(q, g->x.shape.dim[1], &g->pair));
    ODEON_TRY(dual_new_pair(q, g->x.shape.dim[1], &pair_dot));
    ODEON_TRY(to_pair(q, call->stats, &g->pair));
    ODEON_TRY(to_pair(q, &stats, &pair_dot));
    odeon_tensor m = dual_row(&g->pair.view, 0), r = dual_row(&g->pair.view, 1),
                 m_dot = dual_row(&pair_dot.view, 0);
    g->r_dot = dual_row(&pair_dot.view, 1);
    ODEON_TRY(dual_temp(q, &g->x.shape, &n_dot));
    g->n_dot = n_dot.view;
    ODEON_TRY(dual_scaled(q, &flat_dot, &m_dot, &r, NULL, &n_dot));
    return dual_add_scaled(q, &g->x, &m, &g->r_dot, NULL, &n_dot);
}

static odeon_status add_to_dw(dual_queue *q, const odeon_group_norm_vjp *call, const group_terms *g)
{
    odeon_tensor product, dw = twin_of(q, call->dw);
    odeon_view n_dot = g->n_dot;
    n_dot.shape = call->x->shape;
    ODEON_TRY(dual_temp(q, &n_dot.shape, &product));
    ODEON_TRY(dual_multiply(q, &n_dot, call->dy, &product));
    return ON(q, product, channel_sum, .x = &product.view, .bias = &dw);
}

static odeon_status add_to_dx(dual_queue *q, const odeon_group_norm_vjp *call, group_terms *g)
{
    odeon_tensor dx = twin_of(q, call->dx), more, u;
    odeon_view w;
    if (!dual_is_constant(q, call->w)) {
        w = twin(q, call->w);
        ODEON_TRY(dual_temp(q, &dx.view.shape, &more));
        ODEON_TRY(ON(q, norm, group_norm_vjp, .groups = call->groups, .x = call->x, .w = &w,
                     .stats = call->stats, .dy = call->dy, .dx = &more));
        ODEON_TRY(dual_add(q, 1.0, &more.view, &dx));
    }
    ODEON_TRY(dual_temp(q, &dx.view.shape, &u));
    ODEON_TRY(dual_scaled(q, call->dy, NULL, NULL, call->w, &u));
    g->u = by_groups(&u.view, call->groups);
    g->dx = by_groups(&call->dx->view, call->groups);
    g->dx_dot = (odeon_tensor){by_groups(&dx.view, call->groups)};
    return add_by_stats(q, g);
}

odeon_status dual_group_norm_vjp(odeon_queue *queue, const odeon_group_norm_vjp *call)
{
    RULE(queue, group_norm_vjp, call);
    odeon_view dy = twin(q, call->dy);
    odeon_tensor dx, dw, db;
    group_terms g;
    ODEON_TRY(VALUE(q, norm, group_norm_vjp, call));
    if (odeon_count(&call->x->shape) == 0) {
        return ODEON_OK;
    }
    odeon_group_norm_vjp one = *call;
    one.dy = &dy;
    one.dx = twin_of_or_null(q, call->dx, &dx);
    one.dw = twin_of_or_null(q, call->dw, &dw);
    one.db = twin_of_or_null(q, call->db, &db);
    ODEON_TRY(VALUE(q, norm, group_norm_vjp, &one));
    ODEON_TRY(dual_begin(q));
    ODEON_TRY(find_n_dot(q, call, &g));
    ODEON_TRY(call->dw != NULL ? add_to_dw(q, call, &g) : ODEON_OK);
    return call->dx != NULL ? add_to_dx(q, call, &g) : ODEON_OK;
}
