#include "config/document_edit.h"

#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "config/options.h"
#include "format/ini_file.h"
#include "option/expression.h"

/* ---- overrides ---- */

/* An override under way: path, without its key, and the key are cut out of text. */
typedef struct edit {
    document *d;
    location where;
    char *path, *key, *value;
} edit;

/* There is no section e->path. Often the user has gone one step too far, from a section to a
 * component in it: whether the last part is a key of the section above decides which of two
 * spellings sets the option that was meant. The path is cut at its last dot to look that up, and
 * mended for the general message. */
static odeon_status refuse_path(const edit *e)
{
    char hint[512];
    char *dot = strrchr(e->path, '.');
    if (dot != NULL) {
        *dot = '\0';
        const document_section *section = document_find(e->d, e->path);
        if (section != NULL && document_find_key(section, dot + 1) != NULL) {
            const char *own = config_own_key(config_table_of(e->path));
            if (own != NULL && strcmp(own, dot + 1) == 0) {
                return location_fail(
                    e->where, NULL,
                    "'%s' is a key of [%s], whose keys are its options too: %s.%s=%s", dot + 1,
                    e->path, e->path, e->key, e->value);
            }
            return location_fail(e->where, NULL,
                                 "'%s' is a key of [%s]: its component's options are set with it, "
                                 "%s.%s=NAME(%s=%s)",
                                 dot + 1, e->path, e->path, dot + 1, e->key, e->value);
        }
        *dot = '.';
    }
    ODEON_TRY(document_suggest(e->d, e->path, hint, sizeof hint));
    return location_fail(e->where, NULL, "there is no section [%s]%s", e->path, hint);
}

/* Names of [let] that may be used at this place: the first n of them. INI files bound the number of
 * keys per section, so a fixed array holds all that one file can give; of more, which several files
 * can make, the first are enough for a hint. */
static void suggest_let(const document_section *let, size_t n, const char *name, char *hint,
                        size_t bytes)
{
    const char *names[INI_FILE_MAX_KEYS];
    for (size_t i = 0; i < n && i < INI_FILE_MAX_KEYS; i++) {
        names[i] = let->keys[i].name;
    }
    if (n > 0) {
        nearest_suggest(hint, bytes, name, n < INI_FILE_MAX_KEYS ? n : INI_FILE_MAX_KEYS, names);
    } else {
        (void)snprintf(hint, bytes, ": write %.60s = TEXT below a [let] of the INI", name);
    }
}

/* A new name in [let] would change nothing, because no value refers to it: it is a misspelling of
 * one that exists. */
static odeon_status check_let(const edit *e, const document_section *let)
{
    if (document_find_key(let, e->key) != NULL) {
        return ODEON_OK;
    }
    char hint[256];
    suggest_let(let, let->n_keys, e->key, hint, sizeof hint);
    return location_fail(e->where, "let", "there is no '%s'%s", e->key, hint);
}

/* An override stands on the highest level and outside of any file: a relative path in it counts
 * from the working directory, as on any command line. */
static odeon_status apply(const edit *e)
{
    document_section *section = document_find(e->d, e->path);
    if (section == NULL) {
        return refuse_path(e);
    }
    if (strcmp(section->name, "let") == 0) {
        ODEON_TRY(check_let(e, section));
    }
    document_key source = {.where = e->where, .level = DOCUMENT_OVERRIDE};
    return document_set(section, e->key, e->value, source);
}

/* What an INI could not hold must not come in through an override either, or the normal form of the
 * run could not be read again. The bounds are those of ini_file.h. */
static const char *text_fault(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);
    if (n > INI_FILE_MAX_LINE) {
        return "too long";
    }
    for (size_t i = 0, length; i < n; i += length) {
        length = text_utf8(p + i, n - i);
        if (length == 0 || (p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f) {
            return length == 0 ? "not UTF-8"
                               : "control characters and line ends are not allowed here";
        }
    }
    return NULL;
}

/* Takes text apart in place: path up to the last dot before the first '=', then key, then value,
 * which may have further '='. A bare NAME=VALUE is let through without a path, so that refuse_bare
 * can say where it belongs; with an empty value there is nothing to show. */
static const char *cut_override(edit *e, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return "expected path.key=value";
    }
    *equals = '\0';
    e->value = text_trim(equals + 1);
    e->path = text_trim(text);
    char *dot = strrchr(e->path, '.');
    if (dot == NULL && label_is_name(e->path) && *e->value != '\0') {
        e->key = e->path; /* perhaps somebody knows where it belongs */
        e->path = NULL;
        return NULL;
    }
    if (dot == NULL || dot == e->path || !label_is_name(dot + 1)) {
        return "expected path.key=value, the path that of a section, as train.loss=NAME";
    }
    *dot = '\0';
    e->key = dot + 1;
    return *e->value == '\0' ? "no value is given" : NULL;
}

/* The hint, if there is one, takes the place of the example: both would say the same twice. */
static odeon_status refuse_bare(const edit *e, const document_helper *helper)
{
    char hint[512] = "";
    if (helper != NULL) {
        ODEON_TRY(helper->place(helper->self, e->d, e->key, e->value, hint, sizeof hint));
    }
    return location_fail(e->where, NULL, "expected path.key=value, the path that of a section%s%s",
                         hint[0] != '\0' ? "" : ", as train.loss=NAME", hint);
}

