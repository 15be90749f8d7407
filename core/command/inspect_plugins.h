/* inspect_plugins.h: what plugins there are. */
#ifndef ODEON_CORE_COMMAND_INSPECT_PLUGINS_H
#define ODEON_CORE_COMMAND_INSPECT_PLUGINS_H
#include <stdbool.h>
#include <stdio.h>

#include "plugin/registry.h"

/* Writes for every plugin file under the search path kind, id, version, ABI, summary and, below,
 * file; then those that cannot be used, with the reason, a kernel without its layer among them.
 * Each is loaded in a process of its own, at most one second long, so that none can end the list.
 * Nothing is loaded into r. As JSON: an object of two lists, "plugins" (objects as
 * inspect_component's) and "refused" (kind, id, file, reason). A refused plugin is no failure;
 * ODEON_ERR_IO, ODEON_ERR_NOMEM are. [main] */
odeon_status inspect_plugins(registry *r, bool json, FILE *out);

#endif
