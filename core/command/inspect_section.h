/* inspect_section.h: the host's own keys. */
#ifndef ODEON_CORE_COMMAND_INSPECT_SECTION_H
#define ODEON_CORE_COMMAND_INSPECT_SECTION_H
#include <stdbool.h>
#include <stdio.h>

#include "odeon/status.h"

/* Writes the host's own keys of a section ("run", "data", "data.NAME", "train", "model",
 * "plugins"); ODEON_ERR_CONFIG if there is none of that name. */
odeon_status inspect_section(const char *section, bool json, FILE *out);

#endif
