#include "inspect.h"

#include "diag.h"
#include "inspect_list.h"

/* ---- in the children ---- */

static odeon_status write_row(FILE *out, void *context)
{
    const inspect_item *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    const odeon_plugin *root = registry_plugin_of(x->r, c)->root;
    (void)fprintf(out, "%-10s %-18s %-6s ABI %u.%-3u %s\n%45s  %s\n", kind_name(c->kind), c->id,
                  c->version, (unsigned)root->abi_major, (unsigned)root->abi_minor, c->summary, "",
                  x->file);
    return ODEON_OK;
}

static odeon_status write_object(FILE *out, void *context)
{
    const inspect_item *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    text_buffer text = {0};
    inspect_write_json(&text, x->r, c);
    odeon_status status = text.failed ? diag_fail(ODEON_ERR_NOMEM, "no memory") : ODEON_OK;
    if (status == ODEON_OK) {
        (void)fputs(text.data, out);
    }
    text_fini(&text);
    return status;
}

/* ---- in the parent ---- */

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

static void add_refusal(text_buffer *t, const inspect_item *item, const char *reason)
{
    text_printf(t, "{\"kind\": \"%s\", \"id\": \"%s\", \"file\": ", kind_name(item->kind),
                item->id);
    text_json_string(t, item->file);
    text_add(t, ", \"reason\": ");
    text_json_string(t, reason);
    text_add(t, "}");
}

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
