/* inspect_plugins.h: what plugins there are, and what one can be told. */
#ifndef ODEON_CORE_COMMAND_INSPECT_PLUGINS_H
#define ODEON_CORE_COMMAND_INSPECT_PLUGINS_H
#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"
#include "plugin/registry.h"

/* Writes for every plugin file under the search path kind, id, version, ABI, summary and, below,
 * file; then those that cannot be used, with the reason, a kernel without its layer among them.
 * Each is loaded in a process of its own, at most one second long, so that none can end the list.
 * Nothing is loaded into r. As JSON: an object of two lists, "plugins" (objects as
 * inspect_component's) and "refused" (kind, id, file, reason). A refused plugin is no failure;
 * ODEON_ERR_IO, ODEON_ERR_NOMEM are. [main] */
odeon_status inspect_plugins(registry *r, bool json, FILE *out);

/* Writes what a component says of itself: summary, versions, licence, source, file, build-id, ABI,
 * the figures of an integrator, the kernels of a layer, and every option with type, range, default,
 * unit and meaning. Errors as registry_find's. Loads in a process of its own as well. [main] */
odeon_status inspect_component(registry *r, int32_t kind, const char *id, bool json, FILE *out);
/* What stands for device = auto on this machine: all devices that may, with rank and answer. Asks
 * them in a process of its own. [main] */
odeon_status inspect_devices(registry *r, bool json, FILE *out);
/* 0 if the component can be used, else ODEON_ERR_PLUGIN (or _IO, _NOMEM of the host's own). [main]
 */
odeon_status inspect_exists(registry *r, int32_t kind, const char *id);

/* Writes the host's own keys of a section ("run", "data", "data.NAME", "train", "model",
 * "plugins"); ODEON_ERR_CONFIG if there is none of that name. */
odeon_status inspect_section(const char *section, bool json, FILE *out);

/* Writes an INI of comments: every section with the host's keys, then every component under the
 * search path that can be used, with its options; each key with default, type and meaning. [main]
 */
odeon_status inspect_reference(registry *r, FILE *out);

/* The component, found in a registry, as one JSON object. ODEON_ERR_NOMEM. */
odeon_status inspect_write_json(text_buffer *out, registry *r, const odeon_component *c);

#endif
