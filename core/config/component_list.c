#include "config/component_list.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/expression.h"
#include "option/schema_parse.h"
#include "option/schema_print.h"
#include "plugin/component.h"

static odeon_status out_of_memory(const component_key *key)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory for %s.%s", key->section, key->name);
}

/* Is the last of the list in it before? Whoever reads results tells components apart by their ids.
 */
static odeon_status check_twice(const component_key *key, size_t n, odeon_config *const *list,
                                location where)
{
    const char *id = list[n - 1]->component->id;
    for (size_t i = 0; i + 1 < n; i++) {
        if (strcmp(list[i]->component->id, id) == 0) {
            return location_fail(where, key->section, "%s: %s is in it twice%s", key->name, id,
                                 key->advice);
        }
    }
    return ODEON_OK;
}

static odeon_status add(loading *l, const component_key *key, const option_value *value,
                        const char *folder, size_t n_texts, char *const *texts, size_t *n,
                        odeon_config ***list)
{
    *list = mem_zalloc(n_texts, sizeof(odeon_config *));
    if (*list == NULL) {
        return out_of_memory(key);
    }
    for (size_t i = 0; i < n_texts; i++) {
        ODEON_TRY(component_read(l->r, key->kind, texts[i], value->where, key->section, folder, 0,
                                 NULL, &(*list)[i]));
        ++*n;
        ODEON_TRY(check_twice(key, *n, *list, value->where));
    }
    return ODEON_OK;
}

/* In place of what was typed, so that printing the section needs to know nothing of lists. */
static odeon_status set_normal_form(const component_key *key, size_t n, odeon_config *const *list,
                                    option_value *value)
{
    text_buffer text = {0};
    odeon_status status = ODEON_OK;
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        text_add(&text, i > 0 ? ", " : "");
        status = schema_print(&text, list[i]);
    }
    if (status == ODEON_OK && text.failed) {
        status = out_of_memory(key);
    }
    if (status != ODEON_OK) {
        text_fini(&text);
        return status;
    }
    mem_free(value->text);
    value->text = text.data;
    return ODEON_OK;
}

odeon_status component_list_read(loading *l, host_section *h, const component_key *key, size_t *n,
                                 odeon_config ***list)
{
    option_value *value = host_value(h, key->name);
    const document_key *typed = document_find_key(h->source, key->name);
    size_t n_texts = 0;
    char **texts = NULL;
    ODEON_TRY(schema_split(value->text, value->where, &n_texts, &texts));
    odeon_status status = add(l, key, value, typed->folder, n_texts, texts, n, list);
    schema_split_free(n_texts, texts);
    return status != ODEON_OK ? status : set_normal_form(key, *n, *list, value);
}
