#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "config/parts.h"
#include "odeon/layer.h"
#include "option/schema_print.h"

void node_destroy(config_node *node)
{
    for (size_t i = 0; i < node->n_items; i++) {
        schema_destroy(node->items[i]);
    }
    nodes_destroy(node->n_children, node->children);
    mem_free(node->items);
    mem_free(node->share);
    mem_free(node->path);
    mem_free(node);
}

void nodes_destroy(size_t n, config_node **nodes)
{
    for (size_t i = 0; i < n; i++) {
        node_destroy(nodes[i]);
    }
    mem_free(nodes);
}

/* Is path below the section at above? */
bool model_is_below(const char *path, const char *above)
{
    size_t n = strlen(above);
    return strncmp(path, above, n) == 0 && path[n] == '.';
}

config_node *model_find(size_t n, config_node *const *nodes, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(nodes[i]->path, path) == 0) {
            return nodes[i];
        }
        if (model_is_below(path, nodes[i]->path)) {
            return model_find(nodes[i]->n_children, nodes[i]->children, path);
        }
    }
    return NULL;
}

const config_node *config_find_node(const config *c, const char *path)
{
    return model_find(c->n_nodes, c->nodes, path);
}

/* ---- what sections say about one another ---- */

/* The section of a node. */
static const document_section *source_of(const loading *l, const config_node *node)
{
    for (size_t i = 0; i < l->document->n_sections; i++) {
        const document_section *section = &l->document->sections[i];
        if (strncmp(section->name, "model.", MODEL_PREFIX) == 0 &&
            strcmp(section->name + MODEL_PREFIX, node->path) == 0) {
            return section;
        }
    }
    return NULL; /* there is one for every node */
}

static odeon_status check_share(const loading *l, const config_node *node)
{
    const document_section *source = source_of(l, node);
    const document_key *key = document_find_key(source, "share");
    const document_section *lender = document_find(l->document, key->value);
    const config_node *owner = model_find(l->c->n_nodes, l->c->nodes, node->share);
    const char *why = NULL;
    char hint[512] = "";
    if (lender == NULL) {
        ODEON_TRY(document_suggest(l->document, key->value, hint, sizeof hint));
        why = "there is no such section";
    } else if (lender >= source) {
        why = "only a section above this one can lend its parameters";
    } else if (owner == NULL) {
        why = "that section is left out";
    } else if (owner->share != NULL) {
        why = "that section has no parameters of its own, name the one that it shares";
    } else if (model_is_below(node->path, node->share)) {
        why = "this section is nested in that one";
    } else if (node->n_children > 0) {
        why = "what is nested in that section is shared as well, nothing can be nested here";
    }
    return why == NULL ? ODEON_OK
                       : location_fail(key->where, source->name, "share = %.100s: %s%s", key->value,
                                       why, hint);
}

bool node_has_body(const odeon_config *layer)
{
    return ((const odeon_layer_ops *)layer->component->ops)->bodies != ODEON_BODIES_NONE;
}

