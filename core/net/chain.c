/* Bodies of containers: how sections become them, and the services that call them. */
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "net/net.h"
#include "plugin/calling.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
}

/* ---- building ---- */

static size_t count_bodies(const odeon_layer_ops *ops, const config_node *node)
{
    if (ops->bodies == ODEON_BODIES_BRANCHES) {
        return node->n_children;
    }
    size_t n = 1;
    while (ops->body_names != NULL && ops->body_names[n - 1] != NULL) {
        n++;
    }
    return n;
}

static odeon_status body_input(const net_layer *container, size_t body, odeon_tensor *out)
{
    const odeon_layer_ops *ops = container->ops;
    *out = container->in;
    if (!ODEON_HAS(ops, odeon_layer_ops, body_in)) {
        return ODEON_OK;
    }
    calling outer = calling_begin(container->instance, "body_in");
    return calling_end(outer,
                       ops->body_in(container->instance->self, &container->in, (int32_t)body, out));
}

/* Where a body stands whose container stands in outer. */
static odeon_status inner_scope(const net_scope *outer, const net_layer *container,
                                const odeon_tensor *in, net_scope *out)
{
    bool is_field = container->ops->bodies == ODEON_BODIES_FIELD;
    *out = (net_scope){.path = container->path,
                       .lender = container->shared,
                       .container = container,
                       .state = outer->state,
                       .in_field = outer->in_field || is_field};
    if (is_field && in->ndim < 2) {
        return diag_fail(ODEON_ERR_CONFIG, "%s: its input has no features", container->path);
    }
    if (is_field || !outer->in_field) {
        out->state = in->ndim < 2 ? 0 : in->dim[1];
    }
    return ODEON_OK;
}

/* Body number `body`, of the children that belong to it; the list has room for all children. */
static odeon_status make_body(net_site *site, const net_scope *outer, net_layer *container,
                              size_t body, config_node **list)
{
    const config_node *node = container->node;
    size_t n = 0;
    odeon_tensor in;
    net_scope scope;
    for (size_t i = 0; i < node->n_children; i++) {
        if (node_body_of(container->ops, node, i) == body) {
            list[n++] = node->children[i];
        }
    }
    ODEON_TRY(body_input(container, body, &in));
    ODEON_TRY(inner_scope(outer, container, &in, &scope));
    return net_create(site, &scope, n, list, &in, &container->bodies[body]);
}

static odeon_status attach_all(const net_layer *container)
{
    for (size_t b = 0; b < container->n_bodies; b++) {
        const instance *x = container->instance;
        calling outer = calling_begin(x, "attach");
        ODEON_TRY(
            calling_end(outer, container->ops->attach(x->self, (int32_t)b, container->bodies[b])));
    }
    return ODEON_OK;
}

odeon_status net_create_bodies(net_site *site, const net_scope *scope, net_layer *container)
{
    const config_node *node = container->node;
    size_t n = count_bodies(container->ops, node);
    config_node **list = mem_zalloc(node->n_children + 1, sizeof *list);
    container->bodies = mem_zalloc(n + 1, sizeof *container->bodies);
    container->n_bodies = container->bodies != NULL ? n : 0;
    odeon_status status =
        list == NULL || container->bodies == NULL ? no_memory(container->path) : ODEON_OK;
    /* in the order of the file, so that a section can lend its parameters to those below it */
    for (size_t i = 0; i < node->n_children && status == ODEON_OK; i++) {
        size_t body = node_body_of(container->ops, node, i);
        if (container->bodies[body] == NULL) {
            status = make_body(site, scope, container, body, list);
        }
    }
    mem_free(list);
    return status == ODEON_OK ? attach_all(container) : status;
}

/* ---- calling ---- */

static odeon_status chain_plan(odeon_net *body, int64_t batch, int32_t flags, odeon_chain_info *out)
{
    const net_plan *plan;
    ODEON_TRY(net_plan_for(body, batch, flags, &plan));
    *out = (odeon_chain_info){.struct_size = sizeof *out,
                              .flags = plan->layer_flags,
                              .in = plan->in,
                              .out = plan->out,
                              .frame_bytes = (uint64_t)plan->frame_bytes};
    return ODEON_OK;
}

/* The plan and context of a call, and whether x is what such a call takes. */
static odeon_status prepare_call(odeon_net *body, const odeon_context *context,
                                 const odeon_tensor *t, const odeon_tensor *x, bool is_output,
                                 const net_plan **plan, odeon_context *own)
{
    char given[128], planned[128];
    ODEON_TRY(net_plan_for(body, x->dim[0], context->flags, plan));
    const odeon_tensor *expected = is_output ? &(*plan)->out : &(*plan)->in;
    if (x->ndim != expected->ndim || memcmp(x->dim, expected->dim, sizeof x->dim) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: calls its body with %s, which is planned for %s",
                         body->path, net_shape_text(x, given, sizeof given),
                         net_shape_text(expected, planned, sizeof planned));
    }
    *own = *context;
    own->t = t != NULL ? t : context->t;
    return ODEON_OK;
}

static odeon_status chain_forward(odeon_net *body, const odeon_context *context,
                                  const odeon_tensor *t, const odeon_tensor *in,
                                  const odeon_tensor *out, void *frame)
{
    const net_plan *plan;
    odeon_context own;
    ODEON_TRY(prepare_call(body, context, t, in, false, &plan, &own));
    return net_forward(plan, &own, in->data, out->data, frame);
}

static odeon_status chain_vjp(odeon_net *body, const odeon_context *context, const odeon_tensor *t,
                              void *frame, const odeon_tensor *d_out, const odeon_tensor *d_in,
                              const odeon_tensor *d_t)
{
    const net_plan *plan;
    odeon_context own;
    ODEON_TRY(prepare_call(body, context, t, d_out, true, &plan, &own));
    return net_vjp(plan, &own, frame, d_out->data, d_in == NULL ? NULL : d_in->data, d_t);
}

const odeon_chain_services net_chain_services = {.struct_size = sizeof(odeon_chain_services),
                                                 .plan = chain_plan,
                                                 .forward = chain_forward,
                                                 .vjp = chain_vjp};
