/* document_edit.h: what is done to a document once all files are read: overrides, ${name}. */
#ifndef ODEON_CORE_CONFIG_DOCUMENT_EDIT_H
#define ODEON_CORE_CONFIG_DOCUMENT_EDIT_H
#include "config/document.h"

/* Says where an override without a section may belong: ": did you mean run.epochs=3?", or nothing.
 */
typedef struct document_helper {
    void *self;
    odeon_status (*place)(void *self, const document *d, const char *key, const char *value,
                          char *hint, size_t bytes);
} document_helper;

/* Applies "path.key=value". helper may be NULL. ODEON_ERR_CONFIG, ODEON_ERR_NOMEM. */
odeon_status document_override(document *d, const char *override, const document_helper *helper);
/* Replaces ${name} in all values. ODEON_ERR_CONFIG, ODEON_ERR_NOMEM. */
odeon_status document_substitute(document *d);

#endif
