#include "config/observer_list.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/expression.h"
#include "option/schema_parse.h"
#include "option/schema_print.h"
#include "plugin/component.h"

static const char nobody[] = "none";

/* Files and figures are told apart by the ids of observers. */
static odeon_status check_twice(const config *c, location where)
{
    const char *id = c->observers[c->n_observers - 1]->component->id;
    for (size_t i = 0; i + 1 < c->n_observers; i++) {
        if (strcmp(c->observers[i]->component->id, id) == 0) {
            return location_fail(where, "run", "observers: %s is in it twice", id);
        }
    }
    return ODEON_OK;
}

/* n_observers counts those that are there: when one fails, exactly those before it are destroyed
 * with the configuration. */
static odeon_status add_observers(loading *l, const option_value *value, const char *folder,
                                  size_t n, char *const *texts)
{
    config *c = l->c;
    c->observers = mem_zalloc(n, sizeof(odeon_config *));
    if (c->observers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for run.observers");
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(component_read(l->r, ODEON_KIND_OBSERVER, texts[i], value->where, "run", folder,
                                 0, NULL, &c->observers[i]));
        c->n_observers++;
        ODEON_TRY(check_twice(c, value->where));
    }
    return ODEON_OK;
}

static odeon_status set_normal_form(const config *c, option_value *value)
{
    text_buffer text = {0};
    odeon_status status = ODEON_OK;
    for (size_t i = 0; i < c->n_observers && status == ODEON_OK; i++) {
        text_add(&text, i > 0 ? ", " : "");
        status = schema_print(&text, c->observers[i]);
    }
    if (status == ODEON_OK && text.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "out of memory for run.observers");
    }
    if (status != ODEON_OK) {
        text_fini(&text);
        return status;
    }
    mem_free(value->text);
    value->text = text.data;
    return ODEON_OK;
}

odeon_status observer_list_read(loading *l, host_section *h)
{
    option_value *value = host_value(h, "observers");
    size_t n = 0;
    char **texts = NULL;
    l->c->has_observers = value->set;
    if (!value->set || strcmp(value->text, nobody) == 0) {
        return ODEON_OK;
    }
    const document_key *key = document_find_key(h->source, "observers");
    ODEON_TRY(schema_split(value->text, value->where, &n, &texts));
    odeon_status status = add_observers(l, value, key->folder, n, texts);
    schema_split_free(n, texts);
    return status != ODEON_OK ? status : set_normal_form(l->c, value);
}
