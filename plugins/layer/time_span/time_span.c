/* time_span: the field of an ODE block over a span of its own: y' = (e - s) f(s + t (e - s), y), so
 * that a block that goes from 0 to 1 solves y' = f from s to e, both of which may be learned, by
 * exact gradients of the steps. With steer the end is drawn anew for every batch of training,
 * uniform within steer on either side, the same for all of its samples.
 *
 * Source of steer: Ghosh, Behl, Dupont, Torr, Namboodiri, STEER: Simple Temporal Regularization for
 * Neural ODEs, 2020. */
#include <string.h>

#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "odeon/kit/philox.h"
#include "odeon/plugin.h"

enum { LEARN_NONE = 0, LEARN_START = 1, LEARN_END = 2, LEARN_BOTH = 3 };
enum { BLOCK = 64 }; /* bytes of a number by itself */

typedef struct time_span {
    ODEON_INSTANCE;
    bodies bodies;
    double start, end, steer;
    int64_t learn;
} time_span;

static const odeon_option *const options[] = {
    ODEON_OPTION(time_span, start, F64, .aliases = "t0|from", .default_text = "0",
                 .help = "the field's time where the block's is 0; where it begins if learned"),
    ODEON_OPTION(time_span, end, F64, .aliases = "t1|until|duration|period", .default_text = "1",
                 .help = "the field's time where the block's is 1, likewise"),
    ODEON_OPTION(time_span, learn, CHOICE, .aliases = "learned|learnable", .default_text = "none",
                 .choices = "none|start|end|both", .help = "what of the span is a parameter"),
    ODEON_OPTION(time_span, steer, F64, .aliases = "jitter|randomend", .default_text = "0",
                 .min_text = "0", .unit = "time",
                 .help = "in training the end is drawn from end - steer to end + steer, once a "
                         "batch (STEER); 0: it is not"),
    NULL};

static odeon_status init(void *self)
{
    time_span *layer = self;
    if (layer->start == layer->end) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "time_span: start and end are both %g: give two different times",
                          layer->start);
    }
    return bodies_init(layer->host, "time_span", &layer->bodies);
}

static void fini(void *self)
{
    time_span *layer = self;
    bodies_fini(&layer->bodies);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    time_span *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

/* What the body makes stands in the tape, behind its frame: the span's gradient needs it. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const time_span *layer = self;
    ODEON_TRY(bodies_plan(&layer->bodies, plan));
    int64_t bytes = odeon_count(&plan->out) * odeon_dtype_bytes(plan->out.dtype);
    int64_t times = plan->in.dim[0] * (int64_t)sizeof(double) + BLOCK;
    plan->flags |= layer->steer > 0.0 ? ODEON_LAYER_RANDOM : 0u;
    plan->tape_bytes = shape_aligned((int64_t)plan->tape_bytes) + shape_aligned(bytes);
    plan->scratch_bytes = 2 * shape_aligned(bytes) + 4 * shape_aligned(times) + 16 * BLOCK;
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"start", "end"};
    const time_span *layer = self;
    (void)in;
    int32_t first = layer->learn == LEARN_END ? 1 : 0;
    int32_t n = layer->learn == LEARN_NONE ? 0 : layer->learn == LEARN_BOTH ? 2 : 1;
    if (index >= n) {
        return ODEON_OK;
    }
    out->role = ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = 1, .dim = {1}};
    out->name = names[first + index];
    out->init = ODEON_INIT_CONSTANT;
    out->init_a = first + index == 0 ? layer->start : layer->end;
    return ODEON_OK;
}

/* A call with its numbers on the device: s, e, the length, [1] each, in the run's dtype; t of the
 * field and of the block, F64 [1] or [B]; two places like out, and one for times. */
typedef struct workspace {
    const time_span *layer;
    const odeon_layer_call *call;
    odeon_tensor start, end, length, sum, other, wide, times, spread, bar, factor, part;
    char *at;
} workspace;

static odeon_tensor take(workspace *w, odeon_shape shape)
{
    odeon_tensor x = odeon_tensor_at(w->at, shape);
    w->at += shape_aligned(odeon_count(&shape) * odeon_dtype_bytes(shape.dtype));
    return x;
}

static odeon_status fill(const workspace *w, const odeon_tensor *y, double value)
{
    return ODEON_DO(w->call->device, move, fill, w->call->queue, .y = y, .value = odeon_imm(value));
}

static odeon_status cast(const workspace *w, const odeon_view *x, const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, move, cast, w->call->queue, .x = x, .y = y, .scale = 1.0);
}

