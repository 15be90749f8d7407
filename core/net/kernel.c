/* A layer's instance, and what a kernel in its place has to agree with it on. A kernel is another
 * plugin that computes the same layer on one device. Both are created and both are asked, so that a
 * kernel which disagrees with its layer is found before the first batch and not as a wrong number.
 */
#include <string.h>

#include "base/diag.h"
#include "net/net.h"
#include "plugin/calling.h"
#include "plugin/words.h"

/* What a layer is, whatever it is made of; its other flags are the affair of who computes. */
enum {
    IS = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_USES_T | ODEON_LAYER_LINEAR |
         ODEON_LAYER_STATEFUL | ODEON_LAYER_TRAIN_ONLY | ODEON_LAYER_VIEW | ODEON_LAYER_RANDOM
};

/* What the kernel has said, and how to do without it. The layer itself has had no complaint. */
static odeon_status with_remedy(const odeon_component *kernel, odeon_status status)
{
    diag_reason reason = diag_take();
    return diag_fail(status, "%s; run.kernels=no does without %s", reason.text, kernel->id);
}

/* The layer's own instance is made first: what is wrong with the options is then said in its words
 * and not in the kernel's. */
odeon_status net_make_instance(const net_site *site, const odeon_config *chosen, net_layer *layer)
{
    const odeon_component *kernel = NULL;
    ODEON_TRY(kernels_find(site->kernels, chosen->component, &kernel));
    if (kernel == NULL) {
        return instance_create(chosen, layer->path, &layer->instance);
    }
    ODEON_TRY(instance_create(chosen, layer->path, &layer->original));
    odeon_status status = instance_create_as(kernel, kernels_file(site->kernels, kernel),
                                             kernels_abi_minor(site->kernels, kernel), chosen,
                                             layer->path, &layer->instance);
    return status == ODEON_OK ? ODEON_OK : with_remedy(kernel, status);
}

/* Both sides are shown with the file of the kernel, since the fault is its author's and not the
 * user's. */
static odeon_status disagree(const net_site *site, const net_layer *layer, const char *what,
                             const char *kernel, const char *original)
{
    const odeon_component *c = layer->instance->component;
    return diag_fail(ODEON_ERR_PLUGIN,
                     "%s: %s of %s has %s as %s where layer %s has %s: its author has to put that "
                     "right; run.kernels=no does without it",
                     layer->path, c->id, kernels_file(site->kernels, c), kernel, what,
                     layer->original->component->id, original);
}

/* The batch is compared as well: both have been asked for the same one. */
static bool same_shape(const odeon_shape *a, const odeon_shape *b)
{
    bool same = a->ndim == b->ndim;
    for (int32_t i = 0; i < a->ndim && same; i++) {
        same = a->dim[i] == b->dim[i];
    }
    return same;
}

/* ---- plans ---- */

/* The plan starts as zero but for its size, so that a plugin of an older ABI leaves fields that it
 * does not know in their neutral state. */
static odeon_status ask_plan(const instance *x, const net_site *site, const odeon_shape *in,
                             int32_t time_channel, uint32_t flags, odeon_layer_plan *out)
{
    const odeon_layer_ops *ops = x->component->ops;
    *out = (odeon_layer_plan){.struct_size = sizeof *out,
                              .call_flags = flags,
                              .device = site->lane.device,
                              .in = *in,
                              .time_channel = time_channel,
                              .given = site->given,
                              .n_given = DATA_ROLES};
    calling outer = calling_begin(x, "plan");
    ODEON_TRY(calling_end(outer, ops->plan(x->self, out)));
    if (out->n_integrals < 0 || out->n_integrals > ODEON_MAX_INTEGRALS) {
        return calling_blame(x, "plan", "it declares %d integrals along the path: 0 to %d may be",
                             (int)out->n_integrals, ODEON_MAX_INTEGRALS);
    }
    if (out->n_integrals > 0 && out->integral_names == NULL) {
        return calling_blame(x, "plan", "it declares integrals along the path, but no names");
    }
    return words_check(x, "plan", out, words_of_plan);
}

/* Needs and integrals are what a layer is, whatever it is made of. */
static bool same_needs(const odeon_layer_plan *a, const odeon_layer_plan *b)
{
    bool same = a->needs == b->needs && a->n_integrals == b->n_integrals;
    for (int32_t i = 0; same && i < a->n_integrals; i++) {
        same = strcmp(a->integral_names[i], b->integral_names[i]) == 0;
    }
    return same;
}

/* Fields of the batch as bits, then the names of the integrals. */
static void needs_text(const odeon_layer_plan *plan, char *text, size_t bytes)
{
    size_t at = (size_t)snprintf(text, bytes, "0x%x", (unsigned)plan->needs);
    for (int32_t i = 0; i < plan->n_integrals && at < bytes; i++) {
        at += (size_t)snprintf(text + at, bytes - at, " %s", plan->integral_names[i]);
    }
}

/* Only the flags that both have to agree on. */
static void flags_text(uint32_t flags, char *text, size_t bytes)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{ODEON_LAYER_BATCH_COUPLED, "BATCH_COUPLED"},
                 {ODEON_LAYER_USES_T, "USES_T"},
                 {ODEON_LAYER_LINEAR, "LINEAR"},
                 {ODEON_LAYER_STATEFUL, "STATEFUL"},
                 {ODEON_LAYER_TRAIN_ONLY, "TRAIN_ONLY"},
                 {ODEON_LAYER_VIEW, "VIEW"},
                 {ODEON_LAYER_RANDOM, "RANDOM"}};
    size_t at = (size_t)snprintf(text, bytes, "%s", (flags & IS) == 0 ? "none" : "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((flags & names[i].flag) != 0) {
            at += (size_t)snprintf(text + at, bytes - at, "%s%s", at > 0 ? " " : "", names[i].name);
        }
    }
}

