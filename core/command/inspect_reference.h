/* inspect_reference.h: all keys there are. */
#ifndef ODEON_CORE_COMMAND_INSPECT_REFERENCE_H
#define ODEON_CORE_COMMAND_INSPECT_REFERENCE_H
#include <stdio.h>

#include "plugin/registry.h"

/* Writes an INI of comments: every section with the host's keys, then every component under the
 * search path that can be used, with its options; each key with default, type and meaning. [main]
 */
odeon_status inspect_reference(registry *r, FILE *out);

#endif
