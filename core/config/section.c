/* How one section is read: for every key of the host's table the given value or the default, then
 * every other key as an option of the section's own component, and what is left over is refused
 * with the best guess at what was meant. */
#include "config/section.h"

#include <string.h>

#include "base/diag.h"
#include "base/hints.h"
#include "base/location.h"
#include "base/mem.h"
#include "config/hints.h"
#include "config/options.h"
#include "config/replaced.h"
#include "option/expression.h"
#include "option/kinds.h"
#include "option/schema_print.h"
#include "plugin/component.h"

static size_t count(const odeon_option *const *options)
{
    size_t n = 0;
    while (options[n] != NULL) {
        n++;
    }
    return n;
}

/* Exact names: aliases are for hints. */
static bool is_option(const odeon_option *const *options, const char *name)
{
    for (; options != NULL && *options != NULL; options++) {
        if (strcmp((*options)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* name is a literal of this program and one of the table's, so that there is always one. */
option_value *host_value(host_section *h, const char *name)
{
    size_t i = 0;
    while (strcmp(h->options[i]->name, name) != 0) {
        i++;
    }
    return &h->values[i];
}

/* The option then counts as not given: what has been taken is neither printed nor freed with the
 * section. */
odeon_config *host_take(host_section *h, const char *name)
{
    option_value *value = host_value(h, name);
    odeon_config *component = value->component;
    value->component = NULL;
    value->set = false;
    return component;
}

/* All slots, used or not: they were zeroed at the start, and clearing an empty value does nothing.
 */
void host_section_fini(host_section *h)
{
    for (size_t i = 0; i < HOST_MAX_KEYS; i++) {
        schema_value_clear(&h->values[i]);
    }
}

/* ---- the component whose options are keys of the section ---- */

/* Does the key or the expression hold where both set an option? Within one file neither does, which
 * is an error; between sources the later one does. An override of a single option beats one of the
 * whole component, whatever their order: it is the more specific wish. */
static int precedence(const document_key *key, const document_key *chosen)
{
    if (key->level == DOCUMENT_OVERRIDE || key->level > chosen->level) {
        return PAIR_OVER;
    }
    return key->level < chosen->level ? PAIR_UNDER : PAIR_EQUAL;
}

/* Every key that is not the host's is meant for the component. Whether it has such an option is the
 * component's schema to say. */
static size_t collect_pairs(const host_section *h, const document_key *chosen, schema_pair *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < h->source->n_keys; i++) {
        const document_key *key = &h->source->keys[i];
        if (!is_option(h->options, key->name)) {
            pairs[n++] = (schema_pair){.key = key->name,
                                       .value = key->value,
                                       .folder = key->folder,
                                       .where = key->where,
                                       .precedence = precedence(key, chosen)};
        }
    }
    return n;
}

/* A component cannot be configured by keys that mean something else to the host. That is the
 * plugin's fault and not the user's, so the message says who it is. */
static odeon_status check_names(const host_section *h, const odeon_config *own)
{
    for (size_t i = 0; i < own->n; i++) {
        const char *name = own->component->options[i]->name;
        if (is_option(h->options, name)) {
            return location_prefix(diag_fail(ODEON_ERR_PLUGIN,
                                             "%s %s has an option '%s', which is a key of the host",
                                             kind_name(own->kind), own->component->id, name),
                                   own->where, h->source->name);
        }
    }
    return ODEON_OK;
}

/* A section has one layer of its own, whose options its keys may be; with two it would not be clear
 * whose. The rest of the list is shown where it belongs. */
static odeon_status check_single(const host_section *h, const document_key *key)
{
    const char *more = expression_next(key->value);
    if (more == NULL || strcmp(key->name, "layer") != 0) {
        return ODEON_OK;
    }
    return location_fail(key->where, h->source->name,
                         "layer = %.120s: give one layer here; those that follow it go into a key "
                         "of their own: then = %.120s",
                         key->value, more);
}

/* The component of the section, with the section's remaining keys as its options. n_keys bounds the
 * pairs, and is at least 1, since the key of the component itself is there. */
static odeon_status read_own(const loading *l, const host_section *h, const odeon_option *option,
                             const document_key *key, option_value *out)
{
    ODEON_TRY(check_single(h, key));
    schema_pair *pairs = mem_zalloc(h->source->n_keys, sizeof *pairs);
    if (pairs == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [%s]", h->source->name);
    }
    size_t n = collect_pairs(h, key, pairs);
    odeon_status status =
        component_read(l->r, kind_by_name(option->choices), key->value, key->where, h->source->name,
                       key->folder, n, pairs, &out->component);
    mem_free(pairs);
    ODEON_TRY(status);
    out->set = out->given = true;
    out->where = key->where;
    return check_names(h, out->component);
}

/* ---- keys ---- */

/* A default is parsed like a value that was typed, so that it obeys the same bounds. It has no
 * place, and is marked as not given: some components ask whether an option was. */
static odeon_status read_default(const loading *l, const host_section *h,
                                 const odeon_option *option, option_value *out)
{
    if (option->default_text == NULL) {
        return (option->flags & ODEON_OPTION_REQUIRED) == 0
                   ? ODEON_OK
                   : location_fail(h->source->where, h->source->name, "'%s' must be given: %s",
                                   option->name, option->help);
    }
    odeon_status status = component_parse(l->r, option, option->default_text, h->source->where,
                                          h->source->name, NULL, out);
    out->given = false;
    out->where = (location){0};
    return status;
}

/* An own component is read together with other keys; anything else by itself. */
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
    return component_parse(l->r, option, key->value, key->where, h->source->name, key->folder, out);
}

/* ---- keys that nobody knows ---- */

/* An option of what the section's own component is given as one, such as an ODE block's integrator:
 * it stands in the parentheses there, which is the most common confusion of all. */
static bool find_within(const odeon_config *own, const char *name, char *hint, size_t bytes)
{
    for (size_t i = 0; own != NULL && i < own->n; i++) {
        const odeon_config *inner = own->values[i].component;
        hint_name names[SCHEMA_MAX_OPTIONS];
        size_t n = inner != NULL
                       ? schema_names(inner->component->options, 0, names, SCHEMA_MAX_OPTIONS)
                       : 0;
        for (size_t k = 0; k < n; k++) {
            if (hint_is(name, names[k])) {
                (void)snprintf(hint, bytes, ": did you mean %s = %s(%s=...)?",
                               own->component->options[i]->name, inner->component->id,
                               names[k].name);
                return true;
            }
        }
    }
    return false;
}

/* What is known by that name comes first, wherever it is, since a correct name in the wrong place
 * is likelier than a misspelled one; then what is near, here; then the list of what is allowed. */
static odeon_status hint_at(const loading *l, const host_section *h, const char *name,
                            const odeon_config *own, char *hint, size_t bytes)
{
    hint_name names[SCHEMA_MAX_OPTIONS + HOST_MAX_KEYS];
    config_place place;
    bool found;
    size_t n = schema_names(h->options, 0, names, HOST_MAX_KEYS);
    if (own != NULL) {
        n = schema_names(own->component->options, n, names, SCHEMA_MAX_OPTIONS + HOST_MAX_KEYS);
    }
    if (hint_write_known(hint, bytes, name, n, names) || find_within(own, name, hint, bytes)) {
        return ODEON_OK;
    }
    ODEON_TRY(config_find_place(l->r, l->document, h->source, name, &place, &found));
    if (found) {
        config_write_place(&place, hint, bytes);
    } else if (!hint_write(hint, bytes, name, n, names)) {
        hint_list(hint, bytes, n, names);
    }
    return ODEON_OK;
}

/* Where the component was chosen in another file than the key stands in, that file is named: the
 * reader sees only one of the two. */
static odeon_status refuse_key(const loading *l, const host_section *h, const document_key *key,
                               const odeon_config *own)
{
    char hint[512], chosen[256] = "";
    if (own != NULL) {
        bool elsewhere = strcmp(own->where.file, key->where.file) != 0;
        (void)snprintf(chosen, sizeof chosen, " or of %s %s%s%.100s%s", kind_name(own->kind),
                       own->component->id, elsewhere ? " (which stands in " : "",
                       elsewhere ? own->where.file : "", elsewhere ? ")" : "");
    }
    ODEON_TRY(hint_at(l, h, key->name, own, hint, sizeof hint));
    return location_fail(key->where, h->source->name, "'%s' is no key of the section%s%s",
                         key->name, chosen, hint);
}

/* A key that only an earlier component had is not an error, but noted as dropped; everything else
 * must be known to the host or to the component. This comes after the values: a component that
 * cannot be made has the more useful message. */
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
            return refuse_key(l, h, key, own);
        }
    }
    return ODEON_OK;
}

/* The size of the values is fixed, so a table that outgrows it is a fault of this program, which is
 * reported like any other and not left to overrun. */
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

/* The keys of the host in the table's order; those of the own component follow it directly, one a
 * line, so that an override of the normal form can reach each. Text is checked for what an INI
 * cannot hold, since overrides can. */
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
