/* Networks are built from the outside in, layer by layer: the shape that a layer makes is known
 * before the next one is created, so that sizes can be checked and `state` can be replaced on the
 * way. Nothing is executed here. */
#include "net/net.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "net/given.h"
#include "plugin/calling.h"

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
}

/* A layer's place in a section: the section's own layer, or one of its `then`. Invariant: path
 * belongs to the layer from the moment at which the network counts it. */
typedef struct place {
    const config_node *node;
    size_t item;
    int64_t index; /* of the repetition */
    size_t same;   /* layers of the same id before it in the section */
    char *path;    /* of the layer */
} place;

static const char *last_segment(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

/* How many items before this one in the section have the same id. The section's own layer has no id
 * in its path and does not count. */
static size_t namesakes(const config_node *node, size_t item)
{
    size_t n = 0;
    const char *id = item > 0 ? node->items[item]->component->id : "";
    for (size_t i = 1; i < item; i++) {
        n += strcmp(node->items[i]->component->id, id) == 0;
    }
    return n;
}

/* The path of a layer, which its parameters' names begin with: parent.section[.index][.id[_n]]. A
 * repetition is numbered even if there is only one, and the first of several namesakes has no
 * number: adding a repetition or a layer behind renames no parameter of a saved model. */
static char *layer_path(const char *parent, const place *at)
{
    char repeat[24] = "", suffix[24] = "";
    if (at->node->repeat > 0) {
        (void)snprintf(repeat, sizeof repeat, ".%" PRId64, at->index);
    }
    if (at->same > 0) {
        (void)snprintf(suffix, sizeof suffix, "_%zu", at->same + 1);
    }
    const char *id = at->item == 0 ? "" : at->node->items[at->item]->component->id;
    return mem_printf("%s%s%s%s%s%s%s", parent, parent[0] != '\0' ? "." : "",
                      last_segment(at->node->path), repeat, at->item == 0 ? "" : ".", id, suffix);
}

/* Among all layers of the site so far. An index by name: a model may have tens of thousands of
 * layers, each of which is looked up. */
static net_layer *find_layer(const net_site *site, const char *path)
{
    size_t i = name_index_find(&site->layers_by_path, path);
    return i != NAME_INDEX_NONE ? site->layers[i] : NULL;
}

/* The path of the layer that a section shares with. Where both stand in a container, the one in the
 * same repetition of it is meant, so the lender's section is followed from that container on and
 * not from the model's root. */
static char *lender_path(const net_scope *scope, const char *share)
{
    for (const net_layer *c = scope->container; c != NULL; c = c->container) {
        size_t n = strlen(c->node->path);
        if (strncmp(share, c->node->path, n) == 0 && share[n] == '.') {
            return mem_printf("%s%s", c->path, share + n);
        }
    }
    return mem_strdup(share);
}

/* The layer that this one shares with; *out is NULL if it has parameters of its own. In a body that
 * is shared as a whole each layer has its counterpart in the lender's, at the same place below
 * another path. */
static odeon_status find_lender(const odeon_net *net, const place *at, const net_layer **out)
{
    const char *share = at->item == 0 ? at->node->share : NULL;
    const char *lending = net->scope.lender;
    *out = NULL;
    if (share == NULL && lending == NULL) {
        return ODEON_OK;
    }
    char *path = lending != NULL ? layer_path(lending, at) : lender_path(&net->scope, share);
    if (path == NULL) {
        return no_memory(at->path);
    }
    *out = find_layer(net->site, path);
    mem_free(path);
    return *out != NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_CONFIG,
                                    "%s: cannot share with model.%s: no layer before this "
                                    "one has that path",
                                    at->path, share != NULL ? share : at->node->path);
}

/* What the layer is made of: the section's own choice, or that of the layer it shares with. A
 * lender may borrow itself, by a body that is shared: the owner's name is passed on, so that
 * parameters have one owner. */
static odeon_status choose(const odeon_net *net, const place *at, net_layer *layer,
                           const odeon_config **chosen)
{
    const net_layer *lender;
    ODEON_TRY(find_lender(net, at, &lender));
    layer->node = lender != NULL ? lender->node : at->node;
    if (lender == NULL) {
        *chosen = at->node->items[at->item];
        return ODEON_OK;
    }
    *chosen = lender->instance->config;
    layer->shared = mem_strdup(lender->shared != NULL ? lender->shared : lender->path);
    return layer->shared == NULL ? no_memory(at->path) : ODEON_OK;
}

/* Options that name `state` or `classes` mean other numbers in other bodies: the layer has a copy
 * of its own then. All others are read where the configuration has them. */
