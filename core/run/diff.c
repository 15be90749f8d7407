/* Two runs held against each other file by file, as bytes and texts: no plugin is loaded and no
 * model is built, so that runs of other versions can be compared too. What a topic finds goes into
 * one buffer; an empty one is no difference. */
#include "run/diff.h"

#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "base/text.h"
#include "format/ini_file.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "run/manifest_compare.h"
#include "run/metrics_compare.h"

/* A file of each run; NULL where a run lacks it. */
typedef struct pair {
    char *path[2], *text[2];
    size_t bytes[2];
} pair;

/* Also of a pair whose reading failed half way. */
static void pair_fini(pair *p)
{
    for (int i = 0; i < 2; i++) {
        mem_free(p->path[i]);
        mem_free(p->text[i]);
    }
}

/* A file that neither run has is no difference. */
static odeon_status pair_read(const char *const folders[2], const char *name, pair *out)
{
    *out = (pair){.bytes = {0}};
    for (int i = 0; i < 2; i++) {
        out->path[i] = mem_printf("%s/%s", folders[i], name);
        if (out->path[i] == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read %s", folders[i], name);
        }
        if (access(out->path[i], F_OK) == 0) {
            ODEON_TRY(read_file(out->path[i], &out->text[i], &out->bytes[i]));
        }
    }
    return ODEON_OK;
}

/* Are both there? One alone is a difference. */
static bool pair_complete(const pair *p, const char *name, text_buffer *out)
{
    if ((p->text[0] == NULL) != (p->text[1] == NULL)) {
        text_printf(out, "only the %s has %s", p->text[0] != NULL ? "first" : "second", name);
    }
    return p->text[0] != NULL && p->text[1] != NULL;
}

/* ---- options ---- */

/* By name: sections and keys may stand in any order. */
static const ini_key *find_key(const ini_file *file, const char *section, const char *name)
{
    for (size_t i = 0; i < file->n_sections; i++) {
        const ini_section *s = &file->sections[i];
        for (size_t k = 0; k < s->n_keys && strcmp(s->name, section) == 0; k++) {
            if (strcmp(s->keys[k].name, name) == 0) {
                return &s->keys[k];
            }
        }
    }
    return NULL;
}

/* Keys that no number of the results depends on, so that a run and its repetition under another
 * name are equal. */
static bool changes_nothing(const char *section, const char *name)
{
    return strcmp(section, "run") == 0 &&
           (strcmp(name, "name") == 0 || strcmp(name, "checkpoint_every") == 0 ||
            strcmp(name, "checkpoint_seconds") == 0 || strcmp(name, "patience") == 0);
}

/* The first key of a that b lacks or, if values, has with another value. */
static void compare_keys(const ini_file *a, const ini_file *b, bool values, text_buffer *out)
{
    for (size_t i = 0; i < a->n_sections; i++) {
        const ini_section *s = &a->sections[i];
        for (size_t k = 0; k < s->n_keys; k++) {
            const ini_key *mine = &s->keys[k], *other = find_key(b, s->name, mine->name);
            if (changes_nothing(s->name, mine->name) ||
                (other != NULL && (!values || strcmp(mine->value, other->value) == 0))) {
                continue;
            }
            const char *theirs = other != NULL ? other->value : "(none)";
            text_printf(out, "%s.%s = %s | %s", s->name, mine->name, values ? mine->value : theirs,
                        values ? theirs : mine->value);
            return;
        }
    }
}

/* Values of what a has are compared in the first pass; the second finds what only b has. */
static odeon_status compare_inis(const pair *p, text_buffer *out)
{
    ini_file *a = NULL, *b = NULL;
    odeon_status status = ini_file_parse(p->path[0], p->text[0], p->bytes[0], &a);
    if (status == ODEON_OK) {
        status = ini_file_parse(p->path[1], p->text[1], p->bytes[1], &b);
    }
    if (status == ODEON_OK) {
        compare_keys(a, b, true, out);
        if (out->length == 0) {
            compare_keys(b, a, false, out);
        }
    }
    ini_file_destroy(a);
    ini_file_destroy(b);
    return status;
}

/* The one file without which a folder is no run. */
static odeon_status diff_options(const char *const folders[2], text_buffer *out)
{
    pair p;
    odeon_status status = pair_read(folders, "effective.ini", &p);
    for (int i = 0; i < 2 && status == ODEON_OK; i++) {
        if (p.text[i] == NULL) {
            status = diag_fail(ODEON_ERR_CONFIG, "%s: no run: it has no effective.ini", folders[i]);
        }
    }
    if (status == ODEON_OK) {
        status = compare_inis(&p, out);
    }
    pair_fini(&p);
    return status;
}

/* ---- what the runs were made of ---- */

