#include "config/losses.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/expression.h"
#include "option/schema_print.h"
#include "plugin/component.h"

/* The metrics tell losses apart by their ids, and the same loss twice is one with the sum of both
 * weights. */
static odeon_status check_twice(const config *c, location where)
{
    const char *id = c->losses[c->n_losses - 1]->component->id;
    for (size_t i = 0; i + 1 < c->n_losses; i++) {
        if (strcmp(c->losses[i]->component->id, id) == 0) {
            return location_fail(where, "train",
                                 "loss: %s is in it twice: give it once, with both weights "
                                 "together",
                                 id);
        }
    }
    return ODEON_OK;
}

/* n_losses counts those that are there, one by one: when one fails, exactly those before it are
 * destroyed with the configuration. */
static odeon_status add_losses(loading *l, const option_value *value, const char *folder, size_t n,
                               char *const *texts)
{
    config *c = l->c;
    c->losses = mem_zalloc(n, sizeof(odeon_config *));
    if (c->losses == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "out of memory for train.loss");
    }
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(component_read(l->r, ODEON_KIND_LOSS, texts[i], value->where, "train", folder, 0,
                                 NULL, &c->losses[i]));
        c->n_losses++;
        ODEON_TRY(check_twice(c, value->where));
    }
    return ODEON_OK;
}

/* Each loss with all its options written out, in place of what was typed, so that printing the
 * section needs to know nothing of losses. */
static odeon_status set_normal_form(const config *c, option_value *value)
{
    text_buffer text = {0};
    odeon_status status = ODEON_OK;
    for (size_t i = 0; i < c->n_losses && status == ODEON_OK; i++) {
        text_add(&text, i > 0 ? ", " : "");
        status = schema_print(&text, c->losses[i]);
    }
    if (status == ODEON_OK && text.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "out of memory for train.loss");
    }
    if (status != ODEON_OK) {
        text_fini(&text);
        return status;
    }
    mem_free(value->text);
    value->text = text.data;
    return ODEON_OK;
}

/* loss is a text and no component for the host, since it may be a list. The folder is that of the
 * key's file: paths among a loss's options count from there. */
odeon_status losses_read(loading *l, host_section *h)
{
    option_value *value = host_value(h, "loss");
    const document_key *key = document_find_key(h->source, "loss");
    size_t n = 0;
    char **texts = NULL;
    ODEON_TRY(schema_split(value->text, value->where, &n, &texts));
    odeon_status status = add_losses(l, value, key->folder, n, texts);
    schema_split_free(n, texts);
    return status != ODEON_OK ? status : set_normal_form(l->c, value);
}
