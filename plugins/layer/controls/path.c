/* With s_j = max(t - t_j, 0) - max(t - t_j+1, 0), which goes from 0 to h_j = t_j+1 - t_j between
 * the two knots, and P_j the polynomial of the interval without its constant,
 *
 *   u(t) = u_0 + sum_j P_j(s_j),    P_j(s) = m_j s + (2 e_j - f_j) s r + (f_j - e_j) s r^2,
 *
 * r = s / h_j, D_j = (u_j+1 - u_j) / h_j, e_j = D_j - m_j, f_j = m_j+1 - D_j: the cubic Hermite
 * polynomial with slopes m_j and m_j+1. Linear is m = D. Slopes of backward differences are m_j+1 =
 * D_j, m_0 = D_0 (Morrill and others, On the choice of interpolation schemes for neural CDEs,
 * 2022). At a knot the interval before it counts. */
#include "path.h"

#include "../common/shape.h"

/* Three of [B,T], ten of [B,T-1], u and value. */
uint64_t control_path_bytes(int64_t samples, int64_t knots, int64_t channels)
{
    int64_t width = (int64_t)sizeof(double);
    return 13 * shape_aligned(samples * knots * width) +
           shape_aligned(samples * knots * channels * width) + shape_aligned(samples * width);
}

/* The next part of scratch. */
static odeon_tensor part(char **at, int64_t rows, int64_t columns)
{
    const odeon_shape shape = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {rows, columns}};
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(rows * columns * (int64_t)sizeof(double));
    return x;
}

void control_path_begin(const odeon_layer_call *call, int64_t kind, int64_t closed, char **at,
                        control_path *p)
{
    *p = (control_path){.call = call,
                        .times = call->batch_field(call, ODEON_ROLE_TIME),
                        .given = call->batch_field(call, ODEON_ROLE_CONTROL),
                        .closed = closed,
                        .kind = kind};
    int64_t n = p->samples = p->given->shape.dim[0], knots = p->knots = p->given->shape.dim[1];
    p->given_channels = p->given->shape.dim[2];
    p->channels = kind == PATH_CUBIC ? p->given_channels / 2 : p->given_channels;
    odeon_tensor *const whole[] = {&p->past, &p->step, &p->column};
    odeon_tensor *const between[] = {&p->span,  &p->run,    &p->share, &p->within, &p->rise,
                                     &p->slope, &p->second, &p->third, &p->term,   &p->other};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        *whole[i] = part(at, n, knots);
    }
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        *between[i] = part(at, n, knots - 1);
    }
    p->u = part(at, n, knots * p->given_channels);
    p->value = part(at, n, 1);
}

static odeon_status binary(const control_path *p, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b)
{
    return ODEON_DO(p->call->device, pointwise, binary, p->call->queue, .id = id, .a = &a->view,
                    .b = &b->view, .y = a);
}

/* y = scale x. */
static odeon_status scaled(const control_path *p, const odeon_tensor *x, double scale,
                           const odeon_tensor *y)
{
    return ODEON_DO(p->call->device, move, cast, p->call->queue, .x = &x->view, .scale = scale,
                    .shift = -0.0, .y = y);
}

/* Columns first to first + T - 2 of x [B,T] into y [B,T-1]. */
static odeon_status take(const control_path *p, const odeon_view *x, int64_t first,
                         const odeon_tensor *y)
{
    return ODEON_DO(p->call->device, move, copy2d, p->call->queue, .x = x, .y = y,
                    .rows = p->samples, .cols = p->knots - 1, .x_pitch = p->knots, .x_at = first,
                    .y_pitch = p->knots - 1);
}

/* y [B,T-1] = x_j+1 - x_j, or the other way round. */
static odeon_status differences(const control_path *p, const odeon_view *x, bool falling,
                                const odeon_tensor *y)
{
    ODEON_TRY(take(p, x, falling ? 0 : 1, y));
    ODEON_TRY(take(p, x, falling ? 1 : 0, &p->other));
    return binary(p, ODEON_BINARY_SUB, y, &p->other);
}

/* value [B] = 1 where t_0 > t, else 0: of past, which is still t - t_j. */
static odeon_status find_before(const control_path *p)
{
    const odeon_layer_call *call = p->call;
    odeon_tensor ahead = p->column;
    ahead.view.shape.dim[1] = 1;
    ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &p->past.view, .y = &p->value,
                       .rows = p->samples, .cols = 1, .x_pitch = p->knots, .y_pitch = 1));
    ODEON_TRY(scaled(p, &p->value, -1.0, &ahead));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                       .x = &ahead.view, .y = &ahead));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &p->value, .value = odeon_imm(1.0)));
    return ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                    .kept = &ahead.view, .dy = &p->value.view, .dx = &p->value);
}

/* step_0 = 1 where t_0 <= t: a solve that begins at t_0 has the first interval's derivative there.
 */
static odeon_status close_start(const control_path *p)
{
    const odeon_layer_call *call = p->call;
    odeon_tensor from = p->column;
    from.view.shape.dim[1] = 1;
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &p->value.view, .scale = -1.0,
                       .shift = 1.0, .y = &from));
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = &from.view, .y = &p->step,
                    .rows = p->samples, .cols = 1, .x_pitch = 1, .y_pitch = p->knots);
}

