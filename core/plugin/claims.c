#include "plugin/claims.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/kinds.h"

/* Who claims what is read from notes and from names of files, never from what has run. A note is
 * checked against the file's tables after loading (module.c), so that a file cannot claim less
 * than it holds. */

/* ---- lists of components ---- */

enum { KIND_BYTES = 32 }; /* of the name of a kind or an interface, and more */

/* A note may say anything; what becomes part of a path must be a name. */
static bool is_name(int32_t kind, const char *id)
{
    return kind != 0 && (label_is_id(id) || (kind == ODEON_KIND_LAYER && label_is_kernel(id)));
}

/* Behind the id stands the interface, or nothing where its name is the kind's. */
static uint32_t interface_named(const char *c, size_t n, const char *kind)
{
    char name[KIND_BYTES];
    if (n >= sizeof name) {
        return 0;
    }
    memcpy(name, c, n);
    name[n] = '\0';
    uint32_t found = interface_by_name(n == 0 ? kind : name + 1);
    return found != 0 && interface_of(found)->kind == kind_by_name(kind) ? found : 0;
}

bool claim_next(const char **components, claim *out)
{
    const char *c = *components;
    size_t n = strcspn(c, ","), kind_bytes = strcspn(c, "/,"), id_end = strcspn(c, ":,");
    char kind[KIND_BYTES];
    *out = (claim){.kind = 0};
    if (n == 0 && *c == '\0') {
        return false;
    }
    *components = c + n + (c[n] == ',');
    if (kind_bytes < id_end && kind_bytes < sizeof kind &&
        id_end - kind_bytes - 1 < sizeof out->id) {
        memcpy(kind, c, kind_bytes);
        kind[kind_bytes] = '\0';
        memcpy(out->id, c + kind_bytes + 1, id_end - kind_bytes - 1);
        out->kind = kind_by_name(kind);
        out->valid = is_name(out->kind, out->id);
        out->interface = interface_named(c + id_end, n - id_end, kind);
    }
    return true;
}

/* By whole entries: "layer/a" is not in "layer/ab". */
bool claim_is_in(const char *components, int32_t kind, const char *id)
{
    claim c;
    while (claim_next(&components, &c)) {
        if (c.kind == kind && strcmp(c.id, id) == 0) {
            return true;
        }
    }
    return false;
}

bool claim_has(const char *components, const odeon_component *component)
{
    claim c;
    while (claim_next(&components, &c)) {
        if (c.kind == component->kind && strcmp(c.id, component->id) == 0) {
            return c.interface == component->interface;
        }
    }
    return false;
}

/* ---- what may be taken over ---- */

/* Whether such a component ships is not asked: an INI may be used with programs that have been
 * built with different plugins. */
odeon_status claim_list_add(claim_list *list, const char *name)
{
    const char *rest = name;
    claim c;
    if (strchr(name, ':') != NULL || !claim_next(&rest, &c) || *rest != '\0' || !c.valid) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "replace = %.100s: expected KIND/ID, as layer/NAME, of a component "
                         "that ships with the program",
                         name);
    }
    char **names = mem_grow(list->names, list->n, sizeof *names);
    char *copy = names != NULL ? mem_strdup(name) : NULL;
    list->names = names != NULL ? names : list->names;
    if (copy == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for [plugins] replace");
    }
    list->names[list->n++] = copy;
    return ODEON_OK;
}

void claim_list_fini(claim_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        mem_free(list->names[i]);
    }
    mem_free(list->names);
    *list = (claim_list){.n = 0};
}

static bool is_replaced(const claim_list *list, const claim *c)
{
    for (size_t i = 0; i < list->n; i++) {
        if (claim_is_in(list->names[i], c->kind, c->id)) {
            return true;
        }
    }
    return false;
}

/* ---- files that claim the same ---- */

