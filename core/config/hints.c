#include "config/hints.h"

#include <string.h>

#include "base/diag.h"
#include "base/hints.h"
#include "config/options.h"
#include "option/kinds.h"
#include "plugin/registry.h"

/* The option that is meant; exact: of that very name. */
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

/* What a key chooses, as far as it can be looked at. */
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

/* Of layers, a key belongs to one of those around: what another has is nothing to this one. */
static bool is_stranger(const document_section *section, const document_section *here)
{
    size_t n = strlen(section->name);
    bool layers = here != NULL && strncmp(here->name, "model.", 6) == 0 &&
                  strncmp(section->name, "model.", 6) == 0;
    return layers && (strncmp(here->name, section->name, n) != 0 ||
                      (here->name[n] != '.' && here->name[n] != '\0'));
}

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
