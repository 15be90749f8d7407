/* hints.h: where a key belongs that stands where nobody knows it. */
#ifndef ODEON_CORE_CONFIG_HINTS_H
#define ODEON_CORE_CONFIG_HINTS_H
#include "config/document.h"
#include "plugin/registry.h"

/* A key of a section, or, with an id, an option of the component that the section's key through
 * chooses, where own says whether the component's options are keys of the section. */
typedef struct config_place {
    const char *section, *option; /* section "model.NAME" where any would do */
    const char *through;          /* NULL: the host's own key */
    char id[80];
    bool own;
} config_place;

/* Looks for name (hints.h) among the host's keys of sections other than here (NULL: of all), then
 * among the options of what d's sections choose; plugins that cannot be looked at are passed over.
 * ODEON_ERR_NOMEM; *found says whether there is such a place. */
odeon_status config_find_place(registry *r, const document *d, const document_section *here,
                               const char *name, config_place *out, bool *found);
/* ": did you mean 'lr' of [train], an option of optimizer = adam?" */
void config_write_place(const config_place *place, char *text, size_t bytes);
/* The same as an override: ": did you mean train.lr=1e-2?" */
void config_write_override(const config_place *place, const char *value, char *text, size_t bytes);

#endif
