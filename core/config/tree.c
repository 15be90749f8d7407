#include "config/tree.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* Items may be NULL: that of a layer which is shared, or of one that could not be made. */
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

/* Recursive with node_destroy: the depth is that of a section's name, whose length the reader of
 * INI files bounds. */
void nodes_destroy(size_t n, config_node **nodes)
{
    for (size_t i = 0; i < n; i++) {
        node_destroy(nodes[i]);
    }
    mem_free(nodes);
}

/* The list grows before the node is in it, so that a failure leaves both as they were and the node
 * the caller's. */
odeon_status node_append(size_t *n, config_node ***list, config_node *node)
{
    config_node **grown = mem_grow(*list, *n, sizeof *grown);
    if (grown == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", node->path);
    }
    *list = grown;
    grown[(*n)++] = node;
    return ODEON_OK;
}

/* The dot matters: "ode2.a" is not below "ode". */
bool model_is_below(const char *path, const char *above)
{
    size_t n = strlen(above);
    return strncmp(path, above, n) == 0 && path[n] == '.';
}

/* Down one branch only: a path that is below a node is nowhere else. */
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

/* The table says what a layer is, whoever computes it; a kernel in its place never holds bodies. */
bool node_has_body(const odeon_config *layer)
{
    return ((const odeon_layer_ops *)layer->component->ops)->bodies != ODEON_BODIES_NONE;
}

/* Body 0 takes every child that has no name of its own, so that a chain needs no names at all.
 * Paths of children have at least one dot. */
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
