#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/options.h"
#include "config/parts.h"
#include "option/expression.h"
#include "plugin/component.h"

static odeon_status no_memory(const char *section)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", section);
}

odeon_status node_append(size_t *n, config_node ***list, config_node *node)
{
    config_node **grown = mem_grow(*list, *n, sizeof *grown);
    if (grown == NULL) {
        return no_memory(node->path);
    }
    *list = grown;
    grown[(*n)++] = node;
    return ODEON_OK;
}

/* ---- one section ---- */

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
    if (strncmp(share->text, "model.", MODEL_PREFIX) != 0) {
        return location_fail(share->where, section, "share = %.100s: expected model.PATH",
                             share->text);
    }
    node->share = mem_strdup(share->text + MODEL_PREFIX);
    return node->share != NULL ? ODEON_OK : no_memory(section);
}

/* Keys of [data.*] are fewer: there is nothing to share. */
static odeon_status fill_node(loading *l, const document_section *source, config_node *node)
{
    bool model = strcmp(node->root, "model") == 0;
    host_section h;
    odeon_status status = host_section_read(l, source, model ? "model" : "data.NAME", "layer", &h);
    if (status == ODEON_OK) {
        node->repeat = host_value(&h, "repeat")->i;
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

/* Is it a single layer of its own? */
static bool is_leaf(const config_node *node)
{
    return node->share == NULL && !node_has_body(node->items[0]);
}

/* Where the section at path belongs: the parent, NULL for the model itself; *dropped when that is
 * left out or by a later source no container any more. */
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

static size_t count_dots(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '.';
    }
    return n;
}

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
    return model_check(l);
}
