/* controls: appends known functions of time: x [B,C] -> y [B,C+c], the last c being u(t), the
 * batch's controls [B,T,c] at its times [B,T], linear between two of them and constant outside.
 * Inside of an ODE block alone. Times rise.
 *
 * With w_j(t) = (max(t - t_j, 0) - max(t - t_j+1, 0)) / (t_j+1 - t_j), which goes from 0 to 1
 * between t_j and t_j+1,
 *
 *   u(t) = u_0 + sum_j w_j(t) (u_j+1 - u_j)
 *
 * and u' has the slopes of w_j. All of it is computed in float64. At a time of the batch u has a
 * corner, where the slope that was before it counts; `stops` of the block lets steps end there. */
#include "../common/shape.h"
#include "odeon/dataset.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct controls {
    ODEON_INSTANCE;
} controls;

/* What a call works with: shapes, and parts of scratch, F64 but for column. */
typedef struct workspace {
    const odeon_layer_call *call;
    const odeon_view *times, *given;
    int64_t samples, knots, channels, features; /* B, T, c, C */
    odeon_tensor past, slope;                   /* [B,T]: max(t - t_j, 0); 1 where it rises */
    odeon_tensor share, other;                  /* [B,T-1] */
    odeon_tensor u;                             /* [B,T,c] */
    odeon_tensor value, bar, column;            /* [B] */
} workspace;

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Elements of F64 in all: of past, slope, share, other, u, value, bar and column, each aligned. */
static int64_t scratch_bytes(int64_t samples, int64_t knots, int64_t channels)
{
    int64_t width = (int64_t)sizeof(double);
    return 4 * aligned(samples * knots * width) + aligned(samples * knots * channels * width) +
           3 * aligned(samples * width);
}

/* dtype 0 where the data set has none. */
static const odeon_shape *given(const odeon_layer_plan *plan, int32_t role)
{
    static const odeon_shape none = {.dtype = 0};
    return role < plan->n_given ? &plan->given[role] : &none;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const controls *layer = self;
    const odeon_shape *times = given(plan, ODEON_ROLE_TIME);
    const odeon_shape *u = given(plan, ODEON_ROLE_CONTROL);
    plan->flags = ODEON_LAYER_USES_T | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    plan->needs = 1u << ODEON_ROLE_TIME | 1u << ODEON_ROLE_CONTROL;
    if (times->dtype == 0 || u->dtype == 0) {
        return ODEON_OK; /* the host refuses */
    }
    if (plan->in.ndim != 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "controls: the input is %s; it takes features [B,C]",
                          shape_print(&plan->in).text);
    }
    if (u->ndim != 3 || u->dim[1] != times->dim[1]) {
        return odeon_fail(
            layer->host, ODEON_ERR_CONFIG,
            "controls: the data set's controls are %s of a batch of one; they have to "
            "be [B,T,c], at the same %lld times as the samples",
            shape_print(u).text, (long long)times->dim[1]);
    }
    plan->out.dim[1] += u->dim[2];
    plan->scratch_bytes = (uint64_t)scratch_bytes(plan->in.dim[0], u->dim[1], u->dim[2]);
    return ODEON_OK;
}

/* The next part of scratch. */
static odeon_tensor part(char **at, uint32_t dtype, int64_t rows, int64_t columns)
{
    const odeon_shape shape = {.ndim = 2, .dtype = dtype, .dim = {rows, columns}};
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += aligned(rows * columns * (int64_t)sizeof(double));
    return x;
}

static odeon_status begin(const controls *layer, const odeon_layer_call *call,
                          const odeon_shape *out, workspace *w)
{
    char *at = call->scratch;
    *w = (workspace){.call = call,
                     .times = call->batch_field(call, ODEON_ROLE_TIME),
                     .given = call->batch_field(call, ODEON_ROLE_CONTROL)};
    if (call->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "controls are outside of an ODE block, where there is no time");
    }
    w->samples = w->given->shape.dim[0];
    w->knots = w->given->shape.dim[1];
    w->channels = w->given->shape.dim[2];
    w->features = out->dim[1] - w->channels;
    w->past = part(&at, ODEON_DTYPE_F64, w->samples, w->knots);
    w->slope = part(&at, ODEON_DTYPE_F64, w->samples, w->knots);
    w->share = part(&at, ODEON_DTYPE_F64, w->samples, w->knots - 1);
    w->other = part(&at, ODEON_DTYPE_F64, w->samples, w->knots - 1);
    w->u = part(&at, ODEON_DTYPE_F64, w->samples, w->knots * w->channels);
    w->value = part(&at, ODEON_DTYPE_F64, w->samples, 1);
    w->bar = part(&at, ODEON_DTYPE_F64, w->samples, 1);
    w->column = part(&at, out->dtype, w->samples, 1);
    return w->samples == out->dim[0]
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                            "controls: called with %lld samples, and the batch has %lld",
                            (long long)out->dim[0], (long long)w->samples);
}

static odeon_status binary(const workspace *w, int32_t id, const odeon_tensor *a,
                           const odeon_view *b)
{
    return ODEON_DO(w->call->device, pointwise, binary, w->call->queue, .id = id, .a = &a->view,
                    .b = b, .y = a);
}