size_t node_body_of(const odeon_layer_ops *ops, const config_node *node, size_t child)
{
    const char *name = strrchr(node->children[child]->path, '.') + 1;
    if (ops->bodies == ODEON_BODIES_BRANCHES) {
        return child;
    }
    for (size_t i = 0; ops->body_names != NULL && ops->body_names[i] != NULL; i++) {
        if (strcmp(name, ops->body_names[i]) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Is there a section for body 0, which no container can do without? */
static bool has_first_body(const odeon_config *layer, const config_node *node)
{
    bool found = false;
    for (size_t i = 0; i < node->n_children && !found; i++) {
        found = node_body_of(layer->component->ops, node, i) == 0;
    }
    return found;
}

/* Sections stand below a container and below nothing else. */
static odeon_status check_bodies(const config_node *node)
{
    for (size_t i = 1; i < node->n_items; i++) {
        if (node_has_body(node->items[i])) {
            return location_fail(
                node->items[i]->where, NULL,
                "[model.%s] then: %s is made of nested sections, so that it needs a "
                "section of its own",
                node->path, node->items[i]->component->id);
        }
    }
    const odeon_config *layer = node->items[0];
    if (layer != NULL && node_has_body(layer) && !has_first_body(layer, node)) {
        return location_fail(
            layer->where, NULL,
            "[model.%s] %s is made of nested sections, such as [model.%s.body], and "
            "there is none",
            node->path, layer->component->id, node->path);
    }
    if (layer != NULL && !node_has_body(layer) && node->n_children > 0) {
        return location_fail(node->children[0]->where, NULL,
                             "[model.%s] nothing can be nested in [model.%s]: %s is a single layer",
                             node->children[0]->path, node->path, layer->component->id);
    }
    return ODEON_OK;
}

static odeon_status check_nodes(const loading *l, size_t n, config_node *const *nodes)
{
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(nodes[i]->share != NULL ? check_share(l, nodes[i]) : ODEON_OK);
        ODEON_TRY(check_bodies(nodes[i]));
        ODEON_TRY(check_nodes(l, nodes[i]->n_children, nodes[i]->children));
    }
    return ODEON_OK;
}

/* Adds the layers that become of the nodes; past the limit the rest is not looked at any more. */
static odeon_status count_nodes(const loading *l, size_t n, config_node *const *nodes,
                                int64_t *total);

/* A section that shares stands for all that is nested in the one that lends. */
static odeon_status count_node(const loading *l, const config_node *node, int64_t *total)
{
    const config_node *built =
        node->share != NULL ? model_find(l->c->n_nodes, l->c->nodes, node->share) : node;
    int64_t once = (int64_t)node->n_items, repeats = node->repeat > 0 ? node->repeat : 1, all;
    ODEON_TRY(count_nodes(l, built->n_children, built->children, &once));
    if (checked_mul(once, repeats, &all) && checked_add(*total, all, total) &&
        *total <= CONFIG_MAX_LAYERS) {
        return ODEON_OK;
    }
    return location_fail(
        node->where, NULL,
        "[%s.%s] with this section, %lld times %lld layer%s, there are more than the %d "
        "layers that are allowed in all",
        node->root, node->path, (long long)repeats, (long long)once, once == 1 ? "" : "s",
        CONFIG_MAX_LAYERS);
}

static odeon_status count_nodes(const loading *l, size_t n, config_node *const *nodes,
                                int64_t *total)
{
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(count_node(l, nodes[i], total));
    }
    return ODEON_OK;
}

odeon_status node_count_layers(const loading *l, size_t n, config_node *const *nodes)
{
    int64_t total = 0;
    return count_nodes(l, n, nodes, &total);
}

odeon_status model_check(const loading *l)
{
    if (l->c->n_nodes == 0) {
        return location_fail((location){.file = l->c->ini}, NULL,
                             "there is no layer: a model is made of sections such as [model.head]");
    }
    ODEON_TRY(check_nodes(l, l->c->n_nodes, l->c->nodes));
    return node_count_layers(l, l->c->n_nodes, l->c->nodes);
}

/* ---- the normal form ---- */

odeon_status node_print(text_buffer *out, const config_node *node)
{
    text_printf(out, "\n[%s.%s]\n", node->root, node->path);
    if (node->share != NULL) {
        text_printf(out, "share = model.%s\n", node->share);
    } else {
        text_printf(out, "layer = %s\n", node->items[0]->component->id);
        ODEON_TRY(schema_print_keys(out, node->items[0]));
    }
    for (size_t i = 1; i < node->n_items; i++) {
        text_add(out, i == 1 ? "then = " : ", ");
        ODEON_TRY(schema_print(out, node->items[i]));
    }
    text_add(out, node->n_items > 1 ? "\n" : "");
    if (node->repeat > 0) {
        text_printf(out, "repeat = %lld\n", (long long)node->repeat);
    }
    return ODEON_OK;
}

odeon_status model_print(const loading *l, text_buffer *out)
{
    /* In file order, as the one that share asks for. */
    for (size_t i = 0; i < l->document->n_sections; i++) {
        const char *name = l->document->sections[i].name;
        const config_node *node = strncmp(name, "model.", MODEL_PREFIX) == 0
                                      ? model_find(l->c->n_nodes, l->c->nodes, name + MODEL_PREFIX)
                                      : NULL;
        if (node != NULL) {
            ODEON_TRY(node_print(out, node));
        }
    }
    return ODEON_OK;
}
