/* observations: the rows of a series with what belongs to them, for layers that read sequences:
 * x [B,T,D] -> [B,T,...], in this order, each if it is asked for:
 *
 *   values     x, or nothing
 *   times      the time of the row, 1 feature
 *   gaps       to the row before or to the next one, 1 feature: 0 where there is none, as behind
 * the last row that is a series' own and not what it is filled up with mask       the data set's
 * mask of the row controls   the data set's controls of the row
 *
 * Times are data, and have no cotangent. */
#include <stdbool.h>

#include "../common/shape.h"
#include "odeon/dataset.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/host.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

enum { GAPS_NONE = 0, GAPS_BEFORE = 1, GAPS_AFTER = 2 }; /* in the order of the choices */

typedef struct observations {
    ODEON_INSTANCE;
    int64_t values, times, gaps, mask, controls;
} observations;

static const odeon_option *const options[] = {
    ODEON_OPTION(observations, values, FLAG, .aliases = "input", .default_text = "yes",
                 .help = "the values that come in"),
    ODEON_OPTION(observations, times, FLAG, .aliases = "time|t", .default_text = "no",
                 .help = "the time of each row"),
    ODEON_OPTION(observations, gaps, CHOICE, .aliases = "delta|dt|intervals|timedelta",
                 .default_text = "no", .choices = "no|before|after",
                 .help = "the time since the row before, as one that reads forward needs it, or to "
                         "the next row, as one that reads backward does"),
    ODEON_OPTION(observations, mask, FLAG, .default_text = "no",
                 .help = "the mask of the data set: 1 for a value that was observed, else 0"),
    ODEON_OPTION(observations, controls, FLAG, .aliases = "control", .default_text = "no",
                 .help = "the controls of the data set"),
    NULL};

/* ---- plan ---- */

static const odeon_shape *given(const odeon_layer_plan *plan, int32_t role)
{
    static const odeon_shape none = {.dtype = 0};
    return role < plan->n_given ? &plan->given[role] : &none;
}

/* Features of a field [B,T,...], which has a row for each of the input's; 0 where it has none,
 * which the host refuses. */
static odeon_status row_features(const observations *layer, odeon_layer_plan *plan, int32_t role,
                                 const char *what, int64_t *n)
{
    const odeon_shape *field = given(plan, role);
    *n = 0;
    plan->needs |= 1u << role;
    if (field->dtype == 0) {
        return ODEON_OK;
    }
    if (field->ndim < 2 || field->dim[1] != plan->in.dim[1]) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "observations: the input is %s, and the data set's %s are %s of a batch "
                          "of one: there has to be one row for each",
                          shape_print(&plan->in).text, what, shape_print(field).text);
    }
    *n = odeon_count(field) / (field->dim[0] * field->dim[1]);
    return ODEON_OK;
}

static odeon_status count_features(const observations *layer, odeon_layer_plan *plan, int64_t *all)
{
    bool times = layer->times != 0 || layer->gaps != GAPS_NONE;
    int64_t n;
    *all = layer->values != 0 ? plan->in.dim[2] : 0;
    if (layer->gaps == GAPS_AFTER && given(plan, ODEON_ROLE_LENGTH)->dtype != 0) {
        plan->needs |= 1u << ODEON_ROLE_LENGTH;
    }
    if (times) {
        ODEON_TRY(row_features(layer, plan, ODEON_ROLE_TIME, "times", &n));
        *all += (layer->times != 0) + (layer->gaps != GAPS_NONE);
    }
    if (layer->mask != 0) {
        ODEON_TRY(row_features(layer, plan, ODEON_ROLE_MASK, "masks", &n));
        *all += n;
    }
    if (layer->controls != 0) {
        ODEON_TRY(row_features(layer, plan, ODEON_ROLE_CONTROL, "controls", &n));
        *all += n;
    }
    return ODEON_OK;
}

