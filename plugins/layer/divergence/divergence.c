/* divergence: its body f(t, y), and along the path of the ODE block around it two integrals of the
 * body's Jacobian J = df/dy, sample by sample: `divergence`, of the trace of J, by which the
 * logarithm of a density falls along the path, and `frobenius`, of the sum of the squares of J. It
 * stands in the block's body and holds all of it that the state passes.
 *
 *   exact                every row e_i J, e_i a unit vector: as many vjps as a state has numbers
 *   rademacher, normal   one row p J with random p, of signs or normal numbers, which stays the
 * same during a solve: p J p and |p J|^2 are the two in the mean (Hutchinson)
 *
 * For p J in p -> c in c = w p + 2 v p J, where w and v are the cotangents of the two, the gradient
 * is that of <p, J c>: a second derivative (ODEON_HOST_BODY_DUALS), so that training needs
 * run.device = dual(base=...). Evaluation does not.
 *
 * Source: Chen, Rubanova, Bettencourt, Duvenaud, Neural ordinary differential equations, 2018, eq.
 * 8; Grathwohl and others, FFJORD, 2019; Finlay and others, How to train your neural ODE, 2020,
 * eqs. 12, 13 (the second integral). */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/plugin.h"

enum { EXACT = 0, RADEMACHER = 1, NORMAL = 2 };
enum { TRACE = 0, SQUARES = 1 }; /* integrals */

static const char *const integral_names[] = {"divergence", "frobenius"};

typedef struct divergence {
    ODEON_INSTANCE;
    int64_t method;
    bodies bodies;
    const odeon_body_duals *duals;
} divergence;

static const odeon_option *const options[] = {
    ODEON_OPTION(divergence, method, CHOICE, .aliases = "trace|divergencetype|hutchinson",
                 .default_text = "exact", .choices = "exact|rademacher|normal",
                 .help = "the Jacobian row by row, or one row of it along random numbers"),
    NULL};

static odeon_status init(void *self)
{
    divergence *layer = self;
    return bodies_init_duals(layer->host, "divergence", &layer->bodies, &layer->duals);
}

static void fini(void *self)
{
    divergence *layer = self;
    bodies_fini(&layer->bodies);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    divergence *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

/* ---- plan ---- */

static odeon_status check(const divergence *layer, const odeon_layer_plan *plan)
{
    if (!bodies_same_shape(&plan->in, &plan->out)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "divergence: the body makes %s of %s; a field has the shape of the state",
                          shape_print(&plan->out).text, shape_print(&plan->in).text);
    }
    if ((plan->flags & (ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_STATEFUL)) != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "divergence: a layer of the body couples the samples of a batch, so that "
                          "none has a Jacobian of its own");
    }
    return layer->method == EXACT || ODEON_HAS(plan->device->random, odeon_random_family, noise)
               ? ODEON_OK
               : odeon_fail(layer->host, ODEON_ERR_CONFIG,
                            "divergence: run.device: %s draws no random numbers (operator noise); "
                            "use method = exact",
                            plan->device->id);
}

/* Elements of a sample. */
static int64_t features_of(const odeon_shape *x)
{
    int64_t n = 1;
    for (int32_t i = 1; i < x->ndim; i++) {
        n *= x->dim[i];
    }
    return n;
}

static int64_t probes_of(const divergence *layer, const odeon_shape *x)
{
    return layer->method == EXACT ? features_of(x) : 1;
}

/* Tape: the body's frame, then a row p J for every probe. Scratch: the same where there is no tape,
 * then p, two further vectors, a number, and what the duals need. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const divergence *layer = self;
    odeon_body_plan body;
    uint64_t duals = 0, vector = shape_aligned(odeon_bytes(&plan->in));
    ODEON_TRY(bodies_plan(&layer->bodies, plan));
    ODEON_TRY(check(layer, plan));
    ODEON_TRY(bodies_ask(&layer->bodies, 0, plan, &body));
    ODEON_TRY(layer->duals->scratch_bytes(layer->bodies.nets[0], &body, &duals));
    plan->flags &= ~(uint32_t)ODEON_LAYER_LINEAR;
    plan->flags |= ODEON_LAYER_NEEDS_IN | (layer->method == EXACT ? 0u : ODEON_LAYER_RANDOM);
    plan->tape_bytes = body.frame_bytes + (uint64_t)probes_of(layer, &plan->in) * vector;
    plan->scratch_bytes = plan->tape_bytes + 3 * vector + 64 + duals;
    plan->integral_names = integral_names;
    plan->n_integrals = 2;
    return ODEON_OK;
}

/* ---- a call ---- */

