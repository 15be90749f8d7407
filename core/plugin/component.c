#include "plugin/component.h"

#include <string.h>

#include "base/diag.h"
#include "base/hints.h"
#include "base/nearest.h"
#include "option/expression.h"
#include "option/kinds.h"
#include "option/schema_parse.h"

/* What an INI says of a component stands in up to two places: in parentheses behind its id, and as
 * keys of the section that it owns. Both are read by the plugin's own table of options; which of
 * the two holds is said by whoever hands in the keys (PAIR_*). */

/* What component_read works on. */
typedef struct making {
    registry *r;
    const component_reader *reader;
    const expression *x;
    location where;
    const char *section, *folder;
    size_t n;
    schema_pair *pairs;
    odeon_config *config;
} making;

/* By aliases as well as by likeness: "learning_rate" is not near "lr", but means it. */
static const schema_pair *near_pair(size_t n, const schema_pair *pairs, const odeon_option *option)
{
    for (size_t i = 0; i < n; i++) {
        bool other = strcmp(pairs[i].key, option->name) != 0;
        bool near = hint_is(pairs[i].key, (hint_name){option->name, option->aliases}) ||
                    nearest_name(pairs[i].key, 1, &option->name) != NULL;
        if (!pairs[i].used && other && near) {
            return &pairs[i];
        }
    }
    return NULL;
}

/* A required option is missing; most likely because it is spelt another way. */
static odeon_status refuse_missing(const making *m, const odeon_option *option)
{
    const schema_pair *near = near_pair(m->x->n, m->x->pairs, option);
    near = near != NULL ? near : near_pair(m->n, m->pairs, option);
    if (near != NULL) {
        return location_fail(near->where, m->section, "%s has no option '%s': did you mean '%s'?",
                             m->x->id, near->key, option->name);
    }
    return location_fail(m->where, m->section, "%s: the option '%s' must be given: %s", m->x->id,
                         option->name, option->help);
}

/* A default that its own parser refuses is the plugin's fault, unless it names a component. */
static odeon_status set_default(const making *m, const odeon_option *option, option_value *value)
{
    if (option->default_text == NULL) {
        bool required = (option->flags & ODEON_OPTION_REQUIRED) != 0;
        return required ? refuse_missing(m, option) : ODEON_OK;
    }
    odeon_status status = schema_parse(m->reader, option, option->default_text, m->where,
                                       m->section, m->folder, value);
    if (status == ODEON_ERR_CONFIG && option->type != ODEON_OPTION_COMPONENT) {
        status = ODEON_ERR_PLUGIN;
    }
    value->given = false;
    value->where = (location){0};
    return status;
}

/* Marks it as used, so that what stays over can be refused as unknown. */
static schema_pair *find_pair(size_t n, schema_pair *pairs, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pairs[i].key, key) == 0) {
            pairs[i].used = true;
            return &pairs[i];
        }
    }
    return NULL;
}

/* An override replaces what the INI says, in either place; two places of one level contradict each
 * other. */
static odeon_status set_option(const making *m, const odeon_option *option, option_value *value)
{
    schema_pair *inside = find_pair(m->x->n, m->x->pairs, option->name);
    schema_pair *key = find_pair(m->n, m->pairs, option->name);
    if (inside == NULL && key == NULL) {
        return set_default(m, option, value);
    }
    if (inside != NULL && key != NULL && key->precedence == PAIR_EQUAL) {
        return location_fail(
            key->where, m->section,
            "'%s' is a key of the section and stands in the parentheses of %s too: "
            "keep one of the two",
            option->name, m->x->id);
    }
    if (inside != NULL && (key == NULL || key->precedence == PAIR_UNDER)) {
        return schema_parse(m->reader, option, inside->value, inside->where, m->section, m->folder,
                            value);
    }
    return schema_parse(m->reader, option, key->value, key->where, m->section, key->folder, value);
}

