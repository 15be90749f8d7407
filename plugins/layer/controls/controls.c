/* controls: known functions u(t) of the time, the batch's controls [B,T,c] at its times [B,T],
 * constant outside of these. Inside of an ODE block alone. Times rise.
 *
 * use = append: x [B,C] -> y [B,C+c], the last c being u(t), or u'(t) with derivative = yes.
 * use = multiply: x [B,H c] as matrices [H,c] -> y [B,H], each times u or u': with u' the field of
 * a neural controlled differential equation, z' = F(z) du/dt (Kidger and others, 2020).
 *
 * Where the path or its derivative has a corner, at times of the batch, what was before counts;
 * `stops` of the block lets steps end there. */
#include "../common/shape.h"
#include "odeon/plugin.h"
#include "path.h"

enum { USE_APPEND = 0, USE_MULTIPLY = 1 }; /* in the order of the choices */

typedef struct controls {
    ODEON_INSTANCE;
    int64_t interpolation, derivative, use;
} controls;

static const odeon_option *const options[] = {
    ODEON_OPTION(controls, interpolation, CHOICE, .aliases = "interpolate|kind|method",
                 .default_text = "linear", .choices = "previous|linear|hermite|cubic",
                 .help = "between two times: the value before, a line, the cubic whose slopes are "
                         "backward differences, or the one whose slopes the data set gives as the "
                         "second half of its controls (natural splines)"),
    ODEON_OPTION(controls, derivative, FLAG, .aliases = "slope|rate", .default_text = "no",
                 .help = "the derivative by the time in place of the function"),
    ODEON_OPTION(controls, use, CHOICE, .default_text = "append", .choices = "append|multiply",
                 .help = "append: behind the input's features; multiply: the input is a matrix of "
                         "as many columns as there are controls, row by row, and is multiplied by "
                         "them"),
    NULL};

/* dtype 0 where the data set has none. */
static const odeon_shape *given(const odeon_layer_plan *plan, int32_t role)
{
    static const odeon_shape none = {.dtype = 0};
    return role < plan->n_given ? &plan->given[role] : &none;
}

/* How many features come out. */
static odeon_status plan_features(const controls *layer, odeon_layer_plan *plan, int64_t channels)
{
    if (layer->use == USE_APPEND) {
        plan->out.dim[1] += channels;
        return ODEON_OK;
    }
    if (plan->in.dim[1] % channels != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "controls: the input is %s; use = multiply takes rows of %lld numbers, "
                          "one a control",
                          shape_print(&plan->in).text, (long long)channels);
    }
    plan->out.dim[1] = plan->in.dim[1] / channels;
    return ODEON_OK;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const controls *layer = self;
    const odeon_shape *times = given(plan, ODEON_ROLE_TIME);
    const odeon_shape *u = given(plan, ODEON_ROLE_CONTROL);
    bool multiplies = layer->use == USE_MULTIPLY;
    plan->flags = ODEON_LAYER_USES_T | ODEON_LAYER_LINEAR | (multiplies ? ODEON_LAYER_NEEDS_IN : 0);
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
    bool cubic = layer->interpolation == PATH_CUBIC;
    if (cubic && u->dim[2] % 2 != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "controls: interpolation = cubic takes values and as many slopes, but "
                          "the data set has %lld controls: control_slopes = yes of trajectories "
                          "gives both",
                          (long long)u->dim[2]);
    }
    ODEON_TRY(plan_features(layer, plan, cubic ? u->dim[2] / 2 : u->dim[2]));
    int64_t n = plan->in.dim[0], wide = n * (plan->in.dim[1] + plan->out.dim[1]);
    plan->scratch_bytes = control_path_bytes(n, u->dim[1], u->dim[2]) +
                          2 * shape_aligned(n * (int64_t)sizeof(double)) +
                          2 * shape_aligned(wide * (int64_t)sizeof(double));
    return ODEON_OK;
}

