#include "config/node.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/options.h"
#include "config/section.h"
#include "odeon/layer.h"
#include "option/expression.h"
#include "option/schema_print.h"
#include "plugin/component.h"

static odeon_status no_memory(const char *section)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", section);
}

/* ---- one section ---- */

/* Item 0 is the section's own layer and the rest are those of `then`. n_items counts the room that
 * was made before the components are read: entries that are still NULL are freed like the others.
 */
static odeon_status set_items(loading *l, host_section *h, config_node *node)
{
    const option_value *then = host_value(h, "then");
    const document_key *key = document_find_key(h->source, "then");
    size_t n = 0;
    char **texts = NULL;
    if (then->set) {
        ODEON_TRY(schema_split(then->text, then->where, &n, &texts));
    }
    node->items = mem_zalloc(n + 1, sizeof(odeon_config *));
    odeon_status status = node->items != NULL ? ODEON_OK : no_memory(h->source->name);
    if (status == ODEON_OK) {
        node->n_items = n + 1;
        node->items[0] = host_take(h, "layer");
    }
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        status = component_read(l->r, ODEON_KIND_LAYER, texts[i], then->where, h->source->name,
                                key->folder, 0, NULL, &node->items[i + 1]);
    }
    schema_split_free(n, texts);
    return status;
}

/* A section either has a layer or borrows one. Options of a shared layer are the lender's, so
 * nothing beside it may set any; keys of options are refused later as unknown, since there is no
 * component that could have them. */
static odeon_status set_share(const host_section *h, const option_value *share,
                              const option_value *layer, const option_value *then,
                              config_node *node)
{
    const char *section = h->source->name;
    if (!share->set) {
        return layer->set
                   ? ODEON_OK
                   : location_fail(node->where, section, "'layer' must be given: layer = NAME");
    }
    if (layer->set || then->set) {
        return location_fail(
            share->where, section,
            "'%s' cannot stand beside share: the layer and its options are those of "
            "%s",
            layer->set ? "layer" : "then", share->text);
    }
    if (node->freeze || node->lr_factor >= 0.0) {
        return location_fail(share->where, section,
                             "'%s' cannot stand beside share: the parameters are those of %s, and "
                             "so is the key",
                             node->freeze ? "freeze" : "lr_factor", share->text);
    }
    if (strncmp(share->text, "model.", MODEL_PREFIX) != 0) {
        return location_fail(share->where, section, "share = %.100s: expected model.PATH",
                             share->text);
    }
    node->share = mem_strdup(share->text + MODEL_PREFIX);
    return node->share != NULL ? ODEON_OK : no_memory(section);
}

/* Sections [data.NAME] have fewer keys: without parameters there is nothing to share. */
static odeon_status fill_node(loading *l, const document_section *source, config_node *node)
{
    bool model = strcmp(node->root, "model") == 0;
    host_section h;
    odeon_status status = host_section_read(l, source, model ? "model" : "data.NAME", "layer", &h);
    if (status == ODEON_OK) {
        node->repeat = host_value(&h, "repeat")->i;
        node->lr_factor = -1.0;
    }
    if (status == ODEON_OK && model) {
        const option_value *factor = host_value(&h, "lr_factor");
        node->freeze = host_value(&h, "freeze")->i != 0;
        node->lr_factor = factor->set ? factor->f : -1.0;
    }
    if (status == ODEON_OK && model) {
        status = set_share(&h, host_value(&h, "share"), host_value(&h, "layer"),
                           host_value(&h, "then"), node);
    }
    if (status == ODEON_OK) {
        status = set_items(l, &h, node);
    }
    host_section_fini(&h);
    return status;
}

/* The node knows its path without the root, as parameters are named; root is a literal and is not
 * copied. */
odeon_status node_create(loading *l, const document_section *source, const char *root,
                         config_node **out)
{
    config_node *node = mem_zalloc(1, sizeof *node);
    if (node == NULL) {
        return no_memory(source->name);
    }
    node->root = root;
    node->where = source->where;
    node->path = mem_strdup(source->name + strlen(root) + 1);
    odeon_status status = node->path != NULL ? fill_node(l, source, node) : no_memory(source->name);
    if (status != ODEON_OK) {
        node_destroy(node);
        return status;
    }
    *out = node;
    return ODEON_OK;
}

/* Parsed alone, before the section is read: the layer of a section that is left out need not exist.
 * The option's description is that of the model's table, which is the same for both roots. */
odeon_status node_is_enabled(loading *l, const document_section *source, bool *out)
{
    const odeon_option *const *option = config_host_options("model"); /* as in "data.NAME" */
    const document_key *key = document_find_key(source, "enabled");
    *out = true;
    if (key == NULL) {
        return ODEON_OK;
    }
    while (strcmp((*option)->name, "enabled") != 0) {
        option++;
    }
    option_value value;
    ODEON_TRY(component_parse(l->r, *option, key->value, key->where, source->name, NULL, &value));
    *out = value.i != 0;
    schema_value_clear(&value);
    return ODEON_OK;
}

/* Adds the layers that become of the nodes; past the limit the rest is not looked at any more. */
static odeon_status count_nodes(const loading *l, size_t n, config_node *const *nodes,
                                int64_t *total);

/* A section that shares stands for all that is nested in the one that lends, so its body is counted
 * there. Products and sums are checked: repetitions multiply at every level. */
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

/* Adds the layers that become of the nodes; past the limit the rest is not looked at any more. */
static odeon_status count_nodes(const loading *l, size_t n, config_node *const *nodes,
                                int64_t *total)
{
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(count_node(l, nodes[i], total));
    }
    return ODEON_OK;
}

/* The count is of layers as they will be built, since each of them takes memory of its own. */
odeon_status node_count_layers(const loading *l, size_t n, config_node *const *nodes)
{
    int64_t total = 0;
    return count_nodes(l, n, nodes, &total);
}

/* ---- the normal form ---- */

/* All options are written out, so that a later change of a default does not change what the text
 * means. `enabled` is not printed: sections that are left out are not there. */
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
    text_add(out, node->freeze ? "freeze = yes\n" : "");
    if (node->lr_factor >= 0.0) {
        text_add(out, "lr_factor = ");
        text_number(out, node->lr_factor);
        text_add(out, "\n");
    }
    return ODEON_OK;
}