static odeon_status binary(const workspace *w, int32_t id, const odeon_view *a, const odeon_view *b,
                           const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, pointwise, binary, w->call->queue, .id = id, .a = a, .b = b,
                    .y = y);
}

/* y, of any count, becomes the one number x. */
static odeon_status spread(const workspace *w, const odeon_view *x, const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, move, copy2d, w->call->queue, .x = x, .y = y,
                    .rows = odeon_count(&y->view.shape), .cols = 1, .y_pitch = 1);
}

/* An end of the span: a parameter, or a number. */
static odeon_status set_end(const workspace *w, int32_t which, double value, const odeon_tensor *y)
{
    int64_t learn = w->layer->learn;
    bool learned = learn == LEARN_BOTH || learn == (which == 0 ? LEARN_START : LEARN_END);
    return learned ? cast(w, &w->call->param[learn == LEARN_BOTH ? which : 0], y)
                   : fill(w, y, value);
}

/* How far the end is moved: the same for all samples, whichever worker has them. */
static double steer_of(const time_span *layer, const odeon_layer_call *call)
{
    if (!(layer->steer > 0.0) || (call->flags & ODEON_CALL_TRAIN) == 0) {
        return 0.0;
    }
    return layer->steer * (2.0 * odeon_kit_uniform(odeon_kit_philox(call->rng_key, 0)) - 1.0);
}

static odeon_status steer(const workspace *w)
{
    double by = steer_of(w->layer, w->call);
    if (by == 0.0) {
        return ODEON_OK;
    }
    ODEON_TRY(fill(w, &w->other, by));
    return binary(w, ODEON_BINARY_ADD, &w->end.view, &w->other.view, &w->end);
}

/* t = s + (e - s) of the block's time. */
static odeon_status set_times(workspace *w)
{
    ODEON_TRY(cast(w, &w->length.view, &w->wide));
    ODEON_TRY(spread(w, &w->wide.view, &w->spread));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, w->call->t, &w->spread.view, &w->times));
    ODEON_TRY(cast(w, &w->start.view, &w->wide));
    ODEON_TRY(spread(w, &w->wide.view, &w->spread));
    return binary(w, ODEON_BINARY_ADD, &w->times.view, &w->spread.view, &w->times);
}

/* out: the shape of what comes out. */
static odeon_status begin(const time_span *layer, const odeon_layer_call *call,
                          const odeon_shape *out, workspace *w)
{
    *w = (workspace){.layer = layer, .call = call, .at = call->scratch};
    if (call->t == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "time_span is outside of an ODE block, where there is no time");
    }
    const odeon_shape one = {.ndim = 1, .dtype = out->dtype, .dim = {1}};
    const odeon_shape wide = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    odeon_tensor *const small[] = {&w->start, &w->end, &w->length, &w->sum, &w->other};
    odeon_tensor *const times[] = {&w->times, &w->spread, &w->bar};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        *small[i] = take(w, one);
    }
    w->wide = take(w, wide);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *times[i] = take(w, call->t->shape);
    }
    w->factor = take(w, *out);
    w->part = take(w, *out);
    ODEON_TRY(set_end(w, 0, layer->start, &w->start));
    ODEON_TRY(set_end(w, 1, layer->end, &w->end));
    ODEON_TRY(steer(w));
    ODEON_TRY(binary(w, ODEON_BINARY_SUB, &w->end.view, &w->start.view, &w->length));
    ODEON_TRY(spread(w, &w->length.view, &w->factor));
    return set_times(w);
}

/* What the body made, in the tape. */
static odeon_status find_kept(const time_span *layer, const odeon_layer_call *call,
                              const odeon_shape *in, const odeon_shape *out, odeon_tensor *kept)
{
    odeon_layer_plan plan = {.struct_size = sizeof plan, .call_flags = call->flags, .in = *in};
    ODEON_TRY(bodies_plan(&layer->bodies, &plan));
    *kept = odeon_tensor_at((char *)call->tape + shape_aligned((int64_t)plan.tape_bytes), *out);
    return ODEON_OK;
}