typedef struct walk {
    const divergence *layer;
    odeon_layer_call call; /* its tape is there: that of the call, or in scratch */
    odeon_shape x;
    int64_t rows, features, probes;
    uint64_t vector;
    char *jacobian;            /* [probes] rows p J, each [B,...] */
    odeon_tensor p, a, b, one; /* scratch: [B,...] thrice, F64 [1] */
    void *duals;
} walk;

static odeon_status begin(const divergence *layer, const odeon_layer_call *call,
                          const odeon_shape *x, walk *w)
{
    odeon_body_plan body = {.struct_size = sizeof body, .call_flags = call->flags};
    body.batch = x->dim[0];
    ODEON_TRY(layer->bodies.services->plan(layer->bodies.nets[0], &body));
    uint64_t vector = shape_aligned(odeon_bytes(x)), frame = body.frame_bytes;
    uint64_t tape = frame + (uint64_t)probes_of(layer, x) * vector;
    char *at = (char *)call->scratch + tape;
    *w = (walk){.layer = layer,
                .call = *call,
                .x = *x,
                .rows = x->dim[0],
                .features = features_of(x),
                .probes = probes_of(layer, x),
                .vector = vector};
    w->call.tape = call->tape != NULL ? call->tape : call->scratch;
    w->jacobian = (char *)w->call.tape + frame;
    w->p = odeon_tensor_at(at, *x);
    w->a = odeon_tensor_at(at + vector, *x);
    w->b = odeon_tensor_at(at + 2 * vector, *x);
    w->one = odeon_tensor_at(at + 3 * vector,
                             (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
    w->duals = at + 3 * vector + 64;
    return ODEON_OK;
}

static odeon_status fill(const walk *w, const odeon_tensor *y, double value)
{
    return ODEON_DO(w->call.device, move, fill, w->call.queue, .y = y, .value = odeon_imm(value));
}

/* p, which is the same whenever it is asked for during a solve. */
static odeon_status find_probe(const walk *w, int64_t i)
{
    const odeon_layer_call *call = &w->call;
    if (w->layer->method != EXACT) {
        int32_t id = w->layer->method == NORMAL ? ODEON_NOISE_NORMAL : ODEON_NOISE_SIGN;
        return ODEON_DO(call->device, random, noise, call->queue, .y = &w->p, .key = call->rng_key,
                        .first = call->first_sample * w->features, .id = id);
    }
    ODEON_TRY(fill(w, &w->p, 0.0));
    ODEON_TRY(fill(w, &w->one, 1.0));
    return ODEON_DO(call->device, move, rows_fill, call->queue, .y = &w->p, .rows = w->rows,
                    .cols = 1, .pitch = w->features, .at = i, .v = &w->one.view);
}

static odeon_tensor row_of(const walk *w, int64_t i)
{
    return odeon_tensor_at(w->jacobian + (uint64_t)i * w->vector, w->x);
}

static odeon_status multiply(const walk *w, const odeon_tensor *a, const odeon_tensor *b,
                             const odeon_tensor *y)
{
    return ODEON_DO(w->call.device, pointwise, binary, w->call.queue, .id = ODEON_BINARY_MUL,
                    .a = &a->view, .b = &b->view, .y = y);
}

/* y = y + factor x */
static odeon_status add(const walk *w, double factor, const odeon_tensor *x, const odeon_tensor *y)
{
    const odeon_view *list = &x->view;
    const odeon_scalar coefficient = odeon_imm(factor);
    return ODEON_DO(w->call.device, solver, lincomb, w->call.queue, .y = y, .base = &y->view,
                    .n = 1, .x = &list, .coefficient = &coefficient);
}

/* integrand += the sum of a b, sample by sample; by way of the scratch a. */
static odeon_status add_products(const walk *w, const odeon_tensor *a, const odeon_tensor *b,
                                 int32_t integral)
{
    ODEON_TRY(multiply(w, a, b, &w->a));
    return ODEON_DO(w->call.device, move, rows_sum, w->call.queue, .x = &w->a.view, .rows = w->rows,
                    .cols = w->features, .pitch = w->features, .v = &w->call.integrand[integral]);
}

/* ---- forward ---- */

static odeon_status add_probe(const walk *w, int64_t i)
{
    odeon_tensor row = row_of(w, i);
    odeon_layer_call inner = w->call;
    inner.d_out = &w->p.view;
    inner.d_t = NULL;
    inner.integrand = NULL;
    inner.flags |= ODEON_CALL_NO_PARAM_GRAD | ODEON_CALL_NO_T_GRAD;
    ODEON_TRY(find_probe(w, i));
    ODEON_TRY(bodies_vjp(&w->layer->bodies, 0, &inner, NULL, &row));
    if (w->call.integrand == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(add_products(w, &w->p, &row, TRACE));
    return add_products(w, &row, &row, SQUARES);
}

/* in [B,...] -> out f, integrand [B] each. The vjp needs the rows whether or not it was wanted. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    walk w;
    ODEON_TRY(begin(self, call, &call->in->shape, &w));
    ODEON_TRY(bodies_forward(&w.layer->bodies, 0, &w.call, NULL, call->out));
    bool wanted = w.rows > 0 && (call->integrand != NULL || call->tape != NULL);
    for (int64_t i = 0; i < w.probes && wanted; i++) {
        ODEON_TRY(add_probe(&w, i));
    }
    return ODEON_OK;
}

/* ---- vjp ---- */

/* y = the cotangent of an integral, on each number of a sample. */
static odeon_status spread(const walk *w, int32_t integral, const odeon_tensor *y)
{
    return ODEON_DO(w->call.device, move, rows_fill, w->call.queue, .y = y, .rows = w->rows,
                    .cols = w->features, .pitch = w->features, .v = &w->call.d_integrand[integral]);
}

/* c, in a. */
static odeon_status find_direction(const walk *w, const odeon_tensor *row)
{
    ODEON_TRY(spread(w, TRACE, &w->a));
    ODEON_TRY(multiply(w, &w->a, &w->p, &w->a));
    ODEON_TRY(spread(w, SQUARES, &w->b));
    ODEON_TRY(multiply(w, &w->b, row, &w->b));
    return add(w, 2.0, &w->b, &w->a);
}

static odeon_status add_probe_gradient(const walk *w, int64_t i)
{
    odeon_tensor row = row_of(w, i);
    const odeon_tensor *d_in = w->call.d_in;
    ODEON_TRY(find_probe(w, i));
    ODEON_TRY(find_direction(w, &row));
    const odeon_body_dual_call inner = {.struct_size = sizeof inner,
                                        .around = &w->call,
                                        .in = w->call.in,
                                        .in_dot = &w->a.view,
                                        .d_out = &w->p.view,
                                        .d_in = d_in != NULL ? &w->b : NULL,
                                        .d_t = w->call.d_t,
                                        .scratch = w->duals};
    ODEON_TRY(w->layer->duals->vjp(w->layer->bodies.nets[0], &inner));
    return d_in != NULL ? add(w, 1.0, &w->b, d_in) : ODEON_OK;
}

/* The body's own vjp, and the gradient of what was integrated. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    walk w;
    ODEON_TRY(begin(self, call, &call->d_out->shape, &w));
    ODEON_TRY(bodies_vjp(&w.layer->bodies, 0, &w.call, NULL, call->d_in));
    for (int64_t i = 0; i < w.probes && call->d_integrand != NULL && w.rows > 0; i++) {
        ODEON_TRY(add_probe_gradient(&w, i));
    }
    return ODEON_OK;
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach};

ODEON_PLUGIN_OPTIONS(LAYER, "divergence", &ops,
                     "around an ODE block's field: integrates the trace of its Jacobian, and the "
                     "squares of it",
                     "Grathwohl and others, FFJORD, 2019; Finlay and others, 2020",
                     "trace|cnf|ffjord|jacobiantrace|logdet|odefunc", divergence, options, init,
                     fini);