/* Shape and dtype of an output, as in "[3] of float64". */
static void out_text(const odeon_shape *x, char *text, size_t bytes)
{
    char shape[128];
    (void)snprintf(text, bytes, "%s of %s", net_shape_text(x, shape, sizeof shape),
                   x->dtype == ODEON_DTYPE_F64   ? "float64"
                   : x->dtype == ODEON_DTYPE_F32 ? "float32"
                                                 : "another dtype");
}

/* Numbers of bytes and what the vjp needs are the kernel's, which computes. Of the two least
 * batches the larger counts: the layer's is a matter of mathematics, the kernel's one of its code.
 */
odeon_status net_layer_plan_timed(const net_site *site, const net_layer *layer,
                                  const odeon_shape *in, int32_t time_channel, uint32_t flags,
                                  odeon_layer_plan *out)
{
    odeon_layer_plan own;
    char a[160], b[160];
    if (layer->original == NULL) {
        return ask_plan(layer->instance, site, in, time_channel, flags, out);
    }
    ODEON_TRY(ask_plan(layer->original, site, in, time_channel, flags, &own));
    odeon_status status = ask_plan(layer->instance, site, in, time_channel, flags, out);
    if (status != ODEON_OK) {
        return with_remedy(layer->instance->component, status);
    }
    if (!same_shape(&out->out, &own.out) || out->out.dtype != own.out.dtype) {
        out_text(&out->out, a, sizeof a);
        out_text(&own.out, b, sizeof b);
        return disagree(site, layer, "its output", a, b);
    }
    if ((out->flags & IS) != (own.flags & IS)) {
        flags_text(out->flags, a, sizeof a);
        flags_text(own.flags, b, sizeof b);
        return disagree(site, layer, "its flags", a, b);
    }
    if (!same_needs(out, &own)) {
        needs_text(out, a, sizeof a);
        needs_text(&own, b, sizeof b);
        return disagree(site, layer, "its needs and integrals", a, b);
    }
    out->min_batch = own.min_batch > out->min_batch ? own.min_batch : out->min_batch;
    return ODEON_OK;
}

odeon_status net_layer_plan(const net_site *site, const net_layer *layer, const odeon_shape *in,
                            uint32_t flags, odeon_layer_plan *out)
{
    return net_layer_plan_timed(site, layer, in, ODEON_TIME_NONE, flags, out);
}

/* ---- parameters ---- */

static odeon_status ask_param(const instance *x, const odeon_shape *in, int32_t index,
                              odeon_param *out)
{
    const odeon_layer_ops *ops = x->component->ops;
    *out = (odeon_param){.struct_size = sizeof *out};
    if (!ODEON_HAS(ops, odeon_layer_ops, param)) {
        return ODEON_OK;
    }
    calling outer = calling_begin(x, "param");
    ODEON_TRY(calling_end(outer, ops->param(x->self, in, index, out)));
    if (out->name == NULL) {
        return ODEON_OK;
    }
    bool known = out->role >= ODEON_PARAM_WEIGHT && out->role <= ODEON_PARAM_STATE &&
                 out->init >= ODEON_INIT_CONSTANT && out->init <= ODEON_INIT_NORMAL;
    if (!known) {
        return calling_blame(x, "param",
                             "parameter %d has role %d and init %d, of which one is none",
                             (int)index, (int)out->role, (int)out->init);
    }
    return words_check(x, "param", out, words_of_param);
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Everything that decides where a parameter lies and how it starts. */
static bool same_param(const odeon_param *a, const odeon_param *b)
{
    if (a->name == NULL || b->name == NULL) {
        return a->name == b->name;
    }
    return strcmp(a->name, b->name) == 0 && a->role == b->role && a->init == b->init &&
           same_bits(a->init_a, b->init_a) && same_bits(a->init_b, b->init_b) &&
           same_shape(&a->shape, &b->shape);
}

/* Cut to the buffer: a name and a shape may be of any length. */
static void param_text(const odeon_param *p, char *text, size_t bytes)
{
    if (p->name == NULL) {
        (void)snprintf(text, bytes, "nothing");
        return;
    }
    size_t at = (size_t)snprintf(text, bytes, "%.40s [", p->name);
    for (int32_t i = 0; i < p->shape.ndim && at < bytes; i++) {
        at += (size_t)snprintf(text + at, bytes - at, "%s%lld", i > 0 ? ", " : "",
                               (long long)p->shape.dim[i]);
    }
    if (at < bytes) {
        (void)snprintf(text + at, bytes - at, "] (role %d, init %d, %g, %g)", (int)p->role,
                       (int)p->init, p->init_a, p->init_b);
    }
}

/* The kernel's answer is the one that is used, once it is known to be the layer's too. */
odeon_status net_layer_param(const net_site *site, const net_layer *layer, int32_t index,
                             odeon_param *out)
{
    odeon_param own;
    char what[40], a[192], b[192];
    ODEON_TRY(ask_param(layer->instance, &layer->in, index, out));
    if (layer->original == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(ask_param(layer->original, &layer->in, index, &own));
    if (same_param(out, &own)) {
        return ODEON_OK;
    }
    (void)snprintf(what, sizeof what, "parameter %d", (int)index);
    param_text(out, a, sizeof a);
    param_text(&own, b, sizeof b);
    return disagree(site, layer, what, a, b);
}