/* Columns first to first + T - 2 of x [B,T] into y [B,T-1]. */
static odeon_status take(const workspace *w, const odeon_view *x, int64_t first,
                         const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = x, .y = y,
                    .rows = w->samples, .cols = w->knots - 1, .x_pitch = w->knots, .x_at = first,
                    .y_pitch = w->knots - 1);
}

/* share = (x_j - x_j+1) / (t_j+1 - t_j) of x [B,T], which may be past. */
static odeon_status divide(const workspace *w, const odeon_tensor *x)
{
    odeon_tensor span = w->past; /* x has been read when it is overwritten */
    span.view.shape = w->share.view.shape;
    ODEON_TRY(take(w, &x->view, 0, &w->share));
    ODEON_TRY(take(w, &x->view, 1, &w->other));
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &w->share, &w->other.view));
    ODEON_TRY(take(w, w->times, 1, &span));
    ODEON_TRY(take(w, w->times, 0, &w->other));
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &span, &w->other.view));
    return binary(w, ODEON_BINARY_DIV, &w->share, &span.view);
}

/* past = max(t - t_j, 0), t one number or one a sample; u in float64. */
static odeon_status prepare(const workspace *w)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(
        ODEON_DO(call->device, move, cast, call->queue, .x = w->given, .y = &w->u, .scale = 1.0));
    ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = &w->past,
                       .rows = w->samples, .cols = w->knots, .pitch = w->knots, .v = call->t));
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &w->past, w->times));
    return ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                    .x = &w->past.view, .y = &w->past);
}

/* Adds sum_j share_j (u_j+1 - u_j) of channel k to value [B]. */
static odeon_status add_channel(const workspace *w, int64_t k)
{
    odeon_tensor difference = w->past, all = w->slope; /* have served */
    difference.view.shape = w->share.view.shape;
    ODEON_TRY(ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = &w->u.view, .y = &all,
                       .rows = w->samples * w->knots, .cols = 1, .x_pitch = w->channels, .x_at = k,
                       .y_pitch = 1));
    ODEON_TRY(take(w, &all.view, 1, &difference));
    ODEON_TRY(take(w, &all.view, 0, &w->other));
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &difference, &w->other.view));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &difference, &w->share.view));
    return ODEON_DO(w->call->device, move, rows_sum, w->call->queue, .x = &difference.view,
                    .rows = w->samples, .cols = w->knots - 1, .pitch = w->knots - 1,
                    .v = &w->value);
}

/* in [B,C] -> out [B,C+c]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    workspace w;
    ODEON_TRY(begin(self, call, &call->out->view.shape, &w));
    int64_t pitch = w.features + w.channels;
    ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->in, .y = call->out,
                       .rows = w.samples, .cols = w.features, .x_pitch = w.features,
                       .y_pitch = pitch));
    ODEON_TRY(prepare(&w));
    ODEON_TRY(divide(&w, &w.past));
    for (int64_t k = 0; k < w.channels; k++) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &w.u.view, .y = &w.value,
                           .rows = w.samples, .cols = 1, .x_pitch = w.knots * w.channels, .x_at = k,
                           .y_pitch = 1));
        ODEON_TRY(add_channel(&w, k));
        ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = call->out,
                           .rows = w.samples, .cols = 1, .pitch = pitch, .at = w.features + k,
                           .v = &w.value.view));
    }
    return ODEON_OK;
}

/* Adds u'(t) of channel k times d_out's column to d_t, which holds one number or one a sample. */
static odeon_status add_slope(const workspace *w, int64_t k)
{
    const odeon_layer_call *call = w->call;
    int64_t rows = odeon_count(&call->d_t->view.shape);
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &w->value, .value = odeon_imm(0.0)));
    ODEON_TRY(add_channel(w, k));
    ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out, .y = &w->column,
                       .rows = w->samples, .cols = 1, .x_pitch = w->features + w->channels,
                       .x_at = w->features + k, .y_pitch = 1));
    ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &w->column.view, .y = &w->bar,
                       .scale = 1.0));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->bar, &w->value.view));
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &w->bar.view, .rows = rows,
                    .cols = w->samples / rows, .pitch = w->samples / rows, .v = call->d_t);
}

/* d_out [B,C+c] -> d_in [B,C], d_t. Controls are data and have no cotangent. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    workspace w;
    ODEON_TRY(begin(self, call, &call->d_out->shape, &w));
    if (call->d_in != NULL) {
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out,
                           .y = call->d_in, .rows = w.samples, .cols = w.features,
                           .x_pitch = w.features + w.channels, .y_pitch = w.features));
    }
    if (call->d_t == NULL || w.samples == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(prepare(&w));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &w.slope, .value = odeon_imm(1.0)));
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                       .kept = &w.past.view, .dy = &w.slope.view, .dx = &w.slope));
    ODEON_TRY(divide(&w, &w.slope));
    for (int64_t k = 0; k < w.channels; k++) {
        ODEON_TRY(add_slope(&w, k));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "controls", &ops,
                     "appends the batch's controls at the time t, linear between its times", NULL,
                     "control|forcing|exogenous|drive", controls, NULL, NULL, NULL);
