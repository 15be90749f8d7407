/* document_load.h: a document from the files that it stands in. */
#ifndef ODEON_CORE_CONFIG_DOCUMENT_LOAD_H
#define ODEON_CORE_CONFIG_DOCUMENT_LOAD_H
#include "config/document_edit.h"

enum { DOCUMENT_MAX_DEPTH = 16 }; /* of includes */

/* Reads ini with its includes, applies the overrides in order and replaces ${name}. helper may be
 * NULL. ODEON_ERR_CONFIG, ODEON_ERR_IO, ODEON_ERR_NOMEM; *out is then NULL. */
odeon_status document_load(const char *ini, size_t n_overrides, const char *const *overrides,
                           const document_helper *helper, document **out);

#endif
