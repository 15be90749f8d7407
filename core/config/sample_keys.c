#include "config/sample_keys.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/document.h"
#include "config/document_load.h"

static const char root[] = "sample.";
enum { ROOT_BYTES = sizeof root - 1 };

/* The path of the model's section that one stands for; NULL: it stands for none. */
static const char *path_of(const document_section *section)
{
    return strncmp(section->name, root, ROOT_BYTES) == 0 ? section->name + ROOT_BYTES : NULL;
}

/* What the keys say shows when the model is built with them. */
static odeon_status check(const loading *l, const document_section *section)
{
    char *name = mem_printf("model.%s", path_of(section));
    if (name == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "[%s]: no memory", section->name);
    }
    bool known = document_find(l->document, name) != NULL;
    mem_free(name);
    return known ? ODEON_OK
                 : location_fail(section->where, section->name,
                                 "there is no [model.%s] whose keys it could change for sampling",
                                 path_of(section));
}

odeon_status sample_keys_print(loading *l)
{
    for (size_t i = 0; i < l->document->n_sections; i++) {
        const document_section *section = &l->document->sections[i];
        if (path_of(section) == NULL) {
            continue;
        }
        ODEON_TRY(check(l, section));
        text_printf(&l->effective, "[%s]\n", section->name);
        for (size_t k = 0; k < section->n_keys; k++) {
            text_printf(&l->effective, "%s = %s\n", section->keys[k].name, section->keys[k].value);
        }
    }
    return ODEON_OK;
}

static void add(sample_keys *keys, char *text, bool *failed)
{
    *failed = *failed || text == NULL;
    if (text != NULL) {
        keys->list[keys->n++] = text;
    }
}

static void add_section(sample_keys *keys, const document_section *section, bool *failed)
{
    for (size_t k = 0; k < section->n_keys && path_of(section) != NULL; k++) {
        add(keys,
            mem_printf("model.%s.%s=%s", path_of(section), section->keys[k].name,
                       section->keys[k].value),
            failed);
    }
}

/* Those of the operands that change what the sections say. */
static odeon_status load(const char *ini, size_t n, const char *const *operands, document **out)
{
    size_t own = 0;
    const char **overrides = mem_zalloc(n, sizeof *overrides);
    if (overrides == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "[sample.NAME]: no memory");
    }
    for (size_t i = 1; i < n; i++) {
        if (strncmp(operands[i], root, ROOT_BYTES) == 0 || strncmp(operands[i], "let.", 4) == 0) {
            overrides[own++] = operands[i];
        }
    }
    odeon_status status = document_load(ini, own, overrides, NULL, out);
    mem_free(overrides);
    return status;
}

static odeon_status merge(const document *d, size_t n, const char *const *operands,
                          sample_keys *out)
{
    size_t most = n;
    bool failed = false;
    for (size_t i = 0; i < d->n_sections; i++) {
        most += d->sections[i].n_keys;
    }
    out->list = mem_zalloc(most, sizeof *out->list);
    if (out->list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "[sample.NAME]: no memory");
    }
    add(out, mem_strdup(operands[0]), &failed);
    for (size_t i = 0; i < d->n_sections; i++) {
        add_section(out, &d->sections[i], &failed);
    }
    for (size_t i = 1; i < n; i++) {
        add(out, mem_strdup(operands[i]), &failed);
    }
    return failed ? diag_fail(ODEON_ERR_NOMEM, "[sample.NAME]: no memory") : ODEON_OK;
}

odeon_status sample_keys_read(const char *ini, size_t n, const char *const *operands,
                              sample_keys *out)
{
    document *d = NULL;
    *out = (sample_keys){.n = 0};
    ODEON_TRY(load(ini, n, operands, &d));
    odeon_status status = merge(d, n, operands, out);
    document_destroy(d);
    return status;
}

void sample_keys_fini(sample_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        mem_free(keys->list[i]);
    }
    mem_free(keys->list);
    *keys = (sample_keys){.n = 0};
}