/* A manifest is one JSON object, whose value is the first of the list. */
static odeon_status compare_manifests(const pair *p, manifest_part part, text_buffer *out)
{
    json a = {0}, b = {0};
    odeon_status status = json_parse(p->path[0], p->text[0], p->bytes[0], &a);
    if (status == ODEON_OK) {
        status = json_parse(p->path[1], p->text[1], p->bytes[1], &b);
    }
    if (status == ODEON_OK) {
        manifest_difference(part, a.values, b.values, out);
    }
    json_fini(&a);
    json_fini(&b);
    return status;
}

/* Three topics read the manifest; that only one run has it is reported once, with the first of
 * them. */
static odeon_status diff_manifest(const char *const folders[2], manifest_part part,
                                  text_buffer *out)
{
    pair p;
    odeon_status status = pair_read(folders, "manifest.json", &p);
    if (status == ODEON_OK && p.text[0] != NULL && p.text[1] != NULL) {
        status = compare_manifests(&p, part, out);
    } else if (status == ODEON_OK && part == MANIFEST_PLUGINS) {
        (void)pair_complete(&p, "manifest.json", out);
    }
    pair_fini(&p);
    return status;
}

static odeon_status diff_plugins(const char *const folders[2], text_buffer *out)
{
    return diff_manifest(folders, MANIFEST_PLUGINS, out);
}

static odeon_status diff_machine(const char *const folders[2], text_buffer *out)
{
    return diff_manifest(folders, MANIFEST_MACHINE, out);
}

static odeon_status diff_data(const char *const folders[2], text_buffer *out)
{
    return diff_manifest(folders, MANIFEST_DATA, out);
}

/* ---- what came out ---- */

/* The texts are cut into lines by the comparison and are of no use afterwards. */
static odeon_status diff_metrics(const char *const folders[2], text_buffer *out)
{
    pair p;
    odeon_status status = pair_read(folders, "metrics.csv", &p);
    if (status == ODEON_OK && pair_complete(&p, "metrics.csv", out)) {
        metrics_difference(p.text[0], p.text[1], out);
    }
    pair_fini(&p);
    return status;
}

/* The first tensor of a that b lacks or that has other bytes there. */
static void compare_tensors(const safetensors *a, const safetensors *b, text_buffer *out)
{
    for (size_t i = 0; i < safetensors_count(a); i++) {
        const safetensors_entry *x = safetensors_at(a, i), *y = safetensors_find(b, x->name);
        if (y == NULL || x->dtype != y->dtype || x->bytes != y->bytes ||
            memcmp(x->data, y->data, x->bytes) != 0) {
            text_printf(out, "tensor '%s'", x->name);
            return;
        }
    }
    if (safetensors_count(a) != safetensors_count(b)) {
        text_add(out, "other tensors");
    }
}

/* As bytes: weights that are equal to the last bit, or not. */
static odeon_status diff_weights(const char *const folders[2], text_buffer *out)
{
    pair p;
    safetensors *a = NULL, *b = NULL;
    odeon_status status = pair_read(folders, "weights.safetensors", &p);
    if (status == ODEON_OK && pair_complete(&p, "weights.safetensors", out)) {
        status = safetensors_parse(p.path[0], p.text[0], p.bytes[0], &a);
        if (status == ODEON_OK) {
            status = safetensors_parse(p.path[1], p.text[1], p.bytes[1], &b);
        }
        if (status == ODEON_OK) {
            compare_tensors(a, b, out);
        }
    }
    safetensors_destroy(a);
    safetensors_destroy(b);
    pair_fini(&p);
    return status;
}

/* ---- the whole ---- */

/* compare adds the first difference to out, or nothing; folders are those of both runs. */
typedef struct topic {
    const char *name;
    odeon_status (*compare)(const char *const folders[2], text_buffer *out);
} topic;

/* One line a topic, the first difference of each: the cause often stands above its consequences. */
odeon_status diff_runs(const char *a, const char *b, FILE *out, bool *differ)
{
    static const topic topics[] = {{"options", diff_options}, {"plugins", diff_plugins},
                                   {"machine", diff_machine}, {"data", diff_data},
                                   {"metrics", diff_metrics}, {"weights", diff_weights}};
    const char *const folders[2] = {a, b};
    *differ = false;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        text_buffer line = {0};
        odeon_status status = topics[i].compare(folders, &line);
        if (status == ODEON_OK && line.failed) {
            status = diag_fail(ODEON_ERR_NOMEM, "diff: no memory");
        }
        if (status == ODEON_OK && line.length > 0) {
            *differ = true;
            (void)fprintf(out, "%s: %s\n", topics[i].name, line.data);
        }
        text_fini(&line);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}
