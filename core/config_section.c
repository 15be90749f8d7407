#include <string.h>

#include "config_parts.h"
#include "diag.h"
#include "mem.h"

static size_t count(const odeon_option *const *options)
{
    size_t n = 0;
    while (options[n] != NULL) {
        n++;
    }
    return n;
}

static bool is_option(const odeon_option *const *options, const char *name)
{
    for (; options != NULL && *options != NULL; options++) {
        if (strcmp((*options)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

option_value *host_value(host_section *h, const char *name)
{
    size_t i = 0;
    while (strcmp(h->options[i]->name, name) != 0) {
        i++;
    }
    return &h->values[i];
}

odeon_config *host_take(host_section *h, const char *name)
{
    option_value *value = host_value(h, name);
    odeon_config *component = value->component;
    value->component = NULL;
    value->set = false;
    return component;
}

void host_section_fini(host_section *h)
{
    for (size_t i = 0; i < HOST_MAX_KEYS; i++) {
        schema_value_clear(&h->values[i]);
    }
}

/* ---- the component whose options are keys of the section ---- */

/* Does the key or the expression hold where both set an option? An override of a single option
 * beats one of the whole component. */
static int precedence(const document_key *key, const document_key *expression)
{
    if (key->level == DOCUMENT_OVERRIDE || key->level > expression->level) {
        return PAIR_OVER;
    }
    return key->level < expression->level ? PAIR_UNDER : PAIR_EQUAL;
}

static size_t collect_pairs(const host_section *h, const document_key *expression,
                            schema_pair *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < h->source->n_keys; i++) {
        const document_key *key = &h->source->keys[i];
        if (!is_option(h->options, key->name)) {
            pairs[n++] = (schema_pair){.key = key->name,
                                       .value = key->value,
                                       .folder = key->folder,
                                       .where = key->where,
                                       .precedence = precedence(key, expression)};
        }
    }
    return n;
}

/* A component cannot be configured by keys that mean something else to the host. */
static odeon_status check_names(const host_section *h, const odeon_config *own)
{
    for (size_t i = 0; i < own->n; i++) {
        const char *name = own->component->options[i]->name;
        if (is_option(h->options, name)) {
            return schema_place(diag_fail(ODEON_ERR_PLUGIN,
                                          "%s %s has an option '%s', which is a key of the host",
                                          kind_name(own->kind), own->component->id, name),
                                own->where, h->source->name);
        }
    }
    return ODEON_OK;
}

static odeon_status read_own(const loading *l, const host_section *h, const odeon_option *option,
                             const document_key *key, option_value *out)
{
    schema_pair *pairs = mem_zalloc(h->source->n_keys, sizeof *pairs);
    if (pairs == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", h->source->name);
    }
    size_t n = collect_pairs(h, key, pairs);
    odeon_status status =
        schema_component(l->r, kind_by_name(option->choices), key->value, key->where,
                         h->source->name, key->folder, n, pairs, &out->component);
    mem_free(pairs);
    ODEON_TRY(status);
    out->set = out->given = true;
    out->where = key->where;
    return check_names(h, out->component);
}

/* ---- keys ---- */

static odeon_status read_default(const loading *l, const host_section *h,
                                 const odeon_option *option, option_value *out)
{
    if (option->default_text == NULL) {
        return (option->flags & ODEON_OPTION_REQUIRED) == 0
                   ? ODEON_OK
                   : schema_fail(h->source->where, h->source->name, "'%s' must be given: %s",
                                 option->name, option->help);
    }
    odeon_status status = schema_parse(l->r, option, option->default_text, h->source->where,
                                       h->source->name, NULL, out);
    out->given = false;
    out->where = (config_where){0};
    return status;
}

static odeon_status read_key(const loading *l, const host_section *h, const odeon_option *option,
                             option_value *out)
{
    const document_key *key = document_find_key(h->source, option->name);
    if (key == NULL) {
        return read_default(l, h, option, out);
    }
    if (h->own != NULL && strcmp(option->name, h->own) == 0) {
        return read_own(l, h, option, key, out);
    }
    return schema_parse(l->r, option, key->value, key->where, h->source->name, key->folder, out);
}

/* ---- keys that nobody knows ---- */

static size_t add_names(const odeon_option *const *options, size_t n, const char **names,
                        size_t room)
{
    for (; options != NULL && *options != NULL && n < room; options++) {
        names[n++] = (*options)->name;
    }
    return n;
}

static odeon_status refuse_key(const host_section *h, const document_key *key,
                               const odeon_config *own)
{
    char hint[512], chosen[256] = "";
    const char *names[256];
    size_t n = add_names(h->options, 0, names, 256);
    if (own != NULL) {
        n = add_names(own->component->options, n, names, 256);
        bool elsewhere = strcmp(own->where.file, key->where.file) != 0;
        (void)snprintf(chosen, sizeof chosen, " or of %s %s%s%.100s%s", kind_name(own->kind),
                       own->component->id, elsewhere ? " (which stands in " : "",
                       elsewhere ? own->where.file : "", elsewhere ? ")" : "");
    }
    schema_suggest(hint, sizeof hint, key->name, n, names);
    return schema_fail(key->where, h->source->name, "'%s' is no key of the section%s%s", key->name,
                       chosen, hint);
}

static odeon_status check_keys(loading *l, host_section *h)
{
    const odeon_config *own = h->own != NULL ? host_value(h, h->own)->component : NULL;
    for (size_t i = 0; i < h->source->n_keys; i++) {
        const document_key *key = &h->source->keys[i];
        bool known = is_option(h->options, key->name) ||
                     (own != NULL && is_option(own->component->options, key->name));
        if (!known && own != NULL) {
            ODEON_TRY(replaced_drop_key(l, h->source, document_find_key(h->source, h->own),
                                        own->kind, key, &known));
        }
        if (!known) {
            return refuse_key(h, key, own);
        }
    }
    return ODEON_OK;
}

odeon_status host_section_read(loading *l, const document_section *source, const char *table,
                               const char *own, host_section *out)
{
    *out = (host_section){.source = source, .options = config_host_options(table), .own = own};
    size_t n = count(out->options);
    if (n > HOST_MAX_KEYS) {
        return diag_fail(ODEON_ERR_INTERNAL, "[%s] has %zu keys, room for %d", table, n,
                         HOST_MAX_KEYS);
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(read_key(l, out, out->options[i], &out->values[i]));
    }
    return check_keys(l, out);
}

/* ---- the normal form ---- */

odeon_status host_section_print(text_buffer *out, const host_section *h)
{
    text_printf(out, "%s[%s]\n", out->length > 0 ? "\n" : "", h->source->name);
    for (size_t i = 0; h->options[i] != NULL; i++) {
        const char *name = h->options[i]->name;
        const option_value *value = &h->values[i];
        if (!value->set) {
            continue;
        }
        text_printf(out, "%s = ", name);
        if (value->component == NULL) {
            ODEON_TRY(schema_check_text(name, value->text, false, value->where));
            text_printf(out, "%s\n", value->text);
        } else if (h->own != NULL && strcmp(h->own, name) == 0) {
            text_printf(out, "%s\n", value->component->component->id);
            ODEON_TRY(schema_print_keys(out, value->component));
        } else {
            ODEON_TRY(schema_print(out, value->component));
            text_add(out, "\n");
        }
    }
    return ODEON_OK;
}
