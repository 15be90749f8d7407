#include "config/document.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "option/expression.h"

/* One text for all of them: no list here is worth telling apart in a message about memory. */
static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory while the configuration is read");
}

/* Appends text, which is the list's from now on; on failure it is freed. Taking it over in any case
 * lets callers pass what they have just made without a branch for the case that it failed, text
 * NULL included. */
static odeon_status keep(size_t *n, char ***list, char *text)
{
    char **grown = text != NULL ? mem_grow(*list, *n, sizeof *grown) : NULL;
    if (grown == NULL) {
        mem_free(text);
        return no_memory();
    }
    *list = grown;
    grown[(*n)++] = text;
    return ODEON_OK;
}

odeon_status document_keep(document *d, char *text)
{
    return keep(&d->n_strings, &d->strings, text);
}

odeon_status document_keep_path(document *d, char *path)
{
    return keep(&d->n_paths, &d->paths, path);
}

/* Linear, like every search here: an INI has tens of sections, and each is looked up a few times in
 * the life of a run. */
document_section *document_find(const document *d, const char *name)
{
    for (size_t i = 0; i < d->n_sections; i++) {
        if (strcmp(d->sections[i].name, name) == 0) {
            return &d->sections[i];
        }
    }
    return NULL;
}

document_key *document_find_key(const document_section *section, const char *name)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        if (strcmp(section->keys[i].name, name) == 0) {
            return &section->keys[i];
        }
    }
    return NULL;
}

/* The list of names is made for this call alone, since sections come and go while files are merged.
 */
odeon_status document_suggest(const document *d, const char *name, char *hint, size_t bytes)
{
    const char **names = mem_zalloc(d->n_sections, sizeof *names);
    if (names == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < d->n_sections; i++) {
        names[i] = d->sections[i].name;
    }
    nearest_suggest(hint, bytes, name, d->n_sections, names);
    mem_free(names);
    return ODEON_OK;
}

/* The last value stands in the key and the earlier ones are kept beside it: which component an
 * earlier source chose decides later which keys may be dropped silently (replaced.h). The key is
 * appended only when both copies are there, so that a failure leaves the section as it was, but for
 * room in the list. */
odeon_status document_set(document_section *section, const char *name, const char *value,
                          document_key source)
{
    document_key *key = document_find_key(section, name);
    char *copy = mem_strdup(value);
    if (key == NULL && copy != NULL) {
        document_key *grown = mem_grow(section->keys, section->n_keys, sizeof *grown);
        char *own_name = grown != NULL ? mem_strdup(name) : NULL;
        section->keys = grown != NULL ? grown : section->keys;
        if (own_name != NULL) {
            key = &section->keys[section->n_keys++];
            *key = (document_key){.name = own_name};
        }
    }
    if (key == NULL || copy == NULL) {
        mem_free(copy);
        return no_memory();
    }
    char *before = key->value;
    key->value = copy;
    key->where = source.where;
    key->folder = source.folder;
    key->level = source.level;
    return before == NULL ? ODEON_OK : keep(&key->n_replaced, &key->replaced, before);
}

/* Values that were replaced are a list of texts like any other. d->sections may hold sections
 * without keys, and after a failed load any list may be empty. */
void document_destroy(document *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->n_sections; i++) {
        document_section *section = &d->sections[i];
        for (size_t k = 0; k < section->n_keys; k++) {
            mem_free(section->keys[k].name);
            mem_free(section->keys[k].value);
            schema_split_free(section->keys[k].n_replaced, section->keys[k].replaced);
        }
        mem_free(section->keys);
        mem_free(section->name);
    }
    mem_free(d->sections);
    schema_split_free(d->n_strings, d->strings);
    schema_split_free(d->n_paths, d->paths);
    mem_free(d->ini);
    mem_free(d->folder);
    mem_free(d);
}