/* Scratch: three of [B,T] in float64. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const observations *layer = self;
    if (plan->in.ndim != 3) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "observations: the input is %s; it takes series [B,T,D]",
                          shape_print(&plan->in).text);
    }
    plan->out = plan->in;
    plan->flags = ODEON_LAYER_LINEAR;
    plan->scratch_bytes =
        3 * shape_aligned(plan->in.dim[0] * plan->in.dim[1] * (int64_t)sizeof(double));
    ODEON_TRY(count_features(layer, plan, &plan->out.dim[2]));
    bool none = layer->values == 0 && layer->times == 0 && layer->gaps == GAPS_NONE &&
                layer->mask == 0 && layer->controls == 0;
    return !none ? ODEON_OK
                 : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                              "observations: values = no leaves nothing: ask for times, gaps, mask "
                              "or controls");
}

/* ---- forward ---- */

/* Features go one behind the other: at is where the next ones begin. */
typedef struct writing {
    const odeon_layer_call *call;
    int64_t samples, rows, features, at; /* B, T, those of out */
} writing;

static odeon_status put(writing *w, const odeon_view *x, int64_t n)
{
    int64_t at = w->at;
    w->at += n;
    return ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = x, .y = w->call->out,
                    .rows = w->samples * w->rows, .cols = n, .x_pitch = n, .y_pitch = w->features,
                    .y_at = at);
}

static odeon_tensor scratch(const writing *w, int64_t index, uint32_t dtype)
{
    uint64_t bytes = shape_aligned(w->samples * w->rows * (int64_t)sizeof(double));
    return odeon_tensor_at((char *)w->call->scratch + (uint64_t)index * bytes,
                           (odeon_shape){.ndim = 2, .dtype = dtype, .dim = {w->samples, w->rows}});
}

/* The difference is made in float64: late times are close to one another. */
static odeon_status put_times(writing *w, const odeon_view *t)
{
    odeon_tensor narrow = scratch(w, 2, w->call->out->view.shape.dtype);
    ODEON_TRY(
        ODEON_DO(w->call->device, move, cast, w->call->queue, .x = t, .y = &narrow, .scale = 1.0));
    return put(w, &narrow.view, 1);
}

/* y [B,T] = 1 where a row and the next one are the series' own, else 0; by way of other. */
static odeon_status find_next(const writing *w, const odeon_view *length, const odeon_tensor *other,
                              const odeon_tensor *y)
{
    const odeon_layer_call *call = w->call;
    odeon_tensor column = *y;
    column.view.shape = (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {w->samples}};
    for (int64_t k = 0; k < w->rows; k++) { /* the step is the derivative of max(x, 0) */
        ODEON_TRY(ODEON_DO(call->device, move, cast, call->queue, .x = length, .y = &column,
                           .scale = 1.0, .shift = -(double)(k + 1)));
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = &column.view, .y = other,
                           .rows = w->samples, .cols = 1, .x_pitch = 1, .y_pitch = w->rows,
                           .y_at = k));
    }
    ODEON_TRY(ODEON_DO(call->device, pointwise, unary, call->queue, .id = ODEON_UNARY_RELU,
                       .x = &other->view, .y = other));
    ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = y, .value = odeon_imm(1.0)));
    return ODEON_DO(call->device, pointwise, unary_vjp, call->queue, .id = ODEON_UNARY_RELU,
                    .kept = &other->view, .dy = &y->view, .dx = y);
}

static odeon_status binary(const writing *w, int32_t id, const odeon_tensor *a,
                           const odeon_tensor *b)
{
    return ODEON_DO(w->call->device, pointwise, binary, w->call->queue, .id = id, .a = &a->view,
                    .b = &b->view, .y = a);
}

