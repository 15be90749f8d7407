#include "config/hints.h"

#include <string.h>

#include "base/diag.h"
#include "base/hints.h"
#include "config/options.h"
#include "option/kinds.h"
#include "plugin/registry.h"

/* The option that is meant; exact: of that very name, else also by another name that people use for
 * it (its aliases). */
static const odeon_option *find_option(const odeon_option *const *options, const char *name,
                                       bool exact)
{
    for (; options != NULL && *options != NULL; options++) {
        const hint_name known = {(*options)->name, (*options)->aliases};
        if (exact ? strcmp(known.name, name) == 0 : hint_is(name, known)) {
            return *options;
        }
    }
    return NULL;
}

/* ---- among the host's keys ---- */

/* Any model section would do for a key of "model", so its name is left open in the hint. */
static bool find_host_key(const char *here, const char *name, bool exact, config_place *out)
{
    const char *section;
    for (size_t i = 0; (section = config_host_section(i)) != NULL; i++) {
        if (here != NULL && strcmp(section, here) == 0) {
            continue;
        }
        const odeon_option *option = find_option(config_host_options(section), name, exact);
        if (option != NULL) {
            *out = (config_place){.section = strcmp(section, "model") == 0 ? "model.NAME" : section,
                                  .option = option->name};
            return true;
        }
    }
    return false;
}

/* ---- among the options of components ---- */

/* What a key chooses, as far as it can be looked at. This is only for a hint: a plugin that cannot
 * be loaded is passed over in silence here, because the message that the hint belongs to must not
 * be displaced by another one. Memory alone is a failure of its own. */
static odeon_status look_at(registry *r, const odeon_option *option, const char *value,
                            const odeon_component **out, char id[80])
{
    int32_t kind = kind_by_name(option->choices);
    *out = NULL;
    (void)snprintf(id, 80, "%.*s", (int)strcspn(value, "( \t"), value);
    odeon_status status = registry_look_at(r, kind, id, out);
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM) {
        diag_clear();
        *out = NULL;
        status = ODEON_OK;
    }
    return status;
}

/* Looks through the components that a section's own keys choose. Components inside parentheses are
 * not looked at: a hint two levels deep would be longer than the message. */
static odeon_status find_in_section(registry *r, const document_section *section,
                                    const document_section *here, const char *name,
                                    config_place *out, bool *found)
{
    const char *table = config_table_of(section->name), *own = config_own_key(table);
    const odeon_option *const *options = config_host_options(table);
    for (; options != NULL && *options != NULL && !*found; options++) {
        const odeon_option *o = *options;
        bool is_own = own != NULL && strcmp(own, o->name) == 0;
        const document_key *key =
            o->type == ODEON_OPTION_COMPONENT ? document_find_key(section, o->name) : NULL;
        const odeon_component *c = NULL;
        if (key == NULL || (is_own && section == here)) {
            continue; /* what is no option of here's own component has been seen */
        }
        config_place place = {.section = section->name, .through = o->name, .own = is_own};
        ODEON_TRY(look_at(r, o, key->value, &c, place.id));
        const odeon_option *option = c != NULL ? find_option(c->options, name, false) : NULL;
        if (option != NULL) {
            place.option = option->name;
            *out = place;
            *found = true;
        }
    }
    return ODEON_OK;
}

/* Of layers, a key belongs to one of those around: what another branch of the model has is nothing
 * to this one, and naming it would send the reader to the wrong place. */
static bool is_stranger(const document_section *section, const document_section *here)
{
    size_t n = strlen(section->name);
    bool layers = here != NULL && strncmp(here->name, "model.", 6) == 0 &&
                  strncmp(section->name, "model.", 6) == 0;
    return layers && (strncmp(here->name, section->name, n) != 0 ||
                      (here->name[n] != '.' && here->name[n] != '\0'));
}

/* Exact names of the host first, then options of what is chosen, then other names of the host's
 * keys: in this order the first find is the likeliest. */
odeon_status config_find_place(registry *r, const document *d, const document_section *here,
                               const char *name, config_place *out, bool *found)
{
    const char *table = here != NULL ? config_table_of(here->name) : NULL;
    *found = find_host_key(table, name, true, out);
    for (size_t i = 0; i < d->n_sections && !*found; i++) {
        if (is_stranger(&d->sections[i], here)) {
            continue;
        }
        ODEON_TRY(find_in_section(r, &d->sections[i], here, name, out, found));
    }
    *found = *found || find_host_key(table, name, false, out);
    return ODEON_OK;
}

/* ---- as text ---- */

/* The three forms are the three ways to set it: as a key of the host, as a key of a section whose
 * component has it, or in the component's parentheses. */
void config_write_place(const config_place *place, char *text, size_t bytes)
{
    if (place->through == NULL) {
        (void)snprintf(text, bytes, ": did you mean '%s' of [%s]?", place->option, place->section);
    } else if (place->own) {
        (void)snprintf(text, bytes, ": did you mean '%s' of [%s], an option of %s = %s?",
                       place->option, place->section, place->through, place->id);
    } else {
        (void)snprintf(text, bytes, ": did you mean [%s] %s = %s(%s=...)?", place->section,
                       place->through, place->id, place->option);
    }
}

/* A value is shown, since it was typed with the override; it is cut, as it may be long. */
void config_write_override(const config_place *place, const char *value, char *text, size_t bytes)
{
    if (place->through == NULL || place->own) {
        (void)snprintf(text, bytes, ": did you mean %s.%s=%.100s?", place->section, place->option,
                       value);
    } else {
        (void)snprintf(text, bytes, ": did you mean %s.%s=%s(%s=%.100s)?", place->section,
                       place->through, place->id, place->option, value);
    }
}