static odeon_status bind_sizes(const odeon_net *net, const place *at, net_layer *layer,
                               const odeon_config **chosen)
{
    if (!schema_has_sizes(*chosen)) {
        return ODEON_OK;
    }
    layer->bound = schema_copy(*chosen);
    if (layer->bound == NULL) {
        return no_memory(at->path);
    }
    *chosen = layer->bound;
    return schema_bind_sizes(layer->bound, net->scope.state, net->site->classes);
}

/* The key of random numbers depends on seed and path alone: a layer draws the same numbers wherever
 * it stands in the list and however many layers there are. */
static odeon_status make_instance(const odeon_net *net, const place *at, net_layer *layer)
{
    const net_site *site = net->site;
    const odeon_config *chosen = NULL;
    ODEON_TRY(choose(net, at, layer, &chosen));
    ODEON_TRY(bind_sizes(net, at, layer, &chosen));
    ODEON_TRY(net_make_instance(site, chosen, layer));
    layer->ops = layer->instance->component->ops;
    layer->key = rng_key(site->seed, at->path, 1, 0);
    return ODEON_OK;
}

/* Two layers of one path have no parameters, else params_add refuses them: the first is found. */
static odeon_status remember(net_site *site, net_layer *layer)
{
    net_layer **list = mem_grow(site->layers, site->n_layers, sizeof(net_layer *));
    if (list == NULL) {
        return no_memory(layer->path);
    }
    site->layers = list;
    if (find_layer(site, layer->path) == NULL &&
        !name_index_add(&site->layers_by_path, layer->path, site->n_layers)) {
        return no_memory(layer->path);
    }
    site->layers[site->n_layers++] = layer;
    return ODEON_OK;
}

/* Asks the layer for its parameters, one after the other, until it answers none. Only the first
 * worker's networks append; the others must find every name there, which shows a layer that lists
 * other parameters on another worker. States come last, since tensors are laid out so. */
static odeon_status add_params(net_site *site, net_layer *layer)
{
    const char *owner = layer->shared != NULL ? layer->shared : layer->path;
    int existing = layer->shared != NULL || !site->first;
    for (int32_t i = 0;; i++) {
        odeon_param info;
        ODEON_TRY(net_layer_param(site, layer, i, &info));
        if (info.name == NULL) {
            break;
        }
        size_t count = layer->n_params + layer->n_states;
        size_t *index = mem_resize(layer->index, count + 1, sizeof *index);
        if (index == NULL) {
            return no_memory(layer->path);
        }
        layer->index = index;
        ODEON_TRY(
            params_add(site->params, owner, &info, site->lane.dtype, existing, &index[count]));
        if (info.role != ODEON_PARAM_STATE && layer->n_states > 0) {
            return diag_fail(ODEON_ERR_PLUGIN, "%s: lists a parameter after its states",
                             layer->path);
        }
        *(info.role == ODEON_PARAM_STATE ? &layer->n_states : &layer->n_params) += 1;
    }
    layer->values = mem_zalloc(layer->n_params + 1, sizeof *layer->values);
    layer->grads = mem_zalloc(layer->n_params + layer->n_states + 1, sizeof *layer->grads);
    return layer->values == NULL || layer->grads == NULL ? no_memory(layer->path) : ODEON_OK;
}

/* Says which layers do not fit each other, around the reason that the later one gave. The layer
 * before, the container around, or the network's own input is where the shape comes from. */
static odeon_status misfit(const odeon_net *net, const net_layer *layer, odeon_status status)
{
    char shape[128];
    const net_layer *before = net->n > 1 ? layer - 1 : NULL;
    const char *what = before == NULL ? "input" : "output";
    diag_reason reason = diag_take();
    net_shape_text(&layer->in, shape, sizeof shape);
    before = before == NULL ? net->scope.container : before;
    if (before == NULL) {
        return diag_fail(status, "%s; its input is the network's, %s", reason.text, shape);
    }
    return diag_fail(status, "%s; its input is the %s %s of layer %s (%s)", reason.text, what,
                     shape, before->path, before->instance->component->id);
}

/* ---- bodies of containers ---- */

/* Of branches every child is a body. Of the others there is body 0, and one for each name, whether
 * a section gives it or not. */
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

/* A container may hand its bodies another shape than it gets, which only its plugin knows. */
static odeon_status body_input(const net_layer *container, size_t body, odeon_shape *out)
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

/* Where a body stands whose container stands in outer. `state` is the number of features of the
 * field's state everywhere inside of a field, since that is what a field's last layer has to return
 * to; outside of fields it is that of the body's own input. */
static odeon_status inner_scope(const net_scope *outer, const net_layer *container,
                                const odeon_shape *in, net_scope *out)
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

/* Body number `body`, of the children that belong to it, in file order; the list has room for all
 * children. */
