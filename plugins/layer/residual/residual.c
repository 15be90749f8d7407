/* residual: y = x + body(x), or y = shortcut(x) + body(x) with a subsection named shortcut; any
 * shape.
 *
 * Outside of an ODE block the body gets the time from the option, so that the field f(t, y) of such
 * a block can be used here unchanged, as one Euler step of size 1.
 * Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016, eqs. 1, 2. */
#include <stdbool.h>
#include <string.h>

#include "../common/bodies.h"
#include "../common/shape.h"
#include "odeon/plugin.h"

/* bodies: BODY and the optional SHORTCUT. */
typedef struct residual {
    bodies bodies;
    double time;
} residual;

enum { BODY = 0, SHORTCUT = 1, TIME_BYTES = 64 };

static const char *const body_names[] = {"shortcut", NULL};

static const odeon_option time_option = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "time",
    .default_text = "0",
    .help = "t for the body outside of an ODE block",
};
static const odeon_option *const options[] = {&time_option, NULL};

static void destroy(void *self)
{
    residual *layer = self;
    if (layer != NULL) {
        bodies_fini(&layer->bodies);
        layer->bodies.host->free(layer->bodies.host, layer);
    }
}

static odeon_status create(const odeon_host *host, const odeon_config *config, void **out)
{
    *out = NULL;
    residual *layer = host->alloc(host, sizeof *layer);
    if (layer == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "residual: no memory for %zu bytes",
                          sizeof *layer);
    }
    layer->time = host->option_f64(config, "time");
    odeon_status status = bodies_init(host, "residual", &layer->bodies);
    if (status != ODEON_OK) {
        destroy(layer);
        return status;
    }
    *out = layer;
    return ODEON_OK;
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

static bool same_shape(const odeon_tensor *a, const odeon_tensor *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

/* Both summands must have one shape; without a shortcut the input is the other one. */
static odeon_status check_sum(const residual *layer, const odeon_tensor *in, int32_t flags,
                              const odeon_tensor *out)
{
    const bodies *b = &layer->bodies;
    odeon_chain_info other = {.struct_size = sizeof other, .out = *in};
    if (has_shortcut(layer)) {
        ODEON_TRY(b->chain->plan(b->nets[SHORTCUT], in->dim[0], flags, &other));
    }
    if (same_shape(&other.out, out)) {
        return ODEON_OK;
    }
    return odeon_fail(
        b->host, ODEON_ERR_CONFIG,
        has_shortcut(layer)
            ? "residual: the body makes %s, the shortcut %s; their sum needs one shape"
            : "residual: the body makes %s of %s; add a section named shortcut that "
              "does so too",
        shape_print(out).text, shape_print(&other.out).text);
}

/* Scratch holds the time and, with a shortcut, its output or its part of d_in. */
static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    const residual *layer = self;
    (void)device;
    ODEON_TRY(bodies_plan(&layer->bodies, in, flags, out));
    out->scratch_bytes = TIME_BYTES;
    if (has_shortcut(layer)) {
        out->scratch_bytes += bodies_value_bytes(out, in);
    }
    return check_sum(layer, in, flags, &out->out);
}

/* Fills the option's time into t unless the context has a time; *out is then t, else NULL. */
static odeon_status make_time(const residual *layer, const odeon_context *context, void *scratch,
                              odeon_tensor *t, const odeon_tensor **out)
{
    *out = NULL;
    if (context->t != NULL) {
        return ODEON_OK;
    }
    *t = (odeon_tensor){.data = scratch, .dim = {1}, .ndim = 1, .dtype = ODEON_DTYPE_F64};
    *out = t;
    return context->device->ops->fill(context->queue, t, odeon_imm(layer->time), NULL);
}

/* in -> out = body(in) + shortcut(in) or in. */
static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const residual *layer = self;
    const odeon_tensor *t, *other = in;
    odeon_tensor time, made = *out;
    ODEON_TRY(make_time(layer, context, buffers->scratch, &time, &t));
    ODEON_TRY(bodies_forward(&layer->bodies, BODY, context, t, in, out, buffers->tape));
    if (has_shortcut(layer)) {
        made.data = (char *)buffers->scratch + TIME_BYTES;
        other = &made;
        ODEON_TRY(bodies_forward(&layer->bodies, SHORTCUT, context, t, in, &made, buffers->tape));
    }
    return context->device->ops->binary(context->queue, ODEON_BINARY_ADD, other, out, out);
}

/* d_in = vjp of the body + vjp of the shortcut, or d_out. */
static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const residual *layer = self;
    const bodies *b = &layer->bodies;
    const odeon_tensor *t, *other = d_out;
    odeon_tensor time, part;
    (void)in;
    (void)out;
    ODEON_TRY(make_time(layer, context, buffers->scratch, &time, &t));
    ODEON_TRY(bodies_vjp(b, BODY, context, t, d_out, d_in, d_t, buffers->tape));
    if (has_shortcut(layer)) {
        other = d_in == NULL ? NULL : &part;
        part = d_in == NULL ? *d_out : *d_in;
        part.data = (char *)buffers->scratch + TIME_BYTES;
        ODEON_TRY(bodies_vjp(b, SHORTCUT, context, t, d_out, other, d_t, buffers->tape));
    }
    return d_in == NULL
               ? ODEON_OK
               : context->device->ops->binary(context->queue, ODEON_BINARY_ADD, other, d_in, d_in);
}

static const odeon_layer_ops ops = {.struct_size = sizeof ops,
                                    .bodies = ODEON_BODIES_CHAIN,
                                    .plan = plan,
                                    .forward = forward,
                                    .vjp = vjp,
                                    .attach = attach,
                                    .body_names = body_names};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "residual",
    .aliases = "skip|shortcut|resblock|residualblock|resnetblock|skipconnection",
    .summary = "adds its input, or what a section named shortcut makes of it, to its body",
    .version = "1.0",
    .license = "MIT",
    .source = "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016, eqs. 1, 2",
    .options = options,
    .ops = &ops,
    .create = create,
    .destroy = destroy,
};
static const odeon_component *const components[] = {&component, NULL};

ODEON_PLUGIN_NOTE("layer/residual");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "residual",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
