/* manifest.h: what a run was made of, as JSON: version, command line, start, seed, machine, plugins
 * with their build-ids. */
#ifndef ODEON_CORE_MANIFEST_H
#define ODEON_CORE_MANIFEST_H
#include "config.h"
#include "text.h"

typedef struct manifest_facts {
    const config *config;
    const registry *registry;
    const char *device_text;
    int workers, argc;
    const char *const *argv;
} manifest_facts;

/* Adds one JSON object with the time and the machine of now. */
void manifest_print(text_buffer *out, const manifest_facts *facts);

#endif