static odeon_status make_body(net_site *site, const net_scope *outer, net_layer *container,
                              size_t body, config_node **list)
{
    const config_node *node = container->node;
    size_t n = 0;
    odeon_shape in;
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

/* After all bodies are there, NULL for those that are missing. The container keeps the pointers and
 * calls the bodies by the services of ODEON_HOST_BODY. */
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

/* In the order in which bodies first appear in the file, so that a section can lend its parameters
 * to those below it. */
static odeon_status create_bodies(net_site *site, const net_scope *scope, net_layer *container)
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

/* ---- one layer ---- */

/* There is a path to integrate along in the body of an ODE block alone, and one number a sample is
 * made outside of it alone. */
static odeon_status check_integrals(const odeon_net *net, const net_layer *layer)
{
    bool once = (layer->plan.flags & ODEON_LAYER_QUANTITIES) != 0;
    if (once && (net->scope.in_field || !net->site->has_losses)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: layer %s makes a number of each sample for the losses: it belongs "
                         "into [model], outside of the bodies of ODE blocks",
                         layer->path, layer->instance->component->id);
    }
    return layer->plan.n_integrals == 0 || net->scope.in_field || once
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: layer %s integrates along the path of an ODE block: it belongs "
                           "into the body of one",
                           layer->path, layer->instance->component->id);
}

/* A layer of a body, or of bodies within it, that can be called but once a pass: a block keeps one
 * solve for its vjp, and a quantity is added once. NULL: there is none. */
static const net_layer *called_once(const odeon_net *body)
{
    const net_layer *found = NULL;
    for (size_t i = 0; body != NULL && i < body->n && found == NULL; i++) {
        const net_layer *layer = &body->layers[i];
        bool once = layer->ops->bodies == ODEON_BODIES_FIELD ||
                    (layer->plan.flags & ODEON_LAYER_QUANTITIES) != 0;
        found = once ? layer : NULL;
        for (size_t b = 0; b < layer->n_bodies && found == NULL; b++) {
            found = called_once(layer->bodies[b]);
        }
    }
    return found;
}

/* A container that gives its bodies an input of their own calls them as often as it likes, as one
 * for every row of a sequence. Fields are checked by the block that solves them. */
static odeon_status check_repeats(const net_layer *layer)
{
    bool repeats =
        ODEON_HAS(layer->ops, odeon_layer_ops, body_in) && layer->ops->bodies != ODEON_BODIES_FIELD;
    for (size_t b = 0; b < layer->n_bodies && repeats; b++) {
        const net_layer *once = called_once(layer->bodies[b]);
        if (once != NULL) {
            return diag_fail(ODEON_ERR_CONFIG,
                             "%s: layer %s cannot stand in the sections of %s, which are "
                             "evaluated many times in one pass: put it before or behind that layer",
                             once->path, once->instance->component->id,
                             layer->instance->component->id);
        }
    }
    return ODEON_OK;
}

/* The next layer of a chain, which takes what the chain has made so far. Bodies come before the
 * plan: a container plans by what its bodies need. The plan is that of training, which has all
 * layers. Derived memory is of one size for all batches and is had at once. */
static odeon_status make_layer(odeon_net *net, const place *at, net_layer *layer)
{
    net_site *site = net->site;
    layer->path = at->path;
    layer->in = net->out;
    layer->container = net->scope.container;
    ODEON_TRY(make_instance(net, at, layer));
    ODEON_TRY(remember(site, layer));
    if (layer->ops->bodies != ODEON_BODIES_NONE) {
        ODEON_TRY(create_bodies(site, &net->scope, layer));
    }
    odeon_status status = net_layer_plan(site, layer, &layer->in, ODEON_CALL_TRAIN, &layer->plan);
    if (status != ODEON_OK) {
        return misfit(net, layer, status);
    }
    ODEON_TRY(given_check_plan(site, layer, &layer->plan));
    ODEON_TRY(check_integrals(net, layer));
    ODEON_TRY(check_repeats(layer));
    if (layer->plan.derived_bytes > 0 && !site->shapes_only) {
        ODEON_TRY(site->lane.device->ops->alloc(site->lane.device->handle,
                                                layer->plan.derived_bytes, &layer->derived));
    }
    return add_params(site, layer);
}

/* Room for all layers at once: layers point to one another, so the array must never move. */
static size_t count_layers(size_t n_nodes, config_node *const *nodes)
{
    size_t n = 0;
    for (size_t i = 0; i < n_nodes; i++) {
        n += nodes[i]->n_items * (size_t)(nodes[i]->repeat > 0 ? nodes[i]->repeat : 1);
    }
    return n;
}