/* What a call works with beside the path. */
typedef struct workspace {
    control_path path;
    const odeon_layer_call *call;
    int64_t in, out;           /* features */
    odeon_tensor bar, column;  /* [B]: F64; the run's dtype */
    odeon_tensor part, factor; /* [B,out] of the run's dtype */
} workspace;

static odeon_tensor narrow_part(char **at, uint32_t dtype, int64_t rows, int64_t columns)
{
    const odeon_shape shape = {.ndim = 2, .dtype = dtype, .dim = {rows, columns}};
    odeon_tensor x = odeon_tensor_at(*at, shape);
    *at += shape_aligned(rows * columns * (int64_t)sizeof(double));
    return x;
}

static odeon_status begin(const controls *layer, const odeon_layer_call *call,
                          const odeon_shape *out, workspace *w)
{
    char *at = call->scratch;
    if (call->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "controls are outside of an ODE block, where there is no time");
    }
    *w = (workspace){.call = call, .out = out->dim[1]};
    control_path_begin(call, layer->interpolation, layer->derivative, &at, &w->path);
    int64_t n = w->path.samples, c = w->path.channels;
    if (n != out->dim[0]) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                          "controls: called with %lld samples, and the batch has %lld",
                          (long long)out->dim[0], (long long)n);
    }
    w->in = layer->use == USE_APPEND ? w->out - c : w->out * c;
    w->bar = narrow_part(&at, ODEON_DTYPE_F64, n, 1);
    w->column = narrow_part(&at, out->dtype, n, 1);
    w->part = narrow_part(&at, out->dtype, n, w->out);
    w->factor = narrow_part(&at, out->dtype, n, w->out);
    return ODEON_OK;
}

static odeon_status binary(const workspace *w, int32_t id, const odeon_tensor *a,
                           const odeon_view *b)
{
    return ODEON_DO(w->call->device, pointwise, binary, w->call->queue, .id = id, .a = &a->view,
                    .b = b, .y = a);
}

/* ---- append ---- */

/* The first features of x [B,wide] and y [B,pitch] are the same. */
static odeon_status copy_features(const workspace *w, const odeon_view *x, int64_t x_pitch,
                                  const odeon_tensor *y, int64_t y_pitch)
{
    return ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = x, .y = y,
                    .rows = w->path.samples, .cols = w->in, .x_pitch = x_pitch, .y_pitch = y_pitch);
}

static odeon_status append_forward(const workspace *w, int order)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(copy_features(w, call->in, w->in, call->out, w->out));
    ODEON_TRY(control_path_at(&w->path));
    for (int64_t k = 0; k < w->path.channels; k++) {
        ODEON_TRY(control_path_channel(&w->path, k, order));
        ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = call->out,
                           .rows = w->path.samples, .cols = 1, .pitch = w->out, .at = w->in + k,
                           .v = &w->path.value.view));
    }
    return ODEON_OK;
}

/* Adds value times bar, both [B], to d_t, which holds one number or one a sample. */
static odeon_status add_time(const workspace *w)
{
    const odeon_layer_call *call = w->call;
    int64_t rows = odeon_count(&call->d_t->view.shape), cols = w->path.samples / rows;
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->bar, &w->path.value.view));
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &w->bar.view, .rows = rows,
                    .cols = cols, .pitch = cols, .v = call->d_t);
}

static odeon_status append_vjp(const workspace *w, int order)
{
    const odeon_layer_call *call = w->call;
    if (call->d_in != NULL) {
        ODEON_TRY(copy_features(w, call->d_out, w->out, call->d_in, w->in));
    }
    if (call->d_t == NULL || w->path.samples == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(control_path_at(&w->path));
    for (int64_t k = 0; k < w->path.channels; k++) {
        ODEON_TRY(control_path_channel(&w->path, k, order + 1));
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out,
                           .y = &w->column, .rows = w->path.samples, .cols = 1, .x_pitch = w->out,
                           .x_at = w->in + k, .y_pitch = 1));
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = &w->column.view,
                           .y = &w->bar, .scale = 1.0));
        ODEON_TRY(add_time(w));
    }
    return ODEON_OK;
}

