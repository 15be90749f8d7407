#include "option/schema.h"

#include <stdarg.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/expression.h"

enum { MESSAGE_BYTES = 1024 };

odeon_status schema_fail(config_where where, const char *section, const char *format, ...)
{
    char text[MESSAGE_BYTES], line[24] = "";
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
        diag_mark_cut(text, sizeof text);
    }
    va_end(arguments);
    if (where.line > 0) {
        (void)snprintf(line, sizeof line, ":%d", where.line);
    }
    return diag_fail(ODEON_ERR_CONFIG, "%s%s%s%s%s%s%s", where.file != NULL ? where.file : "", line,
                     where.file != NULL ? ": " : "", section != NULL ? "[" : "",
                     section != NULL ? section : "", section != NULL ? "] " : "", text);
}

odeon_status schema_place(odeon_status status, config_where where, const char *section)
{
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM) {
        char reason[MESSAGE_BYTES];
        (void)snprintf(reason, sizeof reason, "%s", diag_message());
        diag_clear();
        (void)schema_fail(where, section, "%s", reason);
    }
    return status;
}

void schema_suggest(char *text, size_t bytes, const char *name, size_t n, const char *const *names)
{
    const char *nearest = nearest_name(name, n, names);
    if (nearest != NULL) {
        (void)snprintf(text, bytes, ": did you mean '%s'?", nearest);
        return;
    }
    (void)snprintf(text, bytes, n > 0 ? ": allowed: " : ": there is none here");
    for (size_t i = 0, used = strlen(text); i < n && used < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "", names[i]);
        if (used >= bytes) {
            diag_mark_cut(text, bytes);
        }
    }
}

size_t schema_names(const odeon_option *const *options, size_t n, hint_name *names, size_t room)
{
    for (; options != NULL && *options != NULL && n < room; options++) {
        names[n++] = (hint_name){.name = (*options)->name, .aliases = (*options)->aliases};
    }
    return n;
}

/* ---- the table ---- */

static size_t count_options(const odeon_component *component)
{
    size_t n = 0;
    while (component->options != NULL && component->options[n] != NULL) {
        n++;
    }
    return n;
}

static size_t option_index(const odeon_config *config, const char *name)
{
    size_t i = 0;
    while (i < config->n && strcmp(config->component->options[i]->name, name) != 0) {
        i++;
    }
    return i;
}

const option_value *schema_value(const odeon_config *config, const char *name)
{
    size_t i = option_index(config, name);
    return i < config->n ? &config->values[i] : NULL;
}

const odeon_option *schema_option(const odeon_config *config, const char *name)
{
    size_t i = option_index(config, name);
    return i < config->n ? config->component->options[i] : NULL;
}

/* ---- life ---- */

static odeon_config *config_create(const odeon_component *component, config_where where)
{
    odeon_config *config = mem_zalloc(1, sizeof *config);
    if (config == NULL) {
        return NULL;
    }
    config->component = component;
    config->kind = component->kind;
    config->where = where;
    config->n = count_options(component);
    config->values = mem_zalloc(config->n, sizeof *config->values);
    if (config->values == NULL) {
        mem_free(config);
        return NULL;
    }
    return config;
}

void schema_value_clear(option_value *value)
{
    mem_free(value->text);
    mem_free(value->argument);
    mem_free(value->list_i);
    mem_free(value->list_f);
    schema_destroy(value->component);
    *value = (option_value){0};
}

void schema_destroy(odeon_config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->n; i++) {
        schema_value_clear(&config->values[i]);
    }
    mem_free(config->values);
    mem_free(config);
}

/* A copy of n elements, or NULL for NULL; complete turns false without memory. */
static void *copy_list(const void *list, int32_t n, size_t size, bool *complete)
{
    if (list == NULL) {
        return NULL;
    }
    void *copy = mem_zalloc((size_t)n, size);
    if (copy == NULL) {
        *complete = false;
        return NULL;
    }
    return memcpy(copy, list, (size_t)n * size);
}

static bool copy_value(const option_value *from, option_value *to)
{
    bool complete = true;
    *to = *from;
    to->text = from->text != NULL ? mem_strdup(from->text) : NULL;
    to->argument = from->argument != NULL ? mem_strdup(from->argument) : NULL;
    to->list_i = copy_list(from->list_i, from->n, sizeof *from->list_i, &complete);
    to->list_f = copy_list(from->list_f, from->n, sizeof *from->list_f, &complete);
    to->component = from->component != NULL ? schema_copy(from->component) : NULL;
    return complete && (from->text == NULL || to->text != NULL) &&
           (from->argument == NULL || to->argument != NULL) &&
           (from->component == NULL || to->component != NULL);
}

