#include "config/transforms.h"

#include <string.h>

#include "base/diag.h"
#include "config/node.h"

/* A transform is a layer by itself; nothing could be nested in its section. */
static odeon_status check_leaves(const config_node *node)
{
    for (size_t i = 0; i < node->n_items; i++) {
        if (node_has_body(node->items[i])) {
            return location_fail(node->items[i]->where, NULL,
                                 "[data.%s] %s is made of nested sections and can stand in "
                                 "[model.*] only",
                                 node->path, node->items[i]->component->id);
        }
    }
    return ODEON_OK;
}

/* As in the model, but without parents: these sections stand in a row, and their order is that of
 * the file. */
static odeon_status add_section(loading *l, const document_section *source)
{
    bool enabled;
    config_node *node = NULL;
    ODEON_TRY(node_is_enabled(l, source, &enabled));
    if (!enabled) {
        return ODEON_OK;
    }
    ODEON_TRY(node_create(l, source, "data", &node));
    odeon_status status = check_leaves(node);
    if (status == ODEON_OK) {
        status = node_append(&l->c->n_data_nodes, &l->c->data_nodes, node);
    }
    if (status != ODEON_OK) {
        node_destroy(node);
    }
    return status;
}

/* The limit of layers is the same as a model's, and counted apart from it. */
odeon_status transforms_read(loading *l)
{
    for (size_t i = 0; i < l->document->n_sections; i++) {
        const document_section *source = &l->document->sections[i];
        if (strncmp(source->name, "data.", TRANSFORM_PREFIX) == 0) {
            ODEON_TRY(add_section(l, source));
        }
    }
    return node_count_layers(l, l->c->n_data_nodes, l->c->data_nodes);
}

/* The list and not the document: sections that are left out are not in it, and the order is the
 * file's anyway. */
odeon_status transforms_print(const loading *l, text_buffer *out)
{
    for (size_t i = 0; i < l->c->n_data_nodes; i++) {
        ODEON_TRY(node_print(out, l->c->data_nodes[i]));
    }
    return ODEON_OK;
}