/* ---- multiply ---- */

/* part [B,H] = column k of the matrices x [B,H,c]. */
static odeon_status matrix_column(const workspace *w, const odeon_view *x, int64_t k)
{
    return ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = x, .y = &w->part,
                    .rows = w->path.samples * w->out, .cols = 1, .x_pitch = w->path.channels,
                    .x_at = k, .y_pitch = 1);
}

/* factor [B,H] = the path's value in all of a row. */
static odeon_status spread(const workspace *w)
{
    return ODEON_DO(w->call->device, move, rows_fill, w->call->queue, .y = &w->factor,
                    .rows = w->path.samples, .cols = w->out, .pitch = w->out,
                    .v = &w->path.value.view);
}

static odeon_status multiply_forward(const workspace *w, int order)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(control_path_at(&w->path));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = call->out, .value = odeon_imm(0.0)));
    for (int64_t k = 0; k < w->path.channels; k++) {
        ODEON_TRY(control_path_channel(&w->path, k, order));
        ODEON_TRY(matrix_column(w, call->in, k));
        ODEON_TRY(spread(w));
        ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->part, &w->factor.view));
        ODEON_TRY(binary(w, ODEON_BINARY_ADD, call->out, &w->part.view));
    }
    return ODEON_OK;
}

/* d_in's column k = d_out times the path's value. */
static odeon_status matrix_cotangent(const workspace *w, int64_t k)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(spread(w));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->factor, call->d_out));
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = &w->factor.view, .y = call->d_in,
                    .rows = w->path.samples * w->out, .cols = 1, .x_pitch = 1,
                    .y_pitch = w->path.channels, .y_at = k);
}

/* bar = sum over h of d_out and column k of the input, then its part of d_t. */
static odeon_status matrix_time(const workspace *w, int64_t k)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(matrix_column(w, call->in, k));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->part, call->d_out));
    ODEON_TRY(
        ODEON_DO(call->device, move, fill, call->queue, .y = &w->bar, .value = odeon_imm(0.0)));
    ODEON_TRY(ODEON_DO(call->device, move, rows_sum, call->queue, .x = &w->part.view,
                       .rows = w->path.samples, .cols = w->out, .pitch = w->out, .v = &w->bar));
    return add_time(w);
}

static odeon_status multiply_vjp(const workspace *w, int order)
{
    const odeon_layer_call *call = w->call;
    ODEON_TRY(control_path_at(&w->path));
    for (int64_t k = 0; k < w->path.channels && w->path.samples > 0; k++) {
        if (call->d_in != NULL) {
            ODEON_TRY(control_path_channel(&w->path, k, order));
            ODEON_TRY(matrix_cotangent(w, k));
        }
        if (call->d_t != NULL) {
            ODEON_TRY(control_path_channel(&w->path, k, order + 1));
            ODEON_TRY(matrix_time(w, k));
        }
    }
    return ODEON_OK;
}

/* ---- the layer ---- */

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const controls *layer = self;
    int order = layer->derivative != 0;
    workspace w;
    ODEON_TRY(begin(layer, call, &call->out->view.shape, &w));
    return layer->use == USE_APPEND ? append_forward(&w, order) : multiply_forward(&w, order);
}

/* Controls are data and have no cotangent. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const controls *layer = self;
    int order = layer->derivative != 0;
    workspace w;
    ODEON_TRY(begin(layer, call, &call->d_out->shape, &w));
    return layer->use == USE_APPEND ? append_vjp(&w, order) : multiply_vjp(&w, order);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "controls", &ops,
                     "the batch's controls at the time t, or their derivative there",
                     "Kidger and others, Neural controlled differential equations, 2020",
                     "control|forcing|exogenous|drive|cde", controls, options, NULL, NULL);
