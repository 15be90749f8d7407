/* flow_matching: what is left between its body, a velocity v(t, x), and the velocity of straight
 * paths from noise to samples. For a sample x1 it draws noise x0, normal, and a time t, uniform on
 * [0, 1), and gives out
 *
 *   v(t, x_t) - u,   u = x1 - (1 - sigma) x0,   x_t = x0 + t u,
 *
 * the mean square of which (loss `square`) is least where v moves the normal distribution at t = 0
 * to that of the samples at t = 1: y' = v(t, y), solved from 0 to 1, draws samples.
 * Source: Lipman, Chen, Ben-Hamu, Nickel, Le, Flow matching for generative modeling, 2023, eq. 23;
 * Liu, Gong, Liu, Flow straight and fast, 2023 (sigma = 0).
 *
 * What is drawn depends on seed, layer, epoch and batch, and on a sample's place in the batch, not
 * on workers. Scratch: u and x_t, each of x's shape, and t. */
#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/plugin.h"

typedef struct flow_matching {
    ODEON_INSTANCE;
    double sigma;
    bodies bodies;
} flow_matching;

static const odeon_option *const options[] = {
    ODEON_OPTION(flow_matching, sigma, F64, .flags = ODEON_OPTION_OPEN_MAX,
                 .aliases = "sigmamin|sigma_min|noise", .default_text = "0", .min_text = "0",
                 .max_text = "1", .help = "how much of the noise is left at t = 1"),
    NULL};

static odeon_status init(void *self)
{
    flow_matching *layer = self;
    return bodies_init(layer->host, "flow_matching", &layer->bodies);
}

static void fini(void *self)
{
    flow_matching *layer = self;
    bodies_fini(&layer->bodies);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    flow_matching *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

/* The body's own time is that which is drawn here. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const flow_matching *layer = self;
    uint32_t not_its = ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T | ODEON_LAYER_LINEAR;
    ODEON_TRY(bodies_plan(&layer->bodies, plan));
    if (!bodies_same_shape(&plan->in, &plan->out)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "flow_matching: the body makes %s of %s; a velocity has the shape of "
                          "what moves",
                          shape_print(&plan->out).text, shape_print(&plan->in).text);
    }
    if (!ODEON_HAS(plan->device->random, odeon_random_family, noise)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "flow_matching: run.device: %s draws no normal numbers (operator noise)",
                          plan->device->id);
    }
    plan->flags = (plan->flags & ~not_its) | ODEON_LAYER_RANDOM;
    plan->scratch_bytes = 2 * shape_aligned(odeon_bytes(&plan->in)) +
                          shape_aligned(plan->in.dim[0] * (int64_t)sizeof(double));
    return ODEON_OK;
}

/* What is drawn and computed before the body, in the scratch of a call. */
typedef struct path {
    odeon_tensor u, x_t, t; /* [B,...] twice, F64 [B] */
    int64_t rows, features;
} path;

static path path_of(const odeon_layer_call *call, const odeon_shape *x)
{
    char *at = call->scratch;
    odeon_shape rows = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {x->dim[0]}};
    return (path){.u = odeon_tensor_at(at, *x),
                  .x_t = odeon_tensor_at(at + shape_aligned(odeon_bytes(x)), *x),
                  .t = odeon_tensor_at(at + 2 * shape_aligned(odeon_bytes(x)), rows),
                  .rows = x->dim[0],
                  .features = x->dim[0] > 0 ? odeon_count(x) / x->dim[0] : 0};
}

/* Times and noise are of two streams. */
static odeon_status draw(const odeon_layer_call *call, int32_t id, int64_t first,
                         const odeon_tensor *y)
{
    uint64_t key = call->rng_key ^ (id == ODEON_NOISE_UNIFORM ? UINT64_C(0x9e3779b97f4a7c15) : 0);
    return ODEON_DO(call->device, random, noise, call->queue, .y = y, .key = key, .first = first,
                    .id = id);
}

static odeon_status add(const odeon_layer_call *call, const odeon_view *base, double factor,
                        const odeon_view *x, const odeon_tensor *y)
{
    const odeon_scalar coefficient = odeon_imm(factor);
    return ODEON_DO(call->device, solver, lincomb, call->queue, .y = y, .base = base, .n = 1,
                    .x = &x, .coefficient = &coefficient);
}

/* y *= t, a number a sample; by way of other, of y's shape. */
static odeon_status times_t(const odeon_layer_call *call, const path *p, const odeon_tensor *other,
                            const odeon_view *x, const odeon_tensor *y)
{
    ODEON_TRY(ODEON_DO(call->device, move, rows_fill, call->queue, .y = other, .rows = p->rows,
                       .cols = p->features, .pitch = p->features, .v = &p->t.view));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_MUL, .a = x,
                    .b = &other->view, .y = y);
}

/* x0 is in x_t until u is there; out is free before the body writes it. */
static odeon_status find_path(const flow_matching *layer, const odeon_layer_call *call,
                              const path *p)
{
    int64_t first = call->first_sample;
    ODEON_TRY(draw(call, ODEON_NOISE_UNIFORM, first, &p->t));
    ODEON_TRY(draw(call, ODEON_NOISE_NORMAL, first * p->features, &p->x_t));
    ODEON_TRY(add(call, call->in, layer->sigma - 1.0, &p->x_t.view, &p->u));
    ODEON_TRY(times_t(call, p, call->out, &p->u.view, call->out));
    return add(call, &p->x_t.view, 1.0, &call->out->view, &p->x_t);
}

/* in x1 [B,...] -> out v(t, x_t) - u. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const flow_matching *layer = self;
    path p = path_of(call, &call->in->shape);
    odeon_layer_call inner = *call;
    inner.in = &p.x_t.view;
    ODEON_TRY(find_path(layer, call, &p));
    ODEON_TRY(bodies_forward(&layer->bodies, 0, &inner, &p.t.view, call->out));
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_SUB,
                    .a = &call->out->view, .b = &p.u.view, .y = call->out);
}

/* d_in = t (the body's vjp of d_out) - d_out; t is drawn again. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const flow_matching *layer = self;
    path p = path_of(call, &call->d_out->shape);
    odeon_layer_call inner = *call;
    inner.d_t = NULL;
    inner.flags |= ODEON_CALL_NO_T_GRAD;
    ODEON_TRY(draw(call, ODEON_NOISE_UNIFORM, call->first_sample, &p.t));
    ODEON_TRY(bodies_vjp(&layer->bodies, 0, &inner, &p.t.view, call->d_in != NULL ? &p.x_t : NULL));
    if (call->d_in == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(times_t(call, &p, &p.u, &p.x_t.view, call->d_in));
    return add(call, &call->d_in->view, -1.0, call->d_out, call->d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .scheduled = "sigma"};

ODEON_PLUGIN_OPTIONS(
    LAYER, "flow_matching", &ops,
    "trains its sections as the velocity from noise to samples, with the loss square",
    "Lipman, Chen, Ben-Hamu, Nickel, Le, Flow matching for generative modeling, 2023",
    "flowmatching|rectifiedflow|cfm|conditionalflowmatching", flow_matching, options, init, fini);
