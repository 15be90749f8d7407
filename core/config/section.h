/* section.h: one section's keys as the host reads them. */
#ifndef ODEON_CORE_CONFIG_SECTION_H
#define ODEON_CORE_CONFIG_SECTION_H
#include "config/loading.h"

enum { HOST_MAX_KEYS = 32 }; /* of any section */

/* The values of the host's keys of one section. Invariant: values[i] is that of options[i]; those
 * behind the table's end are empty. */
typedef struct host_section {
    const document_section *source;
    const odeon_option *const *options;
    const char *own; /* the key whose component's options are keys of the section; NULL: none */
    option_value values[HOST_MAX_KEYS];
} host_section;

/* Reads source by the host's table for it ("run", "model", "data.NAME"). A key that is neither the
 * host's nor an option of own's component is an error; without such a component every key that is
 * not the host's is. Fini it even on failure. */
odeon_status host_section_read(loading *l, const document_section *source, const char *table,
                               const char *own, host_section *out);
void host_section_fini(host_section *h);

option_value *host_value(host_section *h, const char *name);
odeon_config *host_take(host_section *h, const char *name); /* a component; the caller's then */

/* "[name]" and every key that has a value. */
odeon_status host_section_print(text_buffer *out, const host_section *h);

#endif