odeon_config *schema_copy(const odeon_config *config)
{
    odeon_config *copy = config_create(config->component, config->where);
    if (copy == NULL) {
        return NULL;
    }
    copy->file = config->file;
    copy->state = config->state;
    copy->classes = config->classes;
    for (size_t i = 0; i < config->n; i++) {
        if (!copy_value(&config->values[i], &copy->values[i])) {
            schema_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

odeon_status schema_bind_sizes(odeon_config *config, int64_t state, int64_t classes)
{
    config->state = state;
    config->classes = classes;
    for (size_t i = 0; i < config->n; i++) {
        option_value *value = &config->values[i];
        if (value->component != NULL) {
            ODEON_TRY(schema_bind_sizes(value->component, state, classes));
        }
        if (value->size_symbol == SIZE_NUMBER) {
            continue;
        }
        value->i = value->size_symbol == SIZE_STATE ? state : classes;
        if (value->i < 1) {
            config_where where = value->where.file != NULL ? value->where : config->where;
            return schema_fail(
                where, NULL, "%s: %s = %s: there is no such size here, give a number",
                config->component->id, config->component->options[i]->name, value->text);
        }
    }
    return ODEON_OK;
}

/* ---- a component from its expression and its section ---- */

/* What schema_component works on. */
typedef struct making {
    registry *r;
    const expression *x;
    config_where where;
    const char *section, *folder;
    size_t n;
    schema_pair *pairs;
    odeon_config *config;
} making;

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
        return schema_fail(near->where, m->section, "%s has no option '%s': did you mean '%s'?",
                           m->x->id, near->key, option->name);
    }
    return schema_fail(m->where, m->section, "%s: the option '%s' must be given: %s", m->x->id,
                       option->name, option->help);
}

/* A default that its own parser refuses is the plugin's fault, unless it names a component. */
static odeon_status set_default(const making *m, const odeon_option *option, option_value *value)
{
    if (option->default_text == NULL) {
        bool required = (option->flags & ODEON_OPTION_REQUIRED) != 0;
        return required ? refuse_missing(m, option) : ODEON_OK;
    }
    odeon_status status =
        schema_parse(m->r, option, option->default_text, m->where, m->section, m->folder, value);
    if (status == ODEON_ERR_CONFIG && option->type != ODEON_OPTION_COMPONENT) {
        status = ODEON_ERR_PLUGIN;
    }
    value->given = false;
    value->where = (config_where){0};
    return status;
}

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

static odeon_status set_option(const making *m, const odeon_option *option, option_value *value)
{
    schema_pair *inside = find_pair(m->x->n, m->x->pairs, option->name);
    schema_pair *key = find_pair(m->n, m->pairs, option->name);
    if (inside == NULL && key == NULL) {
        return set_default(m, option, value);
    }
    if (inside != NULL && key != NULL && key->precedence == PAIR_EQUAL) {
        return schema_fail(key->where, m->section,
                           "'%s' is a key of the section and stands in the parentheses of %s too: "
                           "keep one of the two",
                           option->name, m->x->id);
    }
    if (inside != NULL && (key == NULL || key->precedence == PAIR_UNDER)) {
        return schema_parse(m->r, option, inside->value, inside->where, m->section, m->folder,
                            value);
    }
    return schema_parse(m->r, option, key->value, key->where, m->section, key->folder, value);
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
        return schema_fail(pair->where, m->section, "%s has no option '%s'%s", m->x->id, pair->key,
                           hint);
    }
    return ODEON_OK;
}

/* What is given in the place of another leaves that one without a value: its default is neither
 * read nor written. */
static odeon_status replace_option(const making *m, const odeon_option *option,
                                   const option_value *value)
{
    size_t other = option_index(m->config, option->replaces);
    if (m->config->values[other].given) {
        return schema_fail(value->where, m->section,
                           "%s: both %s and %s are given; keep one of them", m->x->id,
                           option->replaces, option->name);
    }
    schema_value_clear(&m->config->values[other]);
    return ODEON_OK;
}

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

odeon_status schema_component(registry *r, int32_t kind, const char *text, config_where where,
                              const char *section, const char *folder, size_t n, schema_pair *pairs,
                              odeon_config **out)
{
    *out = NULL;
    expression x;
    ODEON_TRY(expression_parse(kind_name(kind), text, where, section, &x));
    making m = {.r = r,
                .x = &x,
                .where = where,
                .section = section,
                .folder = folder,
                .n = n,
                .pairs = pairs};
    const odeon_component *component = NULL;
    odeon_status status = registry_find(r, kind, x.id, &component);
    status = schema_place(status, where, section);
    if (status == ODEON_OK) {
        m.config = config_create(component, where);
        const registry_plugin *plugin = registry_plugin_of(r, component);
        if (m.config != NULL && plugin != NULL) {
            m.config->file = plugin->file;
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