/* By whatever links and spellings the two are reached. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat s, t;
    return strcmp(a, b) == 0 ||
           (stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino);
}

/* Byte for byte. What cannot be read is no copy. */
static bool is_copy(const char *a, const char *b)
{
    char x[4096], y[4096];
    size_t n = 0, m = 0;
    FILE *f = fopen(a, "rbe"), *g = fopen(b, "rbe");
    bool same = f != NULL && g != NULL;
    while (same && !feof(f)) {
        n = fread(x, 1, sizeof x, f);
        m = fread(y, 1, sizeof y, g);
        same = !ferror(f) && !ferror(g) && n == m && memcmp(x, y, n) == 0;
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    if (g != NULL) {
        (void)fclose(g);
    }
    return same;
}

/* The file of that name in folder, if there is one and it is not file itself; be it good or bad,
 * it is meant to stand for the component. */
static odeon_status other_file(const char *folder, const char *file, const claim *c, char **out)
{
    struct stat s;
    *out = NULL;
    char *other = mem_printf("%s/%s/%s.so", folder, kind_name(c->kind), c->id);
    if (other == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to compare it with others", file);
    }
    if (lstat(other, &s) == 0 && !is_same_file(other, file)) {
        *out = other;
    } else {
        mem_free(other);
    }
    return ODEON_OK;
}

/* The file that ships with the program under that name, unless file is it, or a copy of it, which
 * takes nobody's place. */
static odeon_status shipped_file(const search_path *path, const char *file, const claim *c,
                                 char **out)
{
    ODEON_TRY(other_file(path->folders[path->shipped], file, c, out));
    if (*out != NULL && is_copy(file, *out)) {
        mem_free(*out);
        *out = NULL;
    }
    return ODEON_OK;
}

/* Before anything of the file has run: what may not take the place of the program's own may not do
 * anything else either. */
static odeon_status check_shipped(const claim_list *replaced, const search_path *path,
                                  const char *file, const claim *c)
{
    char *shipped = NULL;
    ODEON_TRY(shipped_file(path, file, c, &shipped));
    if (shipped == NULL || is_replaced(replaced, c)) {
        mem_free(shipped);
        return ODEON_OK;
    }
    odeon_status status = diag_fail(
        ODEON_ERR_PLUGIN,
        "%s: it would take the place of %s %s, which ships with the program (%s): give it another "
        "id, or allow it by replace = %s/%s in [plugins]",
        file, kind_name(c->kind), c->id, shipped, kind_name(c->kind), c->id);
    mem_free(shipped);
    return status;
}

/* The order in which a folder lists its files is no order that anybody has chosen, so it decides
 * nothing. */
static odeon_status check_neighbour(const char *file, const char *folder, const claim *c)
{
    char *other = NULL;
    ODEON_TRY(other_file(folder, file, c, &other));
    if (other == NULL) {
        return ODEON_OK;
    }
    odeon_status status = diag_fail(
        ODEON_ERR_PLUGIN, "%s: %s %s is claimed by %s, too, of the same folder: keep one of them",
        file, kind_name(c->kind), c->id, other);
    mem_free(other);
    return status;
}

odeon_status claims_check(const claim_list *replaced, const search_path *path, const char *file,
                          const char *folder, const char *components)
{
    claim c;
    while (claim_next(&components, &c)) {
        if (!c.valid) {
            continue; /* refused when its table is read, or of a kind that nobody asks for */
        }
        if (folder != NULL) {
            ODEON_TRY(check_neighbour(file, folder, &c));
        }
        ODEON_TRY(check_shipped(replaced, path, file, &c));
    }
    return ODEON_OK;
}

/* Once a file is loaded; a manifest keeps the same for whoever compares runs later. */
odeon_status claims_tell(const search_path *path, const char *file, const char *components,
                         text_buffer *out)
{
    claim c;
    while (claim_next(&components, &c)) {
        char *shipped = NULL;
        ODEON_TRY(c.valid ? shipped_file(path, file, &c, &shipped) : ODEON_OK);
        if (shipped != NULL) {
            diag_log(
                ODEON_LOG_INFO,
                "%s: its %s %s takes the place of the one that ships with the program (%s), as "
                "[plugins] replace says",
                file, kind_name(c.kind), c.id, shipped);
            text_printf(out, "%s%s/%s", out->length > 0 ? "," : "", kind_name(c.kind), c.id);
        }
        mem_free(shipped);
    }
    return out->failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory to load it", file) : ODEON_OK;
}