/* What stands in the parentheses and is no option. */
static odeon_status refuse_unknown(const making *m)
{
    for (size_t i = 0; i < m->x->n; i++) {
        const schema_pair *pair = &m->x->pairs[i];
        if (pair->used) {
            continue;
        }
        char hint[512];
        hint_name names[SCHEMA_MAX_OPTIONS];
        size_t n = schema_names(m->config->component->options, 0, names, SCHEMA_MAX_OPTIONS);
        if (!hint_write(hint, sizeof hint, pair->key, n, names)) {
            hint_list(hint, sizeof hint, n, names);
        }
        return location_fail(pair->where, m->section, "%s has no option '%s'%s", m->x->id,
                             pair->key, hint);
    }
    return ODEON_OK;
}

/* What is given in the place of another leaves that one without a value: its default is neither
 * read nor written. */
static odeon_status replace_option(const making *m, const odeon_option *option,
                                   const option_value *value)
{
    size_t other = schema_option_index(m->config, option->replaces);
    if (m->config->values[other].given) {
        return location_fail(value->where, m->section,
                             "%s: both %s and %s are given; keep one of them", m->x->id,
                             option->replaces, option->name);
    }
    schema_value_clear(&m->config->values[other]);
    return ODEON_OK;
}

/* What one option takes over from another is known only once all of them are set. */
static odeon_status set_options(const making *m)
{
    const odeon_option *const *options = m->config->component->options;
    for (size_t i = 0; i < m->config->n; i++) {
        ODEON_TRY(set_option(m, options[i], &m->config->values[i]));
    }
    for (size_t i = 0; i < m->config->n; i++) {
        if (options[i]->replaces != NULL && m->config->values[i].given) {
            ODEON_TRY(replace_option(m, options[i], &m->config->values[i]));
        }
    }
    return refuse_unknown(m);
}

/* A component in an option has its parentheses alone: no keys of a section are its own. */
static odeon_status read_nested(void *context, int32_t kind, const char *text, location where,
                                const char *section, const char *folder, odeon_config **out)
{
    return component_read(context, kind, text, where, section, folder, 0, NULL, out);
}

component_reader component_reader_of(registry *r)
{
    return (component_reader){.read = read_nested, .context = r};
}

odeon_status component_parse(registry *r, const odeon_option *option, const char *text,
                             location where, const char *section, const char *folder,
                             option_value *out)
{
    component_reader reader = component_reader_of(r);
    return schema_parse(&reader, option, text, where, section, folder, out);
}

/* Options are set by the table that the plugin has been checked to have, so the plugin is loaded
 * first, even where the expression is wrong in other ways. */
odeon_status component_read(registry *r, int32_t kind, const char *text, location where,
                            const char *section, const char *folder, size_t n, schema_pair *pairs,
                            odeon_config **out)
{
    *out = NULL;
    expression x;
    ODEON_TRY(expression_parse(kind_name(kind), text, where, section, &x));
    component_reader reader = component_reader_of(r);
    making m = {.r = r,
                .reader = &reader,
                .x = &x,
                .where = where,
                .section = section,
                .folder = folder,
                .n = n,
                .pairs = pairs};
    const odeon_component *component = NULL;
    odeon_status status = registry_find(r, kind, x.id, &component);
    status = location_prefix(status, where, section);
    if (status == ODEON_OK) {
        m.config = schema_create(component, where);
        const registry_plugin *plugin = registry_plugin_of(r, component);
        if (m.config != NULL) {
            m.config->file = plugin != NULL ? plugin->file : NULL;
            m.config->abi_minor = plugin != NULL ? plugin->root->abi_minor : 0;
            m.config->services = registry_services(r);
            m.config->registry = r;
            m.config->figures = registry_figures(r);
        }
        status = m.config != NULL ? set_options(&m)
                                  : diag_fail(ODEON_ERR_NOMEM, "out of memory for %s", x.id);
    }
    expression_fini(&x);
    if (status != ODEON_OK) {
        schema_destroy(m.config);
        return status;
    }
    *out = m.config;
    return ODEON_OK;
}