/* in -> out = (e - s) f. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const time_span *layer = self;
    workspace w;
    const odeon_shape *shape = &call->out->view.shape;
    ODEON_TRY(begin(layer, call, shape, &w));
    odeon_tensor f = w.part;
    if (call->tape != NULL) {
        ODEON_TRY(find_kept(layer, call, &call->in->shape, shape, &f));
    }
    ODEON_TRY(bodies_forward(&layer->bodies, 0, call, &w.times.view, &f));
    return binary(&w, ODEON_BINARY_MUL, &f.view, &w.factor.view, call->out);
}

/* sum += all of x. */
static odeon_status add_up(const workspace *w, const odeon_view *x)
{
    odeon_shape column = {
        .ndim = 3, .dtype = x->shape.dtype, .dim = {odeon_count(&x->shape), 1, 1}};
    odeon_view rows = shape_view(x, column);
    return ODEON_DO(w->call->device, product, channel_sum, w->call->queue, .x = &rows,
                    .bias = &w->sum);
}

/* The same of times, which are F64 always. */
static odeon_status add_up_times(const workspace *w, const odeon_view *x)
{
    const odeon_shape shape = {
        .ndim = 1, .dtype = w->sum.view.shape.dtype, .dim = {odeon_count(&x->shape)}};
    odeon_tensor narrow = odeon_tensor_at(w->at, shape);
    ODEON_TRY(cast(w, x, &narrow));
    return add_up(w, &narrow.view);
}

static odeon_status add_to(const workspace *w, int32_t param, double factor)
{
    const odeon_view *x[1] = {&w->sum.view};
    const odeon_scalar scale[1] = {odeon_imm(factor)};
    const odeon_tensor *y = &w->call->grad[param];
    return ODEON_DO(w->call->device, solver, lincomb, w->call->queue, .y = y, .base = &y->view,
                    .n = 1, .x = x, .coefficient = scale);
}

/* Of the length: sum of d_out f and of the block's time times bar; of s without it, sum of bar. */
static odeon_status add_gradients(const workspace *w, const odeon_view *f)
{
    const odeon_layer_call *call = w->call;
    int64_t learn = w->layer->learn;
    int32_t end = learn == LEARN_BOTH ? 1 : 0;
    ODEON_TRY(fill(w, &w->sum, 0.0));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, call->d_out, f, &w->part));
    ODEON_TRY(add_up(w, &w->part.view));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, call->t, &w->bar.view, &w->spread));
    ODEON_TRY(add_up_times(w, &w->spread.view));
    ODEON_TRY(learn != LEARN_START ? add_to(w, end, 1.0) : ODEON_OK);
    if (learn == LEARN_END) {
        return ODEON_OK;
    }
    ODEON_TRY(add_to(w, 0, -1.0));
    ODEON_TRY(fill(w, &w->sum, 0.0));
    ODEON_TRY(add_up_times(w, &w->bar.view));
    return add_to(w, 0, 1.0);
}

/* d_t += (e - s) bar. */
static odeon_status add_time(const workspace *w)
{
    const odeon_tensor *d_t = w->call->d_t;
    ODEON_TRY(cast(w, &w->length.view, &w->wide));
    ODEON_TRY(spread(w, &w->wide.view, &w->spread));
    ODEON_TRY(binary(w, ODEON_BINARY_MUL, &w->bar.view, &w->spread.view, &w->spread));
    return binary(w, ODEON_BINARY_ADD, &d_t->view, &w->spread.view, d_t);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const time_span *layer = self;
    workspace w;
    odeon_layer_call inner = *call;
    odeon_tensor f;
    ODEON_TRY(begin(layer, call, &call->d_out->shape, &w));
    ODEON_TRY(find_kept(layer, call, &call->d_out->shape, &call->d_out->shape, &f));
    ODEON_TRY(fill(&w, &w.bar, 0.0));
    ODEON_TRY(binary(&w, ODEON_BINARY_MUL, call->d_out, &w.factor.view, &w.factor));
    inner.d_out = &w.factor.view;
    inner.d_t = &w.bar;
    inner.flags &= ~(uint32_t)ODEON_CALL_NO_T_GRAD;
    ODEON_TRY(bodies_vjp(&layer->bodies, 0, &inner, &w.times.view, call->d_in));
    bool learns = call->grad != NULL && layer->learn != LEARN_NONE;
    ODEON_TRY(learns ? add_gradients(&w, &f.view) : ODEON_OK);
    return call->d_t != NULL ? add_time(&w) : ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .param = param,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "time_span", &ops,
                     "the field over a span of time of its own, learned or with a random end",
                     "Ghosh, Behl, Dupont, Torr, Namboodiri, STEER, 2020 (steer)",
                     "steer|learnedtime|timescale|duration|rescaletime", time_span, options, init,
                     fini);
