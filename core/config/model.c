/* Sections become a tree in two passes. The first makes nodes from the outside in, wherever the
 * sections stand, so that a parent can be written below its children; the second checks what
 * sections say about one another, which needs all of them. */
#include "config/model.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/node.h"
#include "config/replaced.h"
#include "odeon/layer.h"

static odeon_status no_memory(const char *section)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", section);
}

/* ---- sections to nodes ---- */

/* Is it a single layer of its own? A node that shares may stand for a container, which only the
 * check of shares can tell. */
static bool is_leaf(const config_node *node)
{
    return node->share == NULL && !node_has_body(node->items[0]);
}

/* Where the section at path belongs: the parent, NULL for the model itself; *dropped when that is
 * left out or by a later source no container any more. Sections go by depth, so a parent that is
 * not among the nodes by now has been left out or dropped itself. */
static odeon_status find_parent(loading *l, const document_section *source, const char *path,
                                config_node **parent, bool *dropped)
{
    *parent = NULL;
    *dropped = false;
    const char *dot = strrchr(path, '.');
    if (dot == NULL) {
        return ODEON_OK;
    }
    char *above = mem_printf("model.%.*s", (int)(dot - path), path);
    if (above == NULL) {
        return no_memory(source->name);
    }
    odeon_status status = ODEON_OK;
    const document_section *section = document_find(l->document, above);
    *parent = model_find(l->c->n_nodes, l->c->nodes, above + MODEL_PREFIX);
    *dropped = *parent == NULL;
    if (section == NULL) {
        status = location_fail(source->where, source->name,
                               "there is no section [%s] that this one could be nested in", above);
    } else if (!*dropped && is_leaf(*parent)) {
        status = replaced_drop_section(l, source, section, dropped);
    }
    mem_free(above);
    return status;
}

/* Whether a section is enabled is asked before anything else of it is read: what is left out may be
 * unfinished. */
static odeon_status add_section(loading *l, const document_section *source)
{
    config_node *parent = NULL, *node = NULL;
    bool dropped, enabled;
    ODEON_TRY(find_parent(l, source, source->name + MODEL_PREFIX, &parent, &dropped));
    if (dropped) {
        return ODEON_OK;
    }
    ODEON_TRY(node_is_enabled(l, source, &enabled));
    if (!enabled) {
        return ODEON_OK;
    }
    ODEON_TRY(node_create(l, source, "model", &node));
    odeon_status status = parent != NULL ? node_append(&parent->n_children, &parent->children, node)
                                         : node_append(&l->c->n_nodes, &l->c->nodes, node);
    if (status != ODEON_OK) {
        node_destroy(node);
    }
    return status;
}

/* The depth of a section in the tree. */
static size_t count_dots(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '.';
    }
    return n;
}

/* ---- what sections say about one another ---- */

/* The section of a node: nodes hold no pointer to it, because sections move while a document grows.
 */
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

/* Reasons are looked for in the order in which a reader can act on them. That the lender stands
 * above is asked of the document, where order is that of the lines; sections that lend to each
 * other, or to themselves, are thereby impossible. */
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

/* Is there a section for body 0, which no container can do without? Bodies with a name may be
 * missing. */
static bool has_first_body(const odeon_config *layer, const config_node *node)
{
    bool found = false;
    for (size_t i = 0; i < node->n_children && !found; i++) {
        found = node_body_of(layer->component->ops, node, i) == 0;
    }
    return found;
}

/* Sections stand below a container and below nothing else. A container cannot follow in `then`,
 * because its body would have no section to stand in. */
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

/* Children are checked after their parent, so that the first message is about the outermost fault.
 */
static odeon_status check_nodes(const loading *l, size_t n, config_node *const *nodes)
{
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(nodes[i]->share != NULL ? check_share(l, nodes[i]) : ODEON_OK);
        ODEON_TRY(check_bodies(nodes[i]));
        ODEON_TRY(check_nodes(l, nodes[i]->n_children, nodes[i]->children));
    }
    return ODEON_OK;
}

/* Layers are counted last: counting follows shares, which by then are known to point upward and so
 * to end. */
static odeon_status check_model(const loading *l)
{
    if (l->c->n_nodes == 0) {
        return location_fail((location){.file = l->c->ini}, NULL,
                             "there is no layer: a model is made of sections such as [model.head]");
    }
    ODEON_TRY(check_nodes(l, l->c->n_nodes, l->c->nodes));
    return node_count_layers(l, l->c->n_nodes, l->c->nodes);
}

/* ---- the whole ---- */

/* Depth by depth over all sections: the number of passes is the depth of the deepest section, and
 * each pass appends in file order, which is the order of layers. */
odeon_status model_read(loading *l)
{
    const document *d = l->document;
    size_t left = d->n_sections;
    /* By depth, so that a parent is there before its children wherever it stands. */
    for (size_t depth = 0; left > 0; depth++) {
        for (size_t i = 0; i < d->n_sections; i++) {
            const char *name = d->sections[i].name;
            if (count_dots(name) == depth) {
                left--;
                if (strncmp(name, "model.", MODEL_PREFIX) == 0) {
                    ODEON_TRY(add_section(l, &d->sections[i]));
                }
            }
        }
    }
    return check_model(l);
}

/* In file order and not by the tree: a share has to find its lender above, as in the INI that was
 * read. */
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
