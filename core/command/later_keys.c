#include "command/later_keys.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/document.h"

static const char root[] = "sample.", told[] = "override ";

/* What follows "override KEY=VALUE: " of text; NULL: it does not begin so. */
static const char *behind(const char *text, const char *key)
{
    size_t n = strlen(key);
    bool same = strncmp(text, told, sizeof told - 1) == 0 &&
                strncmp(text + sizeof told - 1, key, n) == 0 &&
                strncmp(text + sizeof told - 1 + n, ": ", 2) == 0;
    return same ? text + sizeof told - 1 + n + 2 : NULL;
}

odeon_status later_keys_blame(odeon_status status, location where, const char *section, size_t n,
                              char *const *keys)
{
    diag_reason reason = diag_take();
    const char *text = reason.text;
    for (size_t i = 0; i < n && text == reason.text; i++) {
        const char *rest = behind(text, keys[i]);
        text = rest != NULL ? rest : text;
    }
    diag_adopt(text);
    return location_prefix(status, where, section);
}

/* ---- [sample.NAME] ---- */

/* As sample_keys.c makes it. */
static char *override_of(const document_section *section, const document_key *key)
{
    return mem_printf("model.%s.%s=%s", section->name + sizeof root - 1, key->name, key->value);
}

/* The place of the key that the message is about; else that of the first such section. */
static odeon_status blame(odeon_status status, const document *d)
{
    const document_section *found = NULL;
    location where = {0};
    char *text = NULL;
    for (size_t i = 0; i < d->n_sections; i++) {
        const document_section *section = &d->sections[i];
        bool is_sample = strncmp(section->name, root, sizeof root - 1) == 0;
        for (size_t k = 0; is_sample && k < section->n_keys && text == NULL; k++) {
            text = override_of(section, &section->keys[k]);
            bool about = text != NULL && behind(diag_message(), text) != NULL;
            if (about || found == NULL) {
                found = section;
                where = about ? section->keys[k].where : section->where;
            }
            if (!about) {
                mem_free(text);
                text = NULL;
            }
        }
    }
    status =
        later_keys_blame(status, where, found != NULL ? found->name : NULL, text != NULL, &text);
    mem_free(text);
    return status;
}

/* A key that the command line gives for training need be none of what samples are drawn by. */
static bool is_of_command_line(const command_line *a)
{
    bool found = false;
    for (size_t i = 1; i < a->n_operands; i++) {
        found = found || behind(diag_message(), a->operands[i]) != NULL;
    }
    return found;
}

odeon_status later_keys_check_sample(const command_line *a, const setup *s)
{
    setup own;
    bool has = false;
    diag_hush(true); /* what the INI itself gives reason for has been said */
    odeon_status status = setup_open_unknown_sample(a, &own, &has);
    if (status == ODEON_OK && has) {
        status = setup_shapes(&own);
    }
    setup_close(&own);
    diag_hush(false);
    if (status == ODEON_ERR_CONFIG && is_of_command_line(a)) {
        diag_clear();
        return ODEON_OK;
    }
    return status == ODEON_OK || !has ? status : blame(status, s->config->document);
}
