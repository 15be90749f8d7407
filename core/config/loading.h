/* loading.h: a configuration under way. */
#ifndef ODEON_CORE_CONFIG_LOADING_H
#define ODEON_CORE_CONFIG_LOADING_H
#include "base/text.h"
#include "config/config.h"
#include "config/document.h"
#include "plugin/registry.h"

/* Invariants: document is c->document, which does not change any more but for run.device; effective
 * holds the normal form of all that has been read so far. */
typedef struct loading {
    registry *r;
    document *document; /* the configuration's */
    config *c;
    text_buffer effective;
    bool untrained; /* [data] does without [train] */
} loading;

#endif
