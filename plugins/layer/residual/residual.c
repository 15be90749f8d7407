/* residual: y = x + body(x), or y = shortcut(x) + body(x) with a subsection named shortcut; any
 * shape.
 *
 * Outside of an ODE block the body gets the time from the option, so that the field f(t, y) of such
 * a block can be used here unchanged, as one Euler step of size 1.
 * Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016, eqs. 1, 2. */
#include <stdbool.h>

#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/plugin.h"

/* bodies: BODY and the optional SHORTCUT. */
typedef struct residual {
    ODEON_INSTANCE;
    double time;
    bodies bodies;
} residual;

enum { BODY = 0, SHORTCUT = 1, TIME_BYTES = 64 };

static const char *const body_names[] = {"shortcut", NULL};

static const odeon_option *const options[] = {
    ODEON_OPTION(residual, time, F64, .default_text = "0",
                 .help = "t for the body outside of an ODE block"),
    NULL};

static odeon_status init(void *self)
{
    residual *layer = self;
    return bodies_init(layer->host, "residual", &layer->bodies);
}

static void fini(void *self)
{
    residual *layer = self;
    bodies_fini(&layer->bodies);
}

static odeon_status attach(void *self, int32_t body, odeon_net *net)
{
    residual *layer = self;
    return bodies_attach(&layer->bodies, body, net);
}

static bool has_shortcut(const residual *layer)
{
    return layer->bodies.nets[SHORTCUT] != NULL;
}

/* Both summands must have one shape; without a shortcut the input is the other one. */
static odeon_status check_sum(const residual *layer, const odeon_layer_plan *plan)
{
    const bodies *b = &layer->bodies;
    odeon_body_plan shortcut = {.out = plan->in};
    if (has_shortcut(layer)) {
        ODEON_TRY(bodies_ask(b, SHORTCUT, plan, &shortcut));
    }
    if (bodies_same_shape(&shortcut.out, &plan->out)) {
        return ODEON_OK;
    }
    return odeon_fail(
        b->host, ODEON_ERR_CONFIG,
        has_shortcut(layer)
            ? "residual: the body makes %s, the shortcut %s; their sum needs one shape"
            : "residual: the body makes %s of %s; add a section named shortcut that "
              "does so too",
        shape_print(&plan->out).text, shape_print(&shortcut.out).text);
}

/* Scratch holds the time and, with a shortcut, its output or its part of d_in. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const residual *layer = self;
    ODEON_TRY(bodies_plan(&layer->bodies, plan));
    plan->scratch_bytes = TIME_BYTES + (has_shortcut(layer) ? bodies_value_bytes(plan) : 0);
    return check_sum(layer, plan);
}

/* The option's time, F64 [1], in t unless the call has a time; *out is then t, else NULL. */
static odeon_status make_time(const residual *layer, const odeon_layer_call *call, odeon_tensor *t,
                              const odeon_view **out)
{
    *out = NULL;
    if (call->t != NULL) {
        return ODEON_OK;
    }
    *t = odeon_tensor_at(call->scratch,
                         (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
    *out = &t->view;
    return ODEON_DO(call->device, move, fill, call->queue, .y = t, .value = odeon_imm(layer->time));
}

/* What the shortcut makes, of the shape of like. */
static odeon_tensor shortcut_value(const odeon_layer_call *call, const odeon_tensor *like)
{
    return odeon_tensor_at((char *)call->scratch + TIME_BYTES, like->view.shape);
}

/* total = other + total */
static odeon_status add(const odeon_layer_call *call, const odeon_view *other,
                        const odeon_tensor *total)
{
    return ODEON_DO(call->device, pointwise, binary, call->queue, .id = ODEON_BINARY_ADD,
                    .a = other, .b = &total->view, .y = total);
}

/* in -> out = body(in) + shortcut(in) or in. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const residual *layer = self;
    const odeon_view *t;
    odeon_tensor time;
    ODEON_TRY(make_time(layer, call, &time, &t));
    ODEON_TRY(bodies_forward(&layer->bodies, BODY, call, t, call->out));
    if (!has_shortcut(layer)) {
        return add(call, call->in, call->out);
    }
    odeon_tensor made = shortcut_value(call, call->out);
    ODEON_TRY(bodies_forward(&layer->bodies, SHORTCUT, call, t, &made));
    return add(call, &made.view, call->out);
}

/* The shortcut's vjp, added to d_in where that is wanted. */
static odeon_status vjp_of_shortcut(const residual *layer, const odeon_layer_call *call,
                                    const odeon_view *t)
{
    if (call->d_in == NULL) {
        return bodies_vjp(&layer->bodies, SHORTCUT, call, t, NULL);
    }
    odeon_tensor part = shortcut_value(call, call->d_in);
    ODEON_TRY(bodies_vjp(&layer->bodies, SHORTCUT, call, t, &part));
    return add(call, &part.view, call->d_in);
}

/* d_in = vjp of the body + vjp of the shortcut, or d_out. */
static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const residual *layer = self;
    const odeon_view *t;
    odeon_tensor time;
    ODEON_TRY(make_time(layer, call, &time, &t));
    ODEON_TRY(bodies_vjp(&layer->bodies, BODY, call, t, call->d_in));
    if (has_shortcut(layer)) {
        return vjp_of_shortcut(layer, call, t);
    }
    return call->d_in == NULL ? ODEON_OK : add(call, call->d_out, call->d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .body_names = body_names};

ODEON_PLUGIN_OPTIONS(
    LAYER, "residual", &ops,
    "adds its input, or what a section named shortcut makes of it, to its body",
    "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016, eqs. 1, 2",
    "skip|shortcut|resblock|residualblock|resnetblock|skipconnection", residual, options, init,
    fini);
