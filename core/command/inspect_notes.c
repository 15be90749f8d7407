#include "command/inspect_notes.h"

#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/text.h"
#include "option/kinds.h"
#include "plugin/claims.h"
#include "plugin/module.h"
#include "plugin/registry.h"

/* What the visit of all files writes to. */
typedef struct notes {
    registry *r;
    bool json;
    text_buffer usable, refused;
    odeon_status status; /* of the host's own; a plugin's is in refused */
} notes;

static void add_head(text_buffer *t, int32_t kind, const char *id, const char *file)
{
    text_printf(t, "%s{\"kind\": \"%s\", \"id\": \"%s\", \"file\": ", t->length > 0 ? ",\n" : "",
                kind_name(kind), id);
    text_json_string(t, file);
}

static void add_refused(notes *n, int32_t kind, const char *id, const char *file)
{
    if (n->json) {
        add_head(&n->refused, kind, id, file);
        text_add(&n->refused, ", \"reason\": ");
        text_json_string(&n->refused, diag_message());
        text_add(&n->refused, "}");
    } else {
        text_printf(&n->refused, "%-10s %-18s ", kind_name(kind), id);
        text_add(&n->refused, diag_message());
        text_add(&n->refused, "\n");
    }
}

static void add_component(notes *n, const claim *c, const char *file, const module *m)
{
    int major = (int)m->elf.abi_major, minor = (int)m->elf.abi_minor;
    if (n->json) {
        add_head(&n->usable, c->kind, c->id, file);
        text_add(&n->usable, ", \"build_id\": ");
        text_json_string(&n->usable, m->elf.build_id);
        text_printf(&n->usable, ", \"abi\": \"%d.%d\"}", major, minor);
    } else {
        text_printf(&n->usable, "%-10s %-18s ABI %d.%-3d ", kind_name(c->kind), c->id, major,
                    minor);
        text_add(&n->usable, file);
        text_add(&n->usable, "\n");
    }
}

/* A kernel is of no use without its layer, which may stand in the same file. */
static odeon_status check_layer(const notes *n, const char *id, const char *file, const module *m)
{
    char layer[LABEL_MAX_ID_BYTES + 1];
    module *other = NULL;
    const char *at = strchr(id, '@');
    if (at == NULL) {
        return ODEON_OK;
    }
    (void)snprintf(layer, sizeof layer, "%.*s", (int)(at - id), id);
    if (claim_is_in(m->elf.components, ODEON_KIND_LAYER, layer)) {
        return ODEON_OK;
    }
    odeon_status status = registry_examine(n->r, ODEON_KIND_LAYER, layer, &other);
    module_destroy(other);
    if (status == ODEON_ERR_NOMEM) {
        return status;
    }
    if (status != ODEON_OK) {
        diag_clear();
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: it takes the place of layer %s, which is not there or cannot be used",
                         file, layer);
    }
    return ODEON_OK;
}

static odeon_status add_file(notes *n, int32_t kind, const char *id, const char *file)
{
    module *m = NULL;
    ODEON_TRY(registry_examine(n->r, kind, id, &m));
    odeon_status status = check_layer(n, id, file, m);
    const char *components = m->elf.components;
    claim c;
    while (status == ODEON_OK && claim_next(&components, &c)) {
        if (c.valid) {
            add_component(n, &c, file, m);
        }
    }
    module_destroy(m);
    return status;
}

static void visit(int32_t kind, const char *id, const char *file, void *context)
{
    notes *n = context;
    if (n->status != ODEON_OK) {
        return;
    }
    diag_clear();
    odeon_status status = add_file(n, kind, id, file);
    if (status == ODEON_ERR_NOMEM) {
        n->status = status;
    } else if (status != ODEON_OK) {
        add_refused(n, kind, id, file);
        diag_clear();
    }
}

static void join(const notes *n, text_buffer *out)
{
    const char *usable = n->usable.length > 0 ? n->usable.data : "";
    const char *refused = n->refused.length > 0 ? n->refused.data : "";
    const char *end = refused[0] != '\0' ? "\n" : "";
    if (n->json) {
        text_add(out, "{\"plugins\": [\n");
        text_add(out, usable);
        text_add(out, "],\n\"refused\": [");
        text_add(out, end);
        text_add(out, refused);
        text_add(out, "]}\n");
    } else {
        text_add(out, usable);
        text_add(out, refused[0] != '\0' ? "\nrefused:\n" : "");
        text_add(out, refused);
    }
}

odeon_status inspect_notes(registry *r, bool json, FILE *out)
{
    notes n = {.r = r, .json = json};
    text_buffer text = {0};
    odeon_status status = registry_scan(r, visit, &n);
    status = status == ODEON_OK ? n.status : status;
    if (status == ODEON_OK) {
        join(&n, &text);
    }
    if (status == ODEON_OK && (text.failed || n.usable.failed || n.refused.failed)) {
        status = diag_fail(ODEON_ERR_NOMEM, "no memory to list plugins");
    }
    if (status == ODEON_OK && text.length > 0 && (fputs(text.data, out) < 0 || fflush(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "the list of plugins could not be written");
    }
    text_fini(&n.usable);
    text_fini(&n.refused);
    text_fini(&text);
    return status;
}
