/* inspect.h: what plugins there are, and what one can be told. */
#ifndef ODEON_CORE_INSPECT_H
#define ODEON_CORE_INSPECT_H
#include <stdio.h>

#include "registry.h"

/* Writes for every plugin file under the search path kind, id, version, summary and, below, file;
 * then those that cannot be used, with the reason. Each is loaded in a process of its own, at most
 * two seconds long, so that none can end the list. Nothing is loaded into r. A refused plugin is no
 * failure; ODEON_ERR_IO, ODEON_ERR_NOMEM are. [main] */
odeon_status inspect_plugins(registry *r, FILE *out);

/* Writes what a component says of itself: summary, versions, licence, source, file, build-id, ABI,
 * the figures of an integrator, and every option with its default, meaning and what is allowed.
 * Errors as registry_find's. Loads in a process of its own as well. [main] */
odeon_status inspect_component(registry *r, int32_t kind, const char *id, FILE *out);

/* Writes the host's own keys of a section ("run", "data", "train", "model", "plugins");
 * ODEON_ERR_CONFIG if there is none of that name. */
odeon_status inspect_section(const char *section, FILE *out);

#endif