/* Of a layer: it is a block, or one of its bodies holds one. */
static bool holds_ode(const net_layer *layer)
{
    bool holds = layer->ops->bodies == ODEON_BODIES_FIELD;
    for (size_t b = 0; b < layer->n_bodies && !holds; b++) {
        holds = layer->bodies[b] != NULL && layer->bodies[b]->holds_ode;
    }
    return holds;
}

/* What comes next is not to be built: only the model itself ends so, not the bodies in it. */
static bool is_complete(const odeon_net *net)
{
    return net->site->until_ode && net->holds_ode && net->path[0] == '\0';
}

/* All layers of one section, in order. net->n counts a layer before it is made, so that a layer
 * that could not be made is destroyed like the others, as far as it has come. */
static odeon_status make_layers(odeon_net *net, const config_node *node, const size_t *same)
{
    int64_t repeats = node->repeat > 0 ? node->repeat : 1;
    for (int64_t r = 0; r < repeats; r++) {
        for (size_t item = 0; item < node->n_items && !is_complete(net); item++) {
            place at = {.node = node, .item = item, .index = r, .same = same[item]};
            at.path = layer_path(net->path, &at);
            if (at.path == NULL) {
                return no_memory(node->path);
            }
            net_layer *layer = &net->layers[net->n++]; /* takes the path */
            ODEON_TRY(make_layer(net, &at, layer));
            net->out = layer->plan.out;
            net->holds_ode = net->holds_ode || holds_ode(layer);
        }
    }
    return ODEON_OK;
}

/* Numbers of namesakes are the same in all repetitions and cost a pass over the items, so they are
 * counted once. */
static odeon_status make_section(odeon_net *net, const config_node *node)
{
    size_t *same = mem_zalloc(node->n_items + 1, sizeof *same); /* the same in all repetitions */
    if (same == NULL) {
        return no_memory(node->path);
    }
    for (size_t item = 1; item < node->n_items; item++) {
        same[item] = namesakes(node, item);
    }
    odeon_status status = make_layers(net, node, same);
    mem_free(same);
    return status;
}

/* The scope's path is the caller's; the network keeps a copy. On failure everything is undone but
 * what the site has listed, which is gone with the site. */
odeon_status net_create(net_site *site, const net_scope *scope, size_t n_nodes,
                        config_node *const *nodes, const odeon_shape *in, odeon_net **out)
{
    *out = NULL;
    odeon_net *net = mem_zalloc(1, sizeof *net);
    if (net == NULL) {
        return no_memory(scope->path);
    }
    net->site = site;
    net->path = mem_strdup(scope->path);
    net->scope = *scope;
    net->scope.path = net->path;
    net->layers = mem_zalloc(count_layers(n_nodes, nodes) + 1, sizeof *net->layers);
    net->in = *in;
    net->in.dim[0] = 1;
    net->in.dtype = site->lane.dtype;
    net->out = net->in;
    odeon_status status =
        net->path == NULL || net->layers == NULL ? no_memory(scope->path) : ODEON_OK;
    for (size_t i = 0; i < n_nodes && status == ODEON_OK; i++) {
        status = make_section(net, nodes[i]);
    }
    if (status != ODEON_OK) {
        net_destroy(net);
        return status;
    }
    *out = net;
    return ODEON_OK;
}

/* Bodies go after the instance that may hold pointers to them, and the bound options after the
 * instance that reads them. Zero is a layer that has not been begun. */
static void layer_fini(const net_site *site, net_layer *layer)
{
    instance_destroy(layer->instance);
    instance_destroy(layer->original);
    schema_destroy(layer->bound);
    for (size_t b = 0; b < layer->n_bodies; b++) {
        net_destroy(layer->bodies[b]);
    }
    mem_free(layer->bodies);
    if (layer->derived != NULL) {
        site->lane.device->ops->free(site->lane.device->handle, layer->derived);
    }
    mem_free(layer->index);
    mem_free(layer->values);
    mem_free(layer->grads);
    mem_free(layer->shared);
    mem_free(layer->path);
}

/* Plans first: they hold device memory that belongs to no layer. */
void net_destroy(odeon_net *net)
{
    if (net == NULL) {
        return;
    }
    net_plans_destroy(net);
    for (size_t i = 0; i < net->n; i++) {
        layer_fini(net->site, &net->layers[i]);
    }
    mem_free(net->layers);
    mem_free(net->path);
    mem_free(net);
}

/* The index holds pointers to the paths of layers that are gone: it is not looked at any more. */
void net_site_fini(net_site *site)
{
    mem_free(site->layers);
    mem_free(site->odes);
    name_index_fini(&site->layers_by_path);
    site->layers = NULL;
    site->odes = NULL;
}
