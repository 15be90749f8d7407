#include "option/schema.h"

#include <stdarg.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "option/kinds.h"

/* Names that find no room are left out: they only serve as hints. */
size_t schema_names(const odeon_option *const *options, size_t n, hint_name *names, size_t room)
{
    for (; options != NULL && *options != NULL && n < room; options++) {
        names[n++] = (hint_name){.name = (*options)->name, .aliases = (*options)->aliases};
    }
    return n;
}

/* ---- the table ---- */

/* The table of a plugin ends with NULL; descriptor.c has checked that it does, within
 * SCHEMA_MAX_OPTIONS. */
static size_t count_options(const odeon_component *component)
{
    size_t n = 0;
    while (component->options != NULL && component->options[n] != NULL) {
        n++;
    }
    return n;
}

/* A linear search: a component has a few options, and each is asked for once or twice. */
size_t schema_option_index(const odeon_config *config, const char *name)
{
    size_t i = 0;
    while (i < config->n && strcmp(config->component->options[i]->name, name) != 0) {
        i++;
    }
    return i;
}

/* Also for options that have no value: set says whether there is one. */
const option_value *schema_value(const odeon_config *config, const char *name)
{
    size_t i = schema_option_index(config, name);
    return i < config->n ? &config->values[i] : NULL;
}

/* The description of an option, where schema_value gives its value. */
const odeon_option *schema_option(const odeon_config *config, const char *name)
{
    size_t i = schema_option_index(config, name);
    return i < config->n ? config->component->options[i] : NULL;
}

/* ---- life ---- */

/* The component is borrowed from its plugin, which stays loaded as long as the registry. */
odeon_config *schema_create(const odeon_component *component, location where)
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

/* Whatever the type: members that it does not have are NULL. */
void schema_value_clear(option_value *value)
{
    mem_free(value->text);
    mem_free(value->argument);
    mem_free(value->list_i);
    mem_free(value->list_f);
    schema_destroy(value->component);
    *value = (option_value){0};
}

/* Nested components go with it, by way of their values. */
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

/* The members are copied one by one and none is skipped after a failure, so that schema_destroy
 * finds either a copy or NULL, never a pointer that the original owns. */
static bool copy_value(const option_value *from, option_value *to)
{
    bool complete = true;
    /* Numbers and flags at once; every pointer is replaced below. */
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

/* where, file, services, registry and figures are borrowed by both. */
odeon_config *schema_copy(const odeon_config *config)
{
    odeon_config *copy = schema_create(config->component, config->where);
    if (copy == NULL) {
        return NULL;
    }
    copy->file = config->file;
    copy->abi_minor = config->abi_minor;
    copy->services = config->services;
    copy->registry = config->registry;
    copy->figures = config->figures;
    for (size_t i = 0; i < config->n; i++) {
        if (!copy_value(&config->values[i], &copy->values[i])) {
            schema_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

/* Whoever has no sizes to give need not bind; whoever has must know whether it matters. */
bool schema_has_sizes(const odeon_config *config)
{
    for (size_t i = 0; i < config->n; i++) {
        const option_value *value = &config->values[i];
        if (value->size_symbol != SIZE_NUMBER ||
            (value->component != NULL && schema_has_sizes(value->component))) {
            return true;
        }
    }
    return false;
}

/* Called again with other numbers it binds anew, since the symbol stays. The place in the message
 * is that of the value, or of the component where the value is a default. */
odeon_status schema_bind_sizes(odeon_config *config, int64_t state, int64_t classes)
{
    for (size_t i = 0; i < config->n; i++) {
        option_value *value = &config->values[i];
        if (value->component != NULL) {
            ODEON_TRY(schema_bind_sizes(value->component, state, classes));
        }
        if (value->size_symbol == SIZE_NUMBER) {
            continue;
        }
        value->i = value->size_symbol == SIZE_STATE ? state : classes;
        /* The caller gives 0 for a size that does not exist where the component stands. */
        if (value->i < 1) {
            location where = value->where.file != NULL ? value->where : config->where;
            return location_fail(
                where, NULL, "%s: %s = %s: there is no such size here, give a number",
                config->component->id, config->component->options[i]->name, value->text);
        }
    }
    return ODEON_OK;
}
