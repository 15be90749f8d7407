#include "config/replaced.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"

/* Exact names alone: an alias would have been refused in the earlier source, too. */
static bool has_option(const odeon_component *c, const char *name)
{
    for (size_t i = 0; c->options != NULL && c->options[i] != NULL; i++) {
        if (strcmp(c->options[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The id of "id" or "id(key=value, ...)", cut to the buffer: a longer one names no component that
 * could be found. */
static void copy_id(char *id, size_t bytes, const char *expression)
{
    (void)snprintf(id, bytes, "%.*s", (int)strcspn(expression, "( \t"), expression);
}

/* Could the component of that id, which is not used any more, have had the option? One that cannot
 * be looked at, perhaps the reason why it was replaced, is taken to have had it: the alternative
 * would be to refuse a configuration for a plugin that it does not need. Looking does not put a
 * plugin in use. */
static odeon_status may_have_had(const loading *l, int32_t kind, const char *id, const char *name,
                                 bool *out)
{
    const odeon_component *c = NULL;
    odeon_status status = registry_look_at(l->r, kind, id, &c);
    *out = status != ODEON_OK || has_option(c, name);
    if (status == ODEON_ERR_NOMEM) {
        return status;
    }
    if (status != ODEON_OK) {
        diag_clear();
    }
    return ODEON_OK;
}

/* The entry keeps a copy of the id; all else in it points into the document, which lives as long.
 */
static odeon_status append(config *c, const config_dropped *dropped, const char *id)
{
    config_dropped *list = mem_grow(c->dropped, c->n_dropped, sizeof *list);
    char *copy = mem_strdup(id);
    c->dropped = list != NULL ? list : c->dropped;
    if (list == NULL || copy == NULL) {
        mem_free(copy);
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for the configuration");
    }
    list[c->n_dropped] = *dropped;
    list[c->n_dropped++].id = copy;
    return ODEON_OK;
}

/* Does own hold over an earlier component, and over all that section says? A key of the same level
 * or a higher one was written for the present component, and a mistake in it must be heard of. */
static bool is_later(const document_key *own, const document_section *section)
{
    bool later = own != NULL && own->n_replaced > 0;
    for (size_t i = 0; i < section->n_keys && later; i++) {
        later = section->keys[i].level < own->level;
    }
    return later;
}

/* A nested section belonged to the component before the last replacement, whose id the message
 * shows. */
odeon_status replaced_drop_section(loading *l, const document_section *section,
                                   const document_section *parent, bool *dropped)
{
    char id[80];
    const document_key *own = document_find_key(parent, "layer");
    *dropped = is_later(own, section);
    if (!*dropped) {
        return ODEON_OK;
    }
    copy_id(id, sizeof id, own->replaced[own->n_replaced - 1]);
    const config_dropped entry = {
        .section = section->name, .where = section->where, .by = own->where};
    return append(l->c, &entry, id);
}

/* The latest of the earlier components that can have had the key is named: it is the one that the
 * reader last saw with it. A key of the same source as the present component is never dropped. */
odeon_status replaced_drop_key(loading *l, const document_section *section, const document_key *own,
                               int32_t kind, const document_key *key, bool *dropped)
{
    char id[80];
    *dropped = false;
    for (size_t i = own->n_replaced; i-- > 0 && key->level < own->level && !*dropped;) {
        copy_id(id, sizeof id, own->replaced[i]);
        ODEON_TRY(may_have_had(l, kind, id, key->name, dropped));
    }
    const config_dropped entry = {
        .section = section->name, .key = key->name, .where = key->where, .by = own->where};
    return *dropped ? append(l->c, &entry, id) : ODEON_OK;
}
