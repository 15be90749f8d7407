/* Every plugin file of the search path, as rows or as objects of JSON. The children print what a
 * file holds, each for itself; the parent orders their texts and adds the reasons of those that
 * were refused. */
#include "command/inspect_plugins.h"

#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/text.h"
#include "command/inspect_component.h"
#include "command/inspect_list.h"
#include "odeon/layer.h"
#include "option/kinds.h"
#include "plugin/registry.h"

/* ---- in the children ---- */

/* A kernel is of no use without its layer. */
static odeon_status find_usable(const inspect_item *x, const odeon_component **out)
{
    char layer[LABEL_MAX_ID_BYTES + 1];
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, out));
    const char *at = strchr(x->id, '@');
    if (at == NULL) {
        return ODEON_OK;
    }
    (void)snprintf(layer, sizeof layer, "%.*s", (int)(at - x->id), x->id);
    if (registry_look_at(x->r, ODEON_KIND_LAYER, layer, &c) != ODEON_OK) {
        diag_clear();
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: it takes the place of layer %s, which is not there or cannot be used",
                         x->file, layer);
    }
    const odeon_layer_ops *ops = c->ops;
    return ops->bodies == ODEON_BODIES_NONE
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN,
                           "%s: it takes the place of layer %s, which holds others", x->file,
                           layer);
}

/* Two lines: who it is, and, indented, where. */
static void print_row(FILE *out, const inspect_item *x, const odeon_component *c)
{
    const odeon_plugin *root = registry_plugin_of(x->r, c)->root;
    (void)fprintf(out, "%-10s %-18s %-6s ABI %u.%-3u %s\n%45s  %s\n", kind_name(c->kind), c->id,
                  c->version, (unsigned)root->abi_major, (unsigned)root->abi_minor, c->summary, "",
                  x->file);
}

/* The component, and its kernels in the same file. */
static odeon_status write_row(FILE *out, void *context)
{
    const inspect_item *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(find_usable(x, &c));
    print_row(out, x, c);
    const odeon_component *const *other = registry_plugin_of(x->r, c)->root->components;
    for (; *other != NULL; other++) {
        if ((*other)->kind == c->kind && registry_kernel_device((*other)->id, c->id) != NULL) {
            print_row(out, x, *other);
        }
    }
    return ODEON_OK;
}

/* In a child, as write_row; the parent puts the objects together. */
static odeon_status write_object(FILE *out, void *context)
{
    const inspect_item *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(find_usable(x, &c));
    text_buffer text = {0};
    odeon_status status = inspect_write_json(&text, x->r, c);
    if (status == ODEON_OK) {
        (void)fputs(text.data, out);
    }
    text_fini(&text);
    return status;
}

/* ---- in the parent ---- */

/* What can be used comes first: whoever looks for a plugin finds it there, whoever misses one finds
 * the reason below. */
static void add_rows(text_buffer *t, const inspect_list *list)
{
    bool headed = false;
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status == ODEON_OK) {
            text_add(t, list->jobs[i].out.data);
        }
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status != ODEON_OK) {
            text_add(t, headed ? "" : "\nrefused:\n");
            headed = true;
            text_printf(t, "%-10s %-18s ", kind_name(list->items[i].kind), list->items[i].id);
            text_add(t, list->jobs[i].message.data);
            text_add(t, "\n");
        }
    }
}

/* The file's name may be anything; kind and id are parts of it that the search has accepted. */
static void add_refusal(text_buffer *t, const inspect_item *item, const char *reason)
{
    text_printf(t, "{\"kind\": \"%s\", \"id\": \"%s\", \"file\": ", kind_name(item->kind),
                item->id);
    text_json_string(t, item->file);
    text_add(t, ", \"reason\": ");
    text_json_string(t, reason);
    text_add(t, "}");
}

/* Children's texts are whole objects of JSON. */
static void add_objects(text_buffer *t, const inspect_list *list)
{
    const char *before = "";
    text_add(t, "{\"plugins\": [\n");
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status == ODEON_OK) {
            text_add(t, before);
            text_add(t, list->jobs[i].out.data);
            before = ",\n";
        }
    }
    before = "\n";
    text_add(t, "],\n\"refused\": [");
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status != ODEON_OK) {
            text_add(t, before);
            add_refusal(t, &list->items[i], list->jobs[i].message.data);
            before = ",\n";
        }
    }
    text_add(t, "]}\n");
}

/* Nothing is printed before all children have answered, and then at once. */
odeon_status inspect_plugins(registry *r, bool json, FILE *out)
{
    inspect_list list;
    text_buffer text = {0};
    odeon_status status = inspect_list_run(r, json ? write_object : write_row, &list);
    if (status == ODEON_OK && json) {
        add_objects(&text, &list);
    } else if (status == ODEON_OK) {
        add_rows(&text, &list);
    }
    inspect_list_fini(&list);
    if (text.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "no memory to list plugins");
    }
    if (status == ODEON_OK && text.length > 0 && (fputs(text.data, out) < 0 || fflush(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "the list of plugins could not be written");
    }
    text_fini(&text);
    return status;
}