odeon_status control_path_at(const control_path *p)
{
    const odeon_layer_call *call = p->call;
    ODEON_TRY(
        ODEON_DO(call->device, move, cast, call->queue, .x = p->given, .y = &p->u, .scale = 1.0));
    ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = &p->past,
                       .rows = p->samples, .cols = p->knots, .pitch = p->knots, .v = call->t));
    ODEON_TRY(ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_SUB,
                       .a = &p->past.view, .b = p->times, .y = &p->past));
    ODEON_TRY(p->closed != 0 ? find_before(p) : ODEON_OK);
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                       .x = &p->past.view, .y = &p->past));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &p->step, .value = odeon_imm(1.0)));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                       .kept = &p->past.view, .dy = &p->step.view, .dx = &p->step));
    ODEON_TRY(p->closed != 0 ? close_start(p) : ODEON_OK);
    ODEON_TRY(differences(p, p->times, false, &p->span));
    ODEON_TRY(differences(p, &p->past.view, true, &p->run));
    ODEON_TRY(differences(p, &p->step.view, true, &p->within));
    ODEON_TRY(scaled(p, &p->run, 1.0, &p->share));
    return binary(p, ODEON_BINARY_DIV, &p->share, &p->span);
}

/* Column k of u [B,T,C]. */
static odeon_status channel(const control_path *p, int64_t k)
{
    return ODEON_DO(p->call->device, move, copy2d, p->call->queue, .x = &p->u.view, .y = &p->column,
                    .rows = p->samples * p->knots, .cols = 1, .x_pitch = p->given_channels,
                    .x_at = k, .y_pitch = 1);
}

/* slope = m_j, and third = m_j+1; rise is D. */
static odeon_status take_slopes(const control_path *p, int64_t k)
{
    const odeon_layer_call *call = p->call;
    int64_t rows = p->samples, n = p->knots - 1;
    if (p->kind == PATH_CUBIC) {
        ODEON_TRY(channel(p, p->channels + k));
        ODEON_TRY(take(p, &p->column.view, 0, &p->slope));
        return take(p, &p->column.view, 1, &p->third);
    }
    ODEON_TRY(scaled(p, &p->rise, 1.0, &p->slope));
    if (n > 1) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &p->rise.view,
                           .y = &p->slope, .rows = rows, .cols = n - 1, .x_pitch = n, .y_pitch = n,
                           .y_at = 1));
    }
    return scaled(p, &p->rise, 1.0, &p->third);
}

/* second = 2 e - f, third = f - e, from slope = m_j and third = m_j+1; rise is D. */
static odeon_status take_powers(const control_path *p)
{
    ODEON_TRY(binary(p, ODEON_BINARY_SUB, &p->third, &p->rise)); /* f */
    ODEON_TRY(scaled(p, &p->rise, 1.0, &p->other));
    ODEON_TRY(binary(p, ODEON_BINARY_SUB, &p->other, &p->slope)); /* e */
    ODEON_TRY(scaled(p, &p->other, 2.0, &p->second));
    ODEON_TRY(binary(p, ODEON_BINARY_SUB, &p->second, &p->third));
    return binary(p, ODEON_BINARY_SUB, &p->third, &p->other);
}

/* term = what each interval adds to the derivative of that order. */
static odeon_status cubic_term(const control_path *p, int order)
{
    static const double thirds[] = {1.0, 3.0, 6.0}, seconds[] = {1.0, 2.0, 2.0};
    ODEON_TRY(scaled(p, &p->third, thirds[order], &p->term));
    ODEON_TRY(binary(p, ODEON_BINARY_MUL, &p->term, &p->share));
    ODEON_TRY(scaled(p, &p->second, seconds[order], &p->other));
    ODEON_TRY(binary(p, ODEON_BINARY_ADD, &p->term, &p->other));
    if (order == 2) {
        ODEON_TRY(binary(p, ODEON_BINARY_DIV, &p->term, &p->span));
    } else {
        ODEON_TRY(binary(p, ODEON_BINARY_MUL, &p->term, &p->share));
        ODEON_TRY(binary(p, ODEON_BINARY_ADD, &p->term, &p->slope));
    }
    return binary(p, ODEON_BINARY_MUL, &p->term, order == 0 ? &p->run : &p->within);
}

/* The same of constants and of lines; column is the channel. */
static odeon_status plain_term(const control_path *p, int order)
{
    ODEON_TRY(differences(p, &p->column.view, false, &p->term));
    if (p->kind == PATH_PREVIOUS) {
        ODEON_TRY(take(p, &p->step.view, 1, &p->other));
        return binary(p, ODEON_BINARY_MUL, &p->term, &p->other);
    }
    if (order == 0) {
        return binary(p, ODEON_BINARY_MUL, &p->term, &p->share);
    }
    ODEON_TRY(scaled(p, &p->within, 1.0, &p->other));
    ODEON_TRY(binary(p, ODEON_BINARY_DIV, &p->other, &p->span));
    return binary(p, ODEON_BINARY_MUL, &p->term, &p->other);
}

odeon_status control_path_channel(const control_path *p, int64_t k, int order)
{
    const odeon_layer_call *call = p->call;
    bool plain = p->kind <= PATH_LINEAR;
    ODEON_TRY(channel(p, k));
    if (order == 0) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &p->column.view,
                           .y = &p->value, .rows = p->samples, .cols = 1, .x_pitch = p->knots,
                           .y_pitch = 1));
    } else {
        ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = &p->value,
                           .value = odeon_imm(0.0)));
    }
    if (plain && order > (p->kind == PATH_LINEAR)) {
        return ODEON_OK;
    }
    if (plain) {
        ODEON_TRY(plain_term(p, order));
    } else {
        ODEON_TRY(differences(p, &p->column.view, false, &p->rise));
        ODEON_TRY(binary(p, ODEON_BINARY_DIV, &p->rise, &p->span));
        ODEON_TRY(take_slopes(p, k));
        ODEON_TRY(take_powers(p));
        ODEON_TRY(cubic_term(p, order));
    }
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &p->term.view,
                    .rows = p->samples, .cols = p->knots - 1, .pitch = p->knots - 1,
                    .v = &p->value);
}
