/* options.h: the host's own keys, section by section. */
#ifndef ODEON_CORE_CONFIG_OPTIONS_H
#define ODEON_CORE_CONFIG_OPTIONS_H
#include <stddef.h>

#include "odeon/option.h"

/* The host's own keys by section ("run", "data", "train", "model", "plugins", "data.NAME",
 * "train.NAME"), for inspect and the reference file; ends with NULL. */
const odeon_option *const *config_host_options(const char *section);
/* The names of these sections, from index 0 on; NULL behind the last. */
const char *config_host_section(size_t index);

/* The first of the host's sections that has a key of that name: "run"; NULL: none. */
const char *config_section_of_key(const char *name);
/* The table of a section's host keys: "run", "model", "data.NAME"; the key whose component's
 * options are keys of such a section, or NULL. */
const char *config_table_of(const char *section);
const char *config_own_key(const char *table);

#endif
