/* inspect_component.h: a component and the options that it takes. */
#ifndef ODEON_CORE_COMMAND_INSPECT_COMPONENT_H
#define ODEON_CORE_COMMAND_INSPECT_COMPONENT_H
#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"
#include "plugin/registry.h"

/* Writes what a component says of itself: summary, versions, licence, source, file, build-id, ABI,
 * the figures of an integrator, the kernels of a layer, and every option with type, range, default,
 * unit and meaning. Errors as registry_find's. Loads in a process of its own as well. [main] */
odeon_status inspect_component(registry *r, int32_t kind, const char *id, bool json, FILE *out);
/* 0 if the component can be used, else ODEON_ERR_PLUGIN (or _IO, _NOMEM of the host's own). [main]
 */
odeon_status inspect_exists(registry *r, int32_t kind, const char *id);

/* The component, found in a registry, as one JSON object. ODEON_ERR_NOMEM. */
odeon_status inspect_write_json(text_buffer *out, registry *r, const odeon_component *c);

#endif