/* gap [B,T]: t_k+1 - t_k in column k, or in column k + 1, and 0 in the one that is left. */
static odeon_status put_gaps(writing *w, int64_t gaps, const odeon_view *t)
{
    const odeon_layer_call *call = w->call;
    odeon_tensor gap = scratch(w, 0, ODEON_DTYPE_F64), other = scratch(w, 1, ODEON_DTYPE_F64);
    odeon_tensor next = scratch(w, 2, ODEON_DTYPE_F64);
    const odeon_tensor *const parts[] = {&gap, &other};
    const odeon_view *length =
        gaps == GAPS_AFTER ? call->batch_field(call, ODEON_ROLE_LENGTH) : NULL;
    for (int64_t i = 0; i < 2; i++) {
        ODEON_TRY(ODEON_DO(call->device, move, fill, call->queue, .y = parts[i],
                           .value = odeon_imm(0.0)));
        ODEON_TRY(ODEON_DO(call->device, move, copy2d, call->queue, .x = t, .y = parts[i],
                           .rows = w->samples, .cols = w->rows - 1, .x_pitch = w->rows,
                           .x_at = 1 - i, .y_pitch = w->rows, .y_at = gaps == GAPS_BEFORE));
    }
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &gap, &other));
    if (length != NULL) {
        ODEON_TRY(find_next(w, length, &other, &next));
        ODEON_TRY(binary(w, ODEON_BINARY_MUL, &gap, &next));
    }
    return put_times(w, &gap.view);
}

static odeon_status put_field(writing *w, int32_t role)
{
    const odeon_view *field = w->call->batch_field(w->call, role);
    return put(w, field, odeon_count(&field->shape) / (w->samples * w->rows));
}

/* A layer within others may be called with other samples than those that the batch's fields are
 * of. */
static odeon_status check_samples(const observations *layer, const odeon_layer_call *call,
                                  int32_t role)
{
    const odeon_view *field = call->batch_field(call, role);
    int64_t n = call->in->shape.dim[0];
    return field->shape.dim[0] == n
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                            "observations: called with %lld samples, and the batch has %lld",
                            (long long)n, (long long)field->shape.dim[0]);
}

static odeon_status put_all_times(const observations *layer, writing *w)
{
    if (layer->times == 0 && layer->gaps == GAPS_NONE) {
        return ODEON_OK;
    }
    ODEON_TRY(check_samples(layer, w->call, ODEON_ROLE_TIME));
    const odeon_view *t = w->call->batch_field(w->call, ODEON_ROLE_TIME);
    ODEON_TRY(layer->times != 0 ? put_times(w, t) : ODEON_OK);
    return layer->gaps != GAPS_NONE ? put_gaps(w, layer->gaps, t) : ODEON_OK;
}

/* in [B,T,D] -> out [B,T,...]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const observations *layer = self;
    const odeon_shape *out = &call->out->view.shape;
    writing w = {
        .call = call, .samples = out->dim[0], .rows = out->dim[1], .features = out->dim[2]};
    if (odeon_count(out) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(layer->values != 0 ? put(&w, call->in, call->in->shape.dim[2]) : ODEON_OK);
    ODEON_TRY(put_all_times(layer, &w));
    if (layer->mask != 0) {
        ODEON_TRY(check_samples(layer, call, ODEON_ROLE_MASK));
        ODEON_TRY(put_field(&w, ODEON_ROLE_MASK));
    }
    if (layer->controls == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(check_samples(layer, call, ODEON_ROLE_CONTROL));
    return put_field(&w, ODEON_ROLE_CONTROL);
}

/* The values stand first. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const observations *layer = self;
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    if (layer->values == 0) {
        return ODEON_DO(call->device, move, fill, call->queue, .y = call->d_in,
                        .value = odeon_imm(0.0));
    }
    const odeon_shape *in = &call->d_in->view.shape;
    return ODEON_DO(call->device, move, copy2d, call->queue, .x = call->d_out, .y = call->d_in,
                    .rows = in->dim[0] * in->dim[1], .cols = in->dim[2],
                    .x_pitch = call->d_out->shape.dim[2], .y_pitch = in->dim[2]);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "observations", &ops,
                     "rows of a series with their times, gaps, masks and controls", NULL,
                     "irregular|timegaps|missing|masked|rows", observations, options, NULL, NULL);
