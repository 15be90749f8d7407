/* Files are merged in the order in which their contents hold: what a file includes is read before
 * its own sections, so that a later value is always one of a file nearer to the one that was asked
 * for. */
#include "config/document_load.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/document_edit.h"
#include "config/options.h"
#include "format/ini_file.h"
#include "option/expression.h"
#include "option/kinds.h"

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "out of memory while the configuration is read");
}

/* ---- sections ---- */

/* One section less than an INI may have, since an INI counts its nameless first one: the normal
 * form has to be readable by the same reader. */
static odeon_status add_section(document *d, const char *name, location where)
{
    if (d->n_sections + 1 == INI_FILE_MAX_SECTIONS) { /* the normal form has to be readable, too */
        return location_fail(where, name,
                             "with this one there are more than %d sections in all files",
                             INI_FILE_MAX_SECTIONS - 1);
    }
    document_section *grown = mem_grow(d->sections, d->n_sections, sizeof *grown);
    char *copy = grown != NULL ? mem_strdup(name) : NULL;
    d->sections = grown != NULL ? grown : d->sections;
    if (copy == NULL) {
        return no_memory();
    }
    d->sections[d->n_sections++] = (document_section){.name = copy, .where = where};
    return ODEON_OK;
}

/* What is wrong with the segment of n bytes at text; NULL: nothing. With a kind's name in a path
 * nobody could tell whether model.a.integrator is a section or the key that chooses a component. */
static const char *segment_fault(const char *text, size_t n)
{
    char name[INI_FILE_MAX_NAME + 1];
    (void)snprintf(name, sizeof name, "%.*s", (int)n, text);
    if (n == 0 || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                                    "0123456789")] != '\0') {
        return "names between the dots are letters, digits and underscores";
    }
    return kind_by_name(name) != 0 ? "a kind's name (layer, integrator, ...) cannot name a section"
                                   : NULL;
}

/* A section that the host does not know, and whose name it is not to take. Two spellings are
 * common: a misspelled root of a path, where the rest is kept in the suggestion, and a misspelled
 * fixed section. */
static odeon_status refuse_section(const char *name, location where)
{
    static const char *const roots[] = {"model", "data", "sample", "train"};
    char hint[256], root[INI_FILE_MAX_NAME + 1];
    if (strcmp(name, "model") == 0) {
        return location_fail(where, name, "a layer's section has a name: [model.head]");
    }
    const char *dot = strchr(name, '.');
    (void)snprintf(root, sizeof root, "%.*s", (int)strcspn(name, "."), name);
    const char *nearest = dot != NULL ? nearest_name(root, 4, roots) : NULL;
    if (nearest != NULL) {
        return location_fail(where, name, "there is no such section: did you mean '%s%s'?", nearest,
                             dot);
    }
    nearest_suggest(hint, sizeof hint, name, 10,
                    (const char *const[]){"run", "data", "train", "let", "plugins", "audit",
                                          "data.NAME", "model.NAME", "sample.NAME", "train.NAME"});
    return location_fail(where, name, "there is no such section%s", hint);
}

/* Fixed sections exist from the start, so that finding one means that it is allowed. Every segment
 * of a path is looked at by itself, since segments become parts of parameters' names and of file
 * names. */
static odeon_status check_section(const document *d, const char *name, location where)
{
    bool transform = strncmp(name, "data.", 5) == 0, phase = strncmp(name, "train.", 6) == 0;
    if (!transform && !phase && strncmp(name, "model.", 6) != 0 &&
        strncmp(name, "sample.", 7) != 0) {
        return document_find(d, name) != NULL ? ODEON_OK : refuse_section(name, where);
    }
    if ((transform || phase) && strchr(strchr(name, '.') + 1, '.') != NULL) {
        return location_fail(where, name, "sections [%s.NAME] stand in a row and do not nest",
                             phase ? "train" : "data");
    }
    for (const char *segment = name; segment != NULL;) {
        segment = strchr(segment, '.') + 1;
        const char *fault = segment_fault(segment, strcspn(segment, "."));
        if (fault != NULL) {
            return location_fail(where, name, "%s", fault);
        }
        segment = strchr(segment, '.');
    }
    return ODEON_OK;
}

/* The place of a section is that of its last mention, which is the one a reader of the message has
 * to look at; places of keys are those of their own lines. */
static odeon_status merge_section(document *d, const ini_section *from, document_key source)
{
    const char *file = source.where.file;
    source.where.line = from->line;
    ODEON_TRY(check_section(d, from->name, source.where));
    if (document_find(d, from->name) == NULL) {
        ODEON_TRY(add_section(d, from->name, source.where));
    }
    document_section *section = document_find(d, from->name);
    section->where = source.where;
    for (size_t i = 0; i < from->n_keys; i++) {
        source.where = (location){.file = file, .line = from->keys[i].line};
        ODEON_TRY(document_set(section, from->keys[i].name, from->keys[i].value, source));
    }
    return ODEON_OK;
}

/* ---- files ---- */

/* A file that is being read, and the one that includes it. */
typedef struct reading {
    const char *name; /* as shown */
    const char *path; /* absolute */
    const struct reading *up;
} reading;

static odeon_status read_file(document *d, const char *name, const reading *up);

/* The name of an included file, as the including file's is written: relative where that is, so that
 * a message can be followed from where the command was typed. */
static char *included_name(const char *includer, const char *file)
{
    char *folder = strchr(includer, '/') != NULL ? path_folder(includer) : NULL;
    if (strchr(includer, '/') == NULL) {
        return mem_strdup(file);
    }
    char *name = folder != NULL ? path_absolute(file, folder) : NULL;
    mem_free(folder);
    return name;
}

