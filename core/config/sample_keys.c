#include "config/sample_keys.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/document.h"

/* What a key says shows when the model is built with it; here it has only to be one of the model:
 * the data and the run are those of training. */
static odeon_status check(const document_key *key)
{
    const char *section = strncmp(key->name, "model.", 6) == 0 ? key->name + 6 : "";
    const char *dot = strchr(section, '.');
    return dot != NULL && dot > section && dot[1] != '\0'
               ? ODEON_OK
               : location_fail(key->where, "sample",
                               "%.100s: keys of a layer are meant, with their path: "
                               "model.NAME.KEY = VALUE",
                               key->name);
}

odeon_status sample_keys_print(loading *l)
{
    const document_section *section = document_find(l->document, "sample");
    for (size_t i = 0; i < section->n_keys; i++) {
        const document_key *key = &section->keys[i];
        ODEON_TRY(check(key));
        text_printf(&l->effective, "%s%s = %s\n", i == 0 ? "[sample]\n" : "", key->name,
                    key->value);
    }
    return ODEON_OK;
}

odeon_status sample_keys_merge(const config *c, size_t n, const char *const *operands,
                               sample_keys *out)
{
    const document_section *section = document_find(c->document, "sample");
    size_t all = n + section->n_keys;
    bool failed = false;
    *out = (sample_keys){.list = mem_zalloc(all, sizeof *out->list)};
    for (size_t i = 0; i < all && out->list != NULL; i++) {
        const document_key *key = i == 0 || i > section->n_keys ? NULL : &section->keys[i - 1];
        char *text = key != NULL ? mem_printf("%s=%s", key->name, key->value)
                                 : mem_strdup(operands[i == 0 ? 0 : i - section->n_keys]);
        failed = failed || text == NULL;
        out->list[out->n++] = text;
    }
    return out->list != NULL && !failed ? ODEON_OK
                                        : diag_fail(ODEON_ERR_NOMEM, "[sample]: no memory");
}

void sample_keys_fini(sample_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        mem_free(keys->list[i]);
    }
    mem_free(keys->list);
    *keys = (sample_keys){.n = 0};
}
