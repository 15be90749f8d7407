/* tree.h: the sections of the model and of the data as a tree of nodes. */
#ifndef ODEON_CORE_CONFIG_TREE_H
#define ODEON_CORE_CONFIG_TREE_H
#include <stdbool.h>

#include "base/location.h"
#include "odeon/layer.h"
#include "option/schema.h"

/* One [model.…] or [data.…] section: a layer, the layers of its `then`, and, for a container, the
 * sections nested below it, which are its body. Invariants: n_items is at least 1; children are
 * there only where the layer holds some; a node that shares has no children, and NULL for its
 * one item. */
typedef struct config_node {
    const char *root;     /* "model", "data" */
    char *path;           /* "ode.block", without the root and its dot */
    size_t n_items;       /* 1 + layers of then */
    odeon_config **items; /* items[0] is NULL when share is set */
    int64_t repeat;       /* 0: the key is not given */
    bool freeze;          /* are parameters, those of nested sections too, left as they are? */
    double lr_factor;     /* of their learning rate; below 0: the key is not given */
    char *share;          /* path, as above, of the section whose parameters are shared, or NULL */
    size_t n_children;
    struct config_node **children; /* in file order */
    location where;
} config_node;

void node_destroy(config_node *node);
void nodes_destroy(size_t n, config_node **nodes);
/* node is the list's from now on, unless that fails: ODEON_ERR_NOMEM. */
odeon_status node_append(size_t *n, config_node ***list, config_node *node);

/* Is path below the section at above? Paths are without root and dot. */
bool model_is_below(const char *path, const char *above);
config_node *model_find(size_t n, config_node *const *nodes, const char *path); /* NULL: none */

bool node_has_body(const odeon_config *layer); /* is it made of nested sections? */
/* Which body of a container, of these ops, the child of its node is or belongs to. */
size_t node_body_of(const odeon_layer_ops *ops, const config_node *node, size_t child);

#endif