/* A file that cannot be read is the fault of the line that includes it, whatever its own name is:
 * that line is put in front of the reason. Faults inside the file have a place of their own. */
static odeon_status read_included(document *d, const char *file, location where, const reading *up)
{
    char *name = included_name(up->name, file);
    ODEON_TRY(document_keep(d, name));
    odeon_status status = read_file(d, name, up);
    return status == ODEON_ERR_IO ? location_prefix(status, where, NULL) : status;
}

/* The nameless section before the first [section] has been checked to hold includes alone, of which
 * an INI has one key. */
static odeon_status read_includes(document *d, const ini_section *first, const reading *up)
{
    if (first->n_keys == 0) {
        return ODEON_OK;
    }
    size_t n = 0;
    char **files = NULL;
    location where = {.file = up->name, .line = first->keys[0].line};
    odeon_status status = schema_split(first->keys[0].value, where, &n, &files);
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        status = read_included(d, files[i], where, up);
    }
    schema_split_free(n, files);
    return status;
}

/* A key that somebody has put at the top by mistake is nearly always one of a section that the host
 * knows, which the message then names. */
static odeon_status check_nameless(const ini_section *first, const reading *me)
{
    for (size_t i = 0; i < first->n_keys; i++) {
        const ini_key *key = &first->keys[i];
        if (strcmp(key->name, "include") != 0) {
            const char *home = config_section_of_key(key->name);
            return location_fail((location){.file = me->name, .line = key->line}, NULL,
                                 "'%.60s' comes before the first [section]: only include may%s%s%s",
                                 key->name, home != NULL ? "; put it below [" : "",
                                 home != NULL ? home : "", home != NULL ? "]" : "");
        }
    }
    return ODEON_OK;
}

/* Levels are given out after the includes have taken theirs: the including file's is the larger
 * one, and of several includes the later has the larger. */
static odeon_status merge_file(document *d, const ini_file *file, const reading *me)
{
    ODEON_TRY(check_nameless(&file->sections[0], me));
    ODEON_TRY(read_includes(d, &file->sections[0], me));
    char *folder = path_folder(me->path);
    ODEON_TRY(document_keep(d, folder));
    document_key source = {.where = {.file = me->name}, .folder = folder, .level = d->level++};
    for (size_t i = 1; i < file->n_sections; i++) {
        ODEON_TRY(merge_section(d, &file->sections[i], source));
    }
    return ODEON_OK;
}

/* A file that includes itself, by whatever way, is found along the chain of files under way; a
 * chain that grows without repeating ends at a depth that no sensible INI has. */
static odeon_status check_depth(const reading *me)
{
    int depth = 0;
    for (const reading *x = me->up; x != NULL; x = x->up) {
        if (++depth > DOCUMENT_MAX_DEPTH) {
            return diag_fail(ODEON_ERR_CONFIG, "%s: files include one another more than %d deep",
                             me->name, DOCUMENT_MAX_DEPTH);
        }
        if (strcmp(x->path, me->path) == 0) {
            return diag_fail(ODEON_ERR_CONFIG, "%s: included by itself, by way of %s", me->name,
                             me->up->name);
        }
    }
    return ODEON_OK;
}

/* By absolute path, so that two ways of writing one file are one. */
static bool was_read(const document *d, const char *path)
{
    for (size_t i = 0; i < d->n_paths; i++) {
        if (strcmp(d->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* name belongs to the document. What two files include is read once: reading it again would undo
 * what the first of them sets over it. The path is kept before the check, so that a file which
 * includes itself is found by check_depth and not taken for one that is done. */
static odeon_status read_file(document *d, const char *name, const reading *up)
{
    char *path = path_absolute(name, NULL);
    bool again = path != NULL && was_read(d, path);
    ODEON_TRY(document_keep_path(d, path));
    const reading me = {.name = name, .path = path, .up = up};
    ODEON_TRY(check_depth(&me));
    if (again) {
        return ODEON_OK;
    }
    ini_file *file = NULL;
    ODEON_TRY(ini_file_read(path, name, &d->budget, &file));
    odeon_status status = merge_file(d, file, &me);
    ini_file_destroy(file);
    return status;
}

/* The fixed sections are made before any file is read: nobody has to ask whether they are there. */
static odeon_status read_ini(document *d, const char *ini)
{
    char *name = mem_strdup(ini);
    ODEON_TRY(document_keep(d, name));
    static const char *const fixed[] = {"run", "data", "train", "let", "plugins", "audit"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        ODEON_TRY(add_section(d, fixed[i], (location){.file = name}));
    }
    d->ini = path_absolute(ini, NULL);
    d->folder = d->ini != NULL ? path_folder(d->ini) : NULL;
    return d->folder != NULL ? read_file(d, name, NULL) : no_memory();
}

/* The budget is one for all files together: an INI that includes many large ones is as long as if
 * it had them inside. Overrides come after the files and before the replacement of ${}, since they
 * may set names of [let] and use them. */
odeon_status document_load(const char *ini, size_t n_overrides, const char *const *overrides,
                           const document_helper *helper, document **out)
{
    *out = NULL;
    document *d = mem_zalloc(1, sizeof *d);
    if (d == NULL) {
        return no_memory();
    }
    d->budget = INI_FILE_MAX_BYTES;
    odeon_status status = read_ini(d, ini);
    for (size_t i = 0; i < n_overrides && status == ODEON_OK; i++) {
        status = document_override(d, overrides[i], helper);
    }
    if (status == ODEON_OK) {
        status = document_substitute(d);
    }
    if (status != ODEON_OK) {
        document_destroy(d);
        return status;
    }
    *out = d;
    return ODEON_OK;
}