/* The override as it was typed serves as the name of a file in messages, and every value that it
 * sets points at it, so the document keeps it to its end. */
odeon_status document_override(document *d, const char *override, const document_helper *helper)
{
    char *shown = mem_printf("override %s", override);
    ODEON_TRY(document_keep(d, shown));
    edit e = {.d = d, .where = {.file = shown}};
    const char *fault = text_fault(override);
    if (fault != NULL) {
        return location_fail(e.where, NULL, "%s", fault);
    }
    char *text = mem_strdup(override);
    if (text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for an override");
    }
    fault = cut_override(&e, text);
    odeon_status status = fault != NULL    ? location_fail(e.where, NULL, "%s", fault)
                          : e.path == NULL ? refuse_bare(&e, helper)
                                           : apply(&e);
    mem_free(text);
    return status;
}

/* ---- [let] ---- */

/* A value whose ${name} are being replaced by the first n keys of let. */
typedef struct expansion {
    document_section *let;
    const document_section *section;
    size_t n;
    const document_key *key;
} expansion;

/* Within [let] only lines above count, which the message says; on its first line there is nothing
 * to suggest. */
static odeon_status refuse_name(const expansion *x, const char *name)
{
    char hint[256] = "";
    if (x->section != x->let || x->n > 0) {
        suggest_let(x->let, x->n, name, hint, sizeof hint);
    }
    return location_fail(x->key->where, x->section->name, "%s: [let] has no '%.60s'%s%s",
                         x->key->name, name, x->section == x->let ? " before this line" : "", hint);
}

/* Only the first n names are visible. In [let] itself n is the line's own index: a name can neither
 * refer to itself nor to a later one, so that there are no circles to look for. */
static document_key *find_let(const expansion *x, const char *name)
{
    document_key *key = document_find_key(x->let, name);
    return key != NULL && (size_t)(key - x->let->keys) < x->n ? key : NULL;
}

/* Adds what stands for the ${name} at *text, which it moves behind it. The value found has been
 * expanded before, since names refer only upward, and is marked as used for the warning about idle
 * names. */
static odeon_status expand_name(const expansion *x, const char **text, text_buffer *out)
{
    char name[INI_FILE_MAX_NAME + 1];
    size_t n = strcspn(*text, "}");
    if ((*text)[n] != '}' || n == 2 || n - 2 > INI_FILE_MAX_NAME) {
        return location_fail(x->key->where, x->section->name,
                             "%s = %.80s: '${' without a name and '}'", x->key->name,
                             x->key->value);
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(n - 2), *text + 2);
    document_key *found = find_let(x, name);
    if (found == NULL) {
        return refuse_name(x, name);
    }
    found->used = true;
    text_add(out, found->value);
    *text += n + 1;
    return ODEON_OK;
}

/* Length is checked after every name and not at the end: a value that doubles from line to line
 * would otherwise need memory without bound before it is refused. */
static odeon_status expand(const expansion *x, text_buffer *out)
{
    for (const char *text = x->key->value; *text != '\0';) {
        const char *next = strstr(text, "${");
        text_add_bytes(out, text, next != NULL ? (size_t)(next - text) : strlen(text));
        if (next == NULL) {
            break;
        }
        text = next;
        ODEON_TRY(expand_name(x, &text, out));
        if (out->length > INI_FILE_MAX_LINE) { /* also what keeps doubling in [let] */
            return location_fail(x->key->where, x->section->name,
                                 "%s: more than %d bytes once ${} is replaced", x->key->name,
                                 INI_FILE_MAX_LINE);
        }
    }
    return ODEON_OK;
}

/* Values without ${ stay as they are, which are nearly all. The sum over all values is bounded too:
 * many short values may each repeat one long text. An expansion is never empty, since values are
 * not. */
static odeon_status substitute(document *d, document_section *let, const document_section *section,
                               size_t index)
{
    document_key *key = &section->keys[index];
    if (strstr(key->value, "${") == NULL) {
        return ODEON_OK;
    }
    text_buffer text = {0};
    const expansion x = {
        .let = let, .section = section, .n = section == let ? index : let->n_keys, .key = key};
    odeon_status status = expand(&x, &text);
    d->expanded += text.length;
    if (status == ODEON_OK && d->expanded > INI_FILE_MAX_BYTES) {
        status = location_fail(key->where, section->name, "more than %d bytes come out of ${}",
                               INI_FILE_MAX_BYTES);
    }
    char *value =
        status == ODEON_OK && !text.failed && text.length > 0 ? mem_strdup(text.data) : NULL;
    if (status == ODEON_OK && value == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "out of memory for the value of '%s'", key->name);
    }
    text_fini(&text);
    if (status == ODEON_OK) {
        mem_free(key->value);
        key->value = value;
    }
    return status;
}

/* [let] first and in order, so that its values hold no ${ any more when the others are replaced;
 * each value is then gone through once. */
odeon_status document_substitute(document *d)
{
    document_section *let = document_find(d, "let");
    for (size_t k = 0; k < let->n_keys; k++) {
        ODEON_TRY(substitute(d, let, let, k));
    }
    for (size_t i = 0; i < d->n_sections; i++) {
        for (size_t k = 0; k < d->sections[i].n_keys && &d->sections[i] != let; k++) {
            ODEON_TRY(substitute(d, let, &d->sections[i], k));
        }
    }
    return ODEON_OK;
}
